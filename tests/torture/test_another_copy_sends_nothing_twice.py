"""A restored backup, a second clone, another machine: what one has sent no other sends again.

References are derived from the decision, so every copy calls the same order by the same name.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from support.torture.plan import JOURNAL, ORDER, KillPlan
from support.torture.stage import Stage
from support.torture.zygote import Running, Zygote

NO_POSITION = "DELETE FROM positions"
"""Nothing but the broker's orders may hold the copy back, so what was bought is given away."""


def start_clone(stage: Stage, name: str, *, of_the_same_user: bool = False) -> Running:
    """A run of a clone that shares nothing with the first but the login's account."""
    folder = stage.folder / name
    user = stage.bot / "user" if of_the_same_user else folder / "user"
    return stage.start(
        STATE_DIR=str(folder / "state"), LOG_DIR=str(folder / "logs"), XDG_STATE_HOME=str(user)
    )


def orders(stage: Stage) -> list[Any]:
    return list(stage.simulator.broker.state.all("SELECT reference, status FROM orders"))


def test_a_second_clone_after_the_first(stage: Stage) -> None:
    assert stage.run().exit_code == 0
    stage.simulator.broker.state.run(NO_POSITION)
    assert start_clone(stage, "clone").wait().exit_code == 0
    assert len(orders(stage)) == 1
    text = (stage.folder / "clone" / "logs" / "bot.log").read_text(encoding="utf-8")
    assert "execution_duplicate_refused" in text
    assert "execution_order_sending" not in text


@pytest.mark.timeout(300)
def test_two_clones_at_the_same_moment(tmp_path: Path, zygote: Zygote) -> None:
    """Both may have asked before either had sent: then the broker refuses the same request."""
    for number in range(4):
        with Stage(tmp_path / str(number), zygote, rate=1) as stage:
            clones = [start_clone(stage, name) for name in ("one", "two", "three")]
            ended = [clone.wait() for clone in clones]
            assert {run.exit_code for run in ended} <= {0, 3}
            assert len(orders(stage)) == 1


def test_two_clones_of_one_user_do_not_run_together(stage: Stage) -> None:
    running = stage.start(plan=KillPlan(ORDER, 1, "stop"))
    assert running.wait_until_stopped()
    assert start_clone(stage, "clone", of_the_same_user=True).wait().exit_code == 75
    running.resume()
    assert running.wait().exit_code == 0
    assert len(orders(stage)) == 1


@pytest.mark.timeout(300)
def test_a_journal_restored_from_any_moment_of_the_run(tmp_path: Path, zygote: Zygote) -> None:
    """The journal's files as they were at each of its writes, put back after the order was sent."""
    with Stage(tmp_path / "measured", zygote) as stage:
        writes = stage.run().calls.kinds.count(JOURNAL)
    for number in range(1, writes + 1, 7):
        with Stage(tmp_path / str(number), zygote) as stage:
            running = stage.start(plan=KillPlan(JOURNAL, number, "stop"))
            assert running.wait_until_stopped()
            live, backup = stage.journal_path().parent, stage.folder / "backup"
            shutil.copytree(live, backup)
            running.resume()
            assert running.wait().exit_code == 0
            assert len(orders(stage)) == 1
            shutil.rmtree(live)
            shutil.copytree(backup, live)
            for path in live.glob("*-shm"):
                path.unlink()
            stage.simulator.broker.state.run(NO_POSITION)
            for _ in range(3):
                stage.move(3700)
                assert stage.run().exit_code == 0, number
            assert len(orders(stage)) == 1, number
