"""A dry run between two live ones: the second does exactly what it would have done without it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.bench import Bench
from tradebot.wiring import journal_path

ORDERS = "/trade/v2/orders"
FAULTS = ("", "drop_before", "drop_after", "never_fill", "rejected_later", "refuse")


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def story(folder: Path, fault: str, *, dry_between: bool) -> tuple[list[tuple[str, str, str]], int]:
    """What three live runs did and left, with or without dry runs in between."""
    with Bench(folder) as bench:
        for number in range(3):
            if number == 1 and fault:
                bench.fault(fault, endpoint=ORDERS, method="POST")
                bench.environment["STRATEGY_PARAMS_JSON"] = '{"fast": 2, "slow": 3}'
            bench.cycle()
            live = dump(journal_path(bench.settings()))
            at_broker = bench.orders_at_broker()
            for _ in range(2 if dry_between else 0):
                bench.cycle(dry_run=True)
            assert dump(journal_path(bench.settings())) == live
            assert bench.orders_at_broker() == at_broker
            bench.clock.advance(120)
            bench.simulator.advance(3)
        told = [
            (line["event"], line.get("reason", ""), line.get("external_reference", "")[:17])
            for line in bench.lines(dry_run="false")
            if line["event"].startswith(("execution_", "strategy_"))
        ]
        return told, bench.orders_at_broker()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_live_runs_tell_the_same_story(tmp_path: Path, fault: str) -> None:
    with_dry = story(tmp_path / "with", fault, dry_between=True)
    assert with_dry == story(tmp_path / "without", fault, dry_between=False)
    assert with_dry[1]


def test_a_dry_runs_reference_is_never_a_live_ones(bench: Bench) -> None:
    bench.cycle(dry_run=True)
    bench.cycle()
    created = bench.lines("execution_intent_created")
    assert [line["dry_run"] for line in created] == ["true", "false"]
    assert len({line["external_reference"] for line in created}) == 2
    assert len({line["bar_time"] for line in created}) == 1
