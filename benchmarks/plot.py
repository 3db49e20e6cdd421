"""Two bar charts as SVG, readable on a light and on a dark page. A few lines do; no library."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.goals import Figures
from benchmarks.measure import ROOT
from benchmarks.peers import BY_KEY
from benchmarks.stages import STAGES

FOLDER = ROOT / "docs" / "benchmarks"

_WIDTH, _LABELS, _BARS, _ROW, _TOP = 840, 290, 390, 24, 62
_STYLE = """
  .page { fill: #ffffff }
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .strong { font-weight: 600 }
  .bar { fill: #8c959f } .ours { fill: #0969da } .open { fill: #c9d1d9 }
  .line { stroke: #59636e; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 }
    text { fill: #f0f6fc } .quiet { fill: #9198a1 }
    .bar { fill: #656c76 } .ours { fill: #4493f8 } .open { fill: #3d444d }
    .line { stroke: #9198a1 }
  }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: `kind` is a class of the style sheet."""

    label: str
    value: float
    text: str
    kind: str = "bar"


def chart(title: str, note: str, bars: Iterable[Bar], mark: float | None = None) -> str:
    """Bars from one left edge; `mark` draws a line at a value."""
    rows = list(bars)
    scale = _BARS / (max([one.value for one in rows], default=0) or 1)
    height = _TOP + _ROW * len(rows) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" x="8" y="22">{escape(title)}</text>',
        f'<text class="quiet" x="8" y="42">{escape(note)}</text>',
    ]
    if mark is not None:
        x = _LABELS + mark * scale
        parts.append(
            f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 10}"/>'
        )
    for number, one in enumerate(rows):
        top = _TOP + number * _ROW
        strong = " strong" if one.kind == "ours" else ""
        length = max(one.value * scale, 1)
        beside = _LABELS + max(length, (mark or 0) * scale) + 6
        parts += [
            f'<text class="label{strong}" x="{_LABELS - 8}" y="{top + 13}" '
            f'text-anchor="end">{escape(one.label)}</text>',
            f'<rect class="{one.kind}" x="{_LABELS}" y="{top + 1}" width="{length:.1f}" '
            f'height="{_ROW - 7}" rx="2"/>',
            f'<text class="quiet" x="{beside:.1f}" y="{top + 13}">{escape(one.text)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def speed_chart(figures: Figures) -> str:
    """The caller's median of the cycle workload, the quickest first."""
    speed, leaks = figures["speed"]["cycle"], figures.get("leaks", {})
    bars = []
    for key in sorted(speed, key=lambda key: speed[key]["x_plain"]):
        peer, ratio = BY_KEY[key], speed[key]["x_plain"]
        told = leaks.get("log_event" if peer.ours else key)
        if peer.redaction == "none":
            leaked = "redacts nothing"
        else:
            leaked = f"leaks {told['usual_leaked'] / told['usual_cases']:.0%}" if told else ""
        kind = "ours" if peer.ours else "open" if peer.redaction == "none" else "bar"
        bars.append(Bar(peer.title, ratio, f"{ratio:.2f}  {leaked}".rstrip(), kind))
    return chart(
        "One event of sixteen fields: the caller's median, logging with an f-string = 1",
        "Workload “cycle”, shorter is better. Blue: this log. Pale: no redaction. "
        "Leaks: of secrets in the usual places.",
        bars,
        1.0,
    )


def stages_chart(figures: Figures) -> str:
    """What each part of one event takes."""
    stages = figures["stages"]
    bars = [
        Bar(title, max(stages[name], 0), f"{stages[name]:.2f} µs", "ours")
        for name, (title, _sentence) in STAGES.items()
    ]
    return chart(
        "Where the time of one event goes", "log_event, four values new. Microseconds.", bars
    )


def write(figures: Figures, folder: Path = FOLDER) -> None:
    """Write the charts whose figures are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, section, draw in (
        ("speed.svg", "speed", speed_chart),
        ("stages.svg", "stages", stages_chart),
    ):
        if section in figures:
            (folder / name).write_text(draw(figures), encoding="utf-8")
