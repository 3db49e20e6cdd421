"""Lanes as a picture: names on the left, marks over time on the right, in percent of the width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tradebot.logtools.report.html import Element, Node, h
from tradebot.logtools.report.lanes import Lane, Mark
from tradebot.logtools.report.scale import Fold, Scale, folded
from tradebot.logtools.report.words import Clock, long, table

ROW = 26
"""Pixels of a lane's height."""

AXIS = 24
MOST_ROWS = 400
MOST_MARKS = 1_500
"""In one picture: a page has to be opened by a phone."""

_MIDDLE = ROW // 2
_BAR = {"wait": 6, "plain": 10}
_TALL = 14
_LABEL_FROM = 9.0
"""Percent of the width from which on a stretch says what it is."""


def timeline(lanes: Sequence[Lane], clock: Clock) -> Node:
    """The picture, what is under the pointer, and the same as a table."""
    if not lanes:
        return h("p", "Nothing in these lines has a place in time.", class_="quiet")
    scale = scale_of(lanes)
    left_out = max(0, sum(len(lane.marks) for lane in lanes) - MOST_MARKS)
    return [
        h(
            "div",
            h(
                "div",
                h("ol", *(h("li", lane.name, title=lane.about) for lane in lanes), class_="names"),
                _picture(lanes, scale, clock),
                class_="lanes",
            ),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_label="Timeline",
        ),
        h("p", "Touch a mark to read what it is.", class_="picked", aria_live="polite"),
        h("p", f"{left_out} later marks are not drawn.", class_="quiet") if left_out else None,
        _as_table(lanes, clock),
    ]


def scale_of(lanes: Sequence[Lane]) -> Scale:
    """Time over all marks. In a stretch that was spent waiting it is folded, too: there its ends
    count, and not its length."""
    spans = []
    for lane in lanes:
        for mark in lane.marks:
            start, end = mark.span
            spans += [(start, start), (end, end)] if lane.waits else [(start, end)]
    return folded(spans)


def band(row: int) -> str:
    """Every other row has a ground of its own."""
    return "band odd" if row % 2 else "band"


def _on_top(mark: Mark) -> int:
    """What matters is drawn last."""
    return _ORDER.get(mark.kind, 1)


_ORDER = {"hold": 0, "skip": 0, "warn": 2, "buy": 2, "sell": 2, "bad": 3}


def _picture(lanes: Sequence[Lane], scale: Scale, clock: Clock) -> Element:
    height = ROW * len(lanes) + AXIS
    shown = MOST_MARKS
    drawn: list[Node] = []
    for row, lane in enumerate(lanes):
        drawn.append(h("rect", class_=band(row), y=row * ROW, width="100%", height=ROW))
        for mark in sorted(lane.marks[:shown], key=_on_top):
            drawn.append(_mark(mark, scale, row * ROW, clock))
        shown = max(0, shown - len(lane.marks))
    return h(
        "svg",
        *axis(scale, clock, height),
        *drawn,
        *(_fold(fold, scale, height) for fold in scale.folds),
        class_="marks",
        width="100%",
        height=height,
        role="img",
        aria_label="What happened when, in lanes. The table below says the same.",
    )


def axis(scale: Scale, clock: Clock, height: int, most: int = 8) -> Iterator[Element]:
    """Lines at round times, and what time it is there, below."""
    for tick in scale.ticks(clock.zone, most):
        place = f"{tick.percent:.2f}%"
        yield h("line", class_="tick", x1=place, x2=place, y1=0, y2=height - AXIS + 5)
        anchor = "start" if tick.percent < 3 else "end" if tick.percent > 97 else "middle"
        yield h("text", tick.text, class_="when", x=place, y=height - 6, text_anchor=anchor)


