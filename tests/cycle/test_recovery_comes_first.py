"""What a run that died left behind is put in order by the next one, before anything trades."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from support.bench import MSFT, Bench
from tradebot.errors import StorageError
from tradebot.execution import trade_executor
from tradebot.execution.reconciliation import Reconciler
from tradebot.execution.references import account_hash
from tradebot.execution.sightings import BrokerOrders
from tradebot.journal.orders import Orders
from tradebot.observability import log_event
from tradebot.saxo.client import SaxoClient


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it, nothing is written after it."""


def die(*_: object, **__: object) -> None:
    raise Killed


def test_killed_between_intent_and_sending(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(SaxoClient, "precheck", die)
        bench.cycle()
    report = bench.cycle()
    [abandoned] = bench.lines("execution_completed", failure_reason="abandoned_before_send")
    assert abandoned["execution_outcome"] == "FAILED"
    assert [e.intent.attempt for e in report.executions] == [2]
    assert [e.outcome for e in report.executions] == ["SUCCESS"]
    assert bench.orders_at_broker() == 1
    assert bench.lines("run_killed_found")[0]["killed_run_id"] == abandoned_run(bench)


def abandoned_run(bench: Bench) -> str:
    return bench.lines("execution_intent_created")[0]["run_id"]


def test_killed_after_marking_as_sent_and_before_sending(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(trade_executor, "place", die)
        bench.cycle()
    first = bench.cycle()
    assert first.exit_code == 3
    bench.clock.advance(120)
    assert bench.cycle().unresolved == 0
    assert bench.lines("execution_completed")[-1]["failure_reason"] == "not_placed"
    bench.cycle()
    assert bench.orders_at_broker() == 0


def test_killed_after_the_broker_took_the_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Orders, "record_order_id", die)
        bench.cycle()
    report = bench.cycle()
    assert report.unresolved == 0
    assert bench.orders_at_broker() == 1
    last = bench.lines("execution_completed")[-1]
    assert (last["execution_outcome"], last["order_state"]) == ("SUCCESS", "filled")
    assert last["cycle_id"] == "2"
    decision = bench.lines("strategy_decision", instrument_id=str(MSFT))[-1]
    assert decision["reason"] == "already_decided"


def test_killed_before_the_verdict_reached_the_log(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("tradebot.execution.completion.log_completed", die)
        bench.cycle()
    assert bench.lines("execution_completed") == []
    bench.cycle()
    [line] = bench.lines("execution_completed")
    assert (line["execution_outcome"], line["replayed"]) == ("SUCCESS", "true")
    bench.cycle()
    assert len(bench.lines("execution_completed")) == 1


def test_an_order_that_still_works_is_followed_until_it_is_gone(bench: Bench) -> None:
    bench.fault("never_fill")
    [execution] = bench.cycle().executions
    assert execution.verdict is not None
    assert execution.verdict.order_state == "working"
    reference = execution.intent.external_reference
    with bench.journal() as journal:
        assert [a.intent.external_reference for a, _ in journal.orders.live(account(bench))] == [
            reference
        ]
    client = bench.client()
    try:
        client.cancel_orders([execution.verdict.order_id or ""], bench.simulator.account_key)
    finally:
        client.close()
    bench.cycle()
    results = bench.lines("execution_reconcile_result", external_reference=reference)
    assert [line["reconcile_result"] for line in results] == ["working", "cancelled"]
    with bench.journal() as journal:
        assert journal.orders.live(account(bench)) == []
        assert journal.orders.own_positions(account(bench)) == {}


def account(bench: Bench) -> str:
    return account_hash(bench.simulator.account_key)


def test_a_working_order_that_vanished_blocks_its_instrument_for_a_week_only(
    bench: Bench,
) -> None:
    """As on a demo account that was reset: it is not open, and no row tells of its end."""
    bench.fault("never_fill")
    bench.cycle()
    for table in ("orders", "audit"):
        bench.simulator.broker.state.run(f"DELETE FROM {table}")
    bench.clock.advance(6 * 86400)
    bench.cycle()
    with bench.journal() as journal:
        assert len(journal.orders.live(account(bench))) == 1
    bench.clock.advance(2 * 86400)
    bench.cycle()
    with bench.journal() as journal:
        assert journal.orders.live(account(bench)) == []
    assert bench.lines("execution_reconcile_result")[-1]["reconcile_result"] == "expired"


def test_an_unfinished_partial_fill_counts_as_it_is_filled(bench: Bench) -> None:
    bench.fault("partial_fill", params={"fraction": 0.5})
    report = bench.cycle()
    assert report.executions[0].verdict is not None
    assert report.executions[0].verdict.filled_quantity == Decimal(5)
    assert bench.net_positions() == {MSFT: Decimal(5)}
    bench.clear_faults()
    for _ in range(3):
        with bench.journal() as journal:
            assert journal.orders.own_positions(account(bench)) == bench.net_positions()
        bench.simulator.advance()
        bench.cycle()


def test_an_order_of_our_kind_that_the_journal_does_not_know_is_reported_and_not_touched(
    bench: Bench,
) -> None:
    from tradebot.saxo.orders import OrderRequest

    client = bench.client()
    try:
        answer = client.place_order(
            OrderRequest(
                account_key=bench.simulator.account_key,
                instrument=MSFT,
                buy_sell="Buy",
                amount=Decimal(1),
                external_reference="ATB-20120719-0000-ABCDEFGHIJ",
                order_type="Limit",
                price=1.0,
            ),
            request_id="somebody-else",
        )
        bench.cycle()
        orphan = bench.lines("execution_orphan_found")[0]
        assert orphan["external_reference"] == "ATB-20120719-0000-ABCDEFGHIJ"
        assert orphan["order_id"] == answer.order_id
        assert answer.order_id in {order.order_id for order in client.open_orders()}
        found = len(bench.lines("execution_orphan_found"))
        bench.cycle(dry_run=True)  # whose journal knows no real order at all
        assert len(bench.lines("execution_orphan_found")) == found
    finally:
        client.close()


def test_the_log_that_does_not_take_the_intent_stops_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = log_event

    def deaf(event: str, *arguments: object, **fields: object) -> bool:
        reached = real(event, *arguments, **fields)  # type: ignore[arg-type]
        return reached and event != "execution_order_sending"

    monkeypatch.setattr(trade_executor, "log_event", deaf)
    report = bench.cycle()
    assert report.exit_code == 74
    assert bench.orders_at_broker() == 0
    assert bench.lines("cycle_failed")[0]["failure_reason"] == "storage_error"


def test_the_journal_that_does_not_take_the_sending_stops_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("Cannot write to the journal: database or disk is full.")

    monkeypatch.setattr(Orders, "mark_sent", full)
    report = bench.cycle()
    assert report.exit_code == 74
    assert bench.orders_at_broker() == 0


def test_a_run_that_was_frozen_while_marking_does_not_send(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Orders.mark_sent

    def frozen(self: Orders, reference: str, *, at: datetime) -> None:
        real(self, reference, at=at)
        bench.clock.advance(3600)

    monkeypatch.setattr(Orders, "mark_sent", frozen)
    report = bench.cycle()
    assert [e.failure_reason for e in report.executions] == ["deadline"]
    assert report.exit_code == 124
    assert bench.orders_at_broker() == 0


def test_an_order_that_shows_up_between_the_two_reads_is_not_called_absent(bench: Bench) -> None:
    bench.fault("drop_after", endpoint="/trade/v2/orders", method="POST")
    bench.fault("audit_delay", params={"seconds": 300})
    bench.cycle()
    with bench.journal() as journal:
        [attempt] = journal.orders.unresolved()
    assert attempt.sent_at is not None
    assert attempt.order_id is None
    # The first read comes half a second before the audit log shows the order, the second after.
    until = attempt.sent_at + timedelta(seconds=299.5) - bench.clock.now()
    bench.clock.advance(until.total_seconds())
    assert bench.cycle().unresolved == 0
    assert bench.lines("execution_completed")[-1]["execution_outcome"] == "SUCCESS"


def test_an_order_that_cannot_be_read_back_is_left_for_the_next_cycle(bench: Bench) -> None:
    bench.fault("status", count=None, endpoint="/cs/*", skip=1, params={"status": 503})
    bench.fault("status", count=None, endpoint="/port/v1/orders/me", skip=2, params={"status": 503})
    report = bench.cycle()
    assert report.exit_code == 3
    assert report.executions[0].failure_reason == "not_found_yet"
    bench.clear_faults()
    assert bench.cycle().unresolved == 0
    assert bench.orders_at_broker() == 1


def test_reconciling_reads_from_ten_minutes_before_sending(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[timedelta] = []
    real = Reconciler.read

    def spy(self: Reconciler, since: datetime) -> BrokerOrders:
        seen.append(bench.clock.now() - since)
        return real(self, since)

    monkeypatch.setattr(Reconciler, "read", spy)
    bench.cycle()
    assert seen[-1] >= timedelta(minutes=10)
