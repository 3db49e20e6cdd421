"""Which cycle a time means: of its slot the run that was going on, else the one that came furthest.

Without slots it is the run going on at it, or else the last one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tradebot.logtools.times import moment_of
from tradebot.logtools.why_cycles import Cycle, Cycles, Missed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SLOT_IS_ANOTHERS = ("taken", "late", "exhausted")


@dataclass(frozen=True, slots=True)
class Grid:
    """How slots are spaced, by the lines of a run."""

    cadence: timedelta
    offset: timedelta

    def slot_of(self, moment: datetime) -> datetime:
        """The beginning of the slot that `moment` lies in."""
        return moment - (moment - _EPOCH - self.offset) % self.cadence


@dataclass(frozen=True, slots=True)
class Found:
    """What was at a time. `cycle` is None when there was no run."""

    cycle: Cycle | None = None
    slot: datetime | None = None
    """The slot of the cycle, or the one that had no run; None where no slots are known."""
    others: tuple[Cycle, ...] = ()
    """The other runs of the same slot."""
    missed: Missed | None = None
    """The line that says why there was no run."""
    before: Cycle | None = None
    after: Cycle | None = None


@dataclass
class Timeline:
    """The runs of a log, the first begun first, and the slots they belong to."""

    cycles: Sequence[Cycle]
    missed: Sequence[Missed]
    _begun: list[datetime | None] = field(init=False)

    def __post_init__(self) -> None:
        self._begun = [_moment(cycle.run.started) for cycle in self.cycles]

    @classmethod
    def of(cls, read: Cycles) -> Timeline:
        return cls(read.runs, read.missed)

    def at(self, moment: datetime) -> Found:
        """What was at `moment` (aware)."""
        going_on = self._going_on(moment)
        grid = self._grid(moment)
        before, after = self._neighbours(moment)
        if grid is None:
            cycle = going_on or before
            return Found(cycle, before=before, after=after)
        slot = grid.slot_of(moment)
        of_slot = [cycle for cycle in self.cycles if self.slot_of(cycle, grid) == slot]
        missed = self.missed_of(slot)
        if going_on is not None and self.slot_of(going_on, grid) not in (slot, None):
            # It began in an earlier slot; this one's own fate counts, if it is known.
            going_on = None if of_slot or missed else going_on
        chosen = going_on or _foremost(of_slot) or self._by_hand(slot, before)
        others = tuple(cycle for cycle in of_slot if cycle is not chosen)
        own = slot if chosen is None else self.slot_of(chosen, grid)
        return Found(chosen, own, others, missed, before, after)

    def last(self) -> Found:
        """The last cycle that began."""
        known = [(begun, place) for place, begun in enumerate(self._begun) if begun is not None]
        if not known:
            return Found()
        begun, place = max(known)
        grid = self._grid(begun)
        cycle = self.cycles[place]
        slot = None if grid is None else self.slot_of(cycle, grid)
        others = () if grid is None or slot is None else tuple(
            one for one in self.cycles if one is not cycle and self.slot_of(one, grid) == slot
        )  # fmt: skip
        return Found(cycle, slot, others)

    def missed_of(self, slot: datetime) -> Missed | None:
        """The line that tells of this slot; one that is exact rather than one that sums up."""
        about = [one for one in self.missed if _covers(one, slot)]
        about.sort(key=lambda one: one.reason == "several_gaps")
        return about[0] if about else None

    def slot_of(self, cycle: Cycle, grid: Grid) -> datetime | None:
        """A run says its slot; one that died before it could has that in which it began."""
        run = cycle.run
        if run.slot:
            return _moment(run.slot)
        begun = _moment(run.started)
        return grid.slot_of(begun) if run.scheduled and begun is not None else None

    def slots_of_the_dead(self) -> set[datetime]:
        """The slots of scheduled runs whose lines do not come as far as naming one."""
        found = set()
        for cycle, begun in zip(self.cycles, self._begun, strict=True):
            if cycle.run.slot or not cycle.run.scheduled or begun is None:
                continue
            grid = self._grid(begun)
            if grid is not None:
                found.add(grid.slot_of(begun))
        return found

    # -- neighbours -----------------------------------------------------------------------------

    def _going_on(self, moment: datetime) -> Cycle | None:
        """Of several the one that has the lock."""
        found = None
        for cycle, begun in zip(self.cycles, self._begun, strict=True):
            end = _moment(cycle.run.ended or cycle.run.last)
            if begun is None or end is None or not begun <= moment <= end:
                continue
            if found is None or cycle.run.begun:
                found = cycle
        return found

    def _neighbours(self, moment: datetime) -> tuple[Cycle | None, Cycle | None]:
        earlier = [
            (begun, place)
            for place, begun in enumerate(self._begun)
            if begun is not None and begun <= moment
        ]
        later = [
            (begun, place)
            for place, begun in enumerate(self._begun)
            if begun is not None and begun > moment
        ]
        before = self.cycles[max(earlier)[1]] if earlier else None
        after = self.cycles[min(later)[1]] if later else None
        return before, after

    def _by_hand(self, slot: datetime, before: Cycle | None) -> Cycle | None:
        """A run without a slot that began in the one that is asked about."""
        begun = _moment(before.run.started) if before is not None else None
        if before is None or before.run.slot or before.run.scheduled or begun is None:
            return None
        return before if begun >= slot else None

    def _grid(self, moment: datetime) -> Grid | None:
        """As the run before `moment` that knew it, else the one after, spaced the slots."""
        known = [
            (begun, cycle)
            for cycle, begun in zip(self.cycles, self._begun, strict=True)
            if begun is not None and cycle.run.cadence and cycle.run.slot
        ]
        earlier = [cycle for begun, cycle in known if begun <= moment]
        cycle = earlier[-1] if earlier else known[0][1] if known else None
        slot = _moment(cycle.run.slot) if cycle is not None else None
        if cycle is None or slot is None or not cycle.run.cadence:
            return None
        cadence = timedelta(seconds=cycle.run.cadence)
        return Grid(cadence, (slot - _EPOCH) % cadence) if cadence > timedelta() else None


def _foremost(of_slot: Sequence[Cycle]) -> Cycle | None:
    """Of the runs of a slot the one that came furthest: not one that found it taken."""
    if not of_slot:
        return None
    return max(enumerate(of_slot), key=lambda item: (_rank(item[1]), item[0]))[1]


def _rank(cycle: Cycle) -> int:
    if cycle.run.skip_reason in _SLOT_IS_ANOTHERS or cycle.run.busy:
        return 0
    return 2 if cycle.is_whole and not cycle.run.skip_reason else 1


def _covers(missed: Missed, slot: datetime) -> bool:
    return moment_of(missed.first) <= slot <= moment_of(missed.last)


def _moment(timestamp: str) -> datetime | None:
    try:
        moment = moment_of(timestamp)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
