"""The history of slots as text, a JSON document or JSON lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from tradebot.cli._missed_search import Search
from tradebot.scheduling.slot_history import MISSED, Fate, Stretch
from tradebot.vocabulary.reasons import SkipReason

_MEANINGS = {
    Fate.RAN: "the run came to its end",
    Fate.SKIPPED: "the run ended on purpose without trading",
    Fate.RUNNING: "the run is still going",
    Fate.FAILED: "the run ended with this exit code: its lines say why (README: exit codes)",
    Fate.KILLED: "the run ended without a word: killed (TimeoutStartSec, the memory killer), or the"
    " machine went down",
    Fate.LATE: "the run started too late (SCHEDULE_MAX_LATENESS): a machine asleep or overloaded",
    Fate.BUSY: "another run still had the lock, or kept the scheduler from starting one: its lines "
    "say what took it so long; often: take a slower SCHEDULE_CADENCE",
    Fate.NO_WAKEUP: "nobody started the bot: the machine was off or asleep, or the schedule stopped"
    " (`tradebot schedule status`, `verify`)",
}
_SKIPS = {reason.value: reason.meaning for reason in SkipReason}
_HEAD = ("FROM", "TO", "SLOTS", "WHAT", "JOURNAL", "ALSO", "LAST RUN")


def render(found: Search, output: str) -> Iterator[str]:
    """The lines to print; `output` is text, json or jsonl."""
    if output == "jsonl":
        yield from (json.dumps(_facts(stretch)) for stretch in found.history)
    elif output == "json":
        yield json.dumps(_document(found), indent=2)
    else:
        yield from _text(found)


def _text(found: Search) -> Iterator[str]:
    judged = sum(stretch.count for stretch in found.history)
    yield f"{judged} slots from {_time(found.since)} to {_time(found.until)}"
    if found.due < found.until:
        yield f"(those from {_time(found.due)} on are only judged by a row: a run may still come)"
    counts = _counts(found)
    width = max(map(len, counts), default=0)
    for word, count in counts.items():
        yield f"{count:>7}  {word:<{width}}  {_meaning(word)}"
    if found.history:
        yield ""
        yield from _table([_HEAD, *map(_row, found.history)])
    if found.record:
        yield ""
        yield "What the record says of the slots without a wake-up:"
        yield from (f"  {line}" for line in found.record)


def _counts(found: Search) -> dict[str, int]:
    """By word, in the order of the fates; without the holders' names."""
    counts: Counter[str] = Counter()
    for stretch in found.history:
        counts[_class(stretch)] += stretch.count
    order = {fate: place for place, fate in enumerate(Fate)}
    return dict(sorted(counts.items(), key=lambda item: (order[_fate(item[0])], item[0])))


def _class(stretch: Stretch) -> str:
    return str(stretch.fate) if stretch.fate in (Fate.BUSY, Fate.RUNNING) else stretch.word


def _fate(word: str) -> Fate:
    return Fate(word.partition(":")[0])


def _meaning(word: str) -> str:
    reason = word.partition(":")[2]
    return _SKIPS.get(reason, _MEANINGS[_fate(word)])


def _row(stretch: Stretch) -> tuple[str, ...]:
    others = ", ".join(f"{count} {word}" for word, count in stretch.others)
    return (
        _time(stretch.first),
        _time(stretch.last),
        str(stretch.count),
        stretch.word,
        stretch.kind or "-",
        others or "-",
        # To search the log for; where all is well nobody needs it.
        (stretch.run_id or "-") if stretch.fate in MISSED else "-",
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _document(found: Search) -> dict[str, object]:
    return {
        "since": _time(found.since),
        "until": _time(found.until),
        "due": _time(min(found.due, found.until)),
        "slots": sum(stretch.count for stretch in found.history),
        "missed": sum(stretch.count for stretch in found.history if stretch.fate in MISSED),
        "counts": _counts(found),
        "stretches": [_facts(stretch) for stretch in found.history],
        "scheduler_record": found.record,
        "notes": found.notes,
        "read": found.read,
    }


def _facts(stretch: Stretch) -> dict[str, object]:
    return {
        "from": _time(stretch.first),
        "to": _time(stretch.last),
        "slots": stretch.count,
        "what": stretch.word,
        "class": str(stretch.fate),
        "detail": stretch.detail or None,
        "missed": stretch.fate in MISSED,
        "journal": stretch.kind or None,
        "last_run_id": stretch.run_id,
        "also": dict(stretch.others),
        "meaning": _meaning(_class(stretch)),
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
