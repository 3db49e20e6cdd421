"""Killed or asked to stop in each phase of a run: the code, the row, the line, and the next run."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from support.held_run import PHASES, wait_for
from support.program import run as run_command
from support.run_scene import Scene

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

BEFORE_THE_LOCK = PHASES[: PHASES.index("recover")]


@pytest.mark.parametrize("phase", PHASES)
def test_killed_by_the_scheduler_and_found_by_the_next_run(scene: Scene, phase: str) -> None:
    with scene.held(phase) as run:
        run.process.kill()
        assert run.end() == -signal.SIGKILL
    assert scene.orders() == 0
    assert scene.run() == 0
    killed, next_run = scene.rows()
    found = [line.fields for line in scene.lines("run_killed_found")]
    if phase in BEFORE_THE_LOCK:
        # It may still be waiting, for all the next run knows, and it had begun nothing.
        assert (killed.outcome, found) == (None, [])
    else:
        assert (killed.outcome, killed.exit_code) == ("killed", None)
        assert [(line["killed_run_id"], line["phase"]) for line in found] == [
            (killed.run_id, phase)
        ]
    # Nothing had been sent, so the slot's second try trades; and trades once.
    assert (next_run.outcome, next_run.exit_code, scene.orders()) == ("ran", 0, 1)


@pytest.mark.parametrize("phase", PHASES)
def test_asked_to_stop(scene: Scene, phase: str) -> None:
    with scene.held(phase) as run:
        run.process.terminate()
        assert run.end() == 143
        assert "Traceback" not in run.errors
    [row] = scene.rows()
    assert (row.outcome, row.exit_code, scene.orders()) == ("failed", 143, 0)
    assert row.phase == phase
    assert scene.lines("execution_intent_created") == []
    if phase == "execute":
        assert scene.lines("cycle_failed") == []  # it came to its end, with nothing sent
    else:
        [line] = scene.lines("cycle_failed")
        assert (line.fields["phase"], line.fields["failure_reason"]) == (phase, "terminated")
    ends = [line.fields["exit_code"] for line in scene.lines("cycle_end")]
    assert ends == ([] if phase == "jitter" else ["143"])


def test_a_slot_whose_run_was_killed_twice_is_left_alone(scene: Scene) -> None:
    for _ in range(2):
        with scene.held("execute") as run:
            run.process.kill()
            run.end()
    assert scene.run() == 0
    rows = scene.rows()
    if len({row.slot for row in rows}) == 1:  # else a day has begun meanwhile
        assert [row.outcome for row in rows] == ["killed", "killed", "skipped"]
        assert (rows[-1].reason, scene.orders()) == ("exhausted", 0)


def test_killed_with_an_order_under_way_it_is_found_and_the_slot_is_taken(scene: Scene) -> None:
    scene.fault("delay_after", endpoint="/trade/v2/orders", method="POST", params={"seconds": 30})
    with scene.held("execute") as run:
        run.open()
        wait_for(lambda: scene.orders() == 1, "the order")
        run.process.kill()
        run.end()
    assert scene.run() == 0
    assert scene.run() == 0
    rows = scene.rows()
    assert rows[0].outcome == "killed"
    assert scene.orders() == 1
    if len({row.slot for row in rows}) == 1:
        assert [row.reason for row in rows] == [None, "taken", "taken"]
    [done] = scene.lines("execution_completed")
    assert done.fields["execution_outcome"] == "SUCCESS"


def test_asked_to_stop_with_an_order_under_way_it_is_finished(scene: Scene) -> None:
    scene.fault("delay_after", endpoint="/trade/v2/orders", method="POST", params={"seconds": 3})
    with scene.held("execute") as run:
        run.open()
        wait_for(lambda: scene.orders() == 1, "the order")
        run.process.terminate()
        assert run.end() == 143
    [done] = scene.lines("execution_completed")
    outcome = done.fields["execution_outcome"]
    assert outcome in ("SUCCESS", "RECONCILIATION_NEEDED")
    assert scene.run() == 0
    assert scene.orders() == 1


def test_asked_to_stop_while_it_waits_for_its_jitter(scene: Scene) -> None:
    # Up to an hour: how long is a matter of host, instance and slot.
    with scene.held("jitter", SCHEDULER_JITTER_SECONDS="3600") as run:
        run.open()
        wait_for(lambda: scene.lines("schedule_jitter") != [], "the jitter")
        run.process.terminate()
        assert run.end() == 143
    [line] = scene.lines("cycle_failed")
    assert (line.fields["phase"], "jitter" in line.fields["msg"]) == ("jitter", True)
    assert [row.exit_code for row in scene.rows()] == [143]


def test_asked_twice_it_ends_at_once_and_the_next_run_recovers(scene: Scene) -> None:
    asked = "cycle._clock.stopping and gate.with_suffix('.asked').touch()"  # never true
    with scene.held("decide", opens=asked) as run:
        run.process.terminate()
        wait_for(run.gate.with_suffix(".asked").exists, "the first signal's handler")
        run.process.terminate()
        assert run.end() == 143
    assert scene.lines("cycle_end") == []
    assert (scene.run(), scene.orders()) == (0, 1)
    assert scene.lines("run_killed_found")[0].fields["phase"] == "decide"


def test_a_command_in_between_does_not_hide_where_a_run_was_killed(scene: Scene) -> None:
    with scene.held("decide") as killed:
        killed.process.kill()
        killed.end()
    program = "from tradebot.cli import main; main()"
    command = [sys.executable, "-c", program, "orders", "accept-position", "Stock:10001"]
    done = run_command(command, scene.folder, **scene.settings)
    assert done.returncode in (0, 1), done.stderr
    assert scene.run() == 0
    [found] = scene.lines("run_killed_found")
    assert found.fields["phase"] == "decide"
