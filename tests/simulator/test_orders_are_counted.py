"""What a judge of a bot asks the broker: which orders exist, whose, how many of an instrument."""

from __future__ import annotations

from support.simulator_client import SimulatorClient
from tradebot.simulator import counters


def test_every_order_as_it_stands(api: SimulatorClient) -> None:
    filled = api.placed(ExternalReference="a")
    api.fault("rejected_later")
    rejected = api.placed(ExternalReference="b", Amount=3)
    working = api.placed(OrderType="Limit", OrderPrice=20)
    found = api.control("GET", "orders").json["orders"]
    assert [(o["order_id"], o["reference"], o["status"], o["filled"]) for o in found] == [
        (filled, "a", "Filled", 10),
        (rejected, "b", "Rejected", 0),
        (working, None, "Working", 0),
    ]
    assert found[0] == {
        "order_id": filled,
        "reference": "a",
        "asset_type": "Stock",
        "uic": 10001,
        "side": "Buy",
        "amount": 10,
        "filled": 10,
        "status": "Filled",
        "placed": "2026-07-20T14:09:05.000000Z",
        "parent": None,
    }
    [one] = api.control("GET", "orders?reference=b").json["orders"]
    assert one["order_id"] == rejected


def test_orders_of_an_instrument_and_a_side(api: SimulatorClient) -> None:
    api.placed()
    api.fault("rejected_later")
    api.placed(Amount=3)
    api.placed(BuySell="Sell", Amount=4)
    api.placed(AssetType="Etf", Uic=10002, Amount=1)
    expected = [
        ("Etf", 10002, "Buy", 1, 0, 1),
        ("Stock", 10001, "Buy", 2, 1, 10),
        ("Stock", 10001, "Sell", 1, 0, 4),
    ]
    found = api.control("GET", "orders").json["instruments"]
    assert [tuple(row.values()) for row in found] == expected
    assert counters.by_instrument(api.sim.broker.state) == found


def test_related_orders_are_shown_but_not_counted(api: SimulatorClient) -> None:
    child = api.order(BuySell="Sell", OrderType="Limit", OrderPrice=20.5, AccountKey=None)
    entry = api.placed(OrderType="Limit", OrderPrice=20, Orders=[child])
    found = api.control("GET", "orders").json
    assert [o["parent"] for o in found["orders"]] == [None, entry]
    assert [row["orders"] for row in found["instruments"]] == [1]


def test_a_reference_tells_what_was_received_and_what_came_of_it(api: SimulatorClient) -> None:
    api.precheck(ExternalReference="r")
    api.fault("drop_before", endpoint="/trade/v2/orders")
    for number in range(3):
        try:
            api.place(ExternalReference="r", request_id=str(number))
        except OSError:
            assert number == 0
    found = counters.references(api.sim.broker.state)["r"]
    assert (found["prechecks"], found["placements"], found["orders"]) == (1, 3, 2)
