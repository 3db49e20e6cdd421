"""The same for `python main.py`, a process of its own from its first instruction on."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.torture.judge import find_breaches
from support.torture.plan import JOURNAL, LOG, ORDER, RECEIVE, SEND, STATE, TOKEN, KillPlan
from support.torture.stage import Stage
from support.torture.torturer import LATER_SECONDS
from support.torture.zygote import Zygote


@pytest.mark.parametrize(
    "plan",
    [
        KillPlan(STATE, 20, "before"),
        KillPlan(TOKEN, 4, "half"),
        KillPlan(JOURNAL, 80, "half"),
        KillPlan(JOURNAL, 105, "after"),
        KillPlan(LOG, 13, "half"),
        KillPlan(LOG, 19, "after"),
        KillPlan(ORDER, 1, "half"),
        KillPlan(SEND, 14, "after"),
        KillPlan(RECEIVE, 12, "before"),
        KillPlan(RECEIVE, 13, "after"),
    ],
    ids=str,
)
def test_killed_and_recovered(tmp_path: Path, zygote: Zygote, plan: KillPlan) -> None:
    with Stage(tmp_path / "stage", zygote, rate=1) as stage:
        assert stage.run_program(plan=plan).killed
        stage.move(LATER_SECONDS)
        first = stage.run_program()
        assert first.exit_code == 0, first.console
        stage.move(90)
        assert stage.run().exit_code == 0
        assert find_breaches(stage, torn=(plan.kind, plan.mode) == (LOG, "half")) == []