def _mark(mark: Mark, scale: Scale, top: int, clock: Clock) -> Element:
    title = h("title", f"{clock.at(mark.start)} {mark.text}")
    left = scale.percent(mark.start)
    if mark.end is None:
        return h(
            "use", title, href=f"#m-{mark.kind}", class_=mark.kind, x=f"{left:.2f}%",
            y=top + _MIDDLE,
        )  # fmt: skip
    width = scale.percent(mark.end) - left
    high = _BAR.get(mark.kind, _TALL)
    bar = h(
        "rect",
        title,
        class_=mark.kind,
        x=f"{left:.2f}%",
        y=top + _MIDDLE - high // 2,
        width=f"{max(width, 0.25):.2f}%",
        height=high,
        rx=2,
    )
    if mark.label and width >= _LABEL_FROM:
        label = h(
            "text",
            mark.label,
            class_=f"label on-{mark.kind}",
            x=f"{left:.2f}%",
            dx=11,
            y=top + _MIDDLE + 4,
        )
        bar = h("g", title, bar, label)
    if mark.kind not in ("bad", "warn"):
        return bar
    # Not by colour alone: what went wrong has its sign at the end of the stretch, too.
    sign = h(
        "use", href=f"#m-{mark.kind}", class_=mark.kind, x=f"{left + width:.2f}%", y=top + _MIDDLE
    )
    return h("g", title, bar, sign)


def _fold(fold: Fold, scale: Scale, height: int) -> Element:
    left, right = scale.percent(fold.start), scale.percent(fold.end)
    length = long(fold.end - fold.start)
    return h(
        "g",
        h("title", f"nothing for {length}"),
        h(
            "rect",
            class_="fold",
            fill="url(#hatch)",
            x=f"{left:.2f}%",
            width=f"{right - left:.2f}%",
            y=0,
            height=height - AXIS,
        ),
        h(
            "text", length, class_="when", x=f"{(left + right) / 2:.2f}%", y=height - 6,
            text_anchor="middle",
        ),
    )  # fmt: skip


_PATHS = {
    "plain": "M0,-4A4,4 0 1 1 -0.01,-4Z",
    "good": "M0,-4A4,4 0 1 1 -0.01,-4Z",
    "warn": "M0,-6.5L6.5,5H-6.5Z",
    "bad": "M-6,-3.6L-3.6,-6L0,-2.4L3.6,-6L6,-3.6L2.4,0L6,3.6L3.6,6L0,2.4L-3.6,6L-6,3.6L-2.4,0Z",
    "buy": "M0,-7L6.5,5H-6.5Z",
    "sell": "M0,7L6.5,-5H-6.5Z",
    "hold": "M-5,-2H5V2H-5Z",
    "skip": "M0,-5L5,0L0,5L-5,0Z",
    "wait": "M-3,-5H-1V5H-3ZM1,-5H3V5H1Z",
}
"""Each kind of moment has a shape of its own around 0,0."""


def shapes() -> Element:
    """The shapes of moments: once on the page, for all of its pictures."""
    paths = (h("path", id=f"m-{kind}", d=path) for kind, path in _PATHS.items())
    hatch = h(
        "pattern",
        h("path", d="M-1,1L1,-1M0,6L6,0M5,7L7,5", class_="hatch"),
        id="hatch",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )
    return h(
        "svg", h("defs", hatch, *paths), class_="shapes", width=0, height=0, aria_hidden="true"
    )


def legend(kinds: Sequence[tuple[str, str]]) -> Element:
    """What the shapes mean: pairs of a kind and its words."""
    return h(
        "ul",
        *(
            h(
                "li",
                h(
                    "svg",
                    h("path", d=_PATHS[kind], class_=kind),
                    viewBox="-8 -8 16 16",
                    width=14,
                    height=14,
                    aria_hidden="true",
                ),
                words,
            )
            for kind, words in kinds
        ),
        class_="legend",
    )


def _as_table(lanes: Sequence[Lane], clock: Clock) -> Element:
    marks = sorted(
        ((mark, lane.name) for lane in lanes for mark in lane.marks),
        key=lambda pair: pair[0].start,
    )
    rows: list[list[Node]] = [
        [clock.at(mark.start), lane, mark.text] for mark, lane in marks[:MOST_ROWS]
    ]
    more = len(marks) - len(rows)
    return h(
        "details",
        h("summary", "The same as a table"),
        table(["Time", "Lane", "What"], rows),
        h("p", f"{more} later ones are not in this table.", class_="quiet") if more else None,
    )
