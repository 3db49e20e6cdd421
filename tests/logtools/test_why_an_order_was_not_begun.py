"""`tradebot logs why` about decisions to buy that a cycle's end left where they were."""

from __future__ import annotations

from typing import Any

import pytest

from support.bench import Bench
from tradebot.execution import trade_executor
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Selection, entries
from tradebot.logtools.reading.folder import log_of
from tradebot.logtools.why.cycles import NEEDLES, Cycles
from tradebot.logtools.why.reasons_chain import Answer, answer
from tradebot.model import Action, Signal

LATER = "2100-01-01T00:00:00.000Z"


class Buys:
    """Buys everything; asked to stop while it thinks about the last one, where `stops` says so."""

    name, version, horizon_minutes, bars_needed = "sma_cross", "1.0", 1440, 1

    def __init__(self, bench: Bench, *, stops: bool = False) -> None:
        self._bench = bench
        self._stops = stops

    def decide(self, view: Any) -> Signal:
        if self._stops and view.instrument.asset_type == "FxSpot":
            self._bench.clock.request_stop()
        return Signal(Action.BUY, "always")


def answers(bench: Bench) -> list[Answer]:
    files = log_of([str(bench.folder / "logs")])
    read = Cycles().read(entries(files, Selection(needles=NEEDLES), Notes()))
    [cycle] = read.runs
    return [answer(cycle, instrument, "", read.orders, LATER) for instrument in cycle.decided]


def test_a_run_that_was_asked_to_stop(bench: Bench) -> None:
    bench.strategy = Buys(bench, stops=True)
    bench.cycle()
    assert [one.reason for one in answers(bench)] == ["stopping"] * 3
    assert {one.where for one in answers(bench)} == {"before the order was begun"}


def test_a_login_that_was_lost_says_more_than_that_the_cycle_failed(bench: Bench) -> None:
    bench.strategy = Buys(bench)
    bench.fault("status", count=None, endpoint="*/orders/precheck", params={"status": 401})
    bench.cycle()
    assert [one.reason for one in answers(bench)] == ["login_refused"] + ["login_error"] * 2
    assert {one.where for one in answers(bench)[1:]} == {"carrying out orders"}


def test_so_does_a_bug_and_at_which_step_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(trade_executor, "precheck", broken)
    bench.strategy = Buys(bench)
    bench.cycle()
    assert [one.reason for one in answers(bench)] == ["unexpected_exception"] * 3
    assert {one.where for one in answers(bench)} == {"carrying out orders"}
