"""The runs to come as a table, a JSON document or JSON lines; clock changes between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from tradebot.scheduling.explanation import describe_change
from tradebot.scheduling.hours import Run, Skip
from tradebot.scheduling.local_time import clock_changes
from tradebot.scheduling.preview import Stretch, folded

if TYPE_CHECKING:
    from tradebot.scheduling.preview import PlannedRun

MANY = 10
"""More slots in a row with one answer are shown as one."""


@dataclass(frozen=True, slots=True)
class Look:
    """How to show them."""

    output: str
    """text, json or jsonl."""
    every: bool
    """Fold nothing."""
    beside: tuple[str, tzinfo] | None
    """The zone of the second column."""
    zones: Mapping[str, tzinfo]
    """Whose clock changes are marked."""
    notes: Sequence[str]
    """What holds for all of them."""


def render(runs: Sequence[PlannedRun], look: Look) -> Iterator[str]:
    """The lines to print."""
    entries = list(_entries(runs, every=look.every))
    changes = _changes(runs, look)
    if look.output == "text":
        yield from look.notes
        yield ""
        yield from _table(entries, changes, look.beside)
    elif look.output == "json":
        facts = {
            "notes": list(look.notes),
            "slots": [_facts(entry) for entry in entries],
            "clock_changes": [{"at": utc(at), "text": text} for at, text in changes],
        }
        yield json.dumps(facts, indent=2)
    else:
        for entry in entries:
            yield json.dumps(_facts(entry))


def _entries(runs: Sequence[PlannedRun], *, every: bool) -> Iterator[Stretch]:
    place = 0
    for stretch in folded(runs):
        following = place + stretch.count
        if stretch.count > MANY and not every:
            yield stretch
        else:
            yield from (Stretch(run, run, 1) for run in runs[place:following])
        place = following


def _changes(runs: Sequence[PlannedRun], look: Look) -> list[tuple[datetime, str]]:
    if not runs:
        return []
    found = [
        (change.at, describe_change(name, change))
        for name, zone in look.zones.items()
        for change in clock_changes(zone, runs[0].slot, runs[-1].slot)
    ]
    return sorted(found)


def _table(
    entries: Sequence[Stretch],
    changes: Sequence[tuple[datetime, str]],
    beside: tuple[str, tzinfo] | None,
) -> Iterator[str]:
    yield _row("SLOT (UTC)", beside[0] if beside else None, "START", "VERDICT")
    coming = list(changes)
    for entry in entries:
        while coming and coming[0][0] <= entry.first.slot:
            yield f"-- clocks: {coming.pop(0)[1]}"
        yield _row(
            utc(entry.first.slot),
            _beside(entry.first, beside),
            _start(entry),
            _verdict(entry.first),
        )
        while coming and coming[0][0] <= entry.last.slot:
            yield f"-- clocks: {coming.pop(0)[1]}"
        if entry.count > 1:
            yield _row(
                utc(entry.last.slot),
                _beside(entry.last, beside),
                "",
                f"  the same until here, {entry.count} slots",
            )


def _row(slot: str, local: str | None, start: str, verdict: str) -> str:
    middle = "" if local is None else f"{local:<22}  "
    return f"{slot:<20}  {middle}{start:<9}  {verdict}".rstrip()


def _beside(run: PlannedRun, zone: tuple[str, tzinfo] | None) -> str | None:
    return None if zone is None else f"{run.slot.astimezone(zone[1]):%a %Y-%m-%d %H:%M %Z}"


def _start(entry: Stretch) -> str:
    """Seconds after the slot's beginning; of a fold, each run has its own."""
    run = entry.first
    low = (run.start - run.slot).total_seconds()
    high = (run.latest_start - run.slot).total_seconds()
    if low != high:
        return f"+{low:g}-{high:g}s"
    return "" if entry.count > 1 else f"+{low:.3f}s"


def _verdict(run: PlannedRun) -> str:
    answer = run.answer
    if isinstance(answer, Skip):
        opening = "not known" if answer.next_open is None else utc(answer.next_open)
        return f"{run.verdict}: {answer.reason.value}, next opening {opening}"
    if isinstance(answer, Run):
        closed = ", ".join(f"{one} {reason.value}" for one, reason in answer.closed.items())
        return f"{run.verdict}, without {closed}" if closed else str(run.verdict)
    return f"{run.verdict}: " + ("until resumed" if answer.until is None else utc(answer.until))


def _facts(entry: Stretch) -> dict[str, Any]:
    first, answer = entry.first, entry.first.answer
    return {
        "slot": utc(first.slot),
        "last_slot": utc(entry.last.slot),
        "slots": entry.count,
        "earliest_start": utc(first.start),
        "latest_start": utc(first.latest_start),
        "verdict": str(first.verdict),
        "reason": None if isinstance(answer, Run) else str(answer.reason),
        "next_open": utc(answer.next_open)
        if isinstance(answer, Skip) and answer.next_open
        else None,
        "closed": {str(one): reason.value for one, reason in answer.closed.items()}
        if isinstance(answer, Run)
        else {},
    }


def utc(moment: datetime) -> str:
    """RFC 3339; milliseconds only where there are some."""
    moment = moment.astimezone(UTC)
    part = f".{moment.microsecond // 1000:03d}" if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{part}Z"
