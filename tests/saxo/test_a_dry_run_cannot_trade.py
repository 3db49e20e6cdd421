"""With allow_orders=False nothing that changes anything reaches the socket, whoever asks."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.scripted_http import ScriptedServer, reply
from tradebot.clock import ManualClock
from tradebot.errors import GuardViolation
from tradebot.model import InstrumentId
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.exchange import METHODS, Request
from tradebot.saxo.orders import OrderRequest
from tradebot.saxo.transport import Transport

ORDER = OrderRequest("key-1", InstrumentId("Stock", 211), "Buy", Decimal(2), "ATB-1")

KNOWN_PATHS = [
    "/trade/v2/orders",
    "/trade/v2/orders/",
    "/trade/v2/orders/precheck",
    "/trade/v2/orders/precheck/",
    "/trade/v2/orders/precheck/x",
    "/trade/v2/orders/x/precheck",
    "/trade/v2/orders/../orders/precheck",
    "/trade/v2/orders/precheck/..",
    "/trade/v2/orders/%2e%2e/precheck",
    "/trade/v2/orders/PRECHECK",
    "/trade/v2/orders/multileg/precheck",
    "/trade/v2/orders/503",
    "/trade/v1/orders/precheck",
    "/dm/v2/disclaimers",
    "/port/v1/accounts/key/reset",
    "/root/v1/sessions/capabilities",
    "/token",
    "/authorize",
    "/sim/openapi/trade/v2/orders",
]


class FixedToken:
    def access_token(self) -> str:
        return "a-token"

    def refresh_after_401(self, old: str) -> str:
        return "another-token"


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda _: reply(200, {})) as server:
        yield server


@pytest.fixture(scope="module")
def transport(server: ScriptedServer) -> Iterator[Transport]:
    clock = ManualClock(datetime(2026, 7, 20, tzinfo=UTC))
    with Transport(
        server.base + "/sim/openapi", clock, allow_orders=False, auth_base=server.base
    ) as transport:
        yield transport


@settings(max_examples=400, deadline=None)
@given(
    method=st.sampled_from([*sorted(METHODS), "post", "Post", "HEAD", "OPTIONS", "GET\r\nPOST"]),
    path=st.sampled_from(KNOWN_PATHS) | st.from_regex(r"(/[a-z0-9.%]{1,12}){1,4}", fullmatch=True),
    host=st.sampled_from(["rest", "auth"]),
    body=st.none() | st.just(b"{}"),
)
def test_no_request_that_changes_state_reaches_the_socket(
    server: ScriptedServer,
    transport: Transport,
    method: str,
    path: str,
    host: str,
    body: bytes | None,
) -> None:
    before = len(server.received)
    try:
        transport.send(Request(method, path, body=body, host=host))  # type: ignore[arg-type]
    except (ValueError, GuardViolation):
        assert len(server.received) == before
        return
    arrived = server.received[-1]
    assert arrived.method == "GET" or (arrived.method, arrived.target) in {
        ("POST", "/sim/openapi/trade/v2/orders/precheck"),
        ("POST", "/token"),
    }


CHANGES: list[Callable[[SaxoClient], object]] = [
    lambda client: client.place_order(ORDER, request_id="r-1"),
    lambda client: client.cancel_orders(["1"], "key-1"),
    lambda client: client.answer_disclaimer("c", "t", "Accepted"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_clients_own_changes_are_stopped(
    server: ScriptedServer, transport: Transport, change: Callable[[SaxoClient], object]
) -> None:
    before, calls = len(server.received), transport.http_calls
    client = SaxoClient(transport, FixedToken(), ManualClock(datetime(2026, 7, 20, tzinfo=UTC)))
    with pytest.raises(GuardViolation, match="dry run"):
        change(client)
    assert (len(server.received), transport.http_calls) == (before, calls)


def test_a_precheck_passes(server: ScriptedServer, transport: Transport) -> None:
    client = SaxoClient(transport, FixedToken(), ManualClock(datetime(2026, 7, 20, tzinfo=UTC)))
    client.precheck(ORDER)
    assert server.received[-1].path == "/sim/openapi/trade/v2/orders/precheck"


def test_the_auth_host_must_have_been_named(server: ScriptedServer) -> None:
    clock = ManualClock(datetime(2026, 7, 20, tzinfo=UTC))
    with Transport(server.base, clock, allow_orders=True) as transport:
        with pytest.raises(GuardViolation, match="logging in"):
            transport.send(Request("POST", "/token", host="auth"))
