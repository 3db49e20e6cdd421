"""From time to place: a linear axis, in which long stretches without anything may be folded."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

FOLD_PERCENT = 7.0
"""Width of a folded stretch."""

_MOST_FOLDS = 6
_FOLDED_FROM = 0.4
"""Share of the span from which on an empty stretch is folded."""

_SHORTEST_FOLD = 1.0
_STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600,
    900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
)  # fmt: skip
"""Seconds between two ticks: what people count in."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A stretch of time in which nothing happened, shown narrower than it was. Seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark of the axis."""

    percent: float
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Epoch seconds to percent of the width."""

    start: float
    end: float
    folds: tuple[Fold, ...] = ()

    @property
    def seconds(self) -> float:
        """What is shown in its true length."""
        folded = sum(fold.end - fold.start for fold in self.folds)
        return max(self.end - self.start - folded, 0.001)

    def percent(self, when: float) -> float:
        """Where a moment is, from 0 to 100."""
        unfolded = 100.0 - FOLD_PERCENT * len(self.folds)
        length, place = min(max(when, self.start), self.end) - self.start, 0.0
        for fold in self.folds:
            if when >= fold.end:
                length -= fold.end - fold.start
                place += FOLD_PERCENT
            elif when > fold.start:
                inside = (when - fold.start) / (fold.end - fold.start)
                length -= when - fold.start
                place += FOLD_PERCENT * inside
        return place + unfolded * length / self.seconds

    def ticks(self, zone: tzinfo | None = UTC, most: int = 8) -> list[Tick]:
        """At round times, none inside a fold; with the date where the day changes."""
        step = next((step for step in _STEPS if self.seconds / step <= most), _STEPS[-1])
        found: list[Tick] = []
        offset = _offset(self.start, zone)
        number = -int(-(self.start + offset) // step)
        day = ""
        while (when := number * step - offset) <= self.end and len(found) < 4 * most:
            number += 1
            if any(fold.start < when < fold.end for fold in self.folds):
                number = max(number, -int(-(self._fold_at(when).end + offset) // step))
                continue
            moment = datetime.fromtimestamp(when, UTC).astimezone(zone)
            found.append(Tick(self.percent(when), _tick_text(moment, step, day)))
            day = str(moment.date())
        return found

    def _fold_at(self, when: float) -> Fold:
        return next(fold for fold in self.folds if fold.start < when < fold.end)


def _offset(when: float, zone: tzinfo | None) -> float:
    offset = datetime.fromtimestamp(when, UTC).astimezone(zone).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def _tick_text(moment: datetime, step: float, day_before: str) -> str:
    if step >= 86400:
        return f"{moment:%b} {moment.day}"
    text = f"{moment:%H:%M}"
    if step < 60:
        text += f":{moment:%S}"
    if step < 1:
        text += f".{moment.microsecond // 1000:03d}"
    if str(moment.date()) != day_before and (day_before or step >= 3600):
        text = f"{moment:%b} {moment.day} {text}"
    return text


def folded(spans: Iterable[tuple[float, float]]) -> Scale:
    """A scale over all of these stretches of time. Where between them nothing is for so long that
    the rest would be squeezed, it is folded."""
    covered = _merged(spans)
    if not covered:
        return Scale(0.0, 1.0)
    scale = Scale(covered[0][0], max(covered[-1][1], covered[0][0] + 0.001))
    gaps = sorted(
        (Fold(before[1], after[0]) for before, after in itertools.pairwise(covered)),
        key=lambda gap: gap.start - gap.end,
    )
    for gap in gaps[:_MOST_FOLDS]:
        length = gap.end - gap.start
        if length < _SHORTEST_FOLD or length < _FOLDED_FROM * scale.seconds:
            break
        kept = sorted((*scale.folds, gap), key=lambda fold: fold.start)
        scale = Scale(scale.start, scale.end, tuple(kept))
    return scale


def _merged(spans: Iterable[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
