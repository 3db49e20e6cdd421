"""A killed run's last moment is nobody's knowledge: what it leaves of the slots after it."""

from __future__ import annotations

import pytest

from support.slot_rows import BUSY, KILLED, history, run, utc, words
from tradebot.journal import Grid, RunOutcome, RunRow

MINUTES = (Grid(utc("2020-01-01"), 60, 0),)


@pytest.mark.parametrize("outcome", [KILLED, None])
def test_a_killed_run_was_going_only_if_the_next_one_came_as_soon_as_it_could(
    outcome: RunOutcome | None,
) -> None:
    """It was over at 12:04:31 at the latest: a run at 12:05 then, or the machine was off."""

    def fates(*rows: RunRow, cycle: int | None = 1) -> list[tuple[str, int]]:
        dead = run("2026-06-15 12:00", outcome, lasts=3600, run_id="dead", cycle=cycle)
        found = history("2026-06-15 12:01", "2026-06-15 12:08", [dead, *rows], grids=MINUTES)
        return [(word, count) for word, count in words(found) if word != "ran"]

    in_time, too_late = run("2026-06-15 12:05"), run("2026-06-15 12:06")
    assert fates(in_time) == [("busy:dead", 4), ("no-wakeup", 2)]
    assert fates(too_late) == [("no-wakeup", 5), ("no-wakeup", 1)]
    assert fates() == [("no-wakeup", 7)]
    # Whoever had the lock after it ends its time; who waited for the lock in vain does not.
    assert fates(run("2026-06-15 12:02")) == [("busy:dead", 1), ("no-wakeup", 5)]
    asked = run("2026-06-15 12:02", BUSY, code=75, cycle=None)
    assert fates(asked) == [("busy:dead", 1), ("busy:dead", 1), ("busy:dead", 2), ("no-wakeup", 3)]
    # A run by hand says nothing of the scheduler.
    assert fates(run(None, at="2026-06-15 12:04:40")) == [("no-wakeup", 7)]
    assert fates(in_time, cycle=None) == [("no-wakeup", 4), ("no-wakeup", 2)]


def test_a_run_may_wait_for_its_jitter_until_it_must_be_over() -> None:
    waiting = run("2026-06-15 12:00", None, code=None, cycle=None, phase="startup")
    for until, word in (("12:04:30", "running:startup"), ("12:04:32", "killed")):
        [found] = history("2026-06-15 12:00", f"2026-06-15 {until}", [waiting])
        assert found.word == word
