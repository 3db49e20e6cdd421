"""Trading windows, slots, jitter and tasks on Windows: what every other machine says, too.

This file runs on Linux and in Wine alike; what they must agree on is written down here.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta

from support.program import ROOT
from tradebot.deploy.examples import WEEKDAY_WINDOW, example_schedule, windows_program
from tradebot.deploy.windows.runbook import USER
from tradebot.deploy.windows.task import render_tasks
from tradebot.scheduling.hours import HoursConfig, Run, decide, open_intervals
from tradebot.scheduling.jitter import jitter_seconds
from tradebot.scheduling.slots import slot_start

BEGIN, END = datetime(2021, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
"""Years whose clock changes are history: no new edition of the time zones moves them."""
ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
WINDOWS = ((time(9, 30), time(16)), (time(22), time(6)), (time(1, 30), time(2, 30)))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_windows_over_five_years_of_clock_changes() -> None:
    said = []
    for zone in ZONES:
        for start, end in WINDOWS:
            hours = HoursConfig("fixed", frozenset(range(5)), start, end, zone)
            said += [
                f"{a.isoformat()} {b.isoformat()}" for a, b in open_intervals(BEGIN, END, hours)
            ]
    assert len(said) == 19564
    assert digest("\n".join(said)) == "df9cf8b3c22c2d44"


def test_decisions_in_the_nights_of_the_clock_changes() -> None:
    hours = HoursConfig("fixed", frozenset(range(7)), time(1), time(3), "America/New_York")
    said = ""
    for night in (datetime(2025, 3, 9, 4, tzinfo=UTC), datetime(2025, 11, 2, 3, tzinfo=UTC)):
        for quarter in range(24):
            decided = decide(night + timedelta(minutes=15) * quarter, hours)
            said += "R" if isinstance(decided, Run) else "-"
        said += " "
    assert said.split() == ["--------RRRR------------", "--------RRRRRRRRRRRR----"]


def test_slots_and_jitter() -> None:
    slot = slot_start(datetime(2025, 3, 9, 6, 59, 59, tzinfo=UTC), 300, 20)
    assert slot == datetime(2025, 3, 9, 6, 55, 20, tzinfo=UTC)
    waits = [
        jitter_seconds(15, 300, host="WINBOX", instance=name, slot=slot)
        for name in ("default", "paper", "Zürich")
    ]
    assert waits == [1.397, 3.152, 9.728]


def test_a_task_is_the_same_text_wherever_it_is_rendered() -> None:
    """The runbook has been written elsewhere."""
    page = (ROOT / "docs" / "runbooks" / "windows-task-scheduler.md").read_text("utf-8")
    for narrow in (False, True):
        plan = example_schedule(WEEKDAY_WINDOW, windows_program(), user=USER, narrow=narrow)
        for text in render_tasks(plan).values():
            assert text in page
