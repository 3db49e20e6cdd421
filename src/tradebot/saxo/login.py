"""Logging in: the address that a person opens, and what comes back from it.

OAuth's authorization-code grant, with a secret or with PKCE (Saxo
learn/oauth-authorization-code-grant and -pkce). `state` ties the answer to the question.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tradebot.errors import BadAnswer, LoginError
from tradebot.saxo.exchange import Query, Request, encode_query
from tradebot.saxo.known_secrets import keep_secret
from tradebot.saxo.token_endpoint import App, Keep, TokenEndpoint
from tradebot.saxo.token_store import StoredTokens
from tradebot.saxo.transport import Transport

AUTHORIZE_PATH = "/authorize"


class ForeignRedirect(LoginError):
    """An address that is not the answer to this login: of an older one, or somebody's attempt."""


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One attempt to log in: its `state`, and for PKCE the verifier and its challenge (S256)."""

    app: App
    state: str = field(repr=False)
    verifier: str | None = field(default=None, repr=False)

    @classmethod
    def begin(cls, app: App) -> LoginAttempt:
        verifier = _random_text(48) if app.mode == "pkce" else None
        attempt = cls(app, _random_text(24), verifier)
        for secret in (attempt.state, verifier):
            if secret:
                keep_secret(secret)
        return attempt

    @property
    def query(self) -> Query:
        query: Query = (
            ("response_type", "code"),
            ("client_id", self.app.key),
            ("state", self.state),
            ("redirect_uri", self.app.redirect_uri),
        )
        if self.verifier is not None:
            query += (
                ("code_challenge", challenge(self.verifier)),
                ("code_challenge_method", "S256"),
            )
        return query

    def authorize_url(self, auth_base: str) -> str:
        """The address to open in a browser."""
        return f"{auth_base.rstrip('/')}{AUTHORIZE_PATH}?{encode_query(self.query)}"

    def code_from(self, redirect: str) -> str:
        """The code in the address that the login ended at.

        Raises ForeignRedirect when it is not this login's answer, LoginError when it is a refusal.
        """
        try:
            parameters = parse_qs(urlsplit(redirect.strip()).query)
        except ValueError:
            raise ForeignRedirect("this is not an address. Paste the whole address.") from None
        if not hmac.compare_digest(_one(parameters, "state").encode(), self.state.encode()):
            raise ForeignRedirect(
                "this address does not belong to this login (its `state` differs)."
                " Open the address printed last, and paste the whole address it ends at."
            )
        if "error" in parameters:
            raise LoginError(
                "the login was refused or given up"
                f" ({_code_word(_one(parameters, 'error'))}). Try again."
            )
        code = _one(parameters, "code")
        if not code:
            raise ForeignRedirect("this address holds no login code. Paste the whole address.")
        keep_secret(code)
        return code


def challenge(verifier: str) -> str:
    """PKCE's S256: what the authorize address shows of the verifier."""
    return _unpadded(hashlib.sha256(verifier.encode("ascii")).digest())


def login_local(
    transport: Transport, endpoint: TokenEndpoint, app: App, keep: Keep
) -> StoredTokens:
    """Log in at the simulator, whose authorize address redirects at once, without a person.

    Raises LoginError, BadAnswer, BrokerUnavailable, GrantRefused.
    """
    attempt = LoginAttempt.begin(app)
    response = transport.send(Request("GET", AUTHORIZE_PATH, attempt.query, host="auth"))
    location = response.headers.get("location")
    if response.status != 302 or location is None:
        raise BadAnswer(
            f"{response.endpoint}: no redirect (status {response.status}):"
            " is SAXO_AUTH_BASE the address of a simulator?",
            endpoint=response.endpoint,
            status=response.status,
        )
    return endpoint.exchange_code(attempt.code_from(location), attempt.verifier, keep)


def _one(parameters: dict[str, list[str]], name: str) -> str:
    values = parameters.get(name, [])
    return values[0] if len(values) == 1 else ""


def _code_word(text: str) -> str:
    return text if text.isascii() and text.replace("_", "").isalnum() else "error"


def _random_text(size: int) -> str:
    return _unpadded(os.urandom(size))


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
