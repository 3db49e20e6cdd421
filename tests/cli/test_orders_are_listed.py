"""`tradebot orders list`: what the journal has, without a broker and beside a run."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from support.orders_desk import Person
from tradebot.cli._orders_list import age_in_words
from tradebot.scheduling.run_lock import RunLock


def test_without_a_journal_none_is_made(person: Person) -> None:
    result = person.types("orders", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no journal yet at " in result.stderr
    assert not (person.bench.folder / "state").exists()


def test_an_order_is_shown_with_all_that_is_known_of_it(person: Person) -> None:
    report = person.bench.cycle()
    intent = report.executions[0].intent
    person.bench.clock.advance(3600)
    result = person.types("orders", "list")
    assert result.exit_code == 0
    head, row = result.stdout.splitlines()
    assert head.split()[:3] == ["REFERENCE", "INSTRUMENT", "SIDE"]
    verdict = report.executions[0].verdict
    assert verdict is not None
    assert row.split() == [
        intent.external_reference, "MSFT:xnas", "BUY", "10", "filled", "SUCCESS", "-",
        verdict.order_id, "10", "1h",
    ]  # fmt: skip
    [facts] = person.reads("orders", "list")["intents"]
    assert facts["instrument_id"] == "Stock:10001"
    assert (facts["state"], facts["order_state"], facts["open"]) == ("resolved", "filled", False)
    assert facts["filled_quantity"] == "10"
    [line] = person.types("orders", "list", "--output", "jsonl").stdout.splitlines()
    assert json.loads(line)["external_reference"] == intent.external_reference


def test_open_ones_are_those_unresolved_and_those_that_work_however_old(person: Person) -> None:
    bench = person.bench
    bench.cycle()
    assert person.types("orders", "list", "--open").exit_code == 1
    bench.fault("never_fill")
    working = bench.advance_until_next_order().executions[0].intent.external_reference
    bench.clock.advance(30 * 86400)
    assert person.types("orders", "list").exit_code == 1, "a week is shown unless more is asked for"
    [found] = person.reads("orders", "list", "--open")["intents"]
    assert (found["external_reference"], found["order_state"]) == (working, "working")
    assert len(person.reads("orders", "list", "--since", "2026-01-01")["intents"]) == 2
    assert "30d" in person.types("orders", "list", "--open").stdout


def test_an_unresolved_one_is_open(person: Person) -> None:
    reference = person.leave_unresolved()
    [found] = person.reads("orders", "list", "--open")["intents"]
    assert (found["external_reference"], found["state"]) == (reference, "sent")
    assert (found["execution_outcome"], found["filled_quantity"]) == (None, None)


def test_dry_runs_have_a_list_of_their_own(person: Person) -> None:
    person.bench.cycle(dry_run=True)
    assert person.types("orders", "list").exit_code == 1
    [found] = person.reads("orders", "list", "--dry")["intents"]
    assert (found["execution_outcome"], found["failure_reason"]) == ("SKIPPED", "dry_run")


def test_dry_run_in_the_settings_does_not_hide_real_orders(person: Person) -> None:
    person.bench.cycle()
    assert person.types("orders", "list", DRY_RUN="true").exit_code == 0


def test_a_run_at_work_and_a_dead_broker_do_not_matter(person: Person) -> None:
    person.bench.cycle()
    with RunLock(person.bench.settings().state_path / "run.lock") as lock:
        lock.acquire(run_id="somebody")
        result = person.types("orders", "list", SAXO_REST_BASE="http://127.0.0.1:9/sim/openapi")
    assert result.exit_code == 0


@pytest.mark.parametrize("text", ["some day", "-2y", "25:00", "2026-13-01", ""])
def test_a_time_that_cannot_be_meant(person: Person, text: str) -> None:
    result = person.types("orders", "list", "--since", text)
    assert result.exit_code == 2
    assert "2025-12-17T07:12Z" in result.stderr, "it says what to write"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (-5, "0s"), (59, "59s"), (60, "1m"), (3725, "1h 2m"), (90061, "1d 1h")],
)
def test_ages_in_words(seconds: int, words: str) -> None:
    assert age_in_words(timedelta(seconds=seconds)) == words
