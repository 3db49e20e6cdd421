"""A new version takes over what an old one left, whole or not at all."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from support.bench import MSFT, Bench
from support.older_journal import contents, make_empty, make_older, schema
from support.program import unmeasured
from tradebot.execution.references import account_hash
from tradebot.journal import Created, Journal, Origin, Refused, RunOutcome, SlotClaim
from tradebot.journal.schema import MIGRATIONS
from tradebot.model import Action, ExecutionOutcome, InstrumentId, OrderState, Verdict
from tradebot.wiring import journal_path

RELEASED = {1: "f10ca3d2a160f5446cc0cad6eba190f3940ef4061ed826dd6c5fb18a07edf967"}
"""What each released step was. A step may be edited until a version with it is released; then its
hash is added here, and the next change of the tables is a new step."""

EARLIER = range(1, len(MIGRATIONS))
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=900)
VERDICTS = {
    "filled": Verdict(ExecutionOutcome.SUCCESS, None, "1", OrderState.FILLED, Decimal(10), 12.5),
    "working": Verdict(ExecutionOutcome.SUCCESS, None, "2", OrderState.WORKING),
    "partial": Verdict(ExecutionOutcome.SUCCESS, None, "3", OrderState.PARTIAL, Decimal(4), 12.5),
    "refused": Verdict(ExecutionOutcome.FAILED, "refused"),
    "not_placed": Verdict(ExecutionOutcome.FAILED, "not_placed"),
    "dry_run": Verdict(ExecutionOutcome.SKIPPED, "dry_run"),
}
UNRESOLVED = ("created", "prechecked", "sent", "named")


def test_a_released_step_is_never_edited() -> None:
    for number, expected in RELEASED.items():
        found = hashlib.sha256(MIGRATIONS[number - 1].encode()).hexdigest()
        assert found == expected, f"step {number} is in other people's journals: add a new one"
    assert len(MIGRATIONS) - len(RELEASED) <= 1, "only the newest step can still be unreleased"


def stock(name: str) -> InstrumentId:
    return InstrumentId("Stock", 1 + [*VERDICTS, *UNRESOLVED].index(name))


def fill(journal: Journal) -> None:
    """An order in every state, runs that ended and one that did not, slots, a pause."""
    for name in (*VERDICTS, *UNRESOLVED):
        made = journal.orders.create_intent(
            Origin("acc", "sma_cross", "run-1", 1, NOW),
            instrument=stock(name),
            bar_time=NOW,
            side=Action.BUY,
            quantity=Decimal(10),
            symbol="X:xnas",
            limit_price=1.25,
            reference_for=lambda attempt, name=name: f"{name}-{attempt}",  # type: ignore[misc]
            at=NOW,
        )
        assert isinstance(made, Created)
        reference = made.intent.external_reference
        if name != "created":
            journal.orders.mark_prechecked(reference, at=NOW)
        if name not in ("created", "prechecked", "dry_run"):
            journal.orders.mark_sent(reference, at=NOW)
        if name == "named":
            journal.orders.record_order_id(reference, "9")
        if name in VERDICTS:
            journal.orders.settle(reference, VERDICTS[name], at=NOW)
    journal.orders.mark_logged("filled-1")
    for number, outcome in enumerate([*RunOutcome, None], start=1):
        row = journal.runs.begin(f"run-{number}", pid=1, at=NOW, slot=NOW)
        journal.runs.locked(row, at=NOW, cycle_id=number)
        if outcome is not None:
            journal.runs.end(row, outcome, at=NOW, phase="end", reason="why", exit_code=0)
    journal.runs.claim_slot(NOW, "run-1")
    journal.control.pause("by_hand", until=NOW + timedelta(hours=1))


@pytest.mark.parametrize("version", EARLIER)
def test_everything_is_still_there_and_works(tmp_path: Path, version: int) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        fill(journal)
    before = contents(path)
    fresh = schema(path)
    make_older(path, version)
    assert schema(path)[0] == version
    with Journal(path) as journal:
        assert schema(path) == fresh
        assert contents(path) == before
        look_and_go_on(journal)


def look_and_go_on(journal: Journal) -> None:
    orders = journal.orders
    assert {a.intent.external_reference for a in orders.unresolved("acc")} == {
        f"{name}-1" for name in UNRESOLVED
    }
    assert {a.intent.external_reference: v for a, v in orders.unlogged()} == {
        f"{name}-1": verdict for name, verdict in VERDICTS.items() if name != "filled"
    }
    assert len(orders.live("acc")) == 2
    assert orders.own_positions("acc") == {stock("filled"): 10, stock("partial"): 4}
    assert [a.intent.external_reference for a in orders.given_up_since("acc", ["not_placed"], NOW)]
    assert orders.settle("named-1", VERDICTS["filled"], at=NOW)
    assert not orders.settle("filled-1", VERDICTS["refused"], at=NOW)
    assert orders.correct_position("acc", stock("partial"), Decimal(0), at=NOW, run_id="r") == 4
    assert [c.kind for c in orders.corrections(NOW)] == ["position"]
    assert orders.resolve_by_hand("sent-1", VERDICTS["refused"], at=NOW, run_id="r")
    assert journal.control.paused(NOW)
    assert journal.runs.claim_slot(NOW, "x") is SlotClaim.WON
    assert [r.run_id for r in journal.runs.left_open(except_row=0, waiting_before=LONG_AGO)] == [
        "run-6"
    ]
    again = orders.create_intent(
        Origin("acc", "sma_cross", "run-9", 9),
        instrument=stock("filled"),
        bar_time=NOW,
        side=Action.BUY,
        quantity=Decimal(10),
        symbol=None,
        limit_price=None,
        reference_for=str,
        at=NOW,
    )
    assert again is Refused.ALREADY_DECIDED


@pytest.mark.parametrize("version", EARLIER)
def test_an_order_that_an_earlier_version_left_open_is_settled(bench: Bench, version: int) -> None:
    bench.fault("drop_after", endpoint="/trade/v2/orders", method="POST")
    bench.fault("audit_delay", params={"seconds": 60})
    bench.fault("missing_orders", count=None)
    assert bench.cycle().unresolved == 1
    bench.clear_faults()
    make_older(journal_path(bench.settings()), version)
    bench.clock.advance(120)
    assert bench.cycle().unresolved == 0
    assert list(bench.orders_by_reference().values()) == [1]
    with bench.journal() as journal:
        own = journal.orders.own_positions(account_hash(bench.simulator.account_key))
    assert own == bench.net_positions() == {MSFT: Decimal(10)}


MIGRATE = """
import os, signal, sqlite3, sys, time
from pathlib import Path
from tradebot.journal import Journal
path, gate, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
while not gate.exists():
    time.sleep(0.001)
