"""Whatever happens in whatever order: one order a decision at most, and in the end all is known.

Faults at the broker, runs that are killed, markets that move, people who cancel, resolve, pause and
restore an old copy of the journal: each story is played with a whole bot against the simulator.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.bench import Bench
from support.older_journal import contents
from tradebot.execution.references import account_hash
from tradebot.execution.trade_executor import TradeExecutor
from tradebot.journal.orders import Orders
from tradebot.journal.runs import Runs
from tradebot.model import Action, ExecutionOutcome, Signal, Verdict
from tradebot.saxo.client import SaxoClient
from tradebot.simulator import counters
from tradebot.strategies.base import MarketView
from tradebot.wiring import journal_path

WATCHLIST = (
    '[{"asset_type":"Stock","uic":10001,"quantity":10},'
    '{"asset_type":"Etf","uic":10002,"quantity":5}]'
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "truncate"},
    {"kind": "empty"},
    {"kind": "html"},
    {"kind": "status", "params": {"status": 429}},
    {"kind": "status", "params": {"status": 503}},
    {"kind": "status_after", "params": {"status": 500}},
    {"kind": "session_lost"},
    {"kind": "trade_not_completed", "params": {"outcome": "filled"}},
    {"kind": "trade_not_completed", "params": {"outcome": "working"}},
    {"kind": "trade_not_completed", "params": {"outcome": "rejected", "after_seconds": 3}},
    {"kind": "trade_not_completed", "params": {"outcome": "never"}},
    {"kind": "trade_not_completed", "params": {"outcome": "filled", "order_id": False}},
    {"kind": "error_with_order_id"},
    {"kind": "rejected_later"},
    {"kind": "refuse", "params": {"code": "MarketClosed"}},
    {"kind": "refuse", "params": {"code": "InsufficientCash"}},
    {"kind": "partial_fill"},
    {"kind": "never_fill"},
    {"kind": "audit_only"},
    {"kind": "audit_delay", "params": {"seconds": 20}},
    {"kind": "orders_delay", "params": {"seconds": 20}},
)
KILLS = tuple(
    (owner, name)
    for owner, names in (
        (Orders, "create_intent mark_prechecked mark_sent record_order_id settle abandon"),
        (Orders, "update_fill mark_logged"),
        (Runs, "begin locked left_open end_killed end"),
        (SaxoClient, "precheck prepare_order place_order open_orders order_activities"),
        (TradeExecutor, "_log_created report_orphans"),
    )
    for name in names.split()
)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it, nothing is written after it."""


