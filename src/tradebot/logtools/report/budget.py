"""How much was left of the broker's rate limits, over time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.report.chart import axis
from tradebot.logtools.report.html import Element, Node, h
from tradebot.logtools.report.lanes import seconds_of
from tradebot.logtools.report.scale import Scale
from tradebot.logtools.report.words import Clock

_REMAINING = "rate_limit_remaining_"
_GROUP = re.compile(r"^(?:/(?:sim/)?openapi)?/([a-z]{1,12})/")
_PER_GROUP = "session"
"""The dimension that the broker counts for each group of services by itself."""

_MOST_POINTS = 600
_MOST_LINES = 16
_MOST_DIGITS = 16
_HEIGHT = 64
_AXIS = 24
_TOP = 14


@dataclass(slots=True)
class Line:
    """What was left in one dimension. Of points that stand close together the lowest is kept."""

    points: list[tuple[float, int]] = field(default_factory=list)
    lowest: tuple[int, str] = (0, "")
    """The least, and its timestamp."""
    highest: int = 0
    _width: float = 0.0
    """Seconds in which one point is kept."""

    def add(self, when: float, time: str, left: int) -> None:
        """The next point."""
        if not self.lowest[1] or left < self.lowest[0]:
            self.lowest = left, time
        self.highest = max(self.highest, left)
        self._append(when, left)
        if len(self.points) > _MOST_POINTS:
            self._thin_out()

    def _append(self, when: float, left: int) -> None:
        if self.points and self._width and when - self.points[-1][0] < self._width:
            before = self.points[-1]
            if left < before[1]:
                self.points[-1] = before[0], left
            return
        self.points.append((when, left))

    def _thin_out(self) -> None:
        points, self.points = self.points, []
        span = points[-1][0] - points[0][0]
        self._width = max(2 * self._width, 2 * span / _MOST_POINTS, 1e-6)
        for when, left in points:
            self._append(when, left)


class Budget:
    """Lines by dimension; what the broker counts per group of services is kept apart."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}

    def add(self, entry: Entry) -> None:
        """Take in an answer of the broker."""
        limits = [pair for pair in entry.fields.items() if pair[0].startswith(_REMAINING)]
        when = seconds_of(entry) if limits else 0.0
        for name, value in limits:
            if value.isdecimal() and len(value) < _MOST_DIGITS:
                line = self._line(name.removeprefix(_REMAINING), entry)
                if line is not None:
                    line.add(when, entry.time, int(value))

    def _line(self, dimension: str, entry: Entry) -> Line | None:
        if dimension == _PER_GROUP:
            group = _GROUP.match(entry.get("http_url_path"))
            dimension = f"{dimension}, {group[1]}" if group else dimension
        if dimension not in self.lines:
            if len(self.lines) >= _MOST_LINES:
                return None
            self.lines[dimension] = Line()
        return self.lines[dimension]


def charts(budget: Budget, clock: Clock) -> Iterator[Node]:
    """One small picture for each dimension, the scarcest first, all over the same time."""
    lines = sorted(budget.lines.items(), key=lambda pair: (pair[1].lowest[0], pair[0]))
    if not lines:
        return
    start = min(line.points[0][0] for _, line in lines)
    end = max(line.points[-1][0] for _, line in lines)
    scale = Scale(start, max(end, start + 0.001))
    for name, line in lines:
        left, time = line.lowest
        yield h(
            "figure",
            h(
                "figcaption",
                h("strong", name),
                f" lowest {left:,} at {clock.short(time)}, highest {line.highest:,}",
            ),
            _picture(name, line, scale, clock),
            class_="budget",
        )


def _picture(name: str, line: Line, scale: Scale, clock: Clock) -> Element:
    height = _TOP + _HEIGHT + _AXIS
    top = max(line.highest, 1)

    def up(left: int) -> float:
        return _HEIGHT * (1 - left / top)

    path = " ".join(f"{scale.percent(when) * 10:.1f},{up(left):.1f}" for when, left in line.points)
    when, left = min(line.points, key=lambda point: point[1])
    place = scale.percent(when)
    anchor = "start" if place < 10 else "end" if place > 90 else "middle"
    return h(
        "svg",
        *axis(scale, clock, height, 3),
        h("line", class_="floor", x1=0, x2="100%", y1=_TOP + _HEIGHT, y2=_TOP + _HEIGHT),
        h(
            "svg",
            h("polyline", class_="left", points=path, vector_effect="non-scaling-stroke"),
            viewBox=f"0 0 1000 {_HEIGHT}",
            preserveAspectRatio="none",
            y=_TOP,
            width="100%",
            height=_HEIGHT,
        ),
        h("circle", class_="lowest", cx=f"{place:.2f}%", cy=_TOP + up(left), r=4),
        h(
            "text", f"{left:,}", class_="low", x=f"{place:.2f}%", y=_TOP + up(left) - 7,
            text_anchor=anchor,
        ),
        width="100%",
        height=height,
        role="img",
        aria_label=f"{name}: what was left over time; the lowest was {line.lowest[0]}",
    )  # fmt: skip
