"""Logging in: /authorize and /token, as Saxo's OAuth pages describe them.

The authorize page needs no person: it redirects at once with a code, so that a first run and a test
can log in by themselves. Access tokens are JWTs with the claims that clients were seen to read;
refresh tokens rotate and are dead once used. Codes, verifiers and refresh tokens are in the state;
an access token proves itself by its signature, also after a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import parse_qs, urlencode

from tradebot.simulator.broker import Broker
from tradebot.simulator.web import JsonObject, Reply, Request, guid, json_reply

CODE_SECONDS = 60
REDIRECT_URI = "http://localhost/tradebot"


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _sign(broker: Broker, text: str) -> str:
    # Ending every session makes the key another one, and so every access token worthless.
    key = broker.signing_key + broker.state.get("sessions_ended")
    return _b64(hmac.digest(key.encode(), text.encode(), "sha256"))


def issue_access_token(broker: Broker, session: str, seconds: float) -> str:
    """A JWT for the one client of this broker."""
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {
        "oaa": "77777",
        "iss": "oa",
        "isa": "False",
        "aid": "109",
        "dgi": "84",
        "uid": broker.user_key,
        "cid": broker.client_key,
        "tid": secrets.token_hex(4),
        "sid": session,
        "exp": int(broker.now() + seconds),
    }
    parts = ".".join(_b64(json.dumps(p, separators=(",", ":")).encode()) for p in (header, claims))
    return f"{parts}.{_sign(broker, parts)}"


def session_of(broker: Broker, authorization: str) -> str | None:
    """The session of a bearer token that is ours and alive, else None."""
    scheme, _, token = authorization.partition(" ")
    text, _, signature = token.strip().rpartition(".")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        signature.encode(), _sign(broker, text).encode()
    ):
        return None
    payload = text.partition(".")[2]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sid"]) if int(claims["exp"]) > broker.now() else None


def end_sessions(broker: Broker, *, refresh_tokens: bool = False) -> None:
    """Every access token is dead from now on, and the refresh tokens if asked for."""
    broker.state.set("sessions_ended", int(broker.state.get("sessions_ended", "0")) + 1)
    if refresh_tokens:
        broker.state.run("UPDATE refresh_tokens SET used = 1")


def authorize(broker: Broker, request: Request) -> Reply:
    """GET /authorize: 302 to the redirect URI with a code, or with an error."""
    target = request.value("redirect_uri")
    if request.value("client_id") != broker.app_key or not target:
        return _oauth_error(400, "invalid_request", "unknown client_id or no redirect_uri")
    answer = {"state": request.value("state")} if request.value("state") else {}
    method = request.value("code_challenge_method", "plain").lower()
    challenge = request.value("code_challenge")
    if request.value("response_type") != "code":
        answer["error"] = "unsupported_response_type"
    elif challenge and method not in ("s256", "plain"):
        answer["error"] = "invalid_request"
    else:
        answer["code"] = guid()
        broker.state.insert(
            "codes",
            code=answer["code"],
            redirect_uri=target,
            challenge=challenge or None,
            method=method,
            expires=broker.now() + CODE_SECONDS,
        )
    separator = "&" if "?" in target else "?"
    return Reply(302, headers={"Location": f"{target}{separator}{urlencode(answer)}"})


def token(broker: Broker, request: Request) -> Reply:
    """POST /token: the grants authorization_code and refresh_token. 201 with a new pair."""
    form = {k: v[0] for k, v in parse_qs(request.body.decode("utf-8", "replace")).items()}
    grant = form.get("grant_type")
    if grant not in ("authorization_code", "refresh_token"):
        return _oauth_error(400, "unsupported_grant_type", f"grant_type {grant} is not supported")
    secret = _client_secret(broker, request, form)
    if secret == "wrong":  # noqa: S105
        return _oauth_error(401, "invalid_client", "unknown client or wrong secret")
    if grant == "authorization_code":
        return _exchange_code(broker, form, authenticated=secret == "right")  # noqa: S105
    return _refresh(broker, form, authenticated=secret == "right")  # noqa: S105


def _client_secret(broker: Broker, request: Request, form: dict[str, str]) -> str:
    """`right`, `wrong`, or `absent` (allowed with PKCE only)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key, _, secret = b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return "wrong"
        right = (key, secret) == (broker.app_key, broker.app_secret)
        return "right" if right else "wrong"
    if form.get("client_id", broker.app_key) != broker.app_key:
        return "wrong"
    if "client_secret" in form:
        return "right" if form["client_secret"] == broker.app_secret else "wrong"
    return "absent"


