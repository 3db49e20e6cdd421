"""Every run leaves a row; a slot is won once and tried at most twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tradebot.journal import Created, Journal, Origin, RunOutcome, SlotClaim, next_cycle_id
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


def test_only_a_run_that_held_the_lock_and_never_ended_is_found_killed(
    journal: Journal,
) -> None:
    dead, ended, waiting = (begin(journal, name) for name in ("dead", "ended", "waiting"))
    for row in (dead, ended):
        journal.runs.locked(row, at=NOW, cycle_id=row)
    end(journal, ended, RunOutcome.RAN)
    me = begin(journal, "me")
    journal.runs.locked(me, at=NOW, cycle_id=9)
    [found] = journal.runs.left_open(except_row=me)
    assert (found.run_id, found.row_id) == ("dead", dead)
    journal.runs.end_killed(dead, at=NOW)
    assert journal.runs.left_open(except_row=me) == []
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
