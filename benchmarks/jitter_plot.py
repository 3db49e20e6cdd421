"""Requests per second as an SVG: one row of columns for each jitter, on one scale."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from benchmarks.plot import _STYLE, FOLDER

_WIDTH, _LEFT, _COLUMN, _HEIGHT, _GAP, _TOP = 840, 150, 10, 84, 30, 64


def draw(figures: dict[str, Any]) -> str:
    """The picture of `figures["laid_over"]`."""
    rows = figures["laid_over"]
    scale = _HEIGHT / max(max(one["seconds"]) for one in rows.values())
    height = _TOP + len(rows) * (_HEIGHT + _GAP) + 6
    title = f"{figures['bots']} bots on one grid: requests in each second after the slot begins"
    note = "A slot with a busiest second that is usual for its jitter. One scale for all rows."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" x="8" y="22">{escape(title)}</text>',
        f'<text class="quiet" x="8" y="42">{escape(note)}</text>',
    ]
    for number, (jitter, one) in enumerate(rows.items()):
        floor = _TOP + number * (_HEIGHT + _GAP) + _HEIGHT
        label = "no jitter" if jitter == "0" else f"up to {jitter} s"
        parts += [
            f'<text x="8" y="{floor - _HEIGHT + 16}">{label}</text>',
            f'<text class="quiet" x="8" y="{floor - _HEIGHT + 34}">busiest: '
            f"{max(one['seconds'])}/s</text>",
            f'<line class="line" x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{floor}" y2="{floor}"/>',
        ]
        for second, count in enumerate(one["seconds"]):
            if count:
                tall = max(count * scale, 1)
                parts.append(
                    f'<rect class="ours" x="{_LEFT + second * _COLUMN}" y="{floor - tall:.1f}" '
                    f'width="{_COLUMN - 2}" height="{tall:.1f}"/>'
                )
        parts += [
            f'<text class="quiet" x="{_LEFT + second * _COLUMN}" y="{floor + 15}">{second} s</text>'
            for second in range(0, len(one["seconds"]), 15)
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def write(figures: dict[str, Any]) -> None:
    """docs/benchmarks/jitter.svg."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "jitter.svg").write_text(draw(figures), encoding="utf-8")
