"""The orders: what became of each, why, and how long every step took."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.logtools.reading.times import seconds_between
from tradebot.logtools.report.cycles import order_kind
from tradebot.logtools.report.gathering import Gathered, Step
from tradebot.logtools.report.html import Element, Node, h
from tradebot.logtools.report.words import (
    Clock,
    badge,
    between,
    clipped,
    event_name,
    long,
    meaning,
    prose,
    section,
    spaced,
    table,
    to_do,
)
from tradebot.logtools.stories.order_story import OrderStatus, OrderStory
from tradebot.vocabulary import CATALOGUE

MOST_CARDS = 40
MOST_ROWS = 300
_EXPLAINED = 4
"""Orders up to which each step says what it means."""

_LONG_GAP = 1.0
"""Seconds from which on a gap between two steps stands out."""


def orders(found: Gathered, clock: Clock) -> Node:
    """The section; nothing where there is no order."""
    stories = list(found.orders.values())
    if not stories:
        return None
    told = sorted(stories, key=_interest)[:MOST_CARDS]
    cards = [
        _card(story, found.steps.get(story.reference, []), clock, len(stories))
        for story in stories
        if story in told
    ]
    body: list[Node] = []
    if len(stories) > 3:
        body.append(_overview(stories, clock, {story.reference for story in told}))
    left_out = len(stories) - len(told)
    if left_out:
        body.append(
            h(
                "p",
                f"The {len(told)} orders that ended worst, and the latest of the others, follow "
                f"step by step; {left_out} do not. All of them: tradebot logs orders",
                class_="quiet",
            )
        )
    return section("orders", "Orders", *body, *cards)


def _interest(story: OrderStory) -> tuple[int, str]:
    """Sorts what needs a look first, and then the latest."""
    rank = {"bad": 0, "warn": 0}.get(order_kind(story), 1)
    return rank, _backwards(story.first)


def _backwards(timestamp: str) -> str:
    return timestamp.translate(str.maketrans("0123456789", "9876543210"))


def _overview(stories: Sequence[OrderStory], clock: Clock, linked: set[str]) -> Node:
    rows: list[list[Node]] = [
        [
            clock.minute(story.created or story.first),
            h("a", story.reference, href=f"#{story.reference}")
            if story.reference in linked
            else story.reference,
            story.symbol or story.instrument_id,
            f"{story.side} {story.quantity}",
            badge(order_kind(story), spaced(story.result)),
            spaced(story.reason),
            long(story.seconds_to_answer),
            long(story.seconds_to_verdict),
        ]
        for story in stories[-MOST_ROWS:]
    ]
    head = [
        "When",
        "Reference",
        "Instrument",
        "Order",
        "Result",
        "Reason",
        "To answer",
        "To verdict",
    ]
    more = len(stories) - len(rows)
    return [
        table(head, rows, numbers=(6, 7)),
        h("p", f"{more} earlier ones are not in this table: tradebot logs orders", class_="quiet")
        if more
        else None,
    ]


def _card(story: OrderStory, steps: Sequence[Step], clock: Clock, orders: int) -> Element:
    kind = order_kind(story)
    name = f"{story.side} {story.quantity} {story.symbol or story.instrument_id}".strip()
    head: list[Node] = [
        h("h3", badge(kind, spaced(story.result)), " ", clipped(name, 80) or "order")
    ]
    folded = orders > _EXPLAINED
    if folded:
        told = [clock.minute(story.created or story.first), spaced(story.reason)]
        head.append(h("span", ", ".join(filter(None, told)), class_="aside"))
    body = [
        h("p", h("code", story.reference), class_="reference"),
        _why(story),
        _figures(story, clock),
        _steps(steps, clock, explained=not folded),
    ]
    if folded:
        return h("details", h("summary", head), *body, class_="card", id=story.reference)
    return h("article", head, *body, class_="card", id=story.reference)


def _why(story: OrderStory) -> Node:
    parts: list[Node] = []
    if story.reason:
        kind = "difference" if story.reason == "contradicted" else "failure_reason"
        parts.append(prose(meaning(story.reason, kind)))
    elif story.status is not OrderStatus.DONE:
        parts.append(story.status.meaning)
    if story.status is not OrderStatus.DONE:
        parts.append([" ", to_do(story.status.next_step)])
    if story.error_code:
        told = meaning(story.error_code, "error_code")
        parts += [" The broker said ", h("code", clipped(story.error_code, 80)), ": ", prose(told)]
    if story.message:
        parts.append(f" “{clipped(story.message)}”")
    if story.doubt and not story.reason:
        doubt = meaning(story.doubt, "failure_reason")
        parts.append(f"It was not clear at first whether the order exists: {doubt}")
    return h("p", *parts) if parts else None


def _figures(story: OrderStory, clock: Clock) -> Element:
    figures: list[tuple[str, Node]] = [
        ("decided on the bar of", story.bar_time),
        ("the broker's order", story.order_id),
        (
            "filled",
            f"{story.filled_quantity} at {story.average_price}" if story.average_price else "",
        ),
        ("until it was sent", long(story.seconds_to_sending)),
        ("until the broker's answer", long(story.seconds_to_answer)),
        ("until the verdict", long(story.seconds_to_verdict)),
        ("cycles", ", ".join(story.cycle_ids[:12])),
        ("dry run", "yes" if story.dry_run == "true" else ""),
        ("attempt", story.attempt if story.attempt != "1" else ""),
        ("verdict by", "a person" if story.by_hand else ""),
    ]
    return h(
        "dl",
        *(h("div", h("dt", name), h("dd", value)) for name, value in figures if value),
        class_="figures",
    )


def _steps(steps: Sequence[Step], clock: Clock, *, explained: bool) -> Node:
    rows: list[list[Node]] = []
    before = ""
    for step in steps:
        gap = between(before, step.time) if before else ""
        is_long = bool(before) and seconds_between(before, step.time) >= _LONG_GAP
        event = CATALOGUE.events.get(step.event)
        rows.append([
            clock.element(step.time, clock.time(step.time)),
            h("strong", gap, class_="gap") if is_long else gap,
            [
                badge(step.kind, event_name(step.event)),
                h("small", event.meaning) if explained and event else None,
            ],
            clipped(step.told),
        ])  # fmt: skip
        before = step.time
    return table(["Time", "After", "Step", "What it says"], rows, numbers=(1,)) if rows else None
