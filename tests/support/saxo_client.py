"""A client of a scripted server, with tokens that need no login."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from support.scripted_http import Script, ScriptedServer
from tradebot.clock import Clock, ManualClock
from tradebot.errors import LoginError
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.transport import Transport

NOW = datetime(2026, 7, 20, 14, 9, 5, tzinfo=UTC)
BASE_PATH = "/sim/openapi"


class CountedTokens:
    """`token-0`, and after each 401 the next; no login at all beyond `last`."""

    def __init__(self, last: int = 1) -> None:
        self.number = 0
        self.last = last

    def access_token(self) -> str:
        return f"token-{self.number}"

    def refresh_after_401(self, old: str) -> str:
        assert old == self.access_token()
        if self.number == self.last:
            raise LoginError("the login is lost")
        self.number += 1
        return self.access_token()


@contextlib.contextmanager
def scripted_client(
    script: Script,
    *,
    clock: Clock | None = None,
    tokens: CountedTokens | None = None,
    allow_orders: bool = True,
    read_timeout: float = 5.0,
) -> Iterator[tuple[SaxoClient, ScriptedServer]]:
    """A client and the server it talks to; its waits are a manual clock's unless given another."""
    clock = clock or ManualClock(NOW)
    with (
        ScriptedServer(script) as server,
        Transport(
            server.base + BASE_PATH, clock, allow_orders=allow_orders, read_timeout=read_timeout
        ) as transport,
    ):
        yield SaxoClient(transport, tokens or CountedTokens(), clock), server
