"""A decision to buy or sell ends in an intent or in one line that says why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from support.bench import Bench
from tradebot.errors import ExitCode, StorageError
from tradebot.execution import trade_executor
from tradebot.execution.guards import Guards
from tradebot.model import Action, Signal


class Buys:
    """Buys everything; `then` is called after so many answers."""

    name, version, horizon_minutes, bars_needed = "sma_cross", "1.0", 1440, 1

    def __init__(self, after: int = 0, then: Callable[[], None] | None = None) -> None:
        self._after = after
        self._then = then
        self._asked = 0

    def decide(self, view: object) -> Signal:
        self._asked += 1
        if self._then is not None and self._asked == self._after:
            self._then()
        return Signal(Action.BUY, "always")


def dropped(bench: Bench) -> list[tuple[str, str]]:
    """What was not begun, and why; checks that every order has its one line or its intent."""
    planned = [
        line["instrument_id"]
        for line in bench.lines("strategy_decision")
        if line["action"] in ("BUY", "SELL")
    ]
    begun = [line["instrument_id"] for line in bench.lines("execution_intent_created")]
    skipped = [(s["instrument_id"], s["reason"]) for s in bench.lines("execution_skipped")]
    assert Counter(planned) == Counter(begun + [name for name, _ in skipped])
    return skipped


def test_a_stop_between_deciding_and_executing(bench: Bench) -> None:
    bench.strategy = Buys(3, bench.clock.request_stop)
    report = bench.cycle()
    assert report.exit_code is ExitCode.TERMINATED
    assert [reason for _, reason in dropped(bench)] == ["stopping"] * 3
    [failed] = bench.lines("cycle_failed")
    assert (failed["phase"], failed["failure_reason"]) == ("decide", "terminated")
    assert bench.events()[-1] == "cycle_end"
    assert {line["account_key"] for line in bench.lines("execution_skipped")} == {"***"}


def test_a_login_lost_in_the_middle(bench: Bench) -> None:
    bench.strategy = Buys()
    bench.fault("status", count=None, endpoint="*/orders/precheck", params={"status": 401})
    report = bench.cycle()
    assert report.exit_code is ExitCode.NOPERM
    assert [reason for _, reason in dropped(bench)] == ["cycle_failed"] * 2
    [failed] = bench.lines("cycle_failed")
    assert (failed["phase"], failed["failure_reason"]) == ("execute", "login_error")
    [ended] = bench.lines("execution_completed")
    assert ended["failure_reason"] == "login_refused"


def test_a_bug_in_the_middle(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(trade_executor, "precheck", broken)
    bench.strategy = Buys()
    report = bench.cycle()
    assert (report.exit_code, report.error_reason) == (ExitCode.SOFTWARE, "zero_division_error")
    assert [reason for _, reason in dropped(bench)] == ["cycle_failed"] * 2
    [line] = bench.lines("unexpected_exception")
    assert (line["exc_type"], line["phase"]) == ("ZeroDivisionError", "execute")


def test_a_journal_that_cannot_take_an_intent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It raised before there was an intent: this order, too, was not begun."""

    def full(*_: Any, **__: Any) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(trade_executor.TradeExecutor, "_create", full)
    bench.strategy = Buys()
    report = bench.cycle()
    assert (report.exit_code, report.error) == (ExitCode.IOERR, "disk full")
    assert [reason for _, reason in dropped(bench)] == ["cycle_failed"] * 3


def test_a_cycle_that_breaks_off_while_it_decides(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = Guards.sellable
    asked: list[object] = []

    def broken(guards: Guards, instrument: Any) -> Any:
        asked.append(instrument)
        if len(asked) == 3:
            raise StorageError("disk full")
        return healthy(guards, instrument)

    monkeypatch.setattr(Guards, "sellable", broken)
    bench.strategy = Buys()
    assert bench.cycle().exit_code is ExitCode.IOERR
    assert [reason for _, reason in dropped(bench)] == ["cycle_failed"] * 2
    assert len(bench.lines("strategy_decision", action="SKIP", reason="cycle_failed")) == 1


def test_a_deadline_is_said_once(bench: Bench) -> None:
    bench.strategy = Buys(3, lambda: bench.clock.advance(600))
    assert bench.cycle().exit_code is ExitCode.DEADLINE
    assert [reason for _, reason in dropped(bench)] == ["deadline"] * 3


def test_what_is_carried_out_is_not_said_to_be_dropped(bench: Bench) -> None:
    bench.strategy = Buys()
    assert bench.cycle().exit_code is ExitCode.OK
    assert dropped(bench) == []
    assert len(bench.lines("execution_intent_created")) == 3
