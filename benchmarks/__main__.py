"""`python -m benchmarks`: run sections, print the tables, write the page when asked to."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import (
    journal_growth,
    leaks,
    log_search,
    machine,
    plot,
    processes,
    redaction_price,
    report,
    slow_disk,
    speed,
    stages,
    start_up,
)

FIGURES = plot.FOLDER / "figures.json"
OFFICIAL_ROUNDS = 9
OFFICIAL_EVENTS = 3000

Section = Callable[[argparse.Namespace], tuple[Any, dict[str, str]]]

SECTIONS: dict[str, Section] = {
    "speed": lambda asked: speed.run(asked.rounds, asked.events),
    "leaks": lambda asked: leaks.run(asked.batches),
    "processes": lambda asked: processes.run(asked.rounds, asked.events),
    "redaction": lambda asked: (redaction_price.run(asked.rounds), {}),
    "slow disk": lambda asked: slow_disk.run(asked.rounds, min(asked.events, 150)),
    "start-up": lambda asked: start_up.run(asked.rounds),
    "journal": lambda asked: journal_growth.run(
        asked.rounds, min(journal_growth.MILLION, asked.events * 1000)
    ),
    "reading": lambda asked: log_search.run(asked.rounds, min(1.0, asked.events / 3000)),
    "stages": lambda asked: (stages.run(asked.rounds, asked.events), {}),
}


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=OFFICIAL_ROUNDS, help="samples of each figure"
    )
    parser.add_argument("--events", type=int, default=OFFICIAL_EVENTS, help="events in a sample")
    parser.add_argument("--batches", type=int, default=4, help="1,500 planted secrets each")
    parser.add_argument("--sections", default="", help=", ".join(SECTIONS))
    parser.add_argument("--write", action="store_true", help="write page, charts and figures")
    parser.add_argument(
        "--render", action="store_true", help="write the page from the last figures"
    )
    asked = parser.parse_args(given)
    names = [name.strip() for name in asked.sections.split(",") if name.strip()]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}: there are {', '.join(SECTIONS)}")
    if min(asked.rounds, asked.events, asked.batches) < 1:
        parser.error("--rounds, --events and --batches are at least 1")
    if asked.write and asked.events != OFFICIAL_EVENTS:
        parser.error(f"--write is for figures of {OFFICIAL_EVENTS} events: leave --events out")
    asked.sections = names or list(SECTIONS)
    return asked


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """The figures of every section that was asked for."""
    figures: dict[str, Any] = {
        "machine": machine.describe(),
        "rounds": asked.rounds,
        "events": asked.events,
    }
    missing: dict[str, str] = {}
    for name in asked.sections:
        print(f"{name} …", end=" ", file=sys.stderr, flush=True)
        begin = time.monotonic()
        figures[name], without = SECTIONS[name](asked)
        missing |= {f"{who} in {name}": why for who, why in without.items()}
        print(f"{time.monotonic() - begin:.0f} s", file=sys.stderr)
    return {**figures, "missing": missing}


def main(given: list[str]) -> int:
    asked = arguments(given)
    figures = json.loads(FIGURES.read_text("utf-8")) if asked.render else _rounded(run(asked))
    if asked.write and asked.sections != list(SECTIONS):
        figures = merged(json.loads(FIGURES.read_text("utf-8")), figures, asked.sections)
    page = report.render(figures)
    if not (asked.write or asked.render):
        print(page)
        return 0
    plot.write(figures)
    if asked.write:
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    report.PAGE.write_text(page, encoding="utf-8")
    print(f"{report.PAGE.name}, {FIGURES.name} and the charts are written.", file=sys.stderr)
    return 0


def merged(old: dict[str, Any], new: dict[str, Any], sections: list[str]) -> dict[str, Any]:
    """The page's figures with some sections measured anew; each is a run of its own.

    Exits with a message when the page was measured on another machine or in fewer rounds.
    """
    for name in ("machine", "rounds", "events"):
        if old[name] != new[name]:
            sys.exit(f"{name} is {new[name]}, of the page {old[name]}: run all sections")
    missing = {
        who: why for who, why in old["missing"].items() if not who.endswith(tuple(_in(sections)))
    }
    return {**old, **new, "missing": {**missing, **new["missing"]}}


def _in(sections: list[str]) -> list[str]:
    return [f" in {name}" for name in sections]


def _rounded(figures: Any) -> Any:
    """Four places are more than these figures hold; what is kept is what is shown."""
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    return round(figures, 4) if isinstance(figures, float) else figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