begun = 0
def count(statement):
    global begun
    changes = not statement.startswith(("SELECT", "PRAGMA journal", "PRAGMA synch", "PRAGMA for"))
    begun += changes and statement not in ("PRAGMA user_version", "PRAGMA application_id")
    if begun == last:
        os.kill(os.getpid(), signal.SIGKILL)
real = sqlite3.connect
def connect(*arguments, **more):
    connection = real(*arguments, **more)
    connection.set_trace_callback(count)
    return connection
sqlite3.connect = connect
Journal(path).close()
print(begun)
"""


def migrate(path: Path, *, last: int = -1) -> subprocess.Popen[str]:
    """A process that opens the journal once `gate` is there, and dies before its nth statement."""
    command = [sys.executable, "-c", MIGRATE, str(path), str(path.with_name("gate")), str(last)]
    return subprocess.Popen(
        command,
        env=unmeasured(),  # coverage keeps its own database, whose statements would count
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_at_any_statement_the_old_journal_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    (tmp_path / "gate").touch()
    old = len(MIGRATIONS) - 1
    make_empty(path, old)
    before = schema(path)
    for last in range(1, 60):
        child = migrate(path, last=last)
        output, errors = child.communicate(timeout=60)
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL, errors
        assert schema(path) == before
    assert int(output) == last - 1 >= 5, "BEGIN, the step's statements, two PRAGMAs and COMMIT"
    assert schema(path)[0] == len(MIGRATIONS)


def test_several_processes_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    make_empty(path, 1)
    children = [migrate(path) for _ in range(4)]
    (tmp_path / "gate").touch()
    ended = [child.communicate(timeout=60) for child in children]
    assert [child.returncode for child in children] == [0] * 4, ended
    Journal(tmp_path / "new" / "journal.db").close()
    assert schema(path) == schema(tmp_path / "new" / "journal.db")
