"""Each shipped scenario, met by a whole bot, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bench import Bench
from tradebot.errors import ExitCode
from tradebot.simulator import scenario

pytestmark = pytest.mark.usefixtures("coverage_looks_away")

FICKLE = '{"fast": 2, "slow": 3}'
"""Averages that cross often."""


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bot whose broker has the scenario that the test's name ends with."""
    name = request.node.name.partition("_with_")[2]
    with Bench(tmp_path) as bench:
        scenario.load(bench.simulator.broker, scenario.read(name))
        yield bench


def fired(bench: Bench) -> int:
    return sum(fault["fired"] for fault in bench.simulator.broker.faults.list())


def test_the_order_is_found_by_its_reference_with_lost_answer(bench: Bench) -> None:
    report = bench.cycle()
    [execution] = report.executions
    assert (report.exit_code, str(execution.outcome)) == (ExitCode.OK, "SUCCESS")
    assert [line["failure_reason"] for line in bench.lines("execution_order_unknown")] == [
        "no_answer"
    ]
    bench.cycle()
    assert list(bench.orders_by_reference().values()) == [1]
    assert fired(bench) == 1


def test_not_placed_is_said_only_after_the_grace_time_with_nobody_knows(bench: Bench) -> None:
    assert bench.cycle().exit_code is ExitCode.UNRESOLVED
    bench.clock.advance(90)
    assert bench.cycle().exit_code is ExitCode.OK
    outcomes = [
        (line["execution_outcome"], line["failure_reason"])
        for line in bench.lines("execution_completed")
    ]
    assert outcomes == [("RECONCILIATION_NEEDED", "trade_not_completed"), ("FAILED", "not_placed")]
    assert bench.orders_by_reference() == {}
    bench.cycle()
    assert len(bench.lines("execution_order_sending")) == 1, "and it is not sent again"


def test_a_rejected_order_is_neither_a_position_nor_sent_again_with_late_rejection(
    bench: Bench,
) -> None:
    for _ in range(3):
        bench.cycle()
        bench.clock.advance(90)
    assert list(bench.orders_by_reference().values()) == [1]
    assert bench.net_positions() == {}
    assert len(bench.lines("execution_order_sending")) == 1
    last = bench.lines("execution_completed")[-1]
    assert (last["execution_outcome"], last["failure_reason"]) == (
        "FAILED",
        "rejected_after_acceptance",
    )
    with bench.journal() as journal:
        assert list(journal.orders.unresolved()) == []


def test_nothing_happens_for_hours_and_then_it_trades_with_maintenance(bench: Bench) -> None:
    codes = []
    for _ in range(7):
        codes.append(bench.cycle().exit_code)
        bench.clock.advance(1800)
    assert codes == [ExitCode.UNAVAILABLE] * 5 + [ExitCode.OK] * 2
    assert list(bench.orders_by_reference().values()) == [1]
    kinds = {fault["kind"]: fault["fired"] for fault in bench.simulator.broker.faults.list()}
    assert kinds["session_lost"] == 1
    assert kinds["status"] > 0 < kinds["drop_before"]


def test_no_order_is_sent_twice_with_second_thoughts(bench: Bench) -> None:
    bench.environment["STRATEGY_PARAMS_JSON"] = FICKLE
    used = 0
    for _ in range(40):
        bench.cycle()
        [sequence] = bench.simulator.broker.sequences.list()
        if used == 4:
            break  # that was the cycle after the last step
        used = sequence["used"]
        bench.clock.advance(120)
        bench.simulator.advance()
    assert used == 4, "all four happened"
    told = [(line["execution_outcome"], line.get("failure_reason")) for line in first_words(bench)]
    assert told[:4] == [
        ("SUCCESS", None),
        ("SUCCESS", None),
        ("FAILED", "market_closed"),
        ("RECONCILIATION_NEEDED", "not_found_yet"),
    ]
    late = first_words(bench)[3]["external_reference"]
    [*_, last] = bench.lines("execution_completed", external_reference=late)
    assert last["execution_outcome"] == "SUCCESS", "the next run found it"
    assert set(bench.orders_by_reference().values()) == {1}


def first_words(bench: Bench) -> list[dict[str, str]]:
    """The first verdict about each order."""
    found: dict[str, dict[str, str]] = {}
    for line in bench.lines("execution_completed"):
        found.setdefault(line["external_reference"], line)
    return list(found.values())


def test_in_the_end_everything_is_known_with_bad_day(bench: Bench) -> None:
    bench.environment["STRATEGY_PARAMS_JSON"] = FICKLE
    for _ in range(25):
        bench.cycle()
        bench.clock.advance(120)
        bench.simulator.advance()
    [mix] = bench.simulator.broker.mixes.list()
    assert len(mix["fired"]) > 10
    scenario.clear(bench.simulator.broker)
    bench.clock.advance(3700)
    assert bench.cycle().exit_code is ExitCode.OK
    counted = bench.orders_by_reference()
    assert len(counted) > 2
    assert set(counted.values()) == {1}
    with bench.journal() as journal:
        assert list(journal.orders.unresolved()) == []
    assert set(counted) <= {line["external_reference"] for line in first_words(bench)}


def test_each_shipped_one_says_what_it_is() -> None:
    names = [name for name in globals() if "_with_" in name]
    assert {name.partition("_with_")[2] for name in names} == set(scenario.shipped())
    for name in scenario.shipped():
        found = scenario.read(name)
        assert found.title
        assert found.about.strip().endswith(".")
