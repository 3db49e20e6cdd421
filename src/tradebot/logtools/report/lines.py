"""The lines themselves, folded away: with filters where scripts run, all of them where not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.report.html import Element, Node, h
from tradebot.logtools.report.keeping import Kept, KeptLines
from tradebot.logtools.report.words import Clock, section
from tradebot.observability.line import quote
from tradebot.observability.schema import CORRELATION

_LEVELS = ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_KINDS = {"DEBUG": "quiet", "WARN": "warn", "ERROR": "bad", "FATAL": "bad"}
_UNFOLDED = ("stack",)


def lines(kept: KeptLines, clock: Clock, command: str) -> Element:
    """The section. `command` shows every line, also those that are not here."""
    found = kept.lines()
    return section(
        "lines",
        "Lines",
        h(
            "details",
            h("summary", f"{len(found):,} lines of the log"),
            _controls(found),
            h("ol", *(_line(one, clock) for one in found), class_="log"),
            id="log",
        ),
        _left_out(kept),
        h("p", "Every line: ", h("code", command)),
    )


def _left_out(kept: KeptLines) -> Node:
    number = sum(kept.left_out.values())
    if not number:
        return None
    levels = ", ".join(f"{count:,} {level}" for level, count in kept.left_out.most_common())
    return h(
        "p",
        f"{number:,} more lines are not shown, so that this file stays small: {levels}.",
        class_="left-out",
    )


def _controls(found: Sequence[Kept]) -> Element:
    """Hidden until the script shows that it works."""
    events = Counter(one.entry.event for one in found if one.entry is not None)
    return h(
        "div",
        h(
            "label",
            "Level ",
            h(
                "select",
                *(h("option", f"{name} and above", value=i) for i, name in enumerate(_LEVELS)),
                id="by-level",
            ),
        ),
        h(
            "label",
            "Event ",
            h(
                "select",
                h("option", "all", value=""),
                *(h("option", f"{name} ({events[name]:,})", value=name) for name in sorted(events)),
                id="by-event",
            ),
        ),
        h(
            "label",
            "Text ",
            h("input", type="search", id="by-text", placeholder="any text", autocomplete="off"),
        ),
        h("output", id="shown", aria_live="polite"),
        class_="controls",
        id="controls",
        hidden=True,
    )


def _line(kept: Kept, clock: Clock) -> Element:
    entry = kept.entry
    if entry is None:
        return h("li", h("b", "not the log's"), " ", h("span", kept.text), class_="foreign")
    level = entry.line.level
    return h(
        "li",
        clock.element(entry.time),
        " ",
        h("b", level),
        " ",
        h("i", entry.line.component),
        " ",
        h("strong", entry.event),
        h("span", " ", _pairs(entry, CORRELATION), class_="six"),
        " ",
        _pairs(entry, [name for name in entry.fields if name not in CORRELATION]),
        list(_unfolded(entry)),
        class_=_KINDS.get(level),
        data_l=_LEVELS.index(level),
        data_e=entry.event,
    )


def _pairs(entry: Entry, names: Sequence[str]) -> str:
    fields = entry.fields
    return " ".join(
        f"{name}={_written(fields[name])}"
        for name in names
        if name in fields and name not in _UNFOLDED
    )


def _written(value: str) -> str:
    """As in the log, where true and false are hardly ever strings."""
    return value if value in ("true", "false") else quote(value)


def _unfolded(entry: Entry) -> Iterator[Element]:
    for name in _UNFOLDED:
        if entry.get(name):
            yield h("pre", entry.get(name))
