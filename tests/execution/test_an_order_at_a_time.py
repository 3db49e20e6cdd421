"""An instrument whose order still works does not trade, whatever the strategy says."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import Any

import pytest

from support.bench import MSFT, Bench
from tradebot.execution.references import account_hash
from tradebot.execution.trade_executor import Execution, TradeExecutor
from tradebot.journal import Origin, Refused
from tradebot.model import Action, ExecutionOutcome, Signal, Verdict
from tradebot.vocabulary.reasons import FailureReason

ORDERS = "/trade/v2/orders"


class Always:
    """Answers for one instrument only; carries the name of the strategy that decided before."""

    name, version, horizon_minutes, bars_needed = "sma_cross", "1.0", 1440, 1

    def __init__(self, action: Action) -> None:
        self.action = action

    def decide(self, view: Any) -> Signal:
        return Signal(self.action if view.instrument == MSFT else Action.HOLD, "always")


def reasons(bench: Bench) -> str:
    return bench.lines("strategy_decision", instrument_id=str(MSFT))[-1]["reason"]


def test_a_working_purchase_is_not_followed_by_another(bench: Bench) -> None:
    bench.fault("never_fill", count=None)
    bench.strategy = Always(Action.BUY)
    bench.cycle()
    report = bench.cycle()
    assert report.executions == []
    # The same bar is decided; another bar of the same market is not.
    with bench.journal() as journal:
        [attempt] = [live for live, _ in journal.orders.live(account(bench))]
        refused = journal.orders.create_intent(
            Origin(account(bench), "sma_cross", "run", 9),
            instrument=MSFT,
            bar_time=attempt.intent.bar_time + timedelta(days=1),
            side=Action.BUY,
            quantity=attempt.intent.quantity,
            symbol=None,
            limit_price=None,
            reference_for=lambda n: f"ATB-X-{n}",
            at=bench.clock.now(),
        )
    assert refused is Refused.ORDER_WORKING


def account(bench: Bench) -> str:
    return account_hash(bench.simulator.account_key)


def test_the_reason_is_said(bench: Bench) -> None:
    bench.fault("never_fill", count=None)
    bench.strategy = Always(Action.BUY)
    bench.cycle()
    bench.simulator.advance()  # a day order lives through the next bar
    bench.cycle()
    assert reasons(bench) == "order_working"
    assert bench.orders_at_broker() == 1


def test_a_working_sale_is_not_followed_by_another(bench: Bench) -> None:
    bench.cycle()
    bench.fault("never_fill", count=None)
    bench.strategy = Always(Action.SELL)
    bench.simulator.advance()
    bench.cycle()
    bench.simulator.advance()
    bench.cycle()
    assert reasons(bench) == "order_working"
    assert bench.orders_at_broker() == 2


def lose_the_journal(bench: Bench) -> None:
    shutil.rmtree(bench.settings().state_path / "live")


def test_a_second_attempt_is_recognised_by_a_journal_that_knows_of_none(bench: Bench) -> None:
    bench.fault("status", endpoint=ORDERS, method="POST", params={"status": 429})
    bench.cycle()
    bench.cycle()  # attempt 2 is placed
    assert bench.orders_at_broker() == 1
    lose_the_journal(bench)
    bench.simulator.broker.state.run("DELETE FROM positions")  # nothing else would hold it back
    report = bench.cycle()
    assert bench.orders_at_broker() == 1
    assert [str(e.outcome) for e in report.executions] == ["SUCCESS"]
    [line] = bench.lines("execution_duplicate_refused")
    assert line["order_id"]
    with bench.journal() as journal:
        assert journal.orders.own_positions(account(bench)) == {MSFT: 10}


def test_an_old_backup_that_thinks_it_never_sent_does_not_send(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = bench.settings().state_path / "live"
    backup = bench.folder / "backup"
    real = TradeExecutor._send

    def copy_then_send(self: TradeExecutor, *arguments: Any) -> Execution:
        shutil.copytree(live, backup)
        return real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(TradeExecutor, "_send", copy_then_send)
        bench.cycle()
    shutil.rmtree(live)
    shutil.copytree(backup, live)
    bench.simulator.broker.state.run("DELETE FROM positions")
    bench.cycle()
    assert bench.orders_at_broker() == 1
    assert bench.lines("execution_duplicate_refused")


def test_an_order_found_again_an_hour_later_is_settled_from_what_was_seen(bench: Bench) -> None:
    bench.fault("rejected_later")
    bench.cycle()
    lose_the_journal(bench)
    bench.clock.advance(3600)
    report = bench.cycle()
    assert [str(e.failure_reason) for e in report.executions] == ["rejected_after_acceptance"]
    assert bench.orders_at_broker() == 1


def test_an_order_with_an_id_is_not_called_absent_soon(bench: Bench) -> None:
    bench.fault("audit_delay", params={"seconds": 300})
    bench.cycle()
    bench.clock.advance(120)
    assert bench.cycle().exit_code == 3
    bench.clock.advance(300)
    assert bench.cycle().unresolved == 0
    assert bench.lines("execution_completed")[-1]["execution_outcome"] == "SUCCESS"


def test_one_that_was_called_absent_and_shows_up_is_booked_and_reported(bench: Bench) -> None:
    bench.fault("audit_delay", params={"seconds": 3 * 3600})
    bench.cycle()
    bench.clock.advance(3700)
    bench.cycle()
    assert bench.lines("execution_completed")[-1]["failure_reason"] == "not_placed"
    bench.clock.advance(3 * 3600)
    bench.cycle()
    [line] = bench.lines("execution_verdict_contradicted")
    assert (line["level"], line["reconcile_result"]) == ("ERROR", "filled")
    with bench.journal() as journal:
        assert journal.orders.own_positions(account(bench)) == bench.net_positions()
    bench.cycle()
    assert len(bench.lines("execution_verdict_contradicted")) == 1
    assert bench.orders_at_broker() == 1


def test_what_a_person_called_absent_is_looked_for_as_well(bench: Bench) -> None:
    bench.fault("drop_after", endpoint=ORDERS, method="POST")
    bench.fault("audit_delay", params={"seconds": 600})
    bench.cycle()
    with bench.journal() as journal:
        [attempt] = journal.orders.unresolved()
        said = Verdict(ExecutionOutcome.FAILED, FailureReason.RESOLVED_BY_HAND)
        reference = attempt.intent.external_reference
        assert journal.orders.resolve_by_hand(
            reference, said, at=bench.clock.now(), run_id="by-hand"
        )
    bench.clock.advance(900)
    bench.cycle()
    [line] = bench.lines("execution_verdict_contradicted")
    assert line["external_reference"] == reference
    with bench.journal() as journal:
        assert journal.orders.own_positions(account(bench)) == bench.net_positions() != {}
        # The answer was lost, and with it the id; the list of orders shows it from now on.
        assert journal.orders.with_order_id(account(bench), line["order_id"]) == [reference]
    assert bench.orders_at_broker() == 1


def test_an_order_of_another_account_is_named_in_every_cycle(bench: Bench) -> None:
    bench.fault("drop_before", endpoint=ORDERS, method="POST")
    bench.cycle()
    with bench.journal() as journal, journal._database.transaction() as connection:
        connection.execute("UPDATE attempts SET account='another'")
    for cycle in ("2", "3"):
        assert bench.cycle().exit_code == 3
        [line] = bench.lines("execution_completed", failure_reason="other_account", cycle_id=cycle)
        assert line["execution_outcome"] == "RECONCILIATION_NEEDED"


def test_a_lock_that_somebody_removed_stops_the_run_before_it_sends(bench: Bench) -> None:
    from tradebot.wiring import lock_path

    class Removes(Always):
        def decide(self, view: Any) -> Signal:
            lock_path(bench.settings()).unlink(missing_ok=True)
            return super().decide(view)

    bench.strategy = Removes(Action.BUY)
    report = bench.cycle()
    assert report.exit_code == 74
    assert bench.orders_at_broker() == 0


def test_a_dry_run_keeps_to_the_daily_limit_too(bench: Bench) -> None:
    bench.strategy = Always(Action.BUY)
    for _ in range(2):
        bench.cycle(dry_run=True, MAX_TRADES_PER_DAY="1")
        bench.simulator.advance()
    assert reasons(bench) == "max_trades_per_day"
