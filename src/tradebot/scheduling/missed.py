"""At start-up: each gap since the last look gets one line, whoever finds it.

The look is the lock holder's, so two runs that start at once do not both tell. How far the slots
have been judged is a mark of its own, moved once the lines are written: a run that is busy, killed
or broken off before leaves it to the next one, and one that dies between line and mark makes the
next say the line again, with `replayed=true`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tradebot.errors import StorageError
from tradebot.journal import Grid, Journal
from tradebot.observability import log_event
from tradebot.scheduling.deadline import HANG_GRACE_SECONDS, SHARE_OF_CADENCE
from tradebot.scheduling.expected_slots import expected_slots, hours_text
from tradebot.scheduling.hours import HoursConfig, Sessions
from tradebot.scheduling.slot_history import (
    Fate,
    Stretch,
    Times,
    merged,
    recorded_slots,
    slot_history,
)
from tradebot.vocabulary.reasons import MissedReason

MAX_LINES = 20
"""The newest gaps have a line each; what is older shares one."""
_OTHER_KIND = {"dry": "live", "live": "dry"}


@dataclass(frozen=True, slots=True)
class MissedRuns:
    """`count` slots without a run, of which `first` and `last` are the outermost (UTC)."""

    count: int
    first: datetime
    last: datetime
    reason: MissedReason
    holder: str | None = None
    """The run that was still going."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the settings say about slots: their spacing in seconds, and when runs may trade."""

    cadence: float
    offset: float
    hours: HoursConfig
    deadline: float | None = None
    """CYCLE_DEADLINE_SECONDS."""
    sessions: Sessions | None = None
    """In mode `instrument`: what is known of them; nothing else is expected."""

    @property
    def limit(self) -> timedelta:
        """By then a run that gave no sign was over, counted from its start."""
        own = self.deadline or self.cadence * SHARE_OF_CADENCE
        return timedelta(seconds=own + HANG_GRACE_SECONDS)


def report_missed_runs(
    journal: Journal, slot: datetime, now: datetime, expected: Expectation
) -> None:
    """Log each gap before `slot`, the running one, that was not told yet. Only for the holder of
    the lock. Raises StorageError.
    """
    watch = journal.slot_watch
    found, since = _gaps_before(slot, now, journal, expected)
    if found and not _tell(found, watch.begin_report(slot)):
        return  # a line got lost: the next run finds the same gaps
    mark = watch.judged_until()
    # A run of an earlier slot may come to it later; a mark ahead of the clock is a wrong clock's.
    if mark is None or mark < slot or mark > now:
        watch.end_report(
            slot,
            cadence=expected.cadence,
            offset=expected.offset,
            hours=hours_text(expected.hours),
            after=since,
        )


def _tell(found: Sequence[MissedRuns], told_until: datetime | None) -> bool:
    """A line for each. `told_until`: how far a run that died while telling may have come.

    False when a line did not reach the file.
    """
    written = [
        log_event(
            "schedule_runs_missed",
            missed_count=missed.count,
            missed_from=missed.first,
            missed_to=missed.last,
            reason=missed.reason.value,
            holder=missed.holder and f"run_id={missed.holder}",
            replayed=True if told_until and missed.last < told_until else None,
        )
        for missed in _bounded(found)
    ]
    return all(written)


def _gaps_before(
    slot: datetime, now: datetime, journal: Journal, expected: Expectation
) -> tuple[list[MissedRuns], datetime | None]:
    """And how far slots had been judged before. By this journal alone, and where that has gaps,
    with the other one: dry runs are runs."""
    since = _judged_until([journal], slot, now)
    own = [] if since is None else gaps(_history([journal], since, slot, expected))
    if since is not None and not own:
        return [], since
    try:
        with _other(journal) as other:
            journals = [journal] if other is None else [journal, other]
            latest = _judged_until(journals, slot, now)
            found = [] if latest is None else gaps(_history(journals, latest, slot, expected))
            return found, latest
    except StorageError:
        # A damaged journal of the dry runs must not keep the real ones from running.
        return own, since


