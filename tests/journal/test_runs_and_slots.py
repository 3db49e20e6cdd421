"""Every run leaves a row; a slot is won once and tried at most twice; a time's rows are found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.journal_growth import grow
from tradebot.journal import (
    Created,
    Grid,
    Journal,
    Origin,
    RunOutcome,
    SlotClaim,
    next_cycle_id,
)
from tradebot.journal.codec import time_of, time_text
from tradebot.model import Action, InstrumentId

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.db") as journal:
        yield journal


def begin(journal: Journal, run_id: str, slot: datetime | None = None) -> int:
    return journal.runs.begin(run_id, pid=1, at=NOW, slot=slot)


def end(journal: Journal, row: int, outcome: RunOutcome) -> None:
    journal.runs.end(row, outcome, at=NOW, phase="end", reason=None, exit_code=0)


def test_a_run_is_recorded_from_start_to_end(journal: Journal) -> None:
    row = begin(journal, "a", NOW)
    journal.runs.locked(row, at=NOW, cycle_id=7)
    journal.runs.end(row, RunOutcome.SKIPPED, at=NOW, phase="hours", reason="weekend", exit_code=0)
    [run] = journal.runs.latest(5)
    assert (run.run_id, run.slot, run.cycle_id) == ("a", NOW, 7)
    assert (run.outcome, run.reason, run.exit_code) == (RunOutcome.SKIPPED, "weekend", 0)
    assert journal.runs.last_slot() == NOW
    assert journal.runs.last_cycle_id() == 7


def test_a_run_that_never_got_the_lock_is_found_killed_when_it_can_no_longer_wait(
    journal: Journal,
) -> None:
    waiting = begin(journal, "waiting")
    me = begin(journal, "me")
    assert journal.runs.left_open(except_row=me, waiting_before=NOW) == []
    later = NOW + timedelta(seconds=1)
    [found] = journal.runs.left_open(except_row=me, waiting_before=later)
    assert found.row_id == waiting


def test_only_a_run_that_held_the_lock_and_never_ended_is_found_killed(
    journal: Journal,
) -> None:
    dead, ended, waiting = (begin(journal, name) for name in ("dead", "ended", "waiting"))
    for row in (dead, ended):
        journal.runs.locked(row, at=NOW, cycle_id=row)
    end(journal, ended, RunOutcome.RAN)
    me = begin(journal, "me")
    journal.runs.locked(me, at=NOW, cycle_id=9)
    [found] = journal.runs.left_open(except_row=me, waiting_before=NOW)
    assert (found.run_id, found.row_id) == ("dead", dead)
    journal.runs.end_killed(dead, at=NOW)
    assert journal.runs.left_open(except_row=me, waiting_before=NOW) == []
    outcomes = {run.run_id: run.outcome for run in journal.runs.latest(9)}
    assert outcomes == {
        "dead": RunOutcome.KILLED,
        "ended": RunOutcome.RAN,
        "waiting": None,
        "me": None,
    }
    assert waiting


def test_a_slot_that_ran_is_taken(journal: Journal) -> None:
    row = begin(journal, "a", NOW)
    assert journal.runs.claim_slot(NOW, "a") is SlotClaim.WON
    end(journal, row, RunOutcome.RAN)
    assert journal.runs.claim_slot(NOW, "b") is SlotClaim.TAKEN
    assert journal.runs.claim_slot(NOW + timedelta(minutes=5), "b") is SlotClaim.WON


def test_a_failed_slot_is_tried_once_more(journal: Journal) -> None:
    for run_id in ("a", "b"):
        row = begin(journal, run_id, NOW)
        assert journal.runs.claim_slot(NOW, run_id) is SlotClaim.WON
        end(journal, row, RunOutcome.FAILED)
    assert journal.runs.claim_slot(NOW, "c") is SlotClaim.EXHAUSTED


def test_a_slot_in_which_an_order_was_sent_is_not_tried_again(journal: Journal) -> None:
    begin(journal, "a", NOW)
    journal.runs.claim_slot(NOW, "a")
    made = journal.orders.create_intent(
        Origin("acc", "s", "a", 1, slot=NOW),
        instrument=InstrumentId("Stock", 1),
        bar_time=NOW,
        side=Action.BUY,
        quantity=Decimal(1),
        symbol=None,
        limit_price=None,
        reference_for=lambda attempt: f"R{attempt}",
        at=NOW,
    )
    assert isinstance(made, Created)
    journal.orders.mark_sent(made.intent.external_reference, at=NOW)
    assert journal.runs.claim_slot(NOW, "b") is SlotClaim.TAKEN


def test_cycle_ids_grow_over_runs_and_survive_a_lost_counter(tmp_path: Path) -> None:
    counter = tmp_path / "cycle"
    assert [next_cycle_id(counter, floor=0) for _ in range(3)] == [1, 2, 3]
    counter.unlink()
    assert next_cycle_id(counter, floor=3) == 4
    counter.write_text("rubbish", encoding="utf-8")
    assert next_cycle_id(counter, floor=4) == 5


def test_a_pause_holds_until_its_time_or_until_resumed(journal: Journal) -> None:
    control = journal.control
    assert control.paused(NOW) is None
    control.pause("by_hand", until=NOW + timedelta(hours=1))
    pause = control.paused(NOW)
    assert pause is not None
    assert pause.reason == "by_hand"
    assert control.paused(NOW + timedelta(hours=2)) is None
    control.pause("failures")
    assert control.paused(NOW + timedelta(days=900)) is not None
    assert control.resume()
    assert control.paused(NOW) is None
    assert not control.resume()


MINUTE = timedelta(minutes=1)


def begin_at(journal: Journal, minutes: float, slot: float | None, cycle: int = 0) -> str:
    """A run that starts so many minutes after NOW. Its id names start and slot."""
    run_id = f"{minutes:g} for {slot}"
    row = journal.runs.begin(
        run_id,
        pid=1,
        at=NOW + minutes * MINUTE,
        slot=None if slot is None else NOW + slot * MINUTE,
    )
    if cycle:
        journal.runs.locked(row, at=NOW + minutes * MINUTE, cycle_id=cycle)
    return run_id


def found(journal: Journal, since: float, until: float) -> list[str]:
    return [r.run_id for r in journal.runs.between(NOW + since * MINUTE, NOW + until * MINUTE)]


def test_the_runs_of_a_time_are_found_and_the_one_that_may_reach_into_it(journal: Journal) -> None:
    assert found(journal, 0, 100) == []
    old, long = begin_at(journal, 0, 0, cycle=1), begin_at(journal, 5, 5, cycle=2)
    busy, by_hand = begin_at(journal, 6, 5), begin_at(journal, 11, None)
    early = begin_at(journal, 14.9, 15)  # the clock was a little slow
    last = begin_at(journal, 20, 20, cycle=3)
    assert found(journal, 10, 20) == [long, by_hand, early]
    assert found(journal, 15, 20) == [long, early]
    assert found(journal, 5, 6) == [old, long, busy]
    assert found(journal, 20, 21) == [long, last]
    assert found(journal, 30, 90) == [last]
    assert found(journal, -90, 90) == [old, long, busy, by_hand, early, last]


def test_slots_are_found_whatever_the_clock_did(journal: Journal) -> None:
    """Ahead for two runs, then set back: the rows do not ascend by time."""
    slots = [0, 5, 9000, 9005, 10, 15, 20]
    ids = [begin_at(journal, slot, slot) for slot in slots]
    assert found(journal, 5, 16) == [ids[1], ids[4], ids[5]]
    assert found(journal, 9000, 9001) == [ids[2]]


def test_the_outermost_slots_and_the_last_one_done(journal: Journal) -> None:
    runs = journal.runs
    assert (runs.first_slot(), runs.last_slot(), runs.last_slot_done(NOW)) == (None, None, None)
    for slot, outcome in enumerate((RunOutcome.SKIPPED, RunOutcome.RAN, RunOutcome.BUSY)):
        begin_at(journal, slot, slot)
        end(journal, slot + 1, outcome)
    begin_at(journal, 3, 3)
    assert (runs.first_slot(), runs.last_slot()) == (NOW, NOW + 3 * MINUTE)
    assert runs.last_slot_done(NOW + 3 * MINUTE) == NOW + MINUTE
    assert runs.last_slot_done(NOW + MINUTE) == NOW
    assert runs.last_slot_done(NOW) is None


def test_a_day_costs_as_much_in_a_journal_of_years(tmp_path: Path) -> None:
    steps = []
    for old in (1, 3000):
        path = tmp_path / str(old) / "journal.db"
        grow(path, "account", old)
        with Journal(path) as journal:
            for slot in range(0, 1440, 5):
                begin_at(journal, slot, slot, cycle=old + slot)
            connection = journal._database._require()
            count = 0

            def step() -> None:
                nonlocal count
                count += 1

            connection.set_progress_handler(step, 1)
            assert len(found(journal, 0, 1440)) == 288 + 1
            journal.runs.first_slot()
            journal.runs.last_slot()
            steps.append(count)
            connection.set_progress_handler(None, 1)
    few, many = steps
    assert few > 1000
    assert many < few * 1.1, f"{few} steps became {many}"


def test_the_mark_and_the_spacing_of_slots_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        watch = journal.slot_watch
        assert (watch.judged_until(), watch.grids()) == (None, [])
        assert watch.begin_report(NOW) is None
        assert watch.begin_report(NOW + MINUTE) == NOW  # the first one never came to its end
        watch.end_report(NOW, cadence=300, offset=0)
        watch.end_report(NOW + 5 * MINUTE, cadence=300, offset=0)
        watch.end_report(NOW + 10 * MINUTE, cadence=600, offset=1.5)
        changed = Grid(NOW + 20 * MINUTE, 600, 1.5, "other hours", NOW + 10 * MINUTE)
        for until in (changed.since, changed.since + MINUTE):
            watch.end_report(
                until, cadence=600, offset=1.5, hours=changed.hours, after=changed.after
            )
    with Journal(path) as journal:
        watch = journal.slot_watch
        assert watch.begin_report(NOW) is None
        assert watch.judged_until() == NOW + 21 * MINUTE
        assert watch.grids() == [Grid(NOW, 300, 0), Grid(NOW + 10 * MINUTE, 600, 1.5), changed]


def test_spacings_that_an_earlier_version_kept_are_read(journal: Journal) -> None:
    kept = f'[["{time_text(NOW)}", 300, 0]]'
    with journal._database.transaction() as connection:
        connection.execute("INSERT INTO control (name, value) VALUES ('slot_grids', ?)", (kept,))
    assert journal.slot_watch.grids() == [Grid(NOW, 300, 0)]


def test_spacings_do_not_pile_up(journal: Journal) -> None:
    for number in range(70):
        journal.slot_watch.end_report(NOW + number * MINUTE, cadence=60 + number % 2, offset=0)
    grids = journal.slot_watch.grids()
    assert len(grids) == 50
    assert grids[-1] == Grid(NOW + 69 * MINUTE, 61, 0)


@pytest.mark.parametrize(
    "text", ["", "2026-03-02", "2026-03-02T12:00:00Z", "2026-03-02T12:00:00.000000+", "x" * 27]
)
def test_only_the_journals_own_form_of_a_time_is_read(text: str) -> None:
    assert time_of(time_text(NOW)) == NOW
    with pytest.raises(ValueError):
        time_of(text)


def test_the_queries_of_a_time_use_an_index(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    asked: list[str] = []
    with Journal(path) as journal:
        begin_at(journal, 0, 0, cycle=1)
        journal._database._require().set_trace_callback(asked.append)
        journal.runs.between(NOW, NOW + MINUTE)
        journal.runs.last_slot_done(NOW)
        journal.runs.first_slot()
    queries = [sql for sql in asked if sql.startswith("SELECT")]
    assert len(queries) >= 7
    with closing(sqlite3.connect(path)) as connection:
        for sql in queries:
            plans = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            assert not [plan for plan in plans if plan.startswith("SCAN runs")], sql
