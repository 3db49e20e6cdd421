"""Each exit code of the table, by a real process; log and journal say the same code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from support.run_scene import Scene
from tradebot.errors import ExitCode

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

NOBODY_LISTENS = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Ended:
    """How a run ended, and what it said on stderr."""

    code: int
    errors: str


def ran(scene: Scene, *arguments: str, **more: str) -> Ended:
    done = scene.done(*arguments, **more)
    return Ended(done.returncode, done.stderr)


def hung(scene: Scene) -> Ended:
    """In a call that holds the interpreter's own lock: no signal, no deadline is looked at."""
    with scene.held(
        "decide",
        opens="True",
        before="import tradebot.app; tradebot.app.HANG_GRACE_SECONDS = 4",
        then="import ctypes; ctypes.PyDLL(None).sleep(40)",
        CYCLE_DEADLINE_SECONDS="1",
    ) as run:
        return Ended(run.end(), run.errors)


def with_an_unclear_answer(scene: Scene) -> Ended:
    scene.fault("drop_before", endpoint="/trade/v2/orders", method="POST")
    return ran(scene)


def with_a_bug(scene: Scene) -> Ended:
    with scene.held("decide", opens="True", then="raise ZeroDivisionError('of all things')") as run:
        return Ended(run.end(), run.errors)


def with_a_journal_that_is_none(scene: Scene) -> Ended:
    journal = scene.folder / "state" / "default" / "LOCAL" / "live" / "journal.db"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"rubbish" * 500)
    return ran(scene)


def while_another_one_runs(scene: Scene) -> Ended:
    with scene.held("decide"):
        return ran(scene)


def past_its_deadline(scene: Scene) -> Ended:
    with scene.held("execute", opens="cycle.deadline.passed", CYCLE_DEADLINE_SECONDS="2") as run:
        return Ended(run.end(), run.errors)


def asked_to_stop(scene: Scene) -> Ended:
    with scene.held("decide") as run:
        run.process.terminate()
        return Ended(run.end(), run.errors)


CASES: dict[ExitCode, Callable[[Scene], Ended]] = {
    ExitCode.OK: ran,
    ExitCode.UNRESOLVED: with_an_unclear_answer,
    ExitCode.USAGE: lambda scene: ran(scene, "--nonsense"),
    ExitCode.UNAVAILABLE: lambda scene: ran(scene, SAXO_REST_BASE=f"{NOBODY_LISTENS}/sim/openapi"),
    ExitCode.SOFTWARE: with_a_bug,
    ExitCode.IOERR: with_a_journal_that_is_none,
    ExitCode.BUSY: while_another_one_runs,
    ExitCode.NOPERM: lambda scene: ran(scene, SAXO_APP_SECRET="not-this-app-s-secret"),
    ExitCode.CONFIG: lambda scene: ran(scene, LOG_RETENTION_DAYS="many"),
    ExitCode.DEADLINE: past_its_deadline,
    ExitCode.TERMINATED: asked_to_stop,
}
WITHOUT_A_ROW = {ExitCode.USAGE, ExitCode.IOERR}
WITHOUT_A_CYCLE = {*WITHOUT_A_ROW, ExitCode.BUSY, ExitCode.CONFIG}
ORDERS = {ExitCode.OK: 1}


@pytest.mark.parametrize(
    "code",
    [code for code in ExitCode if code is not ExitCode.HUNG],  # which writes neither
    ids=lambda code: f"{int(code)} {code.name}",
)
def test_the_process_the_log_and_the_journal_say(scene: Scene, code: ExitCode) -> None:
    ended = CASES[code](scene)
    assert ended.code == code, ended.errors
    if code not in WITHOUT_A_CYCLE:
        assert scene.lines("cycle_end")[-1].fields["exit_code"] == str(int(code))
    if code not in WITHOUT_A_ROW:
        assert scene.rows()[-1].exit_code == code
    assert scene.orders() == ORDERS.get(code, 0)
    assert not any(line.startswith("Traceback") for line in ended.errors.splitlines())


def test_the_watchdog_shows_where_it_hung_and_the_next_run_recovers(scene: Scene) -> None:
    ended = hung(scene)
    assert ended.code == 1
    assert "Timeout (0:00:0" in ended.errors
    assert "in enter_and_wait" in ended.errors
    assert "orchestrator.py" in ended.errors
    assert scene.run() == 0
    assert [row.outcome for row in scene.rows()] == ["killed", "ran"]
    [found] = scene.lines("run_killed_found")
    assert found.fields["phase"] == "decide"
    assert scene.orders() == 1


def test_a_run_past_its_deadline_begins_no_order_and_the_next_one_does(scene: Scene) -> None:
    assert past_its_deadline(scene).code == 124
    [line] = scene.lines("cycle_failed")
    assert line.fields["failure_reason"] == "deadline_exceeded"
    assert "orders were not begun" in line.fields["msg"]
    assert scene.lines("execution_intent_created") == []
    assert (scene.run(), scene.orders()) == (0, 1)


def test_the_help_names_each_code(scene: Scene) -> None:
    done = scene.done("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("exit codes:")[2]
    named = {int(number) for number in re.findall(r"\b\d+\b", listed)}
    assert named == {int(code) for code in ExitCode}
