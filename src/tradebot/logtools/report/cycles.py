"""Many cycles in one picture: how each ended, the slots without one, and the orders between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tradebot.logtools.report.chart import AXIS, axis, band, legend
from tradebot.logtools.report.gathering import Gathered, Missed
from tradebot.logtools.report.html import Element, Node, h
from tradebot.logtools.report.scale import Scale
from tradebot.logtools.report.words import (
    Clock,
    badge,
    clipped,
    epoch,
    long,
    meaning,
    prose,
    spaced,
    table,
)
from tradebot.logtools.stories.order_story import OrderStatus, OrderStory
from tradebot.logtools.stories.run_story import RunOutcome, RunStory

MOST_ROWS = 32
_MOST_LISTED = 120
_MOST_ORDERS = 500
_ROW = 46
_CYCLES_HIGH = 26
_ORDERS_AT = 37
_LENGTHS = (3600.0, 21600.0, 86400.0, 7 * 86400.0, 28 * 86400.0)
"""Seconds that a row of the picture may show."""

_PER_ROW = 320
"""Cycles beyond which a row is too crowded."""

_KINDS = {
    # The more serious one is shown where two share a place; its words, and its height.
    "skipped": ("skipped on purpose", 4),
    "ran": ("ran, no order", 10),
    "traded": ("ran, and sent an order", 18),
    "warn": ("busy, or left something open", 18),
    "missed": ("slot without a run", 22),
    "bad": ("failed, killed or without an end", 24),
}
_RANK = {kind: rank for rank, kind in enumerate(_KINDS)}


@dataclass(slots=True)
class Cell:
    """Neighbours in time that are drawn as one."""

    kind: str
    start: float
    end: float
    kinds: Counter[str] = field(default_factory=Counter)


def kind_of(run: RunStory, now: str) -> str:
    """How a cycle is shown."""
    match run.outcome(now):
        case RunOutcome.FAILED | RunOutcome.KILLED | RunOutcome.NO_END:
            return "bad"
        case RunOutcome.BUSY:
            return "warn"
        case RunOutcome.SKIPPED:
            return "warn" if run.exit_code else "skipped"
    if run.exit_code:
        return "warn"
    return "traded" if run.counters.get("placed") else "ran"


def order_kind(order: OrderStory) -> str:
    """How an order is shown: good, warn or bad."""
    if order.status in (OrderStatus.DONE, OrderStatus.STILL_OPEN):
        return "bad" if order.failed or order.contradicted else "good"
    return "warn"


def picture(found: Gathered, clock: Clock, now: str) -> Node:
    """The rows, what their shapes mean, and a list of the cycles that did not simply run."""
    cells = _cells(found, now)
    if not cells:
        return h("p", "No cycle of the bot is in these lines.", class_="quiet")
    start = min(cell.start for cell in cells)
    end = max(cell.end for cell in cells)
    length = _row_length(start, end, len(cells))
    rows = _rows(start, end, length, clock)
    kinds = Counter(kind for cell in cells for kind in cell.kinds.elements())
    return [
        h(
            "div",
            h(
                "div",
                h("ol", *(h("li", name) for name, _ in rows), class_="names tall"),
                _drawing(rows, cells, list(found.orders.values()), clock),
                class_="lanes",
            ),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_label="Cycles over time",
        ),
        h("p", "Touch a mark to read what it is.", class_="picked", aria_live="polite"),
        _explained(kinds),
        _orders_legend(len(found.orders)),
        _listed(found, clock, now),
    ]


def _cells(found: Gathered, now: str) -> list[Cell]:
    cells = []
    for run in found.cycles:
        start = epoch(run.started)
        if start is not None:
            kind = kind_of(run, now)
            end = start + max(run.seconds or 0.0, 0.0)
            cells.append(Cell(kind, start, end, Counter((kind,))))
    begin = epoch(found.summary.first) or 0.0
    for missed in found.missed:
        first, last = epoch(missed.first), epoch(missed.last)
        if first is not None and last is not None and last >= begin:
            told = Counter({"missed": max(1, missed.count)})
            first = max(first, begin)
            cells.append(Cell("missed", first, max(first, last), told))
    return sorted(cells, key=lambda cell: cell.start)


def _row_length(start: float, end: float, cells: int) -> float:
    span = max(end - start, 1.0)
    if span <= _LENGTHS[1] and cells <= _PER_ROW:
        return span * 1.001
    for length in _LENGTHS:
        rows = span / length
        if rows <= MOST_ROWS and (cells / max(rows, 1.0) >= _PER_ROW / 4 or length >= 86400.0):
            return length
    return max(_LENGTHS[-1], span / MOST_ROWS)


def _rows(start: float, end: float, length: float, clock: Clock) -> list[tuple[str, Scale]]:
    first = start
    if length in _LENGTHS:
        first = start - start % min(length, 86400.0)
    rows: list[tuple[str, Scale]] = []
    while (first < end or not rows) and len(rows) <= MOST_ROWS:
        rows.append((clock.minute_at(first), Scale(first, first + length)))
        first += length
    return rows


def _drawing(
    rows: Sequence[tuple[str, Scale]],
    cells: Sequence[Cell],
    orders: Sequence[OrderStory],
    clock: Clock,
) -> Element:
    height = len(rows) * _ROW + AXIS
    columns = 300 if len(rows) <= 8 else 100
    placed = _drawn(orders)
    drawn: list[Node] = []
    for number, (_, scale) in enumerate(rows):
        top = number * _ROW
        drawn.append(h("rect", class_=band(number), y=top, width="100%", height=_ROW))
        inside = [cell for cell in cells if scale.start <= cell.start < scale.end]
        drawn += (_cell(cell, scale, top, clock) for cell in _merged(inside, scale, columns))
        drawn += _orders(placed, scale, columns, top, clock)
    # The axis is that of the first row: the others have the same length.
    return h(
        "svg",
        *axis(rows[0][1], clock, height),
        *drawn,
        class_="marks",
        width="100%",
        height=height,
        role="img",
        aria_label="How each cycle ended. The list below names those that did not simply run.",
    )


def _merged(cells: Iterable[Cell], scale: Scale, columns: int) -> Iterator[Cell]:
    """One cell for each column that has any; neighbours of one kind as one, if they touch."""
    width = (scale.end - scale.start) / columns
    current: Cell | None = None
    for cell in cells:
        start = scale.start + int((cell.start - scale.start) / width) * width
        end = min(max(start + width, cell.end), scale.end)
        if current is None or start >= current.end:
            if current is not None:
                yield current
            current = Cell(cell.kind, start, end, Counter(cell.kinds))
            continue
        current.kinds.update(cell.kinds)
        current.end = max(current.end, end) if cell.kind == "missed" else current.end
        if _RANK[cell.kind] > _RANK[current.kind]:
            current.kind = cell.kind
    if current is not None:
        yield current


def _cell(cell: Cell, scale: Scale, top: int, clock: Clock) -> Element:
    left, right = scale.percent(cell.start), scale.percent(cell.end)
    high = _KINDS[cell.kind][1]
    what = ", ".join(f"{number} {_KINDS[kind][0]}" for kind, number in cell.kinds.most_common())
    return h(
        "rect",
        h("title", f"{clock.minute_at(cell.start)}: {what}"),
        class_=f"c-{cell.kind}",
        x=f"{left:.2f}%",
        width=f"{max(right - left - 0.04, 0.2):.2f}%",
        y=top + _CYCLES_HIGH - high,
        height=high,
    )


def _drawn(orders: Iterable[OrderStory]) -> list[tuple[float, str, OrderStory]]:
    """When each order began and how it is shown; of very many those alone that need a look."""
    placed = [(epoch(one.created or one.first), order_kind(one), one) for one in orders]
    dated = [(when, kind, one) for when, kind, one in placed if when is not None]
    few = len(dated) <= _MOST_ORDERS
    # What needs a look is drawn last, above the others.
    shown = [found for found in dated if few or found[1] != "good"]
    return sorted(shown, key=lambda found: found[1] != "good")


def _orders(
    drawn: Iterable[tuple[float, str, OrderStory]],
    scale: Scale,
    columns: int,
    top: int,
    clock: Clock,
) -> Iterator[Element]:
    taken: set[tuple[int, str]] = set()
    for when, kind, order in drawn:
        percent = scale.percent(when)
        place = int(percent * columns / 100), kind
        if not scale.start <= when < scale.end or place in taken:
            continue
        taken.add(place)
        text = f"{clock.at(when)} {order.reference} {order.side} {order.symbol}: {order.result}"
        yield h(
            "use",
            h("title", clipped(text)),
            href=f"#m-{kind}",
            class_=kind,
            x=f"{percent:.2f}%",
            y=top + _ORDERS_AT,
        )


def _orders_legend(orders: int) -> Node:
    if not orders:
        return None
    kinds = [("good", "order"), ("bad", "order that failed"), ("warn", "order not known yet")]
    return legend(kinds[1:] if orders > _MOST_ORDERS else kinds)


def _explained(kinds: Counter[str]) -> Element:
    return h(
        "ul",
        *(
            h(
                "li",
                h(
                    "svg",
                    h("rect", class_=f"c-{kind}", x=1, width=8, y=26 - high, height=high),
                    width=10,
                    height=28,
                    aria_hidden="true",
                ),
                f"{words}: {kinds[kind]:,}",
            )
            for kind, (words, high) in _KINDS.items()
            if kinds[kind]
        ),
        class_="legend",
    )


def _listed(found: Gathered, clock: Clock, now: str) -> Node:
    unsorted = (*_run_rows(found.cycles, clock, now), *_missed_rows(found.missed, clock))
    rows = sorted(unsorted, key=lambda row: row[0])
    if not rows:
        return None
    listed: list[list[Node]] = [list(cells) for _, cells in rows[:_MOST_LISTED]]
    more = len(rows) - len(listed)
    return [
        h("h3", "Cycles that did not simply run"),
        table(["When", "Cycle", "How it ended", "Why", "Exit", "Took"], listed, numbers=(4, 5)),
        h("p", f"{more} more are not in this table: tradebot logs runs", class_="quiet")
        if more
        else None,
    ]


_Row = tuple[str, tuple[Node, ...]]


def _run_rows(cycles: Iterable[RunStory], clock: Clock, now: str) -> Iterator[_Row]:
    for run in cycles:
        kind = kind_of(run, now)
        if kind not in ("bad", "warn"):
            continue
        outcome = run.outcome(now)
        ending, why = outcome.value, outcome.meaning
        if run.reason:
            why = meaning(run.reason, "failure_reason")
        elif outcome is RunOutcome.RAN:
            ending, why = "left open", meaning(str(run.exit_code), "exit_code")
        said = h("small", clipped(run.message, 200)) if run.message else None
        yield (
            run.started,
            (
                clock.minute(run.started),
                run.cycle_id or "–",
                badge(kind, spaced(ending)),
                [prose(why), said],
                "–" if run.exit_code is None else str(run.exit_code),
                long(run.seconds),
            ),
        )


def _missed_rows(missed: Iterable[Missed], clock: Clock) -> Iterator[_Row]:
    for gap in missed:
        until = "" if gap.first == gap.last else f" to {clock.minute(gap.last)}"
        slots = f"{gap.count} slot{'s' * (gap.count != 1)} missed"
        why = meaning(gap.reason, "schedule_runs_missed")
        yield gap.first, (clock.minute(gap.first) + until, "–", badge("warn", slots), why, "–", "")