@contextlib.contextmanager
def killed_at(owner: type, name: str, call: int, *, after: bool) -> Iterator[None]:
    """The process ends before or after the nth call of a method."""
    real, calls = getattr(owner, name), 0

    def deadly(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            raise Killed
        answer = real(*arguments, **more)
        if calls == call:
            raise Killed
        return answer

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(owner, name, deadly)
        yield


class Restless:
    """Buys what it does not hold and sells what it holds, until it is told to be quiet."""

    name, version, horizon_minutes, bars_needed = "restless", "1", 1440, 1
    quiet = False

    def decide(self, view: MarketView) -> Signal:
        if self.quiet:
            return Signal(Action.HOLD, "quiet")
        return Signal(Action.SELL if view.held else Action.BUY, "restless")


class Story(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="order-story-"))
        environment = {"WATCHLIST_JSON": WATCHLIST, "MAX_CONSECUTIVE_FAILURES": "4"}
        self.bench = Bench(self.folder, environment)
        self.bench.__enter__()
        self.bench.strategy = self.strategy = Restless()
        self.account = account_hash(self.bench.simulator.account_key)
        self.live = journal_path(self.bench.settings()).parent
        self.copy = self.folder / "backup"
        self.restored = False

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self.bench.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    has_run = precondition(lambda self: (self.live / "journal.db").exists())

    @rule(
        fault=st.sampled_from(FAULTS),
        skip=st.integers(0, 1),
        endpoint=st.sampled_from(("/trade/v2/orders", "/trade/v2/orders", "*")),
    )
    def go_wrong(self, fault: dict[str, Any], skip: int, endpoint: str) -> None:
        place = {"endpoint": endpoint, "method": "POST" if endpoint != "*" else "*"}
        self.bench.fault(**fault, **place, skip=skip)

    @rule(moves=st.booleans())
    def cycle(self, moves: bool) -> None:
        if moves:
            self.bench.simulator.advance()
        self.bench.cycle()

    @rule(point=st.sampled_from(KILLS), call=st.integers(1, 2), after=st.booleans())
    def killed_cycle(self, point: tuple[type, str], call: int, after: bool) -> None:
        self.bench.simulator.advance()
        with killed_at(*point, call, after=after):
            self.bench.cycle()

    @has_run
    @rule()
    def dry_cycle(self) -> None:
        before = contents(self.live / "journal.db")
        self.bench.cycle(dry_run=True)
        assert contents(self.live / "journal.db") == before

    @rule(seconds=st.sampled_from((5, 70, 400, 3700)))
    def wait(self, seconds: int) -> None:
        self.bench.clock.advance(seconds)

    @rule()
    def cancel_at_the_broker(self) -> None:
        working = [row for row in self.orders() if row["status"] == "Working"]
        if working:
            client = self.bench.client()
            with contextlib.closing(client), contextlib.suppress(Exception):  # a fault may hit it
                client.cancel_orders([working[0]["order_id"]], self.bench.simulator.account_key)

    @has_run
    @rule()
    def resolve_by_hand(self) -> None:
        """By somebody who has looked: what the broker does not have after an hour never was."""
        verdict = Verdict(ExecutionOutcome.FAILED, "resolved_by_hand")
        long_ago = self.bench.clock.now() - timedelta(hours=1)
        there = {row["reference"] for row in self.orders()}
        with self.bench.journal() as journal:
            for attempt in journal.orders.unresolved():
                reference = attempt.intent.external_reference
                if attempt.sent_at and attempt.sent_at < long_ago and reference not in there:
                    journal.orders.resolve_by_hand(
                        reference, verdict, at=self.bench.clock.now(), run_id="by-hand"
                    )

    @has_run
    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        with self.bench.journal() as journal:
            if paused:
                journal.control.pause("by_hand")
            else:
                journal.control.resume()

    @has_run
    @rule(whole=st.booleans())
    def back_up(self, whole: bool) -> None:
        """With the newest steps that stand in the -wal, or without."""
        shutil.rmtree(self.copy, ignore_errors=True)
        self.copy.mkdir()
        for name in ("journal.db", "journal.db-wal")[: 1 + whole]:
            if (self.live / name).exists():
                shutil.copy(self.live / name, self.copy / name)

    @precondition(lambda self: self.copy.exists())
    @rule()
    def restore(self) -> None:
        """By a person, who takes a minute, while the broker shows what it has."""
        self.bench.clock.advance(60)
        self.bench.clear_faults()
        shutil.rmtree(self.live)
        shutil.copytree(self.copy, self.live)
        self.restored = True

    @has_run
    @rule(
        kind=st.sampled_from(("never_fill", "partial_fill", "rejected_later")), whole=st.booleans()
    )
    def forget_the_last_order(self, kind: str, whole: bool) -> None:
        """The same bar is decided again by a journal that knows nothing of the first time."""
        self.back_up(whole)
        self.go_wrong({"kind": kind}, 0, "/trade/v2/orders")
        self.cycle(moves=True)
        self.restore()
        self.cycle(moves=False)

    # What holds at any time.

    def orders(self) -> list[dict[str, Any]]:
        return counters.orders(self.bench.simulator.broker.state)

    @invariant()
    def a_reference_is_one_order(self) -> None:
        assert set(self.bench.orders_by_reference().values()) <= {1}

    @invariant()
    def a_decision_is_one_order(self) -> None:
        decision = {
            line["external_reference"]: (line["instrument_id"], line["bar_time"])
            for line in self.bench.lines("execution_intent_created")
        }
        made = [row["reference"] for row in self.orders() if row["status"] != "Rejected"]
        assert set(made) <= set(decision), "an order went out whose intent was never logged"
        assert max(Counter(decision[reference] for reference in made).values(), default=1) == 1

    @invariant()
    def no_order_is_unknown(self) -> None:
        there = {row["reference"] for row in self.orders()}
        if there and not self.restored:
            with self.bench.journal() as journal:
                assert [ref for ref in there if journal.orders.find(ref) is None] == []

    # How it ends.

    def come_to_rest(self) -> None:
        """The broker is well again and nothing new is wanted: a few runs settle everything."""
        self.bench.clear_faults()
        self.strategy.quiet = True
        for _ in range(4):
            self.bench.clock.advance(3700)
            self.bench.simulator.advance()
            report = self.bench.cycle()
        assert report.exit_code == 0
        with self.bench.journal() as journal:
            orders = journal.orders
            assert orders.unresolved() == []
            assert orders.unlogged() == []
            known = [orders.find(row["reference"]) for row in self.orders()]
            own = orders.own_positions(self.account)
        self.a_decision_is_one_order()
        if self.restored:
            self.forgotten_orders_are_named()
        else:
            assert None not in known
            assert own == self.bench.net_positions()
        self.each_intent_has_its_last_line()

    def forgotten_orders_are_named(self) -> None:
        """What an older journal does not know is known again, or at least said to be there."""
        said = {line["external_reference"] for line in self.bench.lines("execution_orphan_found")}
        said |= {
            line["external_reference"] for line in self.bench.lines("execution_duplicate_refused")
        }
        with self.bench.journal() as journal:
            for row in self.orders():
                if row["status"] == "Working":
                    assert row["reference"] in said or journal.orders.find(row["reference"])

    def each_intent_has_its_last_line(self) -> None:
        ended = {
            line["external_reference"]
            for line in self.bench.lines("execution_completed")
            if line["execution_outcome"] != "RECONCILIATION_NEEDED"
        }
        with self.bench.journal() as journal:
            begin = self.bench.clock.now() - timedelta(days=99)
            for attempt, _ in journal.orders.created_between(begin, self.bench.clock.now()):
                by_hand = journal.orders.corrections(begin)
                reference = attempt.intent.external_reference
                assert reference in ended or reference in {c.external_reference for c in by_hand}


def test_any_story_ends_with_one_order() -> None:
    """The same stories each time. `Phase.shrink` makes one that fails short, in some minutes."""
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=50,
            stateful_step_count=20,
            derandomize=True,
            phases=(Phase.explicit, Phase.generate),
        ),
    )
