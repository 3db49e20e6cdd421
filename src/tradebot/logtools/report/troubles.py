"""What went wrong, each event once, with the catalogue's own words on it and on its reasons."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.logtools.report.gathering import Gathered, Trouble
from tradebot.logtools.report.html import Element, Node, h
from tradebot.logtools.report.words import (
    Clock,
    badge,
    clipped,
    prose,
    section,
    spaced,
    table,
    to_do,
)
from tradebot.logtools.words.explaining import explain
from tradebot.logtools.words.explanations import Explanation

MOST = 60
_EXAMPLE_LINE = 2_000
_SAYING = ("msg", "exc_type", "exc_msg", "response_snippet", "holder", "phase")
_LONGEST_STACK = 6_000


def troubles(found: Gathered, clock: Clock) -> Node:
    """The section, also where there is nothing to tell."""
    title = "Warnings and errors"
    if not found.troubles:
        nothing = h("p", "None: no line of WARN or above.", class_="quiet")
        return section("troubles", title, nothing)
    shown = found.troubles[:MOST]
    by_event: dict[str, list[Trouble]] = {}
    for trouble in shown:
        by_event.setdefault(trouble.event, []).append(trouble)
    more = len(found.troubles) - len(shown)
    return section(
        "troubles",
        title,
        *(_one(event, of_it, clock) for event, of_it in by_event.items()),
        h("p", f"{more} other sorts are not shown: tradebot logs summary", class_="quiet")
        if more
        else None,
        lead="The gravest first. What they mean, and what to do, is the catalogue's.",
    )


def _one(event: str, troubles: Sequence[Trouble], clock: Clock) -> Element:
    number = sum(trouble.count for trouble in troubles)
    level = troubles[0].level
    about = next(iter(_explanations(troubles[0])), None)
    return h(
        "article",
        h(
            "h3",
            badge("warn" if level == "WARN" else "bad", level),
            " ",
            clipped(event, 80),
            f" × {number:,}" if number > 1 else None,
        ),
        h("p", prose(about.meaning), " ", to_do(about.next_step)) if about else None,
        table(
            ["How often", "When", "Why", "What it says"],
            [_row(trouble, clock) for trouble in troubles],
            numbers=(0,),
        ),
        [_stack(trouble) for trouble in troubles],
        class_="card",
    )


def _row(trouble: Trouble, clock: Clock) -> list[Node]:
    when: Node = clock.short(trouble.first)
    if trouble.count > 1:
        when = [when, h("small", f"the latest {clock.short(trouble.example.time)}")]
    why = [
        h("p", h("code", clipped(one.word, 80)), " ", prose(one.meaning), " ", to_do(one.next_step))
        for one in _explanations(trouble)
        if one.word != trouble.event
    ]
    return [f"{trouble.count:,}", when, why or spaced(trouble.word), _said(trouble)]


def _said(trouble: Trouble) -> list[Node]:
    """The latest line in its own words."""
    entry = trouble.example
    said: list[Node] = []
    path = entry.get("http_url_path")
    if path:
        said.append(h("small", f"{entry.get('http_method')} {clipped(path, 120)}"))
    said += [h("p", clipped(entry.get(name), 300)) for name in _SAYING if entry.get(name)]
    return said


def _stack(trouble: Trouble) -> Node:
    stack = trouble.example.get("stack")
    if not stack:
        return None
    return h("details", h("summary", "The traceback"), h("pre", clipped(stack, _LONGEST_STACK)))


def _explanations(trouble: Trouble) -> tuple[Explanation, ...]:
    return explain(trouble.example.raw[:_EXAMPLE_LINE].decode("utf-8", "replace"))
