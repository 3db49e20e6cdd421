"""The run lock switched off: the journal alone still keeps several runs from sending twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.torture.judge import Breach, find_breaches
from support.torture.stage import ETF, MSFT, Stage
from support.torture.zygote import Zygote

ROUNDS = 8
STRATEGY = {
    "STRATEGY_NAME": "support.torture.strategies:Turn",
    "WATCHLIST_JSON": json.dumps([MSFT, ETF]),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("together", [2, 4])
def test_at_most_one_order_for_a_decision(tmp_path: Path, zygote: Zygote, together: int) -> None:
    taken_over = 0
    with Stage(tmp_path / "stage", zygote, STRATEGY) as stage:
        for _ in range(ROUNDS):
            runs = [stage.start(hooks=["no_lock"]) for _ in range(together)]
            ended = [run.wait() for run in runs]
            codes = {run.exit_code for run in ended}
            # 74: another run had taken the order over; 3: it was looked for at the same moment.
            assert codes <= {0, 3, 74}, [run.console for run in ended]
            taken_over += sum(run.exit_code == 74 for run in ended)
            stage.simulator.advance()
            stage.move(120)
        for _ in range(2):
            stage.run()
            stage.move(3700)
        breaches = [found for found in find_breaches(stage) if found.breach is not Breach.RUN]
        assert breaches == []
        assert len(stage.lines("execution_order_placed")) >= ROUNDS / 2
    # That they did get into each other's way, and did not only come one after the other.
    assert taken_over or together == 2


def test_with_the_lock_one_runs_and_the_others_say_who(stage: Stage) -> None:
    runs = [stage.start() for _ in range(4)]
    codes = sorted(code for run in runs if (code := run.wait().exit_code) is not None)
    assert codes[-1] == 75
    assert codes[0] == 0
    assert set(codes) == {0, 75}
    assert len(stage.lines("execution_order_placed")) == 1
    assert all("pid=" in line["holder"] for line in stage.lines("cycle_skip_overlap"))
