"""Whatever a user's strategy answers or raises: the right order, or none, and a reason."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from support.bench import MSFT, Bench
from tradebot.model import Action, InstrumentId, Signal

EURUSD = InstrumentId("FxSpot", 21)


class Says:
    """Answers everything with what it was made with."""

    name, version, horizon_minutes, bars_needed = "says", "1", 1440, 1

    def __init__(self, action: Any, reason: str = "because") -> None:
        self.signal = Signal(action, reason)

    def decide(self, view: Any) -> Signal:
        return self.signal


def test_a_plain_text_for_an_action_means_what_it_says(bench: Bench) -> None:
    bench.strategy = Says("BUY")
    report = bench.cycle()
    assert {e.outcome for e in report.executions} == {"SUCCESS"}
    positions = bench.net_positions()
    assert positions[EURUSD] == 10000
    assert positions[MSFT] == 10


def test_it_passes_the_same_guards(bench: Bench) -> None:
    bench.strategy = Says("BUY")
    report = bench.cycle(MAX_POSITION_VALUE="1")
    assert {str(d.reason) for d in report.decisions} == {"max_position_value"}
    bench.strategy = Says("SELL")
    report = bench.cycle()
    assert {str(d.reason) for d in report.decisions} == {"nothing_sellable"}
    assert bench.orders_at_broker() == 0


@pytest.mark.parametrize("action", ["SKIP", Action.SKIP, "buy", "HODL", None, 1])
def test_anything_else_is_an_error_of_the_strategy(bench: Bench, action: object) -> None:
    bench.strategy = Says(action)
    report = bench.cycle()
    assert [str(d.reason) for d in report.decisions] == ["strategy_error"] * 3
    assert bench.orders_at_broker() == 0


def test_leaving_the_program_is_not_the_strategys_to_decide(bench: Bench) -> None:
    class Leaves(Says):
        def decide(self, view: Any) -> Signal:
            sys.exit(0)

    bench.strategy = Leaves("HOLD")
    report = bench.cycle()
    assert [str(d.reason) for d in report.decisions] == ["strategy_error"] * 3
    assert bench.events()[-1] == "cycle_end"
    with bench.journal() as journal:
        assert journal.runs.latest(1)[0].ended_at is not None
