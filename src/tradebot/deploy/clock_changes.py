"""The coming clock changes, gone through in advance: does every slot still get its wake-up, and
what becomes of the trading window?

Slots are counted in UTC and know no summer time. A scheduler that counts in a zone of its own does:
many skip or repeat what falls into the hour that clocks jump over. So its wake-ups around each
change are laid over the slots, whoever wrote the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.scheduling.hours import HoursConfig, open_intervals
from tradebot.scheduling.local_time import ClockChange, clock_changes
from tradebot.scheduling.slots import first_slot_after, lateness, slot_start

Wakeups = Callable[[datetime], Iterator[datetime]]
"""From a moment (aware) on: when runs are started, ascending; may be endless."""

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_WEEK = 7 * _DAY
_COMING = 2
"""Changes to look at in each zone: one of each kind."""
_HORIZON = 400 * _DAY
_BEFORE, _AFTER = _DAY, 2 * _DAY
"""Clocks change on a Sunday; the Monday after it is the first day of many windows."""
_SHOWN = 4

_IN_UTC = (
    "count in UTC: `OnCalendar=… UTC` for systemd, a StartBoundary with Z for Windows, `*` as the "
    "hours for cron; `tradebot schedule install` writes it so"
)
HOLE = Rule(
    "clock-change-hole",
    Severity.ERROR,
    "these slots get no run when the clocks change, though on other days they do, and nothing in "
    "the log says so",
    _IN_UTC,
)
LATE = Rule(
    "clock-change-late",
    Severity.ERROR,
    "these runs come later in their slots than SCHEDULE_MAX_LATENESS allows and are skipped "
    "(cycle_skip_slot reason=late)",
    _IN_UTC,
)
VANISHES = Rule(
    "clock-change-window-vanishes",
    Severity.WARNING,
    "the clocks jump over the whole trading window: it does not open on that day",
    "move TRADING_START or TRADING_END out of the hour that is jumped over",
)
TWICE = Rule(
    "clock-change-window-twice",
    Severity.NOTE,
    "an edge of the trading window lies in the hour that comes twice; the first of the two counts, "
    "so the window opens once and closes once",
    "nothing, or move TRADING_START or TRADING_END out of that hour",
)
PASSED = Rule(
    "clock-change",
    Severity.NOTE,
    "slots are counted in UTC and stay as they are; the trading window follows the clocks of "
    "TIMEZONE",
    "nothing",
)
RULES = (HOLE, LATE, VANISHES, TWICE, PASSED)


def clock_change_findings(
    schedule: Schedule, wakeups: Wakeups, zone: tzinfo, now: datetime
) -> list[Finding]:
    """What the next two clock changes of the machine (`zone`) and of TIMEZONE do to the schedule.

    One note for each change, and a finding for each thing that goes wrong.
    """
    found: list[Finding] = []
    for name, change in _coming(schedule, zone, now):
        night = _look(schedule, wakeups, change)
        title = f"{change.at:%Y-%m-%dT%H:%MZ}, {name} {_jump(change)}"
        found += _slot_findings(night, title)
        found += _window_findings(schedule.hours, name, change, title)
        found.append(PASSED.found(_told(schedule.hours, name, change, night, title)))
    return found


def _coming(schedule: Schedule, zone: tzinfo, now: datetime) -> list[tuple[str, ClockChange]]:
    """The changes by time, each with the name of its zone."""
    zones: dict[str, tzinfo] = {str(zone): zone}
    if schedule.hours.mode == "fixed":
        zones[schedule.hours.timezone] = ZoneInfo(schedule.hours.timezone)
    found = [
        (name, change)
        for name, one in zones.items()
        for change in islice(clock_changes(one, now, now + _HORIZON), _COMING)
    ]
    return sorted(found, key=lambda pair: pair[1].at)


# Slots and wake-ups.


@dataclass(frozen=True, slots=True)
class _Night:
    """What happens around one change. Beginnings of slots, ascending."""

    wanted: Collection[datetime]
    missed: Collection[datetime]
    """Without a wake-up, though a week before they had one."""
    late: Collection[datetime]
    woken: int
    """How many of those wanted have a wake-up."""


def _look(schedule: Schedule, wakeups: Wakeups, change: ClockChange) -> _Night:
    since = slot_start(change.at - _BEFORE, schedule.cadence, schedule.offset)
    until = change.at + _AFTER
    wanted = _wanted_slots(schedule, since, until)
    woken = _woken_slots(schedule, wakeups, since, until)
    missed = [slot for slot in wanted if slot not in woken]
    if missed:
        # A schedule that never wakes up for a slot has another fault than the clock change.
        usual = _woken_slots(schedule, wakeups, since - _WEEK, until - _WEEK)
        before = set(_wanted_slots(schedule, since - _WEEK, until - _WEEK))
        missed = [s for s in missed if s - _WEEK in usual or s - _WEEK not in before]
    late = [s for s in wanted if s in woken and woken[s] > schedule.max_lateness]
    return _Night(wanted, missed, late, sum(slot in woken for slot in wanted))


def _wanted_slots(schedule: Schedule, since: datetime, until: datetime) -> list[datetime]:
    """The slots that may trade: those in the window where there is one, else all."""
    config = replace(schedule.hours, holidays=None)
    if config.mode != "fixed":
        config = HoursConfig("always")
    found: list[datetime] = []
    for begin, end in open_intervals(since, until, config):
        slot = slot_start(begin, schedule.cadence, schedule.offset)
        if slot < begin:
            slot = first_slot_after(begin, schedule.cadence, schedule.offset)
        while slot < end:
            found.append(slot)
            slot = first_slot_after(slot, schedule.cadence, schedule.offset)
    return found


def _woken_slots(
    schedule: Schedule, wakeups: Wakeups, since: datetime, until: datetime
) -> dict[datetime, float]:
    """Each slot that is woken up for, and how many seconds after its beginning."""
    found: dict[datetime, float] = {}
    # A little earlier: whether one at `since` itself is told of, each library sees differently.
    for moment in takewhile(lambda moment: moment < until, wakeups(since - _SECOND)):
        slot = slot_start(moment.astimezone(UTC), schedule.cadence, schedule.offset)
        found.setdefault(slot, lateness(moment, slot))
    return found


def _slot_findings(night: _Night, title: str) -> Iterator[Finding]:
    for rule, slots, what in (
        (HOLE, night.missed, "have no wake-up"),
        (LATE, night.late, "are woken up for too late"),
    ):
        if slots:
            yield rule.found(
                f"{title}: {len(slots)} of {len(night.wanted)} slots {what}: {_listed(slots)}"
            )


def _listed(slots: Collection[datetime]) -> str:
    shown = ", ".join(f"{slot:%Y-%m-%dT%H:%M:%SZ}" for slot in islice(slots, _SHOWN))
    return shown if len(slots) <= _SHOWN else f"{shown} …"


# The window.


def _window_findings(
    hours: HoursConfig, name: str, change: ClockChange, title: str
) -> Iterator[Finding]:
    """Of the days around a change of TIMEZONE's own clocks."""
    if hours.mode != "fixed" or name != hours.timezone:
        return
    week = replace(hours, holidays=None).week()
    twice = (change.after, change.before)
    for day in sorted({(change.before + days * _DAY).date() for days in (-1, 0, 1)}):
        if day.weekday() not in week.days:
            continue
        if week.planned(day) is None:
            yield VANISHES.found(f"{title}: {week.start:%H:%M} to {week.end:%H:%M} of {day}")
            continue
        closing = day if week.end > week.start else day + _DAY
        edges = (datetime.combine(day, week.start), datetime.combine(closing, week.end))
        if change.jump < timedelta(0) and any(twice[0] <= edge < twice[1] for edge in edges):
            yield TWICE.found(f"{title}: {week.start:%H:%M} to {week.end:%H:%M} of {day}")


def _told(hours: HoursConfig, name: str, change: ClockChange, night: _Night, title: str) -> str:
    text = (
        f"{title}: {night.woken} of the {len(night.wanted)} slots from a day before it to two days"
    )
    text += " after it have a wake-up"
    if hours.mode == "fixed" and name == hours.timezone:
        text += f"; {_moved(hours, change)}"
    return text


def _moved(hours: HoursConfig, change: ClockChange) -> str:
    """The last window that opens before the change and the first one after it, in UTC."""
    week = replace(hours, holidays=None).week()
    windows = list(week.open(change.at - 8 * _DAY, change.at + 8 * _DAY))
    before = [window for window in windows if window[0] < change.at]
    after = [window for window in windows if window[0] >= change.at]
    return f"the window is {_clock(before[-1])} UTC before it and {_clock(after[0])} UTC after it"


def _clock(window: tuple[datetime, datetime]) -> str:
    return f"{window[0]:%H:%M}-{window[1]:%H:%M}"


def _jump(change: ClockChange) -> str:
    return f"{change.before:%H:%M} -> {change.after:%H:%M}"
