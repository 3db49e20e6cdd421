"""A bot's login at a scripted login server, with a clock that the test moves."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from support.scripted_http import Received, ScriptedServer, Step, reply
from tradebot.clock import Clock, ManualClock
from tradebot.saxo.auth import RotatingTokenSource, open_token_source
from tradebot.saxo.token_store import StoredTokens, TokenStore
from tradebot.saxo.transport import Transport
from tradebot.simulator import Simulator

NOW = datetime(2026, 7, 20, 14, 0, tzinfo=UTC)
REFUSED = reply(401, {"error": "invalid_grant", "error_description": "expired"})


@dataclass(frozen=True)
class LoginSettings:
    saxo_token_file: Path
    saxo_env: str = "SIM"
    saxo_auth_mode: str = "oauth"
    saxo_app_key: str | None = "app-key-1234"
    saxo_app_secret: str | None = "app-secret-5678"
    saxo_redirect_uri: str | None = "http://localhost/myapp"
    saxo_access_token: str | None = None


class TokenServer:
    """Answers /token: each refresh token is good once. `steps` come first, one per request."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.alive = "refresh-token-0"
        self.number = 0

    def __call__(self, request: Received) -> Step:
        if self.steps:
            return self.steps.pop(0)
        if request.form.get("refresh_token", self.alive) != self.alive:
            return REFUSED
        return reply(201, self.pair())

    def pair(self) -> dict[str, object]:
        self.number += 1
        self.alive = f"refresh-token-{self.number}"
        return {
            "access_token": f"access-token-{self.number}",
            "expires_in": 1200,
            "token_type": "Bearer",
            "refresh_token": self.alive,
            "refresh_token_expires_in": 2400,
            "base_uri": None,
        }


@dataclass
class Scene:
    settings: LoginSettings
    clock: ManualClock
    transport: Transport
    server: ScriptedServer
    store: TokenStore
    sources: list[RotatingTokenSource] = field(default_factory=list)

    @property
    def source(self) -> RotatingTokenSource:
        if not self.sources:
            self.sources.append(self.fresh_source())
        return self.sources[0]

    def fresh_source(self) -> RotatingTokenSource:
        """As another process would open it."""
        source = open_token_source(self.settings, self.transport, self.clock)
        assert isinstance(source, RotatingTokenSource)
        return source

    @property
    def stored(self) -> StoredTokens:
        tokens = self.store.load()
        assert tokens is not None
        return tokens


OpenScene = Callable[..., Scene]


@contextlib.contextmanager
def scenes(folder: Path) -> Iterator[OpenScene]:
    """Gives a function that opens a scene: the server's first answers, then settings to change."""
    with contextlib.ExitStack() as stack:

        def build(*steps: Step, **changes: object) -> Scene:
            clock = ManualClock(NOW)
            server = stack.enter_context(ScriptedServer(TokenServer(*steps)))
            transport = stack.enter_context(
                Transport(
                    server.base + "/rest",
                    clock,
                    allow_orders=False,
                    auth_base=server.base + "/auth",
                    read_timeout=0.3,
                )
            )
            settings = dataclasses.replace(
                LoginSettings(folder / "state" / "tokens.json"),
                **changes,  # type: ignore[arg-type]
            )
            return Scene(settings, clock, transport, server, TokenStore(settings.saxo_token_file))

        yield build


def tokens(**changes: object) -> StoredTokens:
    first = StoredTokens(
        env="SIM",
        mode="oauth",
        access_token="access-token-0",
        obtained_at=NOW,
        access_expires_at=NOW + timedelta(seconds=1200),
        refresh_token="refresh-token-0",
        refresh_expires_at=NOW + timedelta(seconds=2400),
    )
    return msgspec.structs.replace(first, **changes)


def log_in_at(broker: Simulator, token_file: Path, clock: Clock) -> StoredTokens:
    """A login at a simulator that, as on SIM, only a person could make anew."""
    settings = LoginSettings(
        token_file,
        saxo_env="LOCAL",
        saxo_app_key=broker.app_key,
        saxo_app_secret=broker.app_secret,
        saxo_redirect_uri=broker.redirect_uri,
    )
    with Transport(
        broker.rest_base, clock, allow_orders=False, auth_base=broker.auth_base
    ) as transport:
        source = open_token_source(settings, transport, clock)
        assert isinstance(source, RotatingTokenSource)
        found = msgspec.structs.replace(source.login_without_person(), env="SIM")
    TokenStore(token_file).save(found)
    return found
