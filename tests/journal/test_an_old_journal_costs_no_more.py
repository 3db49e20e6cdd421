"""What a cycle asks the journal takes as long after years as on the first day.

Counted in the steps of SQLite's virtual machine, which do not depend on the machine.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.journal_growth import grow
from support.bench import Bench
from tradebot.execution.references import account_hash
from tradebot.model import Action, Signal
from tradebot.strategies.base import MarketView
from tradebot.wiring import journal_path

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

OLD = 2000
BOUNDED = ("attempts_open", "fills_live", "runs_open", "verdicts_unlogged")
"""Partial indexes of what is unfinished: as long as that is little, so are they."""
GROWING = ("attempts", "corrections", "decisions", "fills", "runs", "slots", "verdicts")
ALIASES = {"a": "attempts", "v": "verdicts", "f": "fills"}


class Watch:
    """Every statement that is put to a journal, and how many steps all of them took."""

    def __init__(self) -> None:
        self.statements: dict[str, None] = {}
        self.steps = 0

    def step(self) -> None:
        self.steps += 1

    def note(self, statement: str) -> None:
        self.statements[statement] = None


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watch, real = Watch(), sqlite3.connect

    def connect(path: Any, *arguments: Any, **more: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(path, *arguments, **more)
        if Path(path).name == "journal.db":
            connection.set_trace_callback(watch.note)
            connection.set_progress_handler(watch.step, 1)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect)
    yield watch
    monkeypatch.undo()


class Restless:
    """Trades in every cycle."""

    name, version, horizon_minutes, bars_needed = "restless", "1", 1440, 1

    def decide(self, view: MarketView) -> Signal:
        return Signal(Action.SELL if view.held else Action.BUY, "restless")


def live_through(bench: Bench) -> None:
    """Cycles of every kind: an order that fills, one that works, one that gets lost, a pause."""
    bench.strategy = Restless()
    for kind in (None, "never_fill", "drop_before", None):
        if kind:
            bench.fault(kind, endpoint="/trade/v2/orders", method="POST")
        bench.cycle(slot=bench.clock.now())
        bench.clear_faults()
        bench.simulator.advance()
        bench.clock.advance(400)
    with bench.journal() as journal:
        journal.control.pause("by_hand", until=bench.clock.now() + timedelta(hours=1))
        journal.orders.sent_between("", bench.clock.now(), bench.clock.now())
        journal.orders.created_between(bench.clock.now(), bench.clock.now())
        journal.orders.corrections(bench.clock.now())
    bench.cycle()
    bench.cycle(dry_run=True)


def test_nothing_that_a_cycle_asks_walks_through_the_past(bench: Bench, watch: Watch) -> None:
    grow(journal_path(bench.settings()), account_hash(bench.simulator.account_key), OLD)
    live_through(bench)
    asked = [s for s in watch.statements if s.split()[0] in ("SELECT", "UPDATE", "DELETE")]
    assert len(asked) > 50
    with closing(sqlite3.connect(journal_path(bench.settings()))) as connection:
        for statement in asked:
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                assert is_bounded(row[3]), f"{row[3]}: {statement}"


def is_bounded(plan: str) -> bool:
    """Does this part of a query's plan touch a few rows only, however many there are?

    An account alone bounds nothing: most have one.
    """
    found = re.match(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?(.*)", plan)
    if found is None or ALIASES.get(found[2], found[2]) not in GROWING:
        return True
    if found[3] in BOUNDED:
        return True
    return found[1] == "SEARCH" and not found[4].strip().startswith("(account=?)")


@pytest.mark.parametrize(
    ("plan", "bounded"),
    [
        ("SCAN attempts", False),
        ("SCAN attempts USING INDEX attempts_at", False),
        ("SEARCH attempts USING INDEX attempts_created (account=?)", False),
        ("SEARCH attempts USING INDEX attempts_open (account=? AND instrument=?)", True),
        ("SEARCH a USING PRIMARY KEY (external_reference=?)", True),
        ("SCAN v USING INDEX verdicts_unlogged", True),
        ("SCAN control", True),
    ],
)
def test_what_counts_as_bounded(plan: str, bounded: bool) -> None:
    assert is_bounded(plan) is bounded


def test_a_cycle_takes_as_many_steps_as_with_an_empty_journal(tmp_path: Path, watch: Watch) -> None:
    steps = []
    for old in (1, OLD):
        with Bench(tmp_path / str(old)) as bench:
            grow(journal_path(bench.settings()), account_hash(bench.simulator.account_key), old)
            before = watch.steps
            live_through(bench)
            steps.append(watch.steps - before)
    few, many = steps
    assert few > 1000
    assert many < few * 1.1, f"{few} steps became {many}"
