"""The auth host's `/token`: exchanges a login code, or a refresh token, for a pair of tokens.

Documented in Saxo's learn/oauth-authorization-code-grant (and -pkce). Success is 201 in real life,
so any 2xx counts. Only 400 and 401 mean that the grant itself is refused.

From the answer on the pair exists nowhere but here. So the first thing that happens to it is
`keep`, which the caller gives: it stores the pair; only then is anything logged.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from tradebot.clock import Clock
from tradebot.errors import BadAnswer, BrokerUnavailable, SettingsError
from tradebot.observability import log_event
from tradebot.saxo.answers import error_code_of
from tradebot.saxo.exchange import TOKEN_PATH, Request, Response
from tradebot.saxo.known_secrets import keep_secret
from tradebot.saxo.token_store import StoredTokens
from tradebot.saxo.transport import AnswerLost, Transport

Keep = Callable[[StoredTokens], None]
"""Stores a pair that has just arrived. May raise StorageError."""


@dataclass(frozen=True, slots=True)
class App:
    """An application as registered with Saxo. `mode` is `oauth` (with a secret) or `pkce`."""

    mode: str
    key: str
    secret: str | None = field(repr=False)
    redirect_uri: str

    def __post_init__(self) -> None:
        if self.mode == "oauth" and not self.secret:
            raise SettingsError(["SAXO_APP_SECRET is missing: SAXO_AUTH_MODE=oauth needs it"])


class GrantRefused(Exception):
    """The auth host understood and said no: asking again with the same grant will not help."""

    def __init__(self, status: int, error_code: str | None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.error_code = error_code


_REFUSALS = frozenset({400, 401})
"""What a dead grant is answered with. Any other 4xx (a firewall's 403, a 404 during maintenance)
does not come from OAuth and says nothing about the login."""
_SENDABLE = re.compile(r"[!-~]+")
"""What a header can carry; anything else would fail, with the token in the message."""
_SHORTEST_LIFE = 300.0
"""Seconds assumed for an access token whose answer does not say."""
_LONGEST_LIFE = 366 * 86400.0


class _Pair(msgspec.Struct):
    """Only the access token is needed; a pair that was rotated must not be lost over the rest."""

    access_token: str
    expires_in: float | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: float | None = None


# Not strict: servers of this kind have sent numbers as texts.
_PAIR = msgspec.json.Decoder(_Pair, strict=False)


class TokenEndpoint:
    """Token requests of one app, logged as `auth_token_refresh_*` events."""

    def __init__(self, transport: Transport, clock: Clock, app: App, env: str) -> None:
        self._transport = transport
        self._clock = clock
        self._app = app
        self._env = env

    def exchange_code(self, code: str, code_verifier: str | None, keep: Keep) -> StoredTokens:
        """The first pair of a login. Raises as `refresh`."""
        keep_secret(code)
        form = {"grant_type": "authorization_code", "code": code}
        return self._request(form, code_verifier, None, keep)

    def refresh(self, tokens: StoredTokens, keep: Keep) -> StoredTokens:
        """The next pair. `tokens.refresh_token` is dead once this returns.

        Raises GrantRefused; NotSent and other BrokerUnavailable; BadAnswer for a 2xx without a
        usable pair; what `keep` raises.
        """
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token or ""}
        return self._request(form, tokens.code_verifier, tokens, keep)

    @property
    def mode(self) -> str:
        """`oauth` or `pkce`: tokens of one are no use to the other."""
        return self._app.mode

    def _request(
        self,
        form: dict[str, str],
        code_verifier: str | None,
        old: StoredTokens | None,
        keep: Keep,
    ) -> StoredTokens:
        grant = form["grant_type"]
        # Some working clients leave redirect_uri out of a refresh, others were refused without.
        form["redirect_uri"] = self._app.redirect_uri
        if self._app.mode == "pkce":
            form["client_id"] = self._app.key
            if code_verifier:
                keep_secret(code_verifier)
                form["code_verifier"] = code_verifier
        request = Request(
            "POST",
            TOKEN_PATH,
            host="auth",
            body=urlencode(form).encode("ascii"),
            content_type="application/x-www-form-urlencoded",
            authorization=self._basic(),
        )
        log_event("auth_token_refresh_begin", grant=grant)
        obtained_at = self._clock.now()
        started = self._clock.monotonic()
        try:
            pair = _pair(self._transport.send(request))
        except (GrantRefused, BrokerUnavailable, BadAnswer) as error:
            _log_failure(grant, error)
            raise
        tokens = self._tokens(pair, obtained_at, code_verifier, old)
        try:
            keep(tokens)
        finally:
            for secret in filter(None, (tokens.access_token, tokens.refresh_token)):
                keep_secret(secret)
            log_event(
                "auth_token_refresh_success",
                grant=grant,
                expires_in_seconds=pair.expires_in,
                refresh_expires_in_seconds=pair.refresh_token_expires_in,
                latency_ms=round((self._clock.monotonic() - started) * 1000),
            )
        return tokens

    def _tokens(
        self,
        pair: _Pair,
        obtained_at: datetime,
        code_verifier: str | None,
        old: StoredTokens | None,
    ) -> StoredTokens:
        refresh_life = pair.refresh_token_expires_in
        refresh_token = pair.refresh_token or None
        refresh_expires_at = (
            None if refresh_life is None else obtained_at + timedelta(seconds=refresh_life)
        )
        if refresh_token is None and old is not None:
            # Then the old one stays good (RFC 6749, section 6).
            refresh_token, refresh_expires_at = old.refresh_token, old.refresh_expires_at
        return StoredTokens(
            env=self._env,
            mode=self._app.mode,
            access_token=pair.access_token,
            obtained_at=obtained_at,
            access_expires_at=obtained_at + timedelta(seconds=pair.expires_in or _SHORTEST_LIFE),
            refresh_token=refresh_token,
            refresh_expires_at=refresh_expires_at,
            code_verifier=code_verifier,
        )

    def _basic(self) -> str | None:
        if self._app.mode != "oauth":
            return None
        credentials = base64.b64encode(f"{self._app.key}:{self._app.secret}".encode()).decode()
        keep_secret(credentials)
        return f"Basic {credentials}"


def _pair(response: Response) -> _Pair:
    if not response.ok:
        code = error_code_of(response.body)
        if response.status in _REFUSALS:
            raise GrantRefused(response.status, code)
        raise BrokerUnavailable(
            f"the login server answered {response.status} to {response.endpoint}",
            endpoint=response.endpoint,
            status=response.status,
            error_code=code,
        )
    try:
        pair = _PAIR.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pair = None
    if pair is None or not _SENDABLE.fullmatch(pair.access_token):
        raise BadAnswer(
            f"no usable tokens in the login server's answer to {response.endpoint}",
            endpoint=response.endpoint,
            status=response.status,
        )
    pair.expires_in = _sensible(pair.expires_in) or _SHORTEST_LIFE
    pair.refresh_token_expires_in = _sensible(pair.refresh_token_expires_in)
    return pair


def _log_failure(grant: str, error: GrantRefused | BrokerUnavailable | BadAnswer) -> None:
    if isinstance(error, GrantRefused):
        reason = "grant_refused"
    elif isinstance(error, AnswerLost):
        reason = "answer_lost"
    else:
        reason = "bad_answer" if isinstance(error, BadAnswer) else "login_server_unavailable"
    log_event(
        "auth_token_refresh_failure",
        grant=grant,
        failure_reason=reason,
        recoverable=not isinstance(error, GrantRefused),
        http_status=error.status,
        error_code=error.error_code,
    )


def _sensible(seconds: float | None) -> float | None:
    """A life time as it can be reckoned with; None for one that cannot be meant."""
    if seconds is None or not seconds > 0:
        return None
    return min(seconds, _LONGEST_LIFE)
