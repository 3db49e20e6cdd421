"""The slots in which runs should have started, folded: a month of them costs what its days cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradebot.journal import Grid
from tradebot.scheduling.hours import HoursConfig, Sessions, open_intervals
from tradebot.scheduling.slots import first_slot_after, slot_start

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SlotRange:
    """The slots `first`, `first + step` … that begin in [begin, end); there may be none."""

    begin: datetime
    end: datetime
    first: datetime
    step: timedelta

    def slot(self, number: int) -> datetime:
        return self.first + number * self.step

    def number_from(self, moment: datetime) -> int:
        """The number of the first slot at `moment` or later, also behind the range."""
        return max(0, -((self.first - moment) // self.step))

    @property
    def count(self) -> int:
        return self.number_from(self.end)


def expected_slots(
    since: datetime,
    until: datetime,
    grids: Sequence[Grid],
    config: HoursConfig,
    sessions: Sessions | None = None,
) -> Iterator[SlotRange]:
    """The stretches of [since, until) in which `decide` says Run, ascending, and their slots.

    `grids` (oldest first, at least one) say how slots were spaced; the first one also before it.
    In mode `instrument` only what the given `sessions` cover is expected.
    """
    for place, grid in enumerate(grids):
        begin = since if place == 0 else max(since, grid.since)
        end = until if place + 1 == len(grids) else min(until, grids[place + 1].since)
        if begin >= end:
            continue
        for opened, closed in open_intervals(begin, end, config, sessions):
            first = first_slot_after(opened - _INSTANT, grid.cadence, grid.offset)
            yield SlotRange(opened, closed, first, timedelta(seconds=grid.cadence))


def slot_of(moment: datetime, grids: Sequence[Grid]) -> datetime:
    """The slot that `moment` lies in."""
    grid = next((g for g in reversed(grids) if g.since <= moment), grids[0])
    return slot_start(moment, grid.cadence, grid.offset)
