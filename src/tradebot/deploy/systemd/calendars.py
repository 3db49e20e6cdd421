"""A cadence as OnCalendar= lines, always in UTC.

A calendar in a zone with summer time has a hole of an hour each autumn: systemd waits for a local
time that it believes has passed. In UTC every hour comes once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from tradebot.deploy.coverage import Hours, whole_week
from tradebot.deploy.grid import moments, starts_of_day, step_of

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar_lines(cadence: float, offset: float = 0, hours: Hours | None = None) -> list[str]:
    """The values of OnCalendar= that start each slot, or those slots that begin in `hours`.

    A part of a second is rounded up: a run must not start before its slot.
    """
    starts = starts_of_day(cadence, offset)
    lines = []
    for days, hours_of in _days_alike(hours or whole_week()).items():
        prefix = "" if len(days) == len(_DAYS) else _ranges(days, _DAYS.__getitem__) + " "
        for group in moments(start for start in starts if start // 3600 in hours_of):
            minutes, seconds = _sixtieths(group.minutes), _sixtieths(group.seconds)
            lines.append(f"{prefix}*-*-* {_hours(group.hours)}:{minutes}:{seconds} UTC")
    return lines


def _days_alike(hours: Hours) -> Mapping[tuple[int, ...], frozenset[int]]:
    days: defaultdict[frozenset[int], list[int]] = defaultdict(list)
    for day, hours_of in hours.items():
        days[hours_of].append(day)
    return {tuple(sorted(group)): hours_of for hours_of, group in days.items() if hours_of}


def _hours(hours: Sequence[int]) -> str:
    if len(hours) == 24:
        return "*"
    step = step_of(hours, 24)
    if step is not None and step > 1:
        return f"{hours[0]:02d}/{step}"
    return _ranges(hours, "{:02d}".format)


def _sixtieths(values: Sequence[int]) -> str:
    """Minutes or seconds: `*`, `00/5` or a list."""
    if len(values) == 60:
        return "*"
    step = step_of(values, 60)
    if step is not None:
        return f"{values[0]:02d}/{step}"
    return ",".join(f"{value:02d}" for value in values)


def _ranges(values: Sequence[int], name: Callable[[int], str]) -> str:
    """`13..20`, `Mon..Fri`, `00,05..07`."""
    found = _runs(values)
    return ",".join(name(a) if a == b else f"{name(a)}..{name(b)}" for a, b in found)


def _runs(values: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each stretch of neighbours."""
    first = last = values[0]
    for value in values[1:]:
        if value != last + 1:
            yield first, last
            first = value
        last = value
    yield first, last
