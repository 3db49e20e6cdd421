"""The timer's calendar starts exactly the slots: checked with systemd's own reader."""

from __future__ import annotations

import itertools
import math
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.deploy.coverage import covering_hours
from tradebot.deploy.examples import WEEKDAY_WINDOW
from tradebot.deploy.systemd.calendars import calendar_lines
from tradebot.deploy.systemd.parsed import Unit
from tradebot.deploy.systemd.wakeups import wakeups
from tradebot.scheduling.slots import first_slot_after

DAY = 86400
CADENCES = sorted(
    {n for n in range(1, 3601) if 3600 % n == 0} | {n for n in range(1, DAY + 1) if DAY % n == 0}
)
BEGIN = datetime(2026, 10, 24, 22, 59, 30, tzinfo=UTC)
COUNT = 60
_NEXT = re.compile(r"(?:Next elapse|Iter\w*\.? #\d+): \w{3} (\S+ \S+) UTC")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def timer(lines: list[str]) -> Unit:
    text = "[Timer]\n" + "".join(f"OnCalendar={line}\n" for line in lines)
    return Unit.of("a@b.timer", text, "test")


def expected(cadence: float, offset: float, count: int = COUNT) -> list[datetime]:
    """The next slots' beginnings, a part of a second rounded up."""
    found: list[datetime] = []
    slot = BEGIN - timedelta(seconds=1)
    while len(found) < count:
        slot = first_slot_after(slot, cadence, offset)
        whole = datetime.fromtimestamp(math.ceil(slot.timestamp()), UTC)
        if whole > BEGIN:
            found.append(whole)
    return found


def as_systemd_has_it(lines: list[str]) -> list[datetime]:
    tool = ["systemd-analyze", "calendar", f"--iterations={COUNT}"]
    found = set()
    for line in lines:
        done = subprocess.run(
            [*tool, f"--base-time={BEGIN:%Y-%m-%d %H:%M:%S} UTC", line],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, done.stderr
        stamps = _NEXT.findall(done.stdout)
        assert stamps, done.stdout
        found |= {
            datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for text in stamps
        }
    return sorted(found)[:COUNT]


@needs_systemd
@pytest.mark.parametrize(
    ("cadence", "offset"),
    [
        *[(cadence, 0) for cadence in (1, 10, 45, 60, 300, 450, 900, 3600, 5400, 14400, DAY)],
        *[(300, 20), (300, 90.5), (3600, 3599), (5400, 75), (4320, 7), (DAY, 34200)],
    ],
)
def test_systemd_starts_each_slot_and_nothing_else(cadence: float, offset: float) -> None:
    assert as_systemd_has_it(calendar_lines(cadence, offset)) == expected(cadence, offset)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(CADENCES), st.integers(0, 2 * DAY * 4).map(lambda quarter: quarter / 4))
def test_every_cadence_and_offset_starts_each_slot_and_nothing_else(
    cadence: int, offset: float
) -> None:
    lines = calendar_lines(cadence, offset % cadence)
    found = itertools.islice(wakeups(timer(lines), BEGIN + timedelta(seconds=1)), 20)

    assert list(found) == expected(cadence, offset % cadence, 20)


def test_an_ordinary_cadence_is_one_readable_line() -> None:
    assert calendar_lines(300) == ["*-*-* *:00/5:00 UTC"]
    assert calendar_lines(300, 20) == ["*-*-* *:00/5:20 UTC"]
    assert calendar_lines(60) == ["*-*-* *:*:00 UTC"]
    assert calendar_lines(14400) == ["*-*-* 00/4:00:00 UTC"]
    assert calendar_lines(30) == ["*-*-* *:*:00/30 UTC"]


@needs_systemd
def test_a_narrowed_calendar_starts_every_slot_of_the_window_in_winter_and_in_summer() -> None:
    hours = covering_hours(WEEKDAY_WINDOW.hours, BEGIN)
    lines = calendar_lines(3600, 0, hours)

    assert lines == ["Mon..Fri *-*-* 13..20:00:00 UTC"]
    found = as_systemd_has_it(lines)
    assert {moment.hour for moment in found} == set(range(13, 21))
    assert {moment.weekday() for moment in found} == set(range(5))


def test_wakeups_begin_with_the_moment_asked_for() -> None:
    begin = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    assert next(wakeups(timer(calendar_lines(300)), begin)) == begin


def test_a_line_that_systemd_cannot_read_starts_nothing() -> None:
    assert next(wakeups(timer(["every now and then"]), BEGIN), None) is None
