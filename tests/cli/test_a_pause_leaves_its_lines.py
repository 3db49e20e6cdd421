"""Pausing and resuming stand in the log, and do not need it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.orders_desk import Person


def test_each_leaves_a_line_with_who_why_and_until_when(person: Person) -> None:
    assert person.types("pause", "--until", "2h").exit_code == 0
    result = person.types("resume")
    assert result.exit_code == 0
    [paused] = person.bench.lines("trading_paused")
    assert (paused["reason"], paused["who"]) == ("by_hand", "by_hand")
    assert (paused["dry_run"], paused["env"]) == ("-", "LOCAL")
    [resumed] = person.bench.lines("trading_resumed")
    assert (resumed["reason"], resumed["until"]) == ("by_hand", paused["until"])
    assert resumed["run_id"] != paused["run_id"]
    assert f"it had been paused by hand, until {paused['until'][:16]}" in result.stderr


def test_resuming_from_the_bots_own_pause_says_so(person: Person) -> None:
    person.bench.fault("refuse", count=None)
    assert person.bench.cycle(MAX_CONSECUTIVE_FAILURES="1").executions
    assert person.bench.lines("execution_paused")
    result = person.types("resume")
    assert result.exit_code == 0
    assert "it had been paused by the bot, after MAX_CONSECUTIVE_FAILURES" in result.stderr
    [line] = person.bench.lines("trading_resumed")
    assert (line["reason"], line["who"]) == ("consecutive_failures", "by_hand")


def test_resuming_from_nothing_leaves_no_line(person: Person) -> None:
    assert person.types("resume").exit_code == 1
    assert person.bench.lines("trading_resumed") == []


def test_a_pause_whose_end_has_passed_is_named_all_the_same(person: Person) -> None:
    with person.bench.journal() as journal:
        journal.control.pause("by_hand", until=person.bench.clock.now())
    assert person.types("resume").exit_code == 0
    [line] = person.bench.lines("trading_resumed")
    assert line["until"].startswith("2026-03-03T15:00:00")


@pytest.mark.parametrize("queue", ["true", "false"])
def test_a_log_that_cannot_be_written_does_not_keep_anybody_from_pausing(
    person: Person, tmp_path: Path, queue: str
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("", encoding="ascii")
    for command, told in (("pause", "paused until"), ("resume", "resumed: ")):
        result = person.types(command, LOG_DIR=str(blocked), LOG_QUEUE=queue)
        assert result.exit_code == 0
        assert result.stdout.startswith(told)
        assert "done, but the log does not say so" in result.stderr
    person.types("pause", LOG_DIR=str(blocked))
    assert person.bench.cycle().skip_reason == "by_hand"
