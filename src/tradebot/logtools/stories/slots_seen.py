"""Slots without a run, by the log alone.

The next run tells of each gap within the trading hours (`schedule_runs_missed`). What nobody told
is worked out from the slots of the runs before and after. Of days without a file nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.times import moment_of, stamp
from tradebot.logtools.stories.run_story import RunStory
from tradebot.vocabulary.words import Word

TOLD = "schedule_runs_missed"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = 86_400_000
_LATEST = 250_000_000_000_000
"""In the year 9892. What is later is a wrong value, and near the end of what a time can be."""


class SlotFate(Word):
    """What is known of a slot in which no run is seen."""

    MISSED = "missed", "A run should have started, and did not.", "See reason."
    NO_RUN = (
        "no_run",
        "No run, and the next one does not call it missed: it is outside the trading hours.",
        "Nothing.",
    )
    UNKNOWN = (
        "unknown",
        "No file has anything of that day.",
        "Was it removed (LOG_RETENTION_DAYS), or not copied? `tradebot schedule missed` asks the "
        "journal.",
    )


NOT_TOLD = "not_told"
"""The reason of a missed slot after which no run came far enough to tell of it."""


@dataclass(frozen=True, slots=True)
class SlotGap:
    """Slots in a row without a run. Times are timestamps of the log."""

    fate: SlotFate
    first: str
    """The first slot; of an unknown day its beginning."""
    last: str
    """The last slot; of an unknown day its last millisecond."""
    count: int
    """How many slots; 0 where that is not known."""
    reason: str = ""
    holder: str = ""
    told_by: str = ""
    """The run that told of it."""
    told_at: str = ""


def told_of(entry: Entry) -> SlotGap | None:
    """The gap that a line of `schedule_runs_missed` tells of; None when it makes no sense."""
    count = entry.get("missed_count")
    first, last = (_number(entry.get(name)) for name in ("missed_from", "missed_to"))
    if not (count.isascii() and count.isdecimal() and len(count) < 10) or not 0 < first <= last:
        return None
    return SlotGap(
        SlotFate.MISSED,
        _moment(first),
        _moment(last),
        int(count),
        reason=entry.get("reason"),
        holder=entry.get("holder").removeprefix("run_id="),
        told_by=entry.get("run_id"),
        told_at=entry.time,
    )


def facts(gap: SlotGap) -> dict[str, Any]:
    """The gap as a document; what is not known is left out."""
    told: dict[str, Any] = {
        "type": "slots",
        "outcome": gap.fate.value,
        "reason": gap.reason,
        "missed_count": gap.count,
        "missed_from": gap.first,
        "missed_to": gap.last,
        "holder": gap.holder,
        "told_by": gap.told_by,
        "told_at": gap.told_at,
    }
    return {name: value for name, value in told.items() if value not in ("", 0)}


# -- the slots of runs ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grid:
    """How slots are spaced, in milliseconds."""

    cadence: int
    offset: int

    def at(self, moment: int) -> int:
        """The slot that `moment` lies in."""
        return (moment - self.offset) // self.cadence * self.cadence + self.offset

    def from_(self, moment: int) -> int:
        """The first slot at `moment` or later."""
        return self.at(moment + self.cadence - 1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A slot that had a run, by the grid of its time."""

    slot: int
    grid: _Grid
    judged: bool
    """Had the run the lock, so that it told of what was missed before?"""


def gaps(
    runs: Sequence[RunStory], told: Iterable[SlotGap], missing_days: Sequence[date]
) -> list[SlotGap]:
    """Every stretch of slots without a run between the first and the last run that is seen.

    A run that failed before it told its slot gets the one in which it started, and a lateness.
    """
    found = list(_once(told))
    days = list(_in_stretches(missing_days))
    unknown = [_unknown(first, last) for first, last in days]
    of_run = {run.run_id: _instance(run) for run in runs}
    for instance in dict.fromkeys(_instance(run) for run in runs if run.cadence):
        mine = [run for run in runs if _may_be(_instance(run), instance)]
        known = [gap for gap in found if _may_be(of_run.get(gap.told_by, ()), instance)]
        spans = [(_number(gap.first), _number(gap.last)) for gap in [*known, *unknown]]
        seen = _seen(mine)
        found += _untold(seen, sorted(spans))
    return sorted([*found, *unknown], key=lambda gap: (gap.first, gap.last))


def _instance(run: RunStory) -> tuple[str, ...]:
    """What has slots of its own."""
    return run.host, run.instance, run.env


def _may_be(told: tuple[str, ...], instance: tuple[str, ...]) -> bool:
    """A run that failed before it had read its settings says nothing, and may be of any."""
    return all(one in ("", other) for one, other in zip(told, instance, strict=False))


