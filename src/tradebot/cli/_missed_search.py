"""What `tradebot schedule missed` finds: the history of slots, and what it does not rest on."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tradebot import wiring
from tradebot.cli._missed_record import scheduler_record
from tradebot.deploy.model import DEFAULT_JITTER
from tradebot.errors import SettingsError
from tradebot.journal import Grid, Journal, is_there
from tradebot.scheduling.expected_slots import expected_slots, hours_text
from tradebot.scheduling.hours import HoursConfig
from tradebot.scheduling.jitter import MAX_SHARE
from tradebot.scheduling.lock_state import State, look
from tradebot.scheduling.missed import Expectation, grids_of, with_settings
from tradebot.scheduling.slot_history import (
    MISSED,
    Fate,
    Recorded,
    Stretch,
    Times,
    merged,
    recorded_slots,
    slot_history,
)
from tradebot.settings import Settings, home, load_lenient

_NEEDED = (
    "SCHEDULE_", "SCHEDULER_", "CYCLE_DEADLINE", "TRADING_", "TIMEZONE", "INSTANCE", "SAXO_ENV",
    "STATE_DIR",
)  # fmt: skip
_START_SECONDS = 30.0
"""A run has this long from its wake-up to its row, on a busy machine."""
_ALIVE = frozenset((State.HELD, State.HUNG, State.STOPPED, State.UNSEEN, State.GHOST))


def settings_for_slots(env_file: Path | None) -> tuple[Settings, int]:
    """The settings, and how many problems they have that do not matter here.

    Raises SettingsError for those that do: slots, hours, and where the journals are.
    """
    settings, problems = load_lenient(os.environ, home=home(), env_file=env_file)
    # One that does not begin with a variable is a file or a line that cannot be read.
    serious = [p for p in problems if p.startswith(_NEEDED) or not p[:1].isupper()]
    if serious:
        raise SettingsError(serious)
    return settings, len(problems)


@dataclass
class Search:
    """The answer."""

    since: datetime
    until: datetime
    """The span that was judged."""
    due: datetime
    """From this slot on a run may still come: without a row nothing is said of it."""
    read: list[str]
    """Each journal, and what was found in it."""
    history: list[Stretch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    record: list[str] = field(default_factory=list)
    """What the scheduler and the machine say of the slots without a wake-up."""

    @property
    def is_missing_any(self) -> bool:
        return any(stretch.fate in MISSED for stretch in self.history)

    def look_at_the_scheduler(self, settings: Settings, env_file: Path | None) -> None:
        """Ask its record, if there are slots without a wake-up."""
        gaps = [stretch for stretch in self.history if stretch.fate is Fate.NO_WAKEUP]
        if gaps:
            step = timedelta(seconds=settings.schedule_cadence)
            spans = [(gap.first - step, min(gap.last + step, self.until)) for gap in gaps]
            self.record = scheduler_record(settings, env_file, spans)


def search(
    settings: Settings, since: datetime, until: datetime, now: datetime, *, all_hours: bool
) -> Search:
    """Judge the slots in [since, until), of those ahead none but the next one. Raises StorageError
    for a journal that cannot be read."""
    ahead = now + timedelta(seconds=settings.schedule_cadence)
    until, asked = min(until, ahead), until
    with ExitStack() as stack:
        journals: dict[str, Journal] = {}
        read = []
        for kind, dry_run in (("live", False), ("dry", True)):
            path = wiring.journal_path(replace(settings, dry_run=dry_run))
            if is_there(path):
                journals[kind] = stack.enter_context(Journal(path, look=True))
            else:
                read.append(f"{path}: not there, so no {kind} run was ever recorded")
        rows = {kind: journal.runs.between(since, until) for kind, journal in journals.items()}
        read += [f"{journals[kind].path}: {len(found)} runs" for kind, found in rows.items()]
        expected = Expectation(
            settings.schedule_cadence,
            settings.schedule_offset_seconds,
            HoursConfig.of(settings),
            settings.cycle_deadline_seconds,
        )
        first = min(filter(None, (j.runs.first_slot() for j in journals.values())), default=None)
        last = max(filter(None, (j.runs.last_slot() for j in journals.values())), default=None)
        grids = grids_of(journals.values(), expected, now)
        marks = [mark for j in journals.values() if (mark := j.slot_watch.judged_until())]
    times = _times(settings, expected, now)
    found = Search(since, until, times.due, read)
    records = merged(rows)
    if asked > until:
        found.notes.append(f"nothing is judged from {until:%FT%TZ} on, which is yet to come")
    if first is None:
        found.notes.append(_never(records))
        return found
    found.since = max(since, first)
    found.until = max(found.since, until)
    used = max((mark for mark in marks if mark <= now), default=None)
    grids = with_settings(grids, expected, found.until, used)
    judged = [_judgeable(grid, all_hours=all_hours) for grid in grids]
    hours = expected.hours
    if all_hours or hours.mode == "instrument":
        hours = HoursConfig("always")
    recorded = recorded_slots(records, judged)
    slots = expected_slots(found.since, found.until, judged, hours, None, recorded)
    found.history = slot_history(slots, records, judged, times)
    found.notes += _notes(settings, since, first, last, times)
    found.notes += _notes_on_rows(found, records)
    found.notes += _notes_on_settings(found, grids)
    return found


def _judgeable(grid: Grid, *, all_hours: bool) -> Grid:
    """With hours that can be judged by: past sessions are not kept."""
    if all_hours or grid.hours == hours_text(HoursConfig("instrument")):
        return replace(grid, hours=hours_text(HoursConfig("always")))
    return grid


def _never(records: list[Recorded]) -> str:
    """Why nothing can be judged."""
    failed = sum(record.is_scheduled for record in records)
    if failed:
        return (
            f"no run is on record that knew its slot, and {failed} failed before they could: see "
            "`tradebot config check` and the log"
        )
    return (
        "no scheduled run is on record, so none is expected; if a schedule is installed, it has "
        "never reached the bot: see `tradebot schedule status`"
    )


def _times(settings: Settings, expected: Expectation, now: datetime) -> Times:
    jitter = max(settings.scheduler_jitter_seconds, DEFAULT_JITTER)
    latest = min(jitter, expected.cadence * MAX_SHARE) + _START_SECONDS
    lock = look(wiring.lock_path(settings))
    alive = lock.holder is not None and lock.state in _ALIVE
    running = {lock.holder.run_id} if lock.holder is not None and alive else set()
    return Times(now, now - timedelta(seconds=latest), expected.limit, running)


def _notes(
    settings: Settings, since: datetime, first: datetime, last: datetime | None, times: Times
) -> list[str]:
    notes = []
    if since < first:
        notes.append(
            f"nothing is expected before {first:%FT%TZ}, the slot of the first scheduled run on "
            "record"
        )
    if settings.trading_hours_mode == "instrument":
        notes.append(
            "TRADING_HOURS_MODE=instrument: past sessions are not kept, so all slots count, also "
            "those in which no market was open"
        )
    ahead = times.now + timedelta(seconds=settings.schedule_cadence)
    if last is not None and last > ahead:
        notes.append(
            f"a run is recorded for {last:%FT%TZ}, which is yet to come: the clock was ahead, and "
            "what was recorded then stands at the wrong times"
        )
    return notes


def _notes_on_rows(found: Search, records: list[Recorded]) -> list[str]:
    inside = [r for r in records if found.since <= r.row.started_at < found.until]
    by_hand = sum(not r.is_scheduled for r in inside)
    lost = sum(r.is_scheduled and r.row.slot is None for r in inside)
    shown = sum(s.count + sum(n for _, n in s.others) for s in found.history if s.is_recorded)
    outside = sum(r.is_scheduled for r in inside) - shown
    notes = []
    if by_hand:
        notes.append(f"{by_hand} runs were not started by a scheduler: they stand for no slot")
    if lost:
        notes.append(
            f"{lost} runs failed before they knew their slot (or were started by hand): they count "
            "for the slot in which they started"
        )
    if outside > 0:
        notes.append(f"{outside} runs outside trading hours are not shown; --all-hours shows them")
    return notes


def _notes_on_settings(found: Search, grids: list[Grid]) -> list[str]:
    """When they changed."""
    notes = []
    for old, new in pairwise(grids):
        what = "other trading hours counted"
        if (old.cadence, old.offset) != (new.cadence, new.offset):
            what = f"slots were {new.cadence:g} s apart (offset {new.offset:g} s)"
        if found.since < new.since < found.until:
            notes.append(f"from {new.since:%FT%TZ} on {what}")
        elif new.since == found.until:
            notes.append(
                f"no run has used today's settings yet, by which {what}: since the last run only "
                "slots count that were also expected before"
            )
    return notes
