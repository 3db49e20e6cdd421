"""Every way a cycle can end without trading: its line, its row, its exit code."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from support.bench import MSFT, START, Bench
from tradebot.errors import ExitCode
from tradebot.journal import RunOutcome
from tradebot.scheduling.run_lock import RunLock
from tradebot.scheduling.slots import slot_start
from tradebot.wiring import lock_path

SATURDAY = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)


def last_run(bench: Bench):  # type: ignore[no-untyped-def]
    with bench.journal() as journal:
        return journal.runs.latest(1)[0]


def test_outside_trading_hours(tmp_path: Path) -> None:
    with Bench(tmp_path, start=SATURDAY) as bench:
        report = bench.cycle(TRADING_HOURS_MODE="fixed", TRADING_START="09:30", TRADING_END="16:00")
        assert report.exit_code is ExitCode.OK
        [line] = bench.lines("cycle_skip_outside_trading_hours")
        assert line["reason"] == "not_a_trading_day"
        assert line["next_open"].startswith("2026-03-09T09:30")
        run = last_run(bench)
        assert (run.outcome, run.reason) == (RunOutcome.SKIPPED, "not_a_trading_day")
        assert bench.lines("strategy_decision") == []
        # It has still looked after its orders and kept the login alive.
        assert "auth_token_refresh_success" in bench.events()


def test_closed_instruments_are_left_out_and_the_others_trade(bench: Bench) -> None:
    from tradebot.simulator import SimulatorOptions

    assert SimulatorOptions().trading_hours == "always"
    report = bench.cycle(TRADING_HOURS_MODE="instrument")
    assert len(report.executions) == 1


def test_all_instruments_closed(tmp_path: Path) -> None:
    from tradebot.simulator import SimulatorOptions

    options = SimulatorOptions(trading_hours="exchange")
    with Bench(tmp_path, options=options, start=SATURDAY) as bench:
        report = bench.cycle(TRADING_HOURS_MODE="instrument")
        assert report.skip_reason == "all_instruments_closed"
        assert report.exit_code is ExitCode.OK


def test_one_closed_instrument_has_its_reason(tmp_path: Path) -> None:
    from tradebot.simulator import SimulatorOptions

    night = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)  # currencies trade, shares do not
    options = SimulatorOptions(trading_hours="exchange")
    with Bench(tmp_path, options=options, start=night) as bench:
        report = bench.cycle(TRADING_HOURS_MODE="instrument")
        reasons = {str(d.instrument): str(d.reason) for d in report.decisions}
        assert reasons["Stock:10001"] == reasons["Etf:10002"] == "market_closed"
        assert reasons["FxSpot:21"] == "no_cross"
        assert report.exit_code is ExitCode.OK


def test_no_price_for_the_open_instruments_is_a_failure_though_others_are_closed(
    tmp_path: Path,
) -> None:
    from tradebot.simulator import SimulatorOptions

    night = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
    options = SimulatorOptions(trading_hours="exchange")
    with Bench(tmp_path, options=options, start=night) as bench:
        bench.fault("no_access", count=None)
        report = bench.cycle(TRADING_HOURS_MODE="instrument")
        assert report.exit_code is ExitCode.UNAVAILABLE


def test_paused(bench: Bench) -> None:
    bench.cycle(dry_run=False)
    with bench.journal() as journal:
        journal.control.pause("by_hand", until=bench.clock.now() + timedelta(hours=1))
    report = bench.cycle()
    assert (report.skip_reason, report.exit_code) == ("by_hand", ExitCode.OK)
    [line] = bench.lines("cycle_skip_paused")
    assert line["until"].startswith("2026-03-03T16:00")
    bench.clock.advance(3601)
    assert bench.cycle().skip_reason is None


def test_a_slot_is_won_once(bench: Bench) -> None:
    slot = slot_start(bench.clock.now(), 300)
    assert bench.cycle(slot=slot).skip_reason is None
    report = bench.cycle(slot=slot)
    assert report.skip_reason == "taken"
    [line] = bench.lines("cycle_skip_slot")
    assert (line["reason"], line["slot"]) == ("taken", "2026-03-03T15:00:00Z")
    cycle = [line for line in bench.lines() if line["cycle_id"] == "1"]
    assert {line.get("slot") for line in cycle} == {"2026-03-03T15:00:00Z"}
    assert report.exit_code is ExitCode.OK


@pytest.mark.parametrize("seconds", [151, 299])
def test_a_late_start_is_skipped_also_past_the_deadline(bench: Bench, seconds: float) -> None:
    slot = slot_start(bench.clock.now(), 300)
    bench.clock.advance(seconds)
    report = bench.cycle(slot=slot)
    assert (report.skip_reason, report.exit_code) == ("late", ExitCode.OK)


def test_a_slot_that_failed_twice_is_exhausted(bench: Bench) -> None:
    slot = slot_start(bench.clock.now(), 300)
    bench.fault("status", count=None, endpoint="/ref/*", params={"status": 404})
    assert bench.cycle(slot=slot).exit_code is ExitCode.UNAVAILABLE  # knows no instrument
    bench.clear_faults()
    bench.fault("status", count=None, endpoint="/port/v1/netpositions*", params={"status": 403})
    assert bench.cycle(slot=slot).exit_code is ExitCode.UNAVAILABLE
    bench.clear_faults()
    assert bench.cycle(slot=slot).skip_reason == "exhausted"


def test_another_run_holds_the_lock(bench: Bench) -> None:
    with RunLock(lock_path(bench.settings())) as lock:
        lock.acquire(run_id="the-other", phase="execute")
        report = bench.cycle()
    assert report.exit_code is ExitCode.BUSY
    [line] = bench.lines("cycle_skip_overlap")
    assert "run_id=the-other" in line["holder"]
    assert "phase=execute" in line["holder"]
    assert line["cycle_id"] == "-"
    run = last_run(bench)
    assert (run.outcome, run.exit_code) == (RunOutcome.BUSY, 75)


def test_another_instance_trades_the_same_account(bench: Bench) -> None:
    from tradebot.execution.references import account_hash

    path = bench.folder / "locks" / f"account-{account_hash(bench.simulator.account_key)}.lock"
    with RunLock(path) as lock:
        lock.acquire(run_id="the-other-instance")
        report = bench.cycle(INSTANCE="second")
    assert report.exit_code is ExitCode.BUSY
    assert bench.orders_at_broker() == 0


def test_jitter_is_waited_before_the_lock_and_said(bench: Bench) -> None:
    slot = slot_start(bench.clock.now(), 300)
    bench.cycle(slot=slot, SCHEDULER_JITTER_SECONDS="30")
    [line] = bench.lines("schedule_jitter")
    assert 0 < float(line["delay_seconds"]) <= 30
    assert bench.clock.now() >= START + timedelta(seconds=float(line["delay_seconds"]))
    assert bench.events().index("schedule_jitter") < bench.events().index("cycle_begin")


def test_jitter_needs_no_slot(bench: Bench) -> None:
    report = bench.cycle(SCHEDULER_JITTER_SECONDS="30")
    assert report.exit_code is ExitCode.OK
    [line] = bench.lines("schedule_jitter")
    assert 0 < float(line["delay_seconds"]) <= 30


def test_missed_runs_are_reported_once(bench: Bench) -> None:
    def scheduled() -> None:
        bench.cycle(slot=slot_start(bench.clock.now(), 300))

    scheduled()
    bench.clock.advance(300)
    scheduled()
    assert bench.lines("schedule_runs_missed") == []
    bench.clock.advance(1500)
    scheduled()
    bench.clock.advance(300)
    scheduled()
    [line] = bench.lines("schedule_runs_missed")
    assert line["missed_count"] == "4"
    assert line["missed_from"] == "2026-03-03T15:10:00Z"
    assert line["missed_to"] == "2026-03-03T15:25:00Z"


def test_a_deadline_that_passed_sends_nothing(bench: Bench) -> None:
    class Slow:
        name, version, horizon_minutes, bars_needed = "sma_cross", "1.0", 1440, 1

        def decide(self, view: object) -> object:
            from tradebot.model import Signal

            bench.clock.advance(200)
            return Signal(Action.BUY, "always")

    from tradebot.model import Action

    bench.strategy = Slow()  # type: ignore[assignment]
    report = bench.cycle()
    assert report.exit_code is ExitCode.DEADLINE
    assert report.executions == []
    assert {line["reason"] for line in bench.lines("execution_skipped")} == {"deadline"}
    assert bench.orders_at_broker() == 0
    with bench.journal() as journal:
        assert journal.orders.unresolved() == []


def test_being_asked_to_stop_sends_nothing_more(bench: Bench) -> None:
    class Stopping:
        name, version, horizon_minutes, bars_needed = "sma_cross", "1.0", 1440, 1

        def decide(self, view: object) -> object:
            from tradebot.model import Action, Signal

            bench.clock.request_stop()
            return Signal(Action.BUY, "always")

    bench.strategy = Stopping()  # type: ignore[assignment]
    report = bench.cycle()
    assert report.exit_code is ExitCode.TERMINATED
    assert bench.orders_at_broker() == 0
    assert len(bench.lines("strategy_decision")) == 3
    assert bench.events()[-1] == "cycle_end"


def test_a_clock_that_is_off_stops_trading(bench: Bench) -> None:
    bench.simulator.broker.options.clock.step(-45)  # type: ignore[attr-defined]

    class Ahead:
        """The bot's clock, half a minute and more ahead of the broker's."""

    from tradebot.clock import ManualClock

    bench.clock = ManualClock(bench.clock.now() + timedelta(seconds=45))
    report = bench.cycle()
    assert report.exit_code is ExitCode.UNAVAILABLE
    assert bench.lines("cycle_failed")[0]["failure_reason"] == "clock_skew"
    assert {d["reason"] for d in bench.lines("strategy_decision")} == {"cycle_failed"}
    assert bench.orders_at_broker() == 0


def test_no_price_for_any_instrument_is_a_failure_with_a_reason_for_each(bench: Bench) -> None:
    bench.fault("no_access", count=None)
    report = bench.cycle()
    assert report.exit_code is ExitCode.UNAVAILABLE
    assert {line["reason"] for line in bench.lines("strategy_decision")} == {"no_access"}
    assert bench.lines("marketdata_fetch_failure")[0]["failure_reason"] == "no_access"


def test_some_prices_missing_is_partial_and_the_rest_trades(bench: Bench) -> None:
    bench.fault("missing_uics", count=None, params={"uics": [10002]})
    report = bench.cycle()
    assert report.exit_code is ExitCode.OK
    [line] = bench.lines("marketdata_fetch_partial")
    assert (line["missing"], line["missing_ids"]) == ("1", "Etf:10002")
    assert line["reason"] == "no_quote"
    assert len(report.executions) == 1


def test_too_few_bars(bench: Bench) -> None:
    bench.cycle(STRATEGY_PARAMS_JSON='{"fast": 5, "slow": 20}')
    assert bench.lines("strategy_signal_skipped_insufficient_data") == []
    bench.fault(
        "status",
        count=1,
        endpoint="/chart/v3/charts",
        params={"status": 200, "body": '{"Data": []}'},
    )
    bench.simulator.advance()
    bench.cycle()
    [line] = bench.lines("strategy_signal_skipped_insufficient_data")
    assert (line["bars_have"], line["bars_need"]) == ("0", "21")
    assert "insufficient_data" in {d["reason"] for d in bench.lines("strategy_decision")}


def test_a_strategy_that_raises_skips_that_instrument_only(bench: Bench) -> None:
    class Broken:
        name, version, horizon_minutes, bars_needed = "broken", "1", 1440, 1

        def decide(self, view):  # type: ignore[no-untyped-def]
            from tradebot.model import Action, Signal

            if view.instrument == MSFT:
                raise ZeroDivisionError("a bug in a strategy")
            if view.instrument.asset_type == "Etf":
                return Signal(Action.SKIP, "skip")
            return Signal(Action.HOLD, "Not a word!")

    bench.strategy = Broken()
    report = bench.cycle()
    assert report.exit_code is ExitCode.OK
    assert [str(d.reason) for d in report.decisions] == ["strategy_error"] * 3
    stacks = bench.lines("unexpected_exception")
    assert [line["exc_type"] for line in stacks] == [
        "ZeroDivisionError",
        "ValueError",
        "ValueError",
    ]


def test_the_login_is_lost(bench: Bench) -> None:
    bench.fault("status", count=None, endpoint="/port/*", params={"status": 401})
    report = bench.cycle()
    assert report.exit_code is ExitCode.NOPERM
    assert bench.lines("cycle_failed")[0]["phase"] == "reconcile"


def test_the_broker_is_down(bench: Bench) -> None:
    bench.fault("html", count=None, endpoint="/port/*")
    report = bench.cycle()
    assert report.exit_code is ExitCode.UNAVAILABLE
    assert bench.lines("cycle_failed")[0]["failure_reason"] == "broker_unavailable"
    run = last_run(bench)
    assert (run.outcome, run.exit_code, run.phase) == (RunOutcome.FAILED, 69, "reconcile")


def test_guards_say_which_of_them_refused(bench: Bench) -> None:
    bench.cycle()
    reports = []
    for environment in (
        {"MAX_TRADES_PER_DAY": "1"},
        {"MAX_POSITION_VALUE": "100"},
    ):
        bench.environment = environment
        report = bench.advance_until_next_refusal()
        reports.append(report)
    assert reports == ["max_trades_per_day", "max_position_value"]


def test_a_position_that_somebody_else_sold_is_a_mismatch(bench: Bench) -> None:
    bench.cycle()
    bench.simulator.broker.state.run("UPDATE positions SET amount = 4")
    bench.simulator.advance()
    bench.strategy = _Sells()
    report = bench.cycle()
    assert {str(d.instrument): str(d.reason) for d in report.decisions}[str(MSFT)] == (
        "position_mismatch"
    )


def test_the_bot_sells_what_is_its_own_and_no_more(bench: Bench) -> None:
    bench.cycle()
    bench.simulator.broker.state.run("UPDATE positions SET amount = 25")
    bench.strategy = _Sells()
    bench.simulator.advance()
    report = bench.cycle()
    [execution] = report.executions
    assert execution.intent.quantity == Decimal(10)
    assert bench.net_positions()[MSFT] == 15
    bench.simulator.advance()
    report = bench.cycle()
    assert {str(d.reason) for d in report.decisions} == {"nothing_sellable"}


def test_a_position_held_is_not_added_to(bench: Bench) -> None:
    bench.cycle()
    bench.strategy = _Buys()
    bench.simulator.advance()
    report = bench.cycle()
    assert {str(d.instrument): str(d.reason) for d in report.decisions}[str(MSFT)] == (
        "position_held"
    )


class _Sells:
    name, version, horizon_minutes, bars_needed = "sma_cross", "1.0", 1440, 1
    action = "SELL"

    def decide(self, view: object):  # type: ignore[no-untyped-def]
        from tradebot.model import Action, Signal

        return Signal(Action(self.action), "always")


class _Buys(_Sells):
    action = "BUY"


def test_an_unknown_instrument_has_its_reason(bench: Bench) -> None:
    entries = [{"asset_type": "Stock", "uic": uic, "quantity": 1} for uic in (99999, 10001)]
    report = bench.cycle(WATCHLIST_JSON=json.dumps(entries))
    assert [str(d.reason) for d in report.decisions] == ["unknown_instrument", "crossed_above"]
    assert report.exit_code is ExitCode.OK


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_dry_run_stops_after_the_precheck(bench: Bench, dry_run: bool) -> None:
    report = bench.cycle(dry_run=dry_run)
    outcome = ("SKIPPED", "dry_run") if dry_run else ("SUCCESS", None)
    assert [(e.outcome, e.failure_reason) for e in report.executions] == [outcome]
    assert bench.orders_at_broker() == int(not dry_run)
    assert ("execution_precheck_passed" in bench.events()) is True


def test_a_dry_run_between_two_real_ones_changes_nothing_for_them(bench: Bench) -> None:
    bench.cycle(dry_run=True)
    report = bench.cycle()
    assert [e.outcome for e in report.executions] == ["SUCCESS"]
    dry, real = bench.lines("execution_intent_created")
    assert dry["external_reference"] != real["external_reference"]
    bench.cycle(dry_run=True)
    assert bench.orders_at_broker() == 1
