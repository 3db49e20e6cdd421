"""Which of a log's files are read first: a month of them is a gigabyte, and an order is two lines
of it.

Nothing is left out because of a guess: what is guessed here is only the order of reading.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta

from tradebot.logtools.reading.folder import LogFile, days_of

DAYS_AFTER_THE_BAR = 7
"""A bar of Friday may be traded on Monday; holidays come on top."""

_BAR = re.compile(r"ATB-([0-9]{4})([0-9]{2})([0-9]{2})-")


def with_neighbours(days: Iterable[date], after: int = 1) -> set[date]:
    """Each of these dates, the one before it, and so many after it."""
    return {
        moved
        for day in days
        for number in range(-1, after + 1)
        if (moved := _moved(day, number)) is not None
    }


def _moved(day: date, number: int) -> date | None:
    try:
        return day + timedelta(days=number)
    except OverflowError:
        return None


def of_days(files: Sequence[LogFile], days: Collection[date]) -> Iterator[LogFile]:
    """The files that may hold a line of one of these UTC dates.

    A file with a date in its name is of that day; of what does not say its time, each may be.
    """
    for file in files:
        own = [file.day] if file.day is not None else days_of(file)
        if not own or any(day in days for day in own):
            yield file


def bar_day(reference: str) -> date | None:
    """The UTC date of the bar that a reference is named after."""
    found = _BAR.match(reference)
    try:
        return None if found is None else date(*map(int, found.groups()))
    except ValueError:
        return None


def days_in_turn(known: Collection[date], references: Iterable[str]) -> Iterator[set[date]]:
    """Sets of dates to read one after the other, as long as something is missing.

    What the journal knows comes first. Without it, the bars' dates with a neighbour on each side,
    and then day by day those on which such a bar may still be traded.
    """
    if known:
        yield with_neighbours(known)
    bars = {day for reference in references if (day := bar_day(reference)) is not None}
    if not bars:
        return
    for after in range(1, DAYS_AFTER_THE_BAR + 1):
        yield with_neighbours(bars, after)
