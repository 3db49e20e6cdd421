"""Where access tokens come from, in each of the three modes; and how a login is kept alive.

Saxo's tokens live 20 minutes and can be refreshed for 40 (on SIM); each refresh token works once.
So a refresh happens at half of the access token's life, under a lock that all processes share,
and the new pair is on the disk before anything uses it. See docs/security.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from tradebot.clock import Clock
from tradebot.errors import (
    BadAnswer,
    BrokerError,
    BrokerUnavailable,
    LoginError,
    NotSent,
    SettingsError,
)
from tradebot.observability import log_event
from tradebot.saxo.known_secrets import keep_secret
from tradebot.saxo.token_endpoint import App, GrantRefused, Keep, TokenEndpoint
from tradebot.saxo.token_keeper import LOCK_TIMEOUT_SECONDS, TokenKeeper, still_refreshing
from tradebot.saxo.token_store import LOGIN_COMMAND, StoredTokens, TokenStore
from tradebot.saxo.transport import AnswerLost, Transport

_REPEAT_WAIT_SECONDS = 1.0
_APP_REFUSED = frozenset({"invalid_client", "unauthorized_client"})
"""OAuth's words (RFC 6749, 5.2) for a wrong app key or secret, not for a dead refresh token."""
_PAUSE_SECONDS = 30.0
"""While the old token still lives, a failed refresh is not repeated at every request."""
_OUTAGE_SECONDS = 240.0
"""Without a token a run does not ask again: as long as a run without a slot may last."""
_REFUSALS_SECONDS = 300.0
"""Two tokens refused within this are not a matter of tokens. (Saxo's openapi-clientlib-js gives up
in the same way.)"""


class AuthSettings(Protocol):
    """The part of the settings that logging in needs."""

    @property
    def saxo_env(self) -> str: ...
    @property
    def saxo_auth_mode(self) -> str: ...
    @property
    def saxo_app_key(self) -> str | None: ...
    @property
    def saxo_app_secret(self) -> str | None: ...
    @property
    def saxo_redirect_uri(self) -> str | None: ...
    @property
    def saxo_access_token(self) -> str | None: ...
    @property
    def saxo_token_file(self) -> Path: ...


class TokenSource(Protocol):
    """What a client needs of a login."""

    def access_token(self) -> str:
        """A token to send now. Raises LoginError, BrokerUnavailable, StorageError."""

    def refresh_after_401(self, old: str) -> str:
        """A token other than `old`, which the broker has just refused. Raises as above."""


class ManualTokenSource:
    """`SAXO_AUTH_MODE=manual`: the 24-hour token of Saxo's developer portal. Not refreshable."""

    def __init__(self, token: str) -> None:
        keep_secret(token)
        self._token = token

    def access_token(self) -> str:
        return self._token

    def refresh_after_401(self, old: str) -> str:
        log_event("auth_login_required", command="SAXO_ACCESS_TOKEN")
        raise LoginError(
            "the broker refuses SAXO_ACCESS_TOKEN: it has expired or is of another environment."
            " Get a new one from Saxo's developer portal (it lives 24 hours)."
        )


