"""When the triggers of a task start it."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tradebot.deploy.windows.parsed import Task, Trigger, is_true, moment_of, text_of

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_INTERVALS = (60, 31 * 86400)
_LONGEST = 3650 * 86400
"""Seconds. Longer repetitions are as good as endless."""


def wakeups(task: Task, since: datetime, *, certain: bool = False) -> Iterator[datetime]:
    """Its starts by the clock from `since` (aware) on, ascending, UTC; may be endless.

    A start at boot or logon is not among them, nor one by month: those are not for slots.
    A repetition for a while starts at both its ends by the documentation, but people have seen
    the last one fail; `certain` leaves it out.
    """
    if not is_true(task.setting("Enabled")):
        return
    last = None
    for moment in heapq.merge(*(_of_trigger(t, since, certain) for t in task.triggers)):
        if moment != last:
            yield moment
        last = moment


def _of_trigger(trigger: Trigger, since: datetime, certain: bool) -> Iterator[datetime]:
    start = trigger.start
    if start is None or not trigger.enabled:
        return
    end = moment_of(trigger.text("EndBoundary"))
    for occurrence in _occurrences(trigger, start, since):
        for moment in _repeated(trigger, _utc(occurrence), since, certain):
            if end is not None and moment >= _utc(end):
                return
            yield moment


def _occurrences(trigger: Trigger, start: datetime, since: datetime) -> Iterator[datetime]:
    """When the trigger itself fires. A day's repetition may reach into the next day, so it begins
    a little before `since`."""
    if trigger.kind == "TimeTrigger":
        yield start
    if trigger.kind != "CalendarTrigger":
        return
    every = text_of(trigger.element, "ScheduleByDay/DaysInterval")
    days = trigger.days
    weeks = _count(trigger.text("ScheduleByWeek/WeeksInterval"))
    if every is None and not days:
        return
    step = _count(every)
    passed = max(0, (since - _utc(start)) // _DAY - 1) // step * step
    # Counted by the calendar: a trigger in local time keeps its hour when the clocks change.
    day = start + passed * _DAY
    while day.year < 9999:
        first_day = start - start.weekday() * _DAY
        if every is not None or (day.weekday() in days and (day - first_day) // _WEEK % weeks == 0):
            yield day
        day += step * _DAY


def _repeated(
    trigger: Trigger, first: datetime, since: datetime, certain: bool
) -> Iterator[datetime]:
    """Both ends of the duration are starts: a minute's interval for four minutes makes five."""
    interval = trigger.interval
    if interval is None or not _INTERVALS[0] <= interval <= _INTERVALS[1]:
        if first >= since:
            yield first
        return
    step = timedelta(seconds=interval)
    end = None
    if trigger.duration is not None:
        # Longer than a day, the next day's row takes over.
        length = timedelta(seconds=min(trigger.duration, _LONGEST))
        end = first + (length if trigger.kind == "TimeTrigger" else min(length, _DAY))
    elif trigger.kind == "CalendarTrigger":
        end = first + _DAY
    moment = first + max(0, -((first - since) // step)) * step
    while end is None or moment <= end:
        if certain and first < moment == end:
            return
        yield moment
        moment += step


def _count(text: str | None) -> int:
    """Of days or weeks; what is no number is another rule's finding."""
    return max(1, int(text)) if text and re.fullmatch("[0-9]{1,3}", text) else 1


def _utc(moment: datetime) -> datetime:
    """One without a zone is this machine's local time."""
    return moment.astimezone(UTC)
