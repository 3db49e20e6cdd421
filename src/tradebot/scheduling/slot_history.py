"""What became of each slot: the slots that were expected against the runs that were recorded.

Every scheduled run leaves a row, also one that skips. So a slot without a row is one in which no
run reached the bot: nobody woke it up, or an earlier run was still going, and the scheduler (or a
`flock` around the bot) starts no second one beside it.
"""

from __future__ import annotations

import enum
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tradebot.journal import Grid, RunOutcome, RunRow
from tradebot.scheduling.expected_slots import SlotRange, grid_at, slot_of

HOLDER_UNKNOWN = "holder_unknown"


class Fate(enum.StrEnum):
    """What became of a slot."""

    RAN = "ran"
    SKIPPED = "skipped"
    RUNNING = "running"
    FAILED = "failed"
    KILLED = "killed"
    LATE = "late"
    BUSY = "busy"
    NO_WAKEUP = "no-wakeup"


MISSED = frozenset((Fate.FAILED, Fate.KILLED, Fate.LATE, Fate.BUSY, Fate.NO_WAKEUP))
"""In such a slot the bot did not do its work."""
_FOLLOW_UPS = frozenset(("taken", "exhausted"))
# Of several runs of a slot the best counts; these skips only say that there were others before.
_RANKS = {fate: rank for rank, fate in enumerate(Fate)}
_FOLLOW_UP_RANK = len(_RANKS)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row, and which journal it is from: `live`, `dry`, or `both` (a run that could not tell)."""

    row: RunRow
    kind: str

    @property
    def is_scheduled(self) -> bool:
        """Started by a scheduler? Without a slot only a run whose settings were too wrong to
        have one may have been."""
        row = self.row
        lost = row.outcome is RunOutcome.FAILED and row.phase == "startup" and row.cycle_id is None
        return row.slot is not None or lost


def merged(rows: Mapping[str, Iterable[RunRow]]) -> list[Recorded]:
    """The rows of the journals, by kind, as one list, by start. What one run left in both counts
    once."""
    found: dict[tuple[object, ...], Recorded] = {}
    for kind, of_kind in rows.items():
        for row in of_kind:
            key = row.run_id, row.started_at, row.phase, row.outcome
            kinds = {kind, found[key].kind if key in found else kind}
            found[key] = Recorded(row, kind if len(kinds) == 1 else "both")
    return sorted(found.values(), key=lambda r: (r.row.started_at, r.row.row_id))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive slots of the same fate. `first` and `last` are the beginnings of the outermost.

    `detail` is a skip's reason, a failure's exit code, a killed run's phase, or the run that was
    still going.
    """

    first: datetime
    last: datetime
    count: int
    fate: Fate
    detail: str = ""
    kind: str = ""
    """Which journal has the rows; empty without any."""
    run_id: str | None = None
    """The run of the last slot, for a look at its lines."""
    others: tuple[tuple[str, int], ...] = ()
    """What else happened in these slots, as words, and how often."""

    @property
    def is_recorded(self) -> bool:
        return self.run_id is not None

    @property
    def word(self) -> str:
        """`ran`, `skipped:holiday`, `failed:69`, `busy:RUN_ID` …"""
        shows = self.detail and self.fate is not Fate.KILLED
        return f"{self.fate}:{self.detail}" if shows else str(self.fate)


@dataclass(frozen=True, slots=True)
class Times:
    """What is known of time when slots are judged."""

    now: datetime
    due: datetime
    """From this slot on a run may still come: without a row they are not judged."""
    limit: timedelta
    """A run whose end nobody saw was over by then, counted from its start."""
    running: Collection[str] = frozenset()
    """The runs that are still going; any other that has not ended was killed."""


@dataclass(frozen=True, slots=True)
class _Occupied:
    """A run, from its start to its end."""

    begin: datetime
    end: datetime
    run_id: str


