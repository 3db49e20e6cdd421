"""Which runs should have been and were not: the slots between the last recorded one and this one.

Every invocation leaves a row, also one that skips, so a slot without a row is a run that never
reached the bot: a machine that was off, a scheduler that was stopped. Only those within trading
hours count: nobody wants an alarm for a Sunday.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradebot.scheduling.hours import HoursConfig, Sessions, open_intervals
from tradebot.scheduling.slots import first_slot_after, slot_start


@dataclass(frozen=True, slots=True)
class MissedRuns:
    """`count` slots, of which `first` and `last` are the outermost (their beginnings, UTC)."""

    count: int
    first: datetime
    last: datetime


def missed_runs(
    last_slot: datetime | None,
    now: datetime,
    config: HoursConfig,
    *,
    cadence: float,
    offset: float = 0,
    sessions: Sessions | None = None,
) -> MissedRuns | None:
    """The slots after `last_slot` and before the one of `now` in which `decide` says Run.

    None when there are none, or when no run was ever recorded. In mode `instrument` only what the
    given `sessions` cover can be judged. The work grows with the days, not with the slots.
    """
    if last_slot is None:
        return None
    since = first_slot_after(last_slot, cadence, offset)
    until = slot_start(now, cadence, offset)
    step = timedelta(seconds=cadence)
    count, first, last = 0, until, since
    for begin, end in open_intervals(since, until, config, sessions):
        # Rounded up, both: the first slot that begins in the interval, and the first after it.
        from_start = -((since - begin) // step)
        before_end = -((since - end) // step)
        if before_end > from_start:
            count += before_end - from_start
            first = min(first, since + from_start * step)
            last = since + (before_end - 1) * step
    return MissedRuns(count, first, last) if count else None
