"""A trace for people: who had the order when, step by step, and what it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.times import seconds_between
from tradebot.logtools.telling.table import duration, harmless
from tradebot.logtools.tracing.subjects import Kind
from tradebot.logtools.tracing.trace import Trace
from tradebot.logtools.tracing.verdict import Conclusion
from tradebot.observability.line import quote

if TYPE_CHECKING:
    from tradebot.logtools.stories.order_story import OrderStory

LONG_SECONDS = 60.0
"""A longer pause is told on a line of its own."""
_GAP_WIDTH = 10
_LONGEST_VALUE = 240
"""Characters shown of one value; `--output raw` has it whole."""

_SAID_ONCE = frozenset((
    "run_id", "cycle_id", "dry_run", "single_cycle", "env", "strategy", "slot", "client_key",
    "account_key",
))  # fmt: skip
"""In the heading of the run's part, or of no use to who reads one story."""
_SAID_BY_THE_ORDER = frozenset((
    "external_reference", "instrument_id", "asset_type", "uic", "symbol",
))  # fmt: skip

_REQUEST = ("http_method", "http_url_path", "http_status")
_LITERALS = ("true", "false")

Paint = Callable[[str, str], str]


def lines_of(trace: Trace, paint: Paint, shown_time: Callable[[str], str]) -> Iterator[str]:
    """The steps, each run's under its own heading."""
    hidden = _SAID_ONCE
    if trace.subject.kind is Kind.REFERENCE or len(trace.references) == 1:
        hidden |= _SAID_BY_THE_ORDER
    before: Entry | None = None
    for entry in trace.entries:
        part = _part(entry)
        other = before is None or _part(before) != part
        gap = seconds_between(before.time, entry.time) if before is not None else 0.0
        if before is not None and (pause := _pause(before, entry, gap)):
            yield paint(f"   ... {pause}", "DEBUG")
        if other:
            yield paint(f"-- {part}", "bold")
        told = "" if before is None or gap >= LONG_SECONDS else f"+{duration(gap)}"
        yield " ".join(
            (
                shown_time(entry.time),
                f"{told:>{_GAP_WIDTH}}",
                paint(f"{entry.line.level:<5}", entry.line.level),
                paint(entry.event, "bold"),
                *_pairs(entry, hidden),
            )
        ).rstrip()
        before = entry


def _part(entry: Entry) -> str:
    """Whose line it is: the run, the cycle, and what kind of run it is."""
    run, cycle = entry.get("run_id", "-"), entry.get("cycle_id", "-")
    said = [f"run {run}", f"cycle {cycle}" if cycle != "-" else "no cycle"]
    if (env := entry.get("env")) not in ("", "-"):
        said.append(env)
    if entry.get("dry_run") == "true":
        said.append("dry run")
    return harmless(", ".join(said))


def _pause(before: Entry, entry: Entry, gap: float) -> str:
    """What lies between two steps, where it is worth a line."""
    said = []
    if abs(gap) >= LONG_SECONDS:
        said.append(f"{duration(gap)} later")
    if before.time[:10] != entry.time[:10]:
        said.append("past midnight UTC")
    if before.get("run_id") != entry.get("run_id"):
        said.append("in another run")
    if before.file.path != entry.file.path and said:
        said.append(f"in {harmless(entry.file.name)}")
    return ", ".join(said)


def _pairs(entry: Entry, hidden: frozenset[str]) -> Iterator[str]:
    fields = entry.fields
    request = _REQUEST if "http_url_path" in fields else ()
    if request:
        yield harmless(" ".join(fields[name] for name in request if name in fields))
    for name, value in fields.items():
        if name in hidden or name in request or name.startswith("rate_limit_re"):
            continue
        shown = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
        yield f"{name}={shown if shown in _LITERALS else harmless(quote(shown))}"


def heading(trace: Trace) -> str:
    """What the trace is about, as far as the log says."""
    if trace.subject.kind is Kind.ORDER and trace.references:
        return harmless(f"{trace.subject.name}: {', '.join(trace.references)}")
    return harmless(trace.subject.name)


def order_line(story: OrderStory) -> str:
    """`BUY 10 MSFT:xnas (Stock:211), market order, attempt 1 on the bar 2025-12-17T07:00:00Z`."""
    if not story.side:
        name = story.symbol or story.instrument_id or "no intent"
        return harmless(f"{name}: its intent was not found")
    instrument = f"{story.symbol} ({story.instrument_id})" if story.symbol else story.instrument_id
    said = [f"{story.side} {story.quantity} {instrument}"]
    if story.order_type:
        limit = f" at {story.limit_price}" if story.limit_price else ""
        said.append(f"{story.order_type.replace('_', ' ')} order{limit}")
    said.append(f"attempt {story.attempt or '?'} on the bar {story.bar_time or '?'}")
    return harmless(", ".join(said))


def conclusion_lines(name: str, conclusion: Conclusion, paint: Paint) -> Iterator[str]:
    """The verdict, why, and what to do."""
    yield f"{paint(harmless(name), 'bold')}: {harmless(conclusion.outcome)}"
    if conclusion.reason:
        yield f"  why:        {harmless(conclusion.reason)}"
    yield f"  what to do: {harmless(conclusion.next_step)}"
