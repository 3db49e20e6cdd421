"""The runs to come: each slot with its start and the verdict that the bot itself will reach."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradebot.journal import Pause
from tradebot.scheduling.hours import HoursConfig, Run, Sessions, Skip, decide
from tradebot.scheduling.jitter import jitter_seconds
from tradebot.scheduling.slots import first_slot_after, slot_start

HORIZON = timedelta(days=14)
"""How far the next runs are looked for: further than any market is closed."""
MAX_SLOTS = 100_000
"""More are not gone through one by one."""


class Verdict(enum.StrEnum):
    """What becomes of a run that starts on time."""

    RUN = "run"
    SKIP = "skip"
    PAUSED = "paused"
    UNKNOWN = "unknown"
    """Decided by trading sessions that the broker has not told yet."""


Spread = Callable[[datetime], tuple[float, float]]
"""A slot's beginning to the seconds after it between which its run passes the gate."""


def own_jitter(maximum: float, cadence: float, *, host: str, instance: str) -> Spread:
    """The bot waits by itself: how long is known to the millisecond."""

    def spread(slot: datetime) -> tuple[float, float]:
        wait = jitter_seconds(maximum, cadence, host=host, instance=instance, slot=slot)
        return wait, wait

    return spread


def scheduler_jitter(maximum: float) -> Spread:
    """The scheduler draws a delay: only its bounds are known."""
    return lambda _slot: (0.0, maximum)


@dataclass(frozen=True, slots=True)
class Timetable:
    """All that decides about the runs to come. Durations are in seconds."""

    cadence: float
    offset: float
    hours: HoursConfig
    spread: Spread
    sessions: Sessions = field(default_factory=dict)
    """What is known of them, in mode `instrument`."""
    pause: Pause | None = None

    @property
    def sessions_until(self) -> datetime | None:
        """Up to then the sessions of every instrument are known. None: of some, nothing is."""
        ends = [max((s.end_time for s in plan), default=None) for plan in self.sessions.values()]
        known = [end for end in ends if end is not None]
        return min(known) if known and len(known) == len(ends) else None

    def slot_of(self, moment: datetime) -> datetime:
        """The beginning of the slot that `moment` lies in."""
        return slot_start(moment, self.cadence, self.offset)

    def first_slot_from(self, moment: datetime) -> datetime:
        """The first slot that begins at `moment` or later."""
        slot = self.slot_of(moment)
        return slot if slot >= moment else first_slot_after(moment, self.cadence, self.offset)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One slot's run, started on time."""

    slot: datetime
    start: datetime
    """When it passes the jitter, at the earliest; what is decided then is the answer."""
    latest_start: datetime
    verdict: Verdict
    answer: Run | Skip | Pause


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots in a row of which the same is to be said."""

    first: PlannedRun
    last: PlannedRun
    count: int


def planned_run(timetable: Timetable, slot: datetime) -> PlannedRun:
    """What becomes of the run of `slot`, as far as can be known."""
    earliest, latest = (timedelta(seconds=wait) for wait in timetable.spread(slot))
    verdict, answer = judge(timetable, slot + earliest)
    return PlannedRun(slot, slot + earliest, slot + latest, verdict, answer)


def judge(timetable: Timetable, moment: datetime) -> tuple[Verdict, Run | Skip | Pause]:
    """What a run that comes to the gate at `moment` is told there, in the order of its steps."""
    pause = timetable.pause
    if pause is not None and (pause.until is None or moment < pause.until):
        return Verdict.PAUSED, pause
    answer = decide(moment, timetable.hours, timetable.sessions)
    if isinstance(answer, Run):
        return Verdict.RUN, answer
    if timetable.hours.mode == "instrument":
        until = timetable.sessions_until
        if until is None or moment >= until:
            return Verdict.UNKNOWN, answer
    return Verdict.SKIP, answer


def planned_runs(timetable: Timetable, since: datetime, until: datetime) -> Iterator[PlannedRun]:
    """Every slot that begins in [since, until), ascending."""
    slot = timetable.first_slot_from(since)
    step = timedelta(seconds=timetable.cadence)
    while slot < until:
        yield planned_run(timetable, slot)
        slot += step


def next_runs(timetable: Timetable, now: datetime, count: int) -> Iterator[PlannedRun]:
    """The slots from `now` on until `count` of their runs trade, those between them included.

    Ends at the HORIZON all the same.
    """
    longest = timedelta(seconds=timetable.cadence * MAX_SLOTS)
    for run in planned_runs(timetable, now, now + min(HORIZON, longest)):
        if count <= 0:
            return
        yield run
        count -= run.verdict is Verdict.RUN


def folded(runs: Iterable[PlannedRun]) -> Iterator[Stretch]:
    """Neighbours with the same answer as one."""
    first = last = None
    count = 0
    for run in runs:
        if first is not None and last is not None and _same(first, run):
            last, count = run, count + 1
            continue
        if first is not None and last is not None:
            yield Stretch(first, last, count)
        first, last, count = run, run, 1
    if first is not None and last is not None:
        yield Stretch(first, last, count)


def _same(one: PlannedRun, other: PlannedRun) -> bool:
    return (one.verdict, one.answer) == (other.verdict, other.answer)