class RotatingTokenSource:
    """`oauth` and `pkce`: a stored pair of tokens, refreshed in good time.

    `relogin`, for the simulator, logs in without a person when the login is lost.
    """

    def __init__(
        self,
        endpoint: TokenEndpoint,
        store: TokenStore,
        clock: Clock,
        env: str,
        relogin: Callable[[Keep], StoredTokens] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._store = store
        self._keeper = TokenKeeper(store, clock)
        self._clock = clock
        self._env = env
        self._relogin = relogin
        self._current: StoredTokens | None = None
        self.outage: BrokerError | None = None
        """Why the last refresh that was due brought nothing, if it did not."""
        self._not_before = 0.0
        self._refused: tuple[str, float] | None = None

    @property
    def current(self) -> StoredTokens | None:
        """The tokens last handed out, for showing their times."""
        return self._current

    def access_token(self) -> str:
        """A live access token, refreshed first when half of its life is over."""
        if self._keeper.save_pending() or self._current is None:
            self._current = self._load()
        current, now = self._current, self._clock.now()
        if current is not None and current.live(now) and (self._paused or not current.due(now)):
            return current.access_token
        return self._renew(refused=None).access_token

    def refresh_after_401(self, old: str) -> str:
        self._keeper.save_pending()
        now = self._clock.monotonic()
        if self._refused is not None and now < self._refused[1] + _REFUSALS_SECONDS:
            if old != self._refused[0]:
                raise LoginError(
                    "the broker refuses this login's tokens, the one that was just renewed as well"
                    " (401). Do SAXO_ENV, SAXO_ACCOUNT_KEY and SAXO_CLIENT_KEY belong to this"
                    f" login? Else log in again: {LOGIN_COMMAND}"
                )
        else:
            self._refused = (old, now)
        return self._renew(refused=old).access_token

    def login_with_code(self, code: str, code_verifier: str | None = None) -> StoredTokens:
        """Exchange the code that a login's redirect brought, and store the pair.

        Raises LoginError when the code is refused, BrokerUnavailable, BadAnswer, StorageError.
        """
        # Under the lock, so that a bot that is just finding the old login lost does not say so
        # over the new one.
        with self._keeper.alone(), self._keeper.ready() as keep:
            return self._adopt(self._exchange(code, code_verifier, keep))

    def login_without_person(self) -> StoredTokens:
        """Log in at the simulator and store the pair. Raises as `login_with_code`."""
        if self._relogin is None:
            raise LoginError(f"only the simulator logs in by itself. Log in: {LOGIN_COMMAND}")
        with self._keeper.alone(), self._keeper.ready() as keep:
            return self._adopt(self._relogin(keep))

    def _exchange(self, code: str, code_verifier: str | None, keep: Keep) -> StoredTokens:
        try:
            return self._endpoint.exchange_code(code, code_verifier, keep)
        except GrantRefused as error:
            raise LoginError(
                f"the login server refused the login code (status {error.status},"
                f" {error.error_code or 'no error code'}). A code works once and for minutes only,"
                f" and SAXO_APP_KEY, SAXO_APP_SECRET and SAXO_REDIRECT_URI must be those of the"
                f" app. Try again: {LOGIN_COMMAND}"
            ) from None

    # -- renewing ------------------------------------------------------------------------------

    def _renew(self, refused: str | None) -> StoredTokens:
        now = self._clock.now()
        spare = self._current if refused is None else None
        # With a token that still works in hand, nobody waits for another process's refresh.
        patience = 0.0 if spare is not None and spare.live(now) else LOCK_TIMEOUT_SECONDS
        with self._keeper.alone(patience) as held:
            # Whoever held the lock before has probably done the work already.
            stored = self._load()
            if stored is not None and self._usable(stored, refused):
                self._current = stored
                return stored
            if not held:
                if spare is not None and spare.live(now):
                    return spare
                raise still_refreshing()
            if stored is None or stored.lost or stored.refresh_token is None:
                return self._login_again(stored)
            if self._paused and self.outage is not None:
                raise self._unavailable(self.outage)
            return self._refresh(stored, refused)

    @property
    def _paused(self) -> bool:
        return self.outage is not None and self._clock.monotonic() < self._not_before

    def _works(self, tokens: StoredTokens, refused: str | None) -> bool:
        return tokens.access_token != refused and tokens.live(self._clock.now())

    def _usable(self, tokens: StoredTokens, refused: str | None) -> bool:
        return self._works(tokens, refused) and not tokens.due(self._clock.now())

    def _refresh(
        self, tokens: StoredTokens, refused: str | None, *, reread: bool = True
    ) -> StoredTokens:
        try:
            return self._adopt(self._ask_twice(tokens, refused))
        except GrantRefused as error:
            if error.error_code in _APP_REFUSED:
                raise LoginError(
                    "the login server refused the app itself"
                    f" ({error.error_code}): check SAXO_APP_KEY and SAXO_APP_SECRET"
                ) from None
            if reread:
                other = self._load()
                if other is not None and other.refresh_token != tokens.refresh_token:
                    # Rotated by a process that does not share our lock (another machine).
                    if self._usable(other, refused):
                        self._current = other
                        return other
                    if other.refresh_token is not None and not other.lost:
                        return self._refresh(other, refused, reread=False)
            return self._lose(tokens, error)
        except (BadAnswer, BrokerUnavailable) as error:
            return self._carry_on(tokens, refused, error)

    def _ask_twice(self, tokens: StoredTokens, refused: str | None) -> StoredTokens:
        try:
            return self._ask(tokens)
        except BrokerUnavailable as error:
            # Without its answer the server may have exchanged the token, and would refuse it now.
            # Asking finds out; while another token still works that has time until the next run.
            if isinstance(error, AnswerLost) and self._works(tokens, refused):
                raise
            if not self._clock.sleep(_REPEAT_WAIT_SECONDS):
                raise
            return self._ask(self._load() or tokens)

    def _ask(self, tokens: StoredTokens) -> StoredTokens:
        """One request. That it was begun is on the disk before it leaves: should the login turn
        out to be lost, that says why. The first one without an answer stays the one to name."""
        with self._keeper.ready() as keep:
            if tokens.refresh_started_at is None:
                now = self._clock.now()
                self._store.save(msgspec.structs.replace(tokens, refresh_started_at=now))
            try:
                return self._endpoint.refresh(tokens, keep)
            except (GrantRefused, BadAnswer, BrokerUnavailable) as error:
                if tokens.refresh_started_at is None and _is_surely_unused(error):
                    self._take_back_mark(tokens)
                raise

    def _take_back_mark(self, tokens: StoredTokens) -> None:
        stored = self._load()
        if stored is not None and stored.refresh_token == tokens.refresh_token:
            self._store.save(tokens)

    def _carry_on(
        self, tokens: StoredTokens, refused: str | None, error: BrokerError
    ) -> StoredTokens:
        self.outage = error
        works = self._works(tokens, refused)
        self._not_before = self._clock.monotonic() + (_PAUSE_SECONDS if works else _OUTAGE_SECONDS)
        if not works:
            raise self._unavailable(error) from error
        self._current = tokens
        return tokens

    @staticmethod
    def _unavailable(error: BrokerError) -> BrokerUnavailable:
        return BrokerUnavailable(
            f"the login's tokens could not be refreshed and none is left to use: {error}",
            endpoint=error.endpoint,
            status=error.status,
        )

    def _lose(self, tokens: StoredTokens, error: GrantRefused) -> StoredTokens:
        reason = f"the login server refused the refresh token (status {error.status})"
        if tokens.refresh_started_at is not None:
            reason += (
                f"; a refresh begun at {tokens.refresh_started_at:%Y-%m-%dT%H:%M:%SZ} was"
                " interrupted: its answer, which held the only valid tokens, never reached the disk"
            )
        lost = msgspec.structs.replace(
            tokens, login_lost_at=self._clock.now(), login_lost_reason=reason
        )
        self._store.save(lost)
        return self._login_again(lost)

    def _login_again(self, stored: StoredTokens | None) -> StoredTokens:
        """The simulator's login, or the end: remembered in the file, so that nobody asks again."""
        if self._relogin is not None:
            with self._keeper.ready() as keep:
                return self._adopt(self._relogin(keep))
        log_event("auth_login_required", command=LOGIN_COMMAND)
        if stored is None:
            raise LoginError(
                f"nobody has logged in yet (no usable tokens in {self._store.path})."
                f" Log in: {LOGIN_COMMAND}"
            )
        reason = stored.login_lost_reason or "the access token has expired and cannot be refreshed"
        raise LoginError(f"the login is lost: {reason}. Log in again: {LOGIN_COMMAND}")

    def _adopt(self, new: StoredTokens) -> StoredTokens:
        self._current, self.outage = new, None
        return new

    def _load(self) -> StoredTokens | None:
        try:
            tokens = self._store.load()
        except LoginError:
            if self._relogin is None:
                log_event("auth_login_required", command=LOGIN_COMMAND)
                raise
            return None
        # A file of another environment or mode holds nothing that could be refreshed here.
        if tokens is not None and (tokens.env, tokens.mode) != (self._env, self._endpoint.mode):
            return None
        return tokens


def open_token_source(
    settings: AuthSettings, transport: Transport, clock: Clock, *, app: App | None = None
) -> ManualTokenSource | RotatingTokenSource:
    """The source of access tokens that the settings ask for.

    `app` overrides the app of the settings, for the embedded simulator, whose app nobody has to
    register. Logs `auth_mode_selected`; sends nothing yet. Raises SettingsError.
    """
    mode = settings.saxo_auth_mode if app is None else app.mode
    log_event("auth_mode_selected", auth_mode=mode)
    if mode == "manual":
        if not settings.saxo_access_token:
            raise SettingsError(["SAXO_ACCESS_TOKEN is missing: SAXO_AUTH_MODE=manual needs it"])
        return ManualTokenSource(settings.saxo_access_token)
    if app is None:
        app = app_of(settings)
    keep_secret(app.secret)
    endpoint = TokenEndpoint(transport, clock, app, settings.saxo_env)
    return RotatingTokenSource(
        endpoint,
        TokenStore(settings.saxo_token_file),
        clock,
        settings.saxo_env,
        relogin=_local_login(transport, endpoint, app) if settings.saxo_env == "LOCAL" else None,
    )


def app_of(settings: AuthSettings) -> App:
    """The registered app of the settings. Raises SettingsError naming every missing variable."""
    wanted = {
        "SAXO_APP_KEY": settings.saxo_app_key,
        "SAXO_REDIRECT_URI": settings.saxo_redirect_uri,
    }
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        mode = settings.saxo_auth_mode
        raise SettingsError(
            [f"{name} is missing: SAXO_AUTH_MODE={mode} needs it" for name in missing]
        )
    return App(
        settings.saxo_auth_mode,
        settings.saxo_app_key or "",
        settings.saxo_app_secret,
        settings.saxo_redirect_uri or "",
    )


def _local_login(
    transport: Transport, endpoint: TokenEndpoint, app: App
) -> Callable[[Keep], StoredTokens]:
    def relogin(keep: Keep) -> StoredTokens:
        from tradebot.saxo.login import login_local

        try:
            return login_local(transport, endpoint, app, keep)
        except GrantRefused as error:
            raise LoginError(
                f"the simulator refused the login (status {error.status}):"
                " SAXO_APP_KEY and SAXO_APP_SECRET must be those of the simulator"
            ) from None

    return relogin


def _is_surely_unused(error: GrantRefused | BrokerError) -> bool:
    """Can the refresh token not have been exchanged by the request that failed like this?

    Nothing was sent, or a whole answer says no for another reason. Of a 5xx nobody knows.
    """
    if isinstance(error, GrantRefused):
        return error.error_code in _APP_REFUSED
    if isinstance(error, NotSent):
        return True
    status = None if isinstance(error, AnswerLost) else error.status
    return status is not None and 300 <= status < 500