@dataclass
class _Judge:
    records: Sequence[Recorded]
    grids: Sequence[Grid]
    times: Times
    by_slot: dict[datetime, list[Recorded]] = field(default_factory=dict)
    holders: list[_Occupied] = field(default_factory=list)
    holder_starts: list[datetime] = field(default_factory=list)
    stays: list[_Occupied] = field(default_factory=list)
    """The runs beside which a scheduler starts no other."""
    _place: int = 0

    def __post_init__(self) -> None:
        by_slot = defaultdict(list)
        for place, record in enumerate(self.records):
            row = record.row
            if row.cycle_id is not None:
                self.holders.append(_Occupied(row.started_at, self._end(row), row.run_id))
            if record.is_scheduled:
                by_slot[_slot(record, self.grids)].append(record)
                end = None if row.outcome is RunOutcome.BUSY else self._stayed_until(place)
                if end is not None:
                    self.stays.append(_Occupied(row.started_at, end, row.run_id))
        self.by_slot = dict(sorted(by_slot.items()))
        self.holder_starts = [holder.begin for holder in self.holders]

    def _stayed_until(self, place: int) -> datetime | None:
        """So long it kept a scheduler from starting another run; None: nothing says that it did.

        Where nobody saw the end, the next run must have come as soon as it could, at the latest
        when this one was surely over. Else the machine may have gone down with it.
        """
        row, end = self.records[place].row, self._end(self.records[place].row)
        seen = row.ended_at is not None and row.outcome is not RunOutcome.KILLED
        if seen or row.run_id in self.times.running:
            return end
        if row.cycle_id is None:
            return None  # killed while it waited, which is short
        later = [self.records[number] for number in self._after(place, end)]
        end = min([end, *(r.row.started_at for r in later if r.row.cycle_id is not None)])
        following = next((r for r in later if r.is_scheduled), None)
        if following is None:
            return None
        cadence = timedelta(seconds=grid_at(end, self.grids).cadence)
        return end if _slot(following, self.grids) < end + cadence else None

    def _after(self, place: int, end: datetime) -> Iterator[int]:
        """The records that began before `end`, and after that up to the first scheduled one."""
        for number in range(place + 1, len(self.records)):
            yield number
            record = self.records[number]
            if record.row.started_at >= end and record.is_scheduled:
                return

    def _end(self, row: RunRow) -> datetime:
        """For a killed one the row has when that was found out, which may be days later."""
        latest = row.started_at + self.times.limit
        if row.ended_at is None:
            return self.times.now if row.run_id in self.times.running else latest
        return min(row.ended_at, latest) if row.outcome is RunOutcome.KILLED else row.ended_at

    def recorded(self, slot: datetime) -> Stretch:
        """The slot's fate by its rows: the best of them."""
        judged = [(*self._fate(record), record) for record in self.by_slot[slot]]
        judged.sort(key=lambda entry: _rank(entry[0], entry[1]))
        (fate, detail, record), *rest = judged
        others = Counter(Stretch(slot, slot, 1, *entry[:2]).word for entry in rest)
        return Stretch(
            slot,
            slot,
            1,
            fate,
            detail,
            kind=record.kind,
            run_id=record.row.run_id,
            others=tuple(sorted(others.items())),
        )

    def _fate(self, record: Recorded) -> tuple[Fate, str]:
        row = record.row
        match row.outcome:
            case RunOutcome.RAN:
                return Fate.RAN, ""
            case RunOutcome.SKIPPED if row.reason == "late":
                return Fate.LATE, ""
            case RunOutcome.SKIPPED:
                return Fate.SKIPPED, row.reason or ""
            case RunOutcome.BUSY:
                return Fate.BUSY, self._holder(row)
            case RunOutcome.FAILED:
                return Fate.FAILED, "" if row.exit_code is None else str(row.exit_code)
            case None if row.run_id in self.times.running or self._may_wait(row):
                return Fate.RUNNING, row.phase
            case _:
                return Fate.KILLED, row.phase

    def _may_wait(self, row: RunRow) -> bool:
        """Not yet at the lock: it waits for its jitter, unless it started too long ago."""
        return row.cycle_id is None and self.times.now < row.started_at + self.times.limit

    def _holder(self, row: RunRow) -> str:
        """Who held the lock when this run asked for it."""
        asked = row.ended_at or row.started_at
        place = bisect_right(self.holder_starts, asked)
        # The lock has one holder at a time: if not one of the last few, then none that is recorded.
        for holder in reversed(self.holders[max(0, place - 3) : place]):
            if holder.run_id != row.run_id and asked <= holder.end:
                return holder.run_id
        return HOLDER_UNKNOWN

    def bare(self, slots: SlotRange, begin: int, end: int) -> Iterator[Stretch]:
        """The slots `begin` to `end` (not included) of a range, none of which has a row.

        Ranges and numbers must ascend from call to call.
        """
        end = min(end, slots.number_from(self.times.due))
        if begin >= end:
            return
        while self._place < len(self.stays) and self.stays[self._place].end <= slots.slot(begin):
            self._place += 1
        for place in range(self._place, len(self.stays)):
            stay = self.stays[place]
            if begin >= end or stay.begin >= slots.slot(end - 1):
                break
            reached = max(begin, _number_after(slots, stay.begin))
            left = min(end, slots.number_from(stay.end))
            if reached < left:
                if begin < reached:
                    yield _stretch(slots, begin, reached, Fate.NO_WAKEUP)
                yield _stretch(slots, reached, left, Fate.BUSY, stay.run_id)
                begin = left
        if begin < end:
            yield _stretch(slots, begin, end, Fate.NO_WAKEUP)


