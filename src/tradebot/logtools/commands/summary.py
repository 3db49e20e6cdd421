"""The figures of the log: runs, orders, decisions, errors by reason, latency per endpoint, the
least that was left of each rate limit, logins, skips.

Percentiles are by nearest rank: each is a latency that did occur. Exits with 0, with 1 when there
is no line in the time asked for, and with 2 when something could not be read.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk
from tradebot.logtools.figures.summary import Endpoint, Summary, Summing
from tradebot.logtools.options import add_output, add_times, add_where, selection
from tradebot.logtools.reading.blocks import Notes, blocks
from tradebot.logtools.reading.folder import LogFile, within
from tradebot.logtools.reading.in_parts import in_parts
from tradebot.logtools.telling.table import count, duration, harmless, table

_PERCENTILES = (50, 95, 99)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `summary`."""
    add_times(parser)
    add_where(parser)
    add_output(parser, "text", "json", "jsonl")


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Count, and tell."""
    wanted = selection(desk, options)
    files = desk.files()
    chosen = list(within(files, wanted.since, wanted.until))
    first, *others = in_parts(chosen, partial(_count, wanted.since, wanted.until))
    for other in others:
        first.take(other)
    summary = first.finish()
    desk.notes.take(first.notes)
    if desk.output != "text":
        desk.say_json(as_dict(summary))
    elif summary.lines:
        desk.say(*_text(summary, desk))
    desk.tell_what_was_read(files)
    if desk.notes.unreadable:
        return UNREADABLE
    return FOUND if summary.lines else NOTHING


def _count(since: str, until: str, files: Sequence[LogFile]) -> Summing:
    summing = Summing(Notes(), since, until)
    for file in files:
        for block in blocks(file, summing.notes):
            summing.add(block.data)
    return summing


def as_dict(summary: Summary) -> dict[str, Any]:
    """The summary as a document: every list of counts is an object or a list of objects."""
    return {
        "first": summary.first,
        "last": summary.last,
        "lines": summary.lines,
        "levels": dict(summary.levels),
        "events": dict(summary.events.most_common()),
        "exit_codes": dict(summary.exit_codes.most_common()),
        "stopped_loops": dict(summary.stopped),
        "skips": _counted(summary.skips, "event", "reason"),
        "missed_slots": dict(summary.missed_slots),
        "killed_runs": len(summary.killed),
        "decisions": _counted(summary.decisions, "action", "reason"),
        "intents": len(summary.intents),
        "intents_without_verdict": summary.without_verdict(),
        "verdicts": _counted(summary.verdict_counts(), "execution_outcome", "failure_reason"),
        "failures": _counted(summary.failures, "event", "reason"),
        "http_errors": _counted(summary.http_errors, "status_or_kind", "error_code"),
        "endpoints": [
            {
                "http_method": method,
                "http_url_path": path,
                "count": endpoint.count,
                **{f"p{rank}_ms": endpoint.percentile(rank) for rank in _PERCENTILES},
                "max_ms": endpoint.percentile(100),
                "statuses": dict(endpoint.statuses),
                "lost": endpoint.lost,
            }
            for (method, path), endpoint in _busiest(summary)
        ],
        "rate_limits": {name: asdict(lowest) for name, lowest in sorted(summary.lowest.items())},
        "rate_limit_wait_ms": dict(summary.rate_limit_waits),
        "logins_renewed": summary.events["auth_token_refresh_success"],
        "logins_not_renewed": dict(summary.refresh_failures),
    }


def _counted(counts: Counter[tuple[str, str]], first: str, second: str) -> list[dict[str, object]]:
    return [
        {first: one, second: other, "count": number}
        for (one, other), number in counts.most_common()
    ]


def _busiest(summary: Summary) -> list[tuple[tuple[str, str], Endpoint]]:
    return sorted(summary.endpoints.items(), key=lambda item: (-item[1].count, item[0]))


def _text(summary: Summary, desk: Desk) -> Iterator[str]:
    first, last = desk.shown_time(summary.first), desk.shown_time(summary.last)
    levels = ", ".join(f"{level} {number:,}" for level, number in summary.levels.most_common())
    yield f"{first} to {last}: {summary.lines:,} lines ({levels})"
    sections = (
        ("runs", _runs(summary)),
        ("orders", _orders(summary)),
        ("decisions", _pairs(("count", "action", "reason"), summary.decisions)),
        ("errors by reason", _pairs(("count", "event", "reason"), summary.failures)),
        ("requests that failed", _pairs(("count", "status", "error code"), summary.http_errors)),
        ("latency per endpoint, ms (nearest rank)", _endpoints(summary)),
        ("rate limits", _rate_limits(summary, desk)),
        ("logins", _logins(summary)),
        ("events", _events(summary)),
    )
    for title, lines in sections:
        found = list(lines)
        if found:
            yield ""
            yield desk.paint(title, "bold")
            yield from (f"  {harmless(line)}" for line in found)


def _runs(summary: Summary) -> Iterator[str]:
    ends = summary.exit_codes.most_common()
    if ends:
        codes = ", ".join(f"{number:,} with exit code {code}" for code, number in ends)
        yield f"{count(sum(summary.exit_codes.values()), 'cycle')} ended: {codes}"
    for code, number in summary.stopped.most_common():
        yield f"{count(number, 'loop')} stopped between two cycles, with exit code {code}"
    for (event, reason), number in summary.skips.most_common():
        why = "" if reason == "-" else f" ({reason})"
        yield f"{number:,} x {event}{why}"
    for reason, number in summary.missed_slots.most_common():
        yield f"{count(number, 'slot')} without a run, as a later run found ({reason})"
    if summary.killed:
        yield f"{count(len(summary.killed), 'run')} ended without a word, as a later run found"


def _orders(summary: Summary) -> Iterator[str]:
    if summary.intents or summary.verdicts:
        yield f"{count(len(summary.intents), 'intent')}"
    for (outcome, reason), number in summary.verdict_counts().most_common():
        yield f"{number:,} {outcome}{f' ({reason})' if reason else ''}"
    if summary.without_verdict():
        yield f"{summary.without_verdict():,} without a verdict (tradebot logs orders says more)"


def _pairs(head: tuple[str, str, str], counts: Counter[tuple[str, str]]) -> Iterator[str]:
    if counts:
        rows = [[f"{number:,}", one, other] for (one, other), number in counts.most_common()]
        yield from table(head, rows)


def _endpoints(summary: Summary) -> Iterator[str]:
    rows = [
        [
            f"{endpoint.count:,}",
            *(_number(endpoint.percentile(rank)) for rank in (*_PERCENTILES, 100)),
            f"{endpoint.refused:,}",
            f"{endpoint.lost:,}",
            f"{method} {path}",
        ]
        for (method, path), endpoint in _busiest(summary)
    ]
    if rows:
        yield from table(("count", "p50", "p95", "p99", "max", ">=400", "lost", "endpoint"), rows)
        if not any(method == "GET" for method, _ in summary.endpoints):
            yield "(answers to GET are in the log only with LOG_LEVEL=DEBUG)"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _rate_limits(summary: Summary, desk: Desk) -> Iterator[str]:
    rows = [
        [name, f"{lowest.left:,}", desk.shown_time(lowest.time)]
        for name, lowest in sorted(summary.lowest.items())
    ]
    if rows:
        yield from table(("limit", "lowest left", "at"), rows)
    for dimension, waited in summary.rate_limit_waits.most_common():
        yield f"waited {duration(waited / 1000)} for {dimension}"


def _logins(summary: Summary) -> Iterator[str]:
    renewed = summary.events["auth_token_refresh_success"]
    if renewed or summary.refresh_failures:
        yield f"renewed {renewed:,} times"
    for kind, number in summary.refresh_failures.most_common():
        yield f"not renewed {number:,} times ({kind})"


def _events(summary: Summary) -> Iterator[str]:
    yield from table(
        ("count", "event"),
        [[f"{number:,}", event] for event, number in summary.events.most_common()],
    )
