"""Of several exit codes that apply, the one that tells a scheduler most is the process's."""

from __future__ import annotations

import itertools
import os

import pytest

from support.held_run import HeldRun
from support.run_scene import Scene
from tradebot.cycle_report import CycleReport
from tradebot.errors import ExitCode

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

STRONGEST_FIRST = (143, 124, 70, 74, 78, 77, 75, 69, 3, 0)
"""Not in it: 1 and 64, with which a process ends before anything else can apply."""


def report(*codes: int) -> CycleReport:
    made = CycleReport(dry_run=False, instruments=1, unresolved=int(3 in codes))
    made.exit_codes |= {ExitCode(code) for code in codes} - {ExitCode.UNRESOLVED}
    return made


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(STRONGEST_FIRST, 2)))
def test_the_stronger_of_two(first: int, second: int) -> None:
    assert report(second, first).exit_code == first


def test_each_code_that_a_cycle_can_have_is_ranked() -> None:
    assert {*STRONGEST_FIRST, 1, 64} == {int(code) for code in ExitCode}


@posix
def test_an_unresolved_order_before_a_skip_and_a_stop_before_it(scene: Scene) -> None:
    scene.fault("drop_before", endpoint="/trade/v2/orders", method="POST")
    assert [scene.run(), scene.run()] == [3, 3]
    rows = scene.rows()
    if len({row.slot for row in rows}) == 1:  # else a day has begun meanwhile
        assert [(row.outcome, row.reason) for row in rows] == [("ran", None), ("skipped", "taken")]
    with scene.held("reconcile") as run:
        run.process.terminate()
        assert run.end() == 143
    last = scene.lines("cycle_end")[-1].fields
    assert (last["exit_code"], last["unresolved"]) == ("143", "1")


@posix
def test_a_stop_before_a_login_refused(scene: Scene) -> None:
    with scene.held("token", SAXO_APP_SECRET="not-this-app-s-secret") as run:
        run.process.terminate()
        assert run.end() == 143
    [line] = scene.lines("cycle_failed")
    assert line.fields["failure_reason"] in ("login_error", "terminated")


@posix
def test_the_deadline_before_a_broker_that_does_not_answer(scene: Scene) -> None:
    more = {"SAXO_REST_BASE": "http://127.0.0.1:9/sim/openapi", "CYCLE_DEADLINE_SECONDS": "1"}
    with scene.held("reconcile", opens="cycle.deadline.passed", **more) as run:
        assert run.end() == 124


@posix
@pytest.mark.parametrize(
    ("opens", "seconds", "code"), [("True", "100", 69), ("cycle.deadline.passed", "1", 124)]
)
def test_the_deadline_before_missing_prices(
    scene: Scene, opens: str, seconds: str, code: int
) -> None:
    scene.fault("no_access", count=None)
    with scene.held("market_data", opens=opens, CYCLE_DEADLINE_SECONDS=seconds) as run:
        assert run.end() == code
    assert scene.orders() == 0


@posix
def test_an_order_that_is_rejected_is_a_cycle_that_ran(scene: Scene) -> None:
    scene.fault("refuse")
    assert scene.run() == 0
    [done] = scene.lines("execution_completed")
    assert done.fields["execution_outcome"] == "FAILED"


@posix
@pytest.mark.parametrize("phase", ["slot", "execute"])
def test_a_journal_that_is_lost_under_way(scene: Scene, phase: str) -> None:
    """In `execute` nothing is left to write but the row's end: the last line must still be true."""
    assert scene.run() == 0
    remove = (
        "next(Path(os.environ['STATE_DIR']).rglob('live/journal.db')).unlink()"  # while it is open
    )
    by_hand = ("--single-cycle",)  # without a slot, so that it goes on to the end
    with HeldRun(scene.folder, phase, *by_hand, opens="True", then=remove, **scene.settings) as run:
        assert run.end() == 74
    assert scene.lines("cycle_end")[-1].fields["exit_code"] == "74"
    assert scene.orders() == 1
