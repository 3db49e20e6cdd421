"""An order that was found before sending is followed under the name it has at the broker."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from support.bench import MSFT, Bench
from tradebot.execution.references import account_hash, request_id
from tradebot.journal.orders import Orders
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.orders import OrderRequest, PrecheckAnswer

ORDERS = "/trade/v2/orders"


def lose_the_journal(bench: Bench) -> None:
    shutil.rmtree(bench.settings().state_path / "live")


def own(bench: Bench) -> dict[Any, Any]:
    with bench.journal() as journal:
        return journal.orders.own_positions(account_hash(bench.simulator.account_key))


def a_second_attempt_that_works(bench: Bench) -> None:
    """Attempt 1 is refused for its rate, attempt 2 stands at the broker; then all is forgotten."""
    bench.fault("status", endpoint=ORDERS, method="POST", params={"status": 429})
    bench.cycle()
    bench.fault("never_fill")
    bench.cycle()
    assert bench.orders_at_broker() == 1
    lose_the_journal(bench)


def test_its_fill_is_booked_when_it_comes(bench: Bench) -> None:
    a_second_attempt_that_works(bench)
    bench.cycle()
    [line] = bench.lines("execution_duplicate_refused")
    assert own(bench) == {}
    client = bench.client()
    try:
        client.cancel_orders([line["order_id"]], bench.simulator.account_key)
    finally:
        client.close()
    bench.cycle()
    with bench.journal() as journal:
        assert journal.orders.live(account_hash(bench.simulator.account_key)) == []
    # It is known under the name it has there: not somebody else's order.
    [cycle] = {line["cycle_id"] for line in bench.lines("cycle_end")[-1:]}
    assert bench.lines("execution_orphan_found", cycle_id=cycle) == []


def test_an_attempt_that_was_refused_does_not_hide_the_one_that_lives(bench: Bench) -> None:
    bench.fault("refuse", params={"code": "MarketClosed"})  # leaves a row Placed/Rejected
    bench.cycle()
    bench.cycle()
    assert bench.net_positions() == {MSFT: 10}
    lose_the_journal(bench)
    bench.simulator.broker.state.run("DELETE FROM positions")
    report = bench.cycle()
    assert [str(e.outcome) for e in report.executions] == ["SUCCESS"]
    assert own(bench) == {MSFT: 10}
    assert bench.orders_at_broker() == 1


def test_the_broker_is_asked_after_every_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While this run waits for the rate limit, another copy of the bot sends the same decision."""
    real = SaxoClient.prepare_order

    def wait_long(self: SaxoClient) -> None:
        [intent] = bench.lines("execution_intent_created")
        order = OrderRequest(
            account_key=bench.simulator.account_key,
            instrument=MSFT,
            buy_sell="Buy",
            amount=Decimal(intent["quantity"]),
            external_reference=intent["external_reference"],
        )
        with closing(bench.client()) as other:
            other.place_order(order, request_id=request_id(order.external_reference))
        bench.clock.advance(30)
        real(self)

    monkeypatch.setattr(SaxoClient, "prepare_order", wait_long)
    bench.cycle()
    assert bench.orders_at_broker() == 1
    assert bench.lines("execution_duplicate_refused")
    assert own(bench) == bench.net_positions() == {MSFT: 10}


def test_a_reading_that_grew_old_before_the_first_byte_sends_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Orders.mark_sent

    def slow(self: Orders, reference: str, *, at: datetime) -> None:
        real(self, reference, at=at)
        bench.clock.advance(11)

    monkeypatch.setattr(Orders, "mark_sent", slow)
    report = bench.cycle()
    assert [e.failure_reason for e in report.executions] == ["unavailable"]
    assert bench.orders_at_broker() == 0


def test_a_clock_that_was_set_during_the_run_sends_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SaxoClient.precheck

    def stepped(self: SaxoClient, order: OrderRequest) -> PrecheckAnswer:
        self._transport.server_time_offset = 45.0
        return real(self, order)

    monkeypatch.setattr(SaxoClient, "precheck", stepped)
    monkeypatch.setattr("tradebot.saxo.transport.http_date", lambda _: None)
    report = bench.cycle()
    assert report.exit_code == 69
    [line] = bench.lines("execution_completed")
    assert (line["execution_outcome"], line["failure_reason"]) == ("FAILED", "clock_skew")
    assert bench.orders_at_broker() == 0
