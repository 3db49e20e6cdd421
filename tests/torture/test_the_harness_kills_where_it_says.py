"""A process dies at the very call that was meant, and every kind of call is seen at all."""

from __future__ import annotations

import pytest

from support.torture.plan import (
    JOURNAL,
    KINDS,
    LOG,
    MODES,
    ORDER,
    RECEIVE,
    STATE,
    TOKEN,
    KillPlan,
    Mode,
)
from support.torture.stage import Stage


def test_every_kind_of_call_is_seen(stage: Stage) -> None:
    ended = stage.run()
    assert ended.exit_code == 0, ended.console
    assert set(ended.calls.kinds) == set(KINDS)
    pairs = zip(ended.calls.kinds, ended.calls.halves, strict=True)
    assert {kind for kind, has_halves in pairs if has_halves} == set(KINDS)


def test_every_kind_of_call_of_a_real_process_is_seen(stage: Stage) -> None:
    ended = stage.run_program()
    assert ended.exit_code == 0, ended.console
    assert set(ended.calls.kinds) == set(KINDS)


@pytest.mark.parametrize("kind", [JOURNAL, LOG, TOKEN, STATE, ORDER, RECEIVE])
@pytest.mark.parametrize("mode", MODES)
def test_the_last_call_is_the_one_that_was_meant(stage: Stage, kind: str, mode: Mode) -> None:
    ended = stage.run(plan=KillPlan(kind, 1, mode))
    assert ended.killed
    assert ended.calls.kinds.count(kind) == 1
    assert ended.calls.kinds[-1] == kind


@pytest.mark.parametrize(
    ("mode", "whole", "torn"), [("before", 2, 0), ("half", 2, 1), ("after", 3, 0)]
)
def test_before_in_the_midst_and_after(stage: Stage, mode: Mode, whole: int, torn: int) -> None:
    opened = 1  # the file is created, which is a call as well
    ended = stage.run(plan=KillPlan(LOG, opened + 3, mode))
    assert ended.killed
    *lines, rest = (stage.bot / "logs" / "bot.log").read_text(encoding="utf-8").split("\n")
    assert (len(lines), bool(rest)) == (whole, bool(torn))


def test_half_of_an_order_is_no_order(stage: Stage) -> None:
    assert stage.run(plan=KillPlan(ORDER, 1, "half")).killed
    assert placements(stage) == 0


def test_an_order_whose_answer_was_not_read_is_an_order(stage: Stage) -> None:
    assert stage.run(hooks=["dies_after_the_order"]).killed
    assert placements(stage) == 1


def placements(stage: Stage) -> int:
    row = stage.simulator.broker.state.one("SELECT count(*) FROM orders")
    return int(row[0])


def test_a_number_that_is_not_reached_kills_nobody(stage: Stage) -> None:
    ended = stage.run(plan=KillPlan(ORDER, 2, "before"))
    assert (ended.exit_code, ended.signal) == (0, None)


def test_a_stopped_process_stands_still_until_it_is_resumed(stage: Stage) -> None:
    running = stage.start(plan=KillPlan(ORDER, 1, "stop"))
    assert running.wait_until_stopped()
    assert placements(stage) == 0
    running.resume()
    assert running.wait().exit_code == 0
    assert placements(stage) == 1


def test_two_runs_at_once(stage: Stage) -> None:
    first = stage.start(plan=KillPlan(ORDER, 1, "stop"))
    assert first.wait_until_stopped()
    assert stage.run().exit_code == 75  # the lock is held
    assert stage.run(hooks=["no_lock"]).exit_code in (0, 3)
    first.resume()
    assert first.wait().exit_code == 0


def test_time_is_moved_for_both_sides(stage: Stage) -> None:
    stage.run()
    stage.move(86400)
    assert stage.run().exit_code == 0
    with stage.journal() as journal:
        second, first = journal.runs.latest(2)
    assert 86400 < (second.started_at - first.started_at).total_seconds() < 2 * 86400
