"""What was decided about each instrument, and why, in plain words."""

from __future__ import annotations

from tradebot.logtools.report.gathering import Gathered, Instrument
from tradebot.logtools.report.html import Element, Node, h
from tradebot.logtools.report.words import (
    Clock,
    badge,
    clipped,
    meaning,
    prose,
    section,
    spaced,
    table,
)

MOST_ROWS = 250
_MOST_REASONS = 6
_ACTIONS = {"BUY": "buy", "SELL": "sell", "HOLD": "hold", "SKIP": "skip"}


def decisions(found: Gathered, clock: Clock) -> Node:
    """The section; nothing where no decision was made."""
    if not found.instruments:
        return None
    once = all(sum(one.reasons.values()) == 1 for one in found.instruments.values())
    named = sorted(found.instruments.items())[:MOST_ROWS]
    more = len(found.instruments) - len(named)
    if once:
        head = ["Instrument", "Decision", "Why", "On the bar of", "Quantity"]
        rows = [_single(name, one) for name, one in named]
    else:
        head = ["Instrument", "Decisions", "Reasons, the most frequent first", "The latest"]
        rows = [_many(name, one, clock) for name, one in named]
    note = f"{more} more instruments are not in this table: tradebot logs why" if more else None
    return section(
        "decisions",
        "Decisions",
        table(head, rows, numbers=(4,) if once else (1,)),
        h("p", note, class_="quiet") if note else None,
        lead="What was done about each watched instrument, with the first reason that settled it.",
    )


def _name(name: str, one: Instrument) -> Node:
    if not one.symbol:
        return clipped(name, 60)
    return [h("strong", clipped(one.symbol, 40)), h("small", clipped(name, 60))]


def _action(action: str) -> Element:
    return badge(_ACTIONS.get(action, "plain"), clipped(action, 12))


def _why(reason: str) -> Node:
    return [prose(meaning(reason, "reason")), " ", h("code", clipped(reason, 60))]


def _single(name: str, one: Instrument) -> list[Node]:
    ((action, reason),) = one.reasons
    latest = one.latest
    bar = latest.get("bar_time") if latest else ""
    quantity = latest.get("quantity") if latest else ""
    return [
        _name(name, one),
        _action(action),
        _why(reason),
        clipped(bar, 30),
        clipped(quantity, 20),
    ]


def _many(name: str, one: Instrument, clock: Clock) -> list[Node]:
    shown = one.reasons.most_common(_MOST_REASONS)
    rest = sum(one.reasons.values()) - sum(number for _, number in shown)
    reasons = h(
        "ul",
        *(
            h("li", f"{number:,} × ", _action(action), " ", _why(reason))
            for (action, reason), number in shown
        ),
        h("li", f"{rest:,} others") if rest else None,
        class_="plain-list",
    )
    latest = one.latest
    last: Node = None
    if latest is not None:
        word = spaced(latest.get("reason", "-"))
        last = [clock.minute(latest.time), h("small", f"{latest.get('action', '-')}: {word}")]
    return [_name(name, one), f"{sum(one.reasons.values()):,}", reasons, last]