def _judged_until(journals: Sequence[Journal], slot: datetime, now: datetime) -> datetime | None:
    """The latest mark. Where there is none yet, or it is ahead of the clock, what the rows say: a
    run that came to its end, or else the first one of all. None: there was none."""
    known = [
        mark if mark is not None and mark <= now else journal.runs.last_slot_done(slot)
        for journal in journals
        for mark in [journal.slot_watch.judged_until()]
    ]
    if any(known):
        return max(filter(None, known))
    firsts = [first for journal in journals if (first := journal.runs.first_slot())]
    return min((first for first in firsts if first < slot), default=None)


@contextlib.contextmanager
def _other(journal: Journal) -> Iterator[Journal | None]:
    """The journal of the dry runs for a real one, and the other way round. None: not there, or
    not usable: the run whose journal it is will say so."""
    folder = journal.path.parent
    path = folder.parent / _OTHER_KIND.get(folder.name, "") / journal.path.name
    if folder.name not in _OTHER_KIND or not path.is_file():
        yield None
        return
    with contextlib.ExitStack() as stack:
        other = None
        with contextlib.suppress(StorageError):
            other = stack.enter_context(Journal(path))
        yield other


def _history(
    journals: Sequence[Journal], since: datetime, until: datetime, expected: Expectation
) -> list[Stretch]:
    # With the slot that is running: that a run is there says something of the one before.
    end = until + timedelta(microseconds=1)
    rows = {str(place): one.runs.between(since, end) for place, one in enumerate(journals)}
    records = merged(rows)
    grids = with_settings(grids_of(journals, expected, until), expected, until, since)
    times = Times(now=until, due=until, limit=expected.limit)
    recorded = recorded_slots(records, grids)
    slots = expected_slots(since, until, grids, expected.hours, expected.sessions, recorded)
    return slot_history(slots, records, grids, times)


def grids_of(journals: Iterable[Journal], expected: Expectation, now: datetime) -> list[Grid]:
    """How slots were spaced, by all that the journals know; else as the settings space them."""
    found = (grid for journal in journals for grid in journal.slot_watch.grids())
    known: list[Grid] = []
    for grid in sorted(found, key=lambda grid: grid.since):
        # One that is yet to come was written by a wrong clock.
        if grid.since <= now and not (known and grid.is_like(known[-1])):
            known.append(grid)
    return known or [Grid(now, expected.cadence, expected.offset)]


def with_settings(
    grids: Sequence[Grid], expected: Expectation, since: datetime, after: datetime | None
) -> list[Grid]:
    """And from `since` on as the settings space them; up to the slot `after` it was as before."""
    hours = hours_text(expected.hours)
    new = Grid(since, expected.cadence, expected.offset, hours, after)
    last = grids[-1]
    known = last if last.hours is not None else replace(last, hours=hours)
    return list(grids) if new.is_like(known) else [*grids, new]


def gaps(history: Iterable[Stretch]) -> list[MissedRuns]:
    """The stretches without a row, each with its reason."""
    return [
        MissedRuns(
            stretch.count,
            stretch.first,
            stretch.last,
            MissedReason.BUSY if stretch.fate is Fate.BUSY else MissedReason.NO_WAKEUP,
            stretch.detail or None,
        )
        for stretch in history
        if not stretch.is_recorded
    ]


def _bounded(found: Sequence[MissedRuns]) -> list[MissedRuns]:
    older, newest = found[:-MAX_LINES], found[-MAX_LINES:]
    if not older:
        return list(newest)
    count = sum(missed.count for missed in older)
    sum_up = MissedRuns(count, older[0].first, older[-1].last, MissedReason.SEVERAL_GAPS)
    return [sum_up, *newest]