def _exchange_code(broker: Broker, form: dict[str, str], *, authenticated: bool) -> Reply:
    row = broker.state.one("SELECT * FROM codes WHERE code = ?", (form.get("code", ""),))
    broker.state.run("DELETE FROM codes WHERE code = ?", (form.get("code", ""),))
    if row is None or row["expires"] <= broker.now():
        return _oauth_error(401, "invalid_grant", "code is invalid or expired")
    if form.get("redirect_uri") != row["redirect_uri"]:
        return _oauth_error(400, "invalid_grant", "redirect_uri does not match")
    verifier = form.get("code_verifier")
    if row["challenge"]:
        if not _verifies(verifier or "", row["challenge"], row["method"]):
            return _oauth_error(401, "invalid_grant", "code_verifier does not match")
    elif not authenticated:
        return _oauth_error(401, "invalid_client", "client authentication is missing")
    session = secrets.token_hex(16)
    broker.state.set("last_login", broker.now())
    return _pair(broker, session, verifier if row["challenge"] else None)


def _verifies(verifier: str, challenge: str, method: str) -> bool:
    if not 43 <= len(verifier) <= 128:
        return False
    if method == "s256":
        verifier = _b64(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(verifier.encode(), challenge.encode())


def _refresh(broker: Broker, form: dict[str, str], *, authenticated: bool) -> Reply:
    row = broker.state.one(
        "SELECT * FROM refresh_tokens WHERE token = ?", (form.get("refresh_token", ""),)
    )
    if row is None or row["used"] or row["expires"] <= broker.now():
        return _oauth_error(401, "invalid_grant", "refresh token is invalid or expired")
    if broker.options.refresh_needs_redirect_uri and "redirect_uri" not in form:
        return _oauth_error(400, "invalid_request", "redirect_uri is missing")
    if row["verifier"] is None and not authenticated:
        return _oauth_error(401, "invalid_client", "client authentication is missing")
    if row["verifier"] is not None and form.get("code_verifier") != row["verifier"]:
        return _oauth_error(401, "invalid_grant", "code_verifier does not match")
    broker.state.run("UPDATE refresh_tokens SET used = 1 WHERE token = ?", (row["token"],))
    return _pair(broker, row["session"], row["verifier"])


def _pair(broker: Broker, session: str, verifier: str | None) -> Reply:
    options = broker.options
    refresh = guid()
    broker.state.run("DELETE FROM refresh_tokens WHERE expires < ?", (broker.now(),))
    broker.state.insert(
        "refresh_tokens",
        token=refresh,
        session=session,
        verifier=verifier,
        expires=broker.now() + options.refresh_token_seconds,
    )
    body: JsonObject = {
        "access_token": issue_access_token(broker, session, options.access_token_seconds),
        "expires_in": int(options.access_token_seconds),
        "token_type": "Bearer",
        "refresh_token": refresh,
        "refresh_token_expires_in": int(options.refresh_token_seconds),
        "base_uri": None,
    }
    reply = json_reply(body, 201)
    reply.headers["Cache-Control"] = "no-store"
    return reply


def _oauth_error(status: int, code: str, description: str) -> Reply:
    reply = json_reply({"error": code, "error_description": description}, status)
    reply.headers["Cache-Control"] = "no-store"
    return reply
