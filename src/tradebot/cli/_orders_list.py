"""The journal's intents as a table, a JSON document or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tradebot.execution.double_entry import Entry, plain
from tradebot.model import OrderState

_UNFINISHED = (OrderState.WORKING, OrderState.PARTIAL)
_HEAD = ("REFERENCE", "INSTRUMENT", "SIDE", "QUANTITY", "STATE", "OUTCOME", "REASON", "ORDER",
         "FILLED", "AGE")  # fmt: skip
_RIGHT = {3, 8, 9}


def is_open(entry: Entry) -> bool:
    """Is its outcome unknown, or does its order still work?"""
    _, verdict = entry
    return verdict is None or verdict.order_state in _UNFINISHED


def render(entries: Sequence[Entry], now: datetime, output: str) -> Iterator[str]:
    """The lines to print; `output` is text, json or jsonl."""
    if output == "text":
        yield from _table([_HEAD, *(_row(entry, now) for entry in entries)])
    elif output == "json":
        yield json.dumps({"intents": [_facts(entry, now) for entry in entries]}, indent=2)
    else:
        for entry in entries:
            yield json.dumps(_facts(entry, now))


def _row(entry: Entry, now: datetime) -> tuple[str, ...]:
    attempt, verdict = entry
    intent = attempt.intent
    state = (verdict.order_state if verdict else None) or attempt.state
    return (
        intent.external_reference,
        intent.symbol or str(intent.instrument),
        intent.side,
        plain(intent.quantity),
        state,
        verdict.outcome if verdict else "-",
        (verdict.failure_reason if verdict else None) or "-",
        attempt.order_id or "-",
        plain(verdict.filled_quantity) if verdict else "-",
        age_in_words(now - (attempt.sent_at or attempt.created_at)),
    )


def _facts(entry: Entry, now: datetime) -> dict[str, object]:
    attempt, verdict = entry
    intent = attempt.intent
    return {
        "external_reference": intent.external_reference,
        "instrument_id": str(intent.instrument),
        "symbol": intent.symbol,
        "side": intent.side,
        "quantity": plain(intent.quantity),
        "bar_time": _time(intent.bar_time),
        "attempt": intent.attempt,
        "state": attempt.state,
        "open": is_open(entry),
        "execution_outcome": verdict.outcome if verdict else None,
        "failure_reason": verdict.failure_reason if verdict else None,
        "order_id": attempt.order_id,
        "order_state": verdict.order_state if verdict else None,
        "filled_quantity": plain(verdict.filled_quantity) if verdict else None,
        "average_price": verdict.average_price if verdict else None,
        "created_at": _time(attempt.created_at),
        "sent_at": None if attempt.sent_at is None else _time(attempt.sent_at),
        "age_seconds": round((now - (attempt.sent_at or attempt.created_at)).total_seconds()),
        "run_id": attempt.run_id,
        "cycle_id": attempt.cycle_id,
    }


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if place in _RIGHT else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def age_in_words(age: timedelta) -> str:
    """The two largest units: ``3d 4h``, ``12m 5s``; ``0s`` for the future."""
    seconds = max(0, round(age.total_seconds()))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size or (unit == "s" and not parts):
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
    return " ".join(parts[:2])


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
