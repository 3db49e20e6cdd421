"""The table of answers: what the broker may say to an order, and what follows from it.

`tests/execution/order_answers/*.toml` is its one source: each row is a test, and
`scripts/order_answers.py` makes the tables of docs/orders.md of it.

    name        of the row, unique in its file
    says        what the broker answers, or what happens, in words for the page
    at          which request the faults without an `endpoint` are for: placement, precheck, both
    faults      the simulator's faults that bring it about, as `Bench.fault` takes them
    happens     what brings it about where no fault does; the test knows the names
    settings    environment variables of both cycles
    dry_run     both cycles are dry
    codes       every ErrorCode that is treated like the one of this row
    between     what happens between the two cycles
    wait        seconds between the two cycles; the faults are gone by then
    now         outcome, reason, state in the journal, exit code, and a line of the first cycle;
                or `killed`, when there is nothing but the state and the line
    later       what the next cycle does about this order: nothing, tries again, settles, waits or
                books; how it stands then; a line of it; the orders at the broker
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parents[1] / "execution" / "order_answers"

Does = Literal["nothing", "tries again", "settles", "waits", "books"]


@dataclass(frozen=True)
class Now:
    """How the cycle that sends, or means to send, ends for this order."""

    state: Literal["resolved", "unresolved"]
    line: str
    outcome: str | None = None
    reason: str | None = None
    exit: int | None = None
    killed: bool = False


@dataclass(frozen=True)
class Later:
    """How the next cycle ends for it."""

    does: Does
    outcome: str
    orders: int
    reason: str | None = None
    exit: int = 0
    line: str | None = None


@dataclass(frozen=True)
class Row:
    """One answer and its consequences."""

    name: str
    says: str
    now: Now
    later: Later
    at: Literal["placement", "precheck", "both"] = "placement"
    faults: tuple[dict[str, Any], ...] = ()
    happens: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    dry_run: bool = False
    codes: tuple[str, ...] = ()
    between: str | None = None
    wait: float = 3700.0


@dataclass(frozen=True)
class Group:
    """One file: rows that belong together."""

    stem: str
    title: str
    about: str
    rows: tuple[Row, ...]


def load(folder: Path = FOLDER) -> tuple[Group, ...]:
    """Every group, in the order of the files. Raises TypeError for a key that no row has."""
    return tuple(_group(path) for path in sorted(folder.glob("*.toml")))


def _group(path: Path) -> Group:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = tuple(_row(dict(entry)) for entry in content["answer"])
    return Group(path.stem, content["title"], content["about"].strip(), rows)


def _row(entry: dict[str, Any]) -> Row:
    now, later = Now(**entry.pop("now")), Later(**entry.pop("later"))
    faults, codes = tuple(entry.pop("faults", ())), tuple(entry.pop("codes", ()))
    return Row(now=now, later=later, faults=faults, codes=codes, **entry)
