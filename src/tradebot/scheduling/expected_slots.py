"""The slots in which runs should have started, folded: a month of them costs what its days cost.

Each is judged by the settings of its time. When they changed, only the runs before and after know,
and not the moment between them; there no more slots are expected than must have been, whenever it
was.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

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
    recorded: Sequence[datetime] = (),
) -> Iterator[SlotRange]:
    """The stretches of [since, until) in which `decide` said Run, ascending, and their slots.

    `grids` (oldest first, at least one) say how slots were spaced, and by which hours if not by
    `config`; the first one also before it. In mode `instrument` only what the given `sessions`
    cover is expected. `recorded`: the slots that have a row, ascending.
    """
    for place, grid in enumerate(grids):
        following = grids[place + 1] if place + 1 < len(grids) else None
        begin = since if place == 0 else max(since, grid.since)
        end = until if following is None else min(until, _sure_until(following))
        for opened, closed in _open(begin, end, grid, config, sessions):
            yield SlotRange(opened, closed, _first_from(opened, grid), _step(grid))
        if following is None:
            continue
        begin, end = max(begin, end), min(until, following.since)
        for opened, closed in _open(begin, end, grid, config, sessions):
            for part in _open(opened, closed, following, config, sessions):
                yield from _by_both(*part, grid, following, recorded)


def _sure_until(following: Grid) -> datetime:
    """So long the settings before these were in force."""
    if following.after is None:
        return following.since
    return min(following.since, following.after + _INSTANT)


def _open(
    begin: datetime, end: datetime, grid: Grid, config: HoursConfig, sessions: Sessions | None
) -> Iterator[tuple[datetime, datetime]]:
    if begin < end:
        yield from open_intervals(begin, end, _hours_of(grid, config), sessions)


def _by_both(
    begin: datetime, end: datetime, old: Grid, new: Grid, recorded: Sequence[datetime]
) -> Iterator[SlotRange]:
    """What must have been expected in [begin, end), where both settings say Run; a row says
    nothing of which of them were in force, so each stretch between rows stands alone."""
    for slot in recorded[bisect_left(recorded, begin) : bisect_left(recorded, end)]:
        yield from _between_rows(begin, slot, old, new)
        begin = slot + _INSTANT
        yield SlotRange(slot, begin, begin, _step(new))  # no slot but the row's
    yield from _between_rows(begin, end, old, new)


def _between_rows(begin: datetime, end: datetime, old: Grid, new: Grid) -> Iterator[SlotRange]:
    """The slots of the slower grid, from the first that the old one has to the last of the new.

    Whenever the change was, so many at least had no run. Say that it is the new one that is slower
    (the other way round, mirror it). A change up to the old one's first slot leaves just these;
    each old slot by which it is later adds one, and takes away one new slot at most, since there
    is no more than one between two old ones. And a change outside leaves all of one of the two.
    """
    first, last = _first_from(begin, old), slot_start(end - _INSTANT, new.cadence, new.offset)
    if first <= last:
        slower = max(old, new, key=lambda grid: grid.cadence)
        yield SlotRange(first, last + _INSTANT, _first_from(first, slower), _step(slower))


def _first_from(moment: datetime, grid: Grid) -> datetime:
    return first_slot_after(moment - _INSTANT, grid.cadence, grid.offset)


def _step(grid: Grid) -> timedelta:
    return timedelta(seconds=grid.cadence)


def hours_text(config: HoursConfig) -> str:
    """`config` as a grid keeps it: only what decides in its mode."""
    words: dict[str, object] = {"mode": config.mode}
    if config.mode == "fixed":
        words |= {
            "days": sorted(config.days),
            "start": config.start and config.start.isoformat(),
            "end": config.end and config.end.isoformat(),
            "timezone": config.timezone,
            "holidays": config.holidays,
        }
    return json.dumps(words, sort_keys=True)


def _hours_of(grid: Grid, config: HoursConfig) -> HoursConfig:
    """The hours of a grid; those of today where they are not known."""
    if grid.hours is None:
        return config
    words = json.loads(grid.hours)
    if words["mode"] != "fixed":
        return HoursConfig(words["mode"])
    return HoursConfig(
        "fixed",
        frozenset(words["days"]),
        words["start"] and time.fromisoformat(words["start"]),
        words["end"] and time.fromisoformat(words["end"]),
        words["timezone"],
        words["holidays"],
    )


def slot_of(moment: datetime, grids: Sequence[Grid]) -> datetime:
    """The slot that `moment` lies in."""
    grid = grid_at(moment, grids)
    return slot_start(moment, grid.cadence, grid.offset)


def grid_at(moment: datetime, grids: Sequence[Grid]) -> Grid:
    """The one in force then."""
    return next((g for g in reversed(grids) if g.since <= moment), grids[0])
