"""Rows of runs as a test makes them up, and what they say of slots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tradebot.journal import Grid, RunOutcome, RunRow
from tradebot.scheduling.expected_slots import expected_slots
from tradebot.scheduling.hours import HoursConfig
from tradebot.scheduling.slot_history import Stretch, Times, merged, slot_history

ALWAYS = HoursConfig("always")
LIMIT = timedelta(seconds=270)
RAN, SKIPPED, FAILED = RunOutcome.RAN, RunOutcome.SKIPPED, RunOutcome.FAILED
BUSY, KILLED = RunOutcome.BUSY, RunOutcome.KILLED


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run(
    slot: datetime | str | None,
    outcome: RunOutcome | None = RAN,
    *,
    delay: float = 1,
    lasts: float = 5,
    at: str | None = None,
    run_id: str | None = None,
    reason: str | None = None,
    code: int | None = 0,
    phase: str = "end",
    cycle: int | None = 1,
) -> RunRow:
    slot = utc(slot) if isinstance(slot, str) else slot
    start = (utc(at) if at else slot or utc("2026-06-15")) + timedelta(seconds=delay)
    return RunRow(
        row_id=1,
        run_id=run_id or f"run-{start.isoformat()}",
        pid=1,
        started_at=start,
        phase=phase,
        slot=slot,
        cycle_id=cycle,
        ended_at=None if outcome is None else start + timedelta(seconds=lasts),
        outcome=outcome,
        reason=reason,
        exit_code=code,
    )


def history(
    since: str,
    until: str,
    rows: Sequence[RunRow] = (),
    *,
    config: HoursConfig = ALWAYS,
    grids: Sequence[Grid] = (Grid(utc("2020-01-01"), 300, 0),),
    due: str = "2099-01-01",
    running: Sequence[str] = (),
) -> list[Stretch]:
    now = utc(until)
    slots = expected_slots(utc(since), now, grids, config)
    return slot_history(slots, merged({"live": rows}), grids, Times(now, utc(due), LIMIT, running))


def words(found: Sequence[Stretch]) -> list[tuple[str, int]]:
    return [(stretch.word, stretch.count) for stretch in found]
