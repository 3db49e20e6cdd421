"""Which cycle a time means: of its slot the run that was going on, else the one that came furthest.

Without slots it is the run that was going on; a loop goes on between its cycles, too. All of it is
about one bot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tradebot.logtools.reading.times import moment_of, shifted
from tradebot.logtools.stories.bots import Bot, by_bot
from tradebot.logtools.stories.run_story import RECENT_SECONDS
from tradebot.logtools.why.cycles import Cycle, Cycles, Missed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SLOT_IS_ANOTHERS = ("taken", "late", "exhausted")
_AHEAD = timedelta(days=1)
"""A timestamp so far in the future is that of a damaged line."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Grid:
    """How slots are spaced, by the lines of a run."""

    cadence: timedelta
    offset: timedelta

    def slot_of(self, moment: datetime) -> datetime:
        """The beginning of the slot that `moment` lies in."""
        return shifted(moment, -((moment - _EPOCH - self.offset) % self.cadence))


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
    """The runs of a bot, the first begun first, and the slots they belong to."""

    cycles: Sequence[Cycle]
    missed: Sequence[Missed]
    now: datetime
    """The reader's."""
    _begun: list[datetime | None] = field(init=False)
    _latest: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._latest = shifted(self.now, _AHEAD)
        begun = [_moment(cycle.run.started) for cycle in self.cycles]
        self._begun = [None if self._never_was(one) else one for one in begun]

    def at(self, moment: datetime) -> Found:
        """What was at `moment` (aware)."""
        going_on = self._going_on(moment)
        grid = self._grid(moment)
        before, after = self._neighbours(moment)
        if grid is None:
            cycle = going_on or _soon(moment, after) or self._waiting(moment, before, after)
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

    def _never_was(self, moment: datetime | None) -> bool:
        return moment is None or moment > self._latest

    def _going_on(self, moment: datetime) -> Cycle | None:
        """Of several the one that has the lock."""
        found = None
        for cycle, begun in zip(self.cycles, self._begun, strict=True):
            end = _moment(cycle.run.ended or cycle.run.last)
            end = begun if self._never_was(end) else end
            if begun is None or end is None or not begun <= moment <= end:
                continue
            if found is None or cycle.run.begun:
                found = cycle
        return found

    def _waiting(self, moment: datetime, before: Cycle | None, after: Cycle | None) -> Cycle | None:
        """The last cycle of a loop that was waiting for its next one."""
        if before is None or not before.run.loop:
            return None
        run = before.run
        if after is not None and after.run.run_id == run.run_id:
            return before
        end = _moment(run.stopped)
        if end is None:
            # Nobody says when it ended: as long as it used to wait it may have waited.
            begun = [
                one
                for one, cycle in zip(self._begun, self.cycles, strict=True)
                if one is not None and cycle.run.run_id == run.run_id and one <= moment
            ]
            pause = begun[-1] - begun[-2] if len(begun) > 1 else timedelta()
            known = _moment(run.ended or run.last)
            used_to = max(2 * pause, timedelta(seconds=RECENT_SECONDS))
            end = None if known is None else shifted(known, used_to)
        return before if end is not None and moment <= end else None

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


def _soon(moment: datetime, after: Cycle | None) -> Cycle | None:
    """A person who says 07:12 means the run that began at 07:12:03."""
    begun = None if after is None else _moment(after.run.started)
    whole = moment.second == moment.microsecond == 0
    return after if whole and begun is not None and begun < shifted(moment, _MINUTE) else None


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


@dataclass(frozen=True, slots=True)
class Strand:
    """What one bot did: the runs of others are none of its."""

    bot: Bot
    cycles: Sequence[Cycle]
    timeline: Timeline

    def is_expected(self, found: Found) -> bool:
        """Is it worth a word that it did nothing? It was at work before, in slots."""
        slots = any(cycle.run.slot or cycle.run.scheduled for cycle in self.cycles)
        return slots and found.before is not None


def strands(read: Cycles, now: datetime) -> list[Strand]:
    """Every bot of what was read."""
    found = []
    for bot, cycles in by_bot(read.runs, lambda cycle: cycle.run).items():
        runs = {cycle.run.run_id for cycle in cycles}
        # What was told by a run that died is told once more by the next one.
        told = {
            (one.first, one.last, one.reason): one
            for one in reversed(read.missed)
            if one.run_id in runs
        }
        timeline = Timeline(cycles, list(reversed(told.values())), now)
        found.append(Strand(bot, cycles, timeline))
    return found
