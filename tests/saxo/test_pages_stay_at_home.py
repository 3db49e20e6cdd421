"""Pages are followed by `__next`, below the configured base and nowhere else."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from support.saxo_client import scripted_client
from support.scripted_http import Received, Step, reply
from tradebot.errors import BadAnswer

ROW = {"OrderId": "1", "Uic": 211, "AssetType": "Stock"}


def two_pages(address: str) -> Callable[[Received], Step]:
    def script(request: Received) -> Step:
        if "skip" in request.target:
            return reply(200, {"Data": [ROW | {"OrderId": "2"}]})
        return reply(200, {"Data": [ROW], "__next": address.format(host=request.headers["host"])})

    return script


@pytest.mark.parametrize(
    "address",
    [
        "http://{host}/sim/openapi/port/v1/orders/me?$skip=1",
        "HTTP://{host}/sim/openapi/port/v1/orders/me?$skip=1",
        "/sim/openapi/port/v1/orders/me?$skip=1",
    ],
)
def test_the_next_page_is_read(address: str) -> None:
    with scripted_client(two_pages(address)) as (client, server):
        assert [order.order_id for order in client.open_orders()] == ["1", "2"]
    assert server.received[1].target == "/sim/openapi/port/v1/orders/me?$skip=1"


def test_a_default_port_spelt_out_is_the_same_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen from real servers: `https://gateway.saxobank.com:443/…`."""
    script = two_pages("https://gateway.example:443/sim/openapi/port/v1/orders/me?$skip=1")
    with scripted_client(script) as (client, server):
        transport = client._transport
        loopback = transport.rest_base
        public = dataclasses.replace(loopback, scheme="https", host="gateway.example", port=443)
        take = transport._connections.take
        monkeypatch.setattr(transport, "rest_base", public)
        monkeypatch.setattr(
            transport._connections, "take", lambda base, **options: take(loopback, **options)
        )
        assert len(client.open_orders()) == 2
    assert len(server.received) == 2


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/sim/openapi/port/v1/orders/me?$skip=1",
        "http://evil.example@{host}.evil.example/sim/openapi/x?$skip=1",
        "https://{host}/sim/openapi/port/v1/orders/me?$skip=1",
        "http://127.0.0.1:1/sim/openapi/port/v1/orders/me?$skip=1",
        "//evil.example/sim/openapi/port/v1/orders/me?$skip=1",
        "http://{host}/elsewhere?$skip=1",
        "http://{host}:notaport/sim/openapi/x?$skip=1",
        "orders/me?$skip=1",
    ],
)
def test_a_page_elsewhere_is_not_followed(address: str) -> None:
    with scripted_client(two_pages(address)) as (client, server):
        with pytest.raises(BadAnswer, match="__next"):
            client.open_orders()
    assert len(server.received) == 1


def test_a_page_with_an_impossible_path_is_not_followed() -> None:
    script = two_pages("http://{host}/sim/openapi/../secrets?$skip=1")
    with scripted_client(script) as (client, server):
        with pytest.raises(BadAnswer, match="__next"):
            client.open_orders()
    assert len(server.received) == 1


def test_pages_that_lead_in_a_circle_are_an_error() -> None:
    def always_more(request: Received) -> Step:
        more = f"http://{request.headers['host']}/sim/openapi/port/v1/orders/me?a=1"
        return reply(200, {"Data": [ROW], "__next": more})

    with scripted_client(always_more) as (client, server), pytest.raises(BadAnswer, match="end"):
        client.open_orders()
    assert len(server.received) == 2