def recorded_slots(records: Iterable[Recorded], grids: Sequence[Grid]) -> list[datetime]:
    """The slots that scheduled runs belong to, ascending."""
    return sorted({_slot(record, grids) for record in records if record.is_scheduled})


def _slot(record: Recorded, grids: Sequence[Grid]) -> datetime:
    return record.row.slot or slot_of(record.row.started_at, grids)


def slot_history(
    expected: Iterable[SlotRange],
    records: Sequence[Recorded],
    grids: Sequence[Grid],
    times: Times,
) -> list[Stretch]:
    """The fates of the expected slots, and of those that rows within the same hours belong to
    (another cadence may have been in force), ascending and folded.

    `records` come sorted by start, and `expected` ascending; `grids` are at least one. Runs that
    no scheduler started count for nothing but as holders of the lock. The work grows with the rows
    and the days, not with the slots.
    """
    judge = _Judge(records, grids, times)
    found: list[Stretch] = []
    known = list(judge.by_slot)
    for slots in expected:
        for stretch in _of_range(slots, judge, known):
            if found and _joins(found[-1], stretch, known):
                found[-1] = _joined(found[-1], stretch)
            else:
                found.append(stretch)
    return found


def _of_range(slots: SlotRange, judge: _Judge, known: Sequence[datetime]) -> Iterator[Stretch]:
    number = 0
    for slot in known[bisect_left(known, slots.begin) : bisect_left(known, slots.end)]:
        before = slots.number_from(slot)
        yield from judge.bare(slots, number, before)
        yield judge.recorded(slot)
        number = _number_after(slots, slot)
    yield from judge.bare(slots, number, slots.count)


def _number_after(slots: SlotRange, moment: datetime) -> int:
    number = slots.number_from(moment)
    return number + (moment < slots.end and slots.slot(number) == moment)


def _stretch(slots: SlotRange, begin: int, end: int, fate: Fate, detail: str = "") -> Stretch:
    return Stretch(slots.slot(begin), slots.slot(end - 1), end - begin, fate, detail)


def _rank(fate: Fate, detail: str) -> int:
    return _FOLLOW_UP_RANK if fate is Fate.SKIPPED and detail in _FOLLOW_UPS else _RANKS[fate]


def _joins(one: Stretch, other: Stretch, known: Sequence[datetime]) -> bool:
    if (one.fate, one.detail, one.kind) != (other.fate, other.detail, other.kind):
        return False
    if one.is_recorded or other.is_recorded:
        return one.is_recorded and other.is_recorded
    # Runs outside trading hours stand for no slot here, but they end a gap.
    return bisect_right(known, one.last) == bisect_left(known, other.first)


def _joined(one: Stretch, other: Stretch) -> Stretch:
    others = Counter(dict(one.others))
    others.update(dict(other.others))
    return replace(
        one,
        last=other.last,
        count=one.count + other.count,
        run_id=other.run_id,
        others=tuple(sorted(others.items())),
    )
