"""The page as a whole: its head, its sections in the order of questions, and its size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tradebot.logtools.report.budget import charts
from tradebot.logtools.report.chart import legend, shapes, timeline
from tradebot.logtools.report.cycles import picture
from tradebot.logtools.report.decisions import decisions
from tradebot.logtools.report.gathering import Gathered
from tradebot.logtools.report.html import Element, Node, OwnText, document, h, rendered
from tradebot.logtools.report.lanes import lanes_of
from tradebot.logtools.report.lines import lines
from tradebot.logtools.report.orders import orders
from tradebot.logtools.report.requests import requests
from tradebot.logtools.report.troubles import troubles
from tradebot.logtools.report.verdict import Verdict, verdict
from tradebot.logtools.report.words import Clock, badge, between, clipped, prose, section

PAGE_BYTES = 950_000
"""A page stays below a million bytes, whatever is in the log."""

_LEAST_FOR_LINES = 40_000

_LEGEND = (
    ("good", "as it should be"), ("warn", "warning"), ("bad", "error or failure"),
    ("wait", "waiting"), ("buy", "BUY"), ("sell", "SELL"), ("hold", "HOLD"), ("skip", "SKIP"),
)  # fmt: skip

_FACTS = (
    ("env", "Environment"), ("dry_run", "Dry run"), ("strategy", "Strategy"),
    ("version", "Version"), ("commit", "Commit"), ("python", "Python"), ("host", "Host"),
    ("instance", "Instance"), ("settings_fingerprint", "Settings fingerprint"),
)  # fmt: skip
_YES_NO = {"true": "yes", "false": "no"}


@dataclass(frozen=True, slots=True)
class About:
    """What a report is about and rests on; every text has been masked."""

    title: str
    """`Cycle 42`, `Order ATB-…`."""
    command: str
    """What shows every line of it."""
    order: str | None = None
    """The reference, where it is about one order."""
    reading: Sequence[str] = ()
    """Which files were read, what is missing, what could not be read."""
    now: str = ""
    """The timestamp at which the page is made."""


def page(found: Gathered, about: About, clock: Clock) -> bytes:
    """The whole file. Of the lines as many as there is room for."""
    judged = verdict(found, about.now, about.order)
    parts = [part for part in _parts(found, about, clock) if part is not None]
    head = _head(found, about, judged, clock)
    used = sum(len(text.encode()) for text in rendered([*head, *parts]))
    found.kept.shrink(max(_LEAST_FOR_LINES, PAGE_BYTES - used))
    while True:
        data = _whole(head, [*parts, lines(found.kept, clock, about.command)], about, clock)
        if len(data) <= PAGE_BYTES or found.kept.used <= _LEAST_FOR_LINES:
            return data
        found.kept.shrink(found.kept.used * 9 // 10)


def _whole(head: Sequence[Node], parts: Sequence[Element], about: About, clock: Clock) -> bytes:
    body = [
        shapes(),
        h("a", "To the timeline", href="#timeline", class_="skip-link"),
        h("header", *head, _contents(parts)),
        h("main", *parts),
        h("footer", _foot(about, clock)),
    ]
    pieces = document(
        f"{about.title} – AI-Tradebot",
        body,
        styles=OwnText.of("style.css"),
        script=OwnText.of("script.js"),
    )
    return "".join(pieces).encode("utf-8", "replace")


def _parts(found: Gathered, about: About, clock: Clock) -> Iterator[Element | None]:
    yield _timeline(found, clock, about.now, about.order)
    yield _element(orders(found, clock))
    yield _element(decisions(found, clock))
    yield _element(troubles(found, clock))
    yield _limits(found, clock)
    yield _element(requests(found))


def _element(node: Node) -> Element | None:
    return node if isinstance(node, Element) else None


def _timeline(found: Gathered, clock: Clock, now: str, order: str | None) -> Element:
    if found.detail is None or (len(found.cycles) > 1 and order is None):
        return section("timeline", "Cycles", picture(found, clock, now))
    lanes = lanes_of(found.detail)
    return section(
        "timeline",
        "Timeline",
        timeline(lanes, clock),
        legend(_LEGEND),
        lead=f"Times are in {clock.name}. A hatched stretch is folded: its length stands below it, "
        "and no line was logged in it.",
    )


def _limits(found: Gathered, clock: Clock) -> Element | None:
    pictures = list(charts(found.budget, clock))
    if not pictures:
        return None
    return section(
        "limits",
        "Rate limits",
        h("div", *pictures, class_="budgets"),
        lead="What the broker still allowed after each answer, the scarcest first. The lowest "
        "point is marked.",
    )


def _head(found: Gathered, about: About, judged: Verdict, clock: Clock) -> list[Node]:
    first, last = found.summary.first, found.summary.last
    period = f"{clock.period(first, last)}, {between(first, last)}"
    return [
        h("p", "AI-Tradebot", class_="product"),
        h("h1", about.title),
        h("p", period, class_="period"),
        h(
            "div",
            h(
                "p",
                badge(judged.kind, judged.word),
                " ",
                prose(judged.sentences[0]),
                class_="first",
            ),
            h("p", prose(" ".join(judged.sentences[1:]))) if len(judged.sentences) > 1 else None,
            class_=f"verdict {judged.kind}",
        ),
        h("dl", *_facts(found), class_="figures"),
    ]


def _facts(found: Gathered) -> Iterator[Element]:
    for name, title in _FACTS:
        values = found.facts.get(name, [])
        if values:
            told = ", ".join(_YES_NO.get(value, clipped(value, 80)) for value in values)
            yield h("div", h("dt", title), h("dd", told))
    levels = found.summary.levels
    told = ", ".join(f"{levels[name]:,} {name}" for name in levels if levels[name])
    yield h("div", h("dt", "Lines"), h("dd", told))


def _contents(parts: Sequence[Element]) -> Element:
    links = [
        h("li", h("a", _title(part), href=f"#{dict(part.attributes)['id']}")) for part in parts
    ]
    return h("nav", h("ul", *links), aria_label="Contents")


def _title(part: Element) -> Node:
    heading = part.children[0]
    return heading.children if isinstance(heading, Element) else None


def _foot(about: About, clock: Clock) -> list[Node]:
    return [
        h("h2", "What this rests on"),
        h("ul", *(h("li", line) for line in about.reading)),
        h(
            "p",
            "Made from the log alone, at ",
            clock.element(about.now),
            ". Every field went through redaction once more. This file fetches nothing and sends "
            "nothing.",
        ),
    ]