def _once(told: Iterable[SlotGap]) -> Iterator[SlotGap]:
    """A run that dies while it tells leaves the next one to tell again."""
    known: set[tuple[str, str]] = set()
    for gap in told:
        if (gap.first, gap.last) not in known:
            known.add((gap.first, gap.last))
            yield gap


def _seen(runs: Sequence[RunStory]) -> list[_Seen]:
    """The slots of the scheduled runs, ascending, each once."""
    grids = [(_number(run.started), grid) for run in runs if (grid := _grid_of(run)) is not None]
    if not grids:
        return []
    found: dict[int, _Seen] = {}
    for run in runs:
        if not (run.scheduled or run.slot) or not run.started:
            continue
        grid = _grid_of(run) or _grid_near(_number(run.started), run.cadence, grids)
        slot = _number(run.slot) or max(0, grid.at(_number(run.started)))
        run.slot = run.slot or _moment(slot).replace(".000Z", "Z")
        if run.lateness_seconds is None:
            run.lateness_seconds = (_number(run.started) - slot) / 1000
        before = found.get(slot)
        judged = bool(run.begun) or (before is not None and before.judged)
        found[slot] = _Seen(slot, grid, judged)
    return [found[slot] for slot in sorted(found)]


def _grid_of(run: RunStory) -> _Grid | None:
    cadence, slot = round((run.cadence or 0) * 1000), _number(run.slot)
    if not slot or cadence <= 0:
        return None
    return _Grid(cadence, slot % cadence)


def _grid_near(moment: int, cadence: float | None, grids: Sequence[tuple[int, _Grid]]) -> _Grid:
    """The grid in force at that time, as far as runs show it; of this cadence, where there is."""
    alike = [
        (at, grid) for at, grid in grids if cadence and grid.cadence == round(cadence * 1000)
    ] or grids
    return min(alike, key=lambda one: abs(one[0] - moment))[1]


# -- the gaps between them -----------------------------------------------------------------------


def _untold(seen: Sequence[_Seen], spans: Sequence[tuple[int, int]]) -> Iterator[SlotGap]:
    """What lies between two runs and in none of the `spans`, of which something is known."""
    judged_until = max((one.slot for one in seen if one.judged), default=0)
    behind = 0  # so many spans have ended before the gaps that are still to come
    for before, after in pairwise(seen):
        first, last, step = _between(before, after)
        while behind < len(spans) and spans[behind][1] < first:
            behind += 1
        for begin, end in _outside(first, last, islice(spans, behind, None)):
            # Slots again: what was taken out need not begin or end at one.
            from_ = first + -(-(begin - first) // step) * step
            count = (end - from_) // step + 1
            if count <= 0:
                continue
            judged = from_ < judged_until
            yield SlotGap(
                SlotFate.NO_RUN if judged else SlotFate.MISSED,
                _moment(from_),
                _moment(from_ + (count - 1) * step),
                count,
                reason="" if judged else NOT_TOLD,
            )


def _between(before: _Seen, after: _Seen) -> tuple[int, int, int]:
    """First and last slot between two runs, and their distance.

    When the grid changed in between, nobody knows at which moment: then no more slots are counted
    than there must have been.
    """
    old, new = before.grid, after.grid
    first, last = before.slot + old.cadence, after.slot - new.cadence
    if old == new:
        return first, last, old.cadence
    return first, last, max(old.cadence, new.cadence)


def _outside(first: int, last: int, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of [first, last] that are in none of the spans, which are sorted."""
    for begin, end in spans:
        if begin > last or first > last:
            break
        if first < begin:
            yield first, begin - 1
        first = max(first, end + 1)
    if first <= last:
        yield first, last


def _in_stretches(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Days in a row as first and last."""
    begin: date | None = None
    for place, day in enumerate(days):
        begin = begin or day
        if place + 1 == len(days) or days[place + 1] != day + timedelta(days=1):
            yield begin, day
            begin = None


def _unknown(first: date, last: date) -> SlotGap:
    begin = _number(f"{first}T00:00:00Z")
    end = _number(f"{last}T00:00:00Z") + _DAY - 1
    return SlotGap(SlotFate.UNKNOWN, _moment(begin), _moment(end), 0, reason="no_file")


def reaches_into(gap: SlotGap, since: str, until: str) -> bool:
    """Does it lie in [since, until), at least in part? An empty text is no limit."""
    return gap.last >= since and not (until and gap.first >= until)


def _number(timestamp: str) -> int:
    """Milliseconds since 1970; 0 for what is no time."""
    try:
        moment = moment_of(timestamp)
        number = 0 if moment.tzinfo is None else (moment - _EPOCH) // _MILLISECOND
        return number if 0 < number < _LATEST else 0
    except (ValueError, OverflowError):
        return 0


def _moment(number: int) -> str:
    return stamp(_EPOCH + number * _MILLISECOND)
