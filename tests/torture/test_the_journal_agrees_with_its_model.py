"""Any story of orders, runs, people and crashes leaves in the journal what it should.

Two connections take turns, as two processes would if the run lock had failed.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.journal_model import (
    UNSENT,
    WITHOUT_ORDER,
    Key,
    Model,
    Run,
    Try,
    filled,
    gone,
    reference,
    shown,
)
from tradebot.errors import StorageError
from tradebot.journal import AttemptState, Created, Journal, Origin, Refused, RunOutcome, Settled
from tradebot.model import Action, InstrumentId, Verdict

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO = START - timedelta(days=9)
ACCOUNTS = ("one", "two")
INSTRUMENTS = (InstrumentId("Stock", 211), InstrumentId("FxSpot", 21))
BARS = tuple(datetime(2026, 2, day, tzinfo=UTC) for day in range(20, 28))
SLOT = START
MEMORY = Path("/dev/shm")
"""Where there is one: what is looked at here is not the disk."""
ENDS = (RunOutcome.RAN, RunOutcome.SKIPPED, RunOutcome.FAILED)

which = st.integers(0, 1)
"""The connection."""
nth = st.integers(0, 3)
"""An attempt or a run, counted from the last one."""
quantities = st.integers(0, 10).map(Decimal)
ORDERS = st.builds(filled, quantities, st.sampled_from(("7", "8"))) | st.builds(
    gone, quantities, st.sampled_from(("7", "8"))
)
NO_ORDER = st.sampled_from(WITHOUT_ORDER)


class Story(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.model = Model()
        self.folder = Path(
            tempfile.mkdtemp(prefix="journal-story-", dir=MEMORY if MEMORY.is_dir() else None)
        )
        self.path = self.folder / "journal.db"
        self.journals = [Journal(self.path), Journal(self.path)]

    def teardown(self) -> None:
        for journal in self.journals:
            journal.close()
        shutil.rmtree(self.folder)

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def nth_try(self, number: int) -> Try:
        tries = list(self.model.tries.values())
        return tries[-1 - number % len(tries)]

    def nth_run(self, number: int) -> int:
        rows = list(self.model.runs)
        return rows[-1 - number % len(rows)]

    has_tries = precondition(lambda self: self.model.tries)
    has_runs = precondition(lambda self: self.model.runs)

    # Orders.

    @initialize()
    def a_first_order(self) -> None:
        self.create(0, "one", INSTRUMENTS[0], BARS[0], Action.BUY, None)

    @rule(
        on=which,
        account=st.sampled_from(ACCOUNTS),
        instrument=st.sampled_from(INSTRUMENTS),
        bar=st.sampled_from(BARS),
        side=st.sampled_from((Action.BUY, Action.SELL)),
        slot=st.sampled_from((None, SLOT)),
    )
    def create(
        self,
        on: int,
        account: str,
        instrument: InstrumentId,
        bar: datetime,
        side: Action,
        slot: datetime | None,
    ) -> None:
        key: Key = (account, "sma_cross", instrument, bar)
        at = self.tick()
        answer = self.journals[on].orders.create_intent(
            Origin(account, "sma_cross", "run-1", 1, slot),
            instrument=instrument,
            bar_time=bar,
            side=side,
            quantity=Decimal(10),
            symbol=None,
            limit_price=None,
            reference_for=lambda attempt: reference(key, attempt),
            at=at,
        )
        expected = self.model.create(key, side, Decimal(10), at, slot)
        if isinstance(expected, Refused):
            assert answer is expected
        else:
            assert isinstance(answer, Created)
            assert answer.intent.external_reference == expected.reference

    @has_tries
    @rule(on=which, number=nth, step=st.sampled_from(("prechecked", "sent")))
    def step(self, on: int, number: int, step: str) -> None:
        one, at = self.nth_try(number), self.tick()
        mark = getattr(self.journals[on].orders, f"mark_{step}")
        taken = self.model.sent(one, at) if step == "sent" else self.model.prechecked(one)
        with contextlib.nullcontext() if taken else pytest.raises(StorageError, match="no longer"):
            mark(one.reference, at=at)

    @has_tries
    @rule(on=which, number=nth, order_id=st.sampled_from(("7", "8")))
    def name(self, on: int, number: int, order_id: str) -> None:
        one = self.nth_try(number)
        if one.sent_at is not None and one.verdict is None:
            one.order_id = order_id
            self.journals[on].orders.record_order_id(one.reference, order_id)

    @has_tries
    @rule(
        on=which,
        number=nth,
        verdict=ORDERS | NO_ORDER,
        passes=st.booleans(),
        pause_after=st.integers(0, 3),
    )
    def settle(
        self, on: int, number: int, verdict: Verdict, passes: bool, pause_after: int
    ) -> None:
        one = self.nth_try(number)
        again = passes and verdict.failure_reason == "refused"
        at = self.tick()
        answer = self.journals[on].orders.settle(
            one.reference, verdict, at=at, may_try_again=again, pause_after=pause_after
        )
        expected = self.model.settle(one, verdict, at, again=again, pause_after=pause_after)
        assert answer == (None if expected is None else Settled(expected[0], paused=expected[1]))

    @rule(
        on=which,
        instrument=st.sampled_from(INSTRUMENTS),
        bar=st.sampled_from(BARS),
        side=st.sampled_from((Action.BUY, Action.SELL)),
        verdict=ORDERS | NO_ORDER,
        slot=st.sampled_from((None, SLOT)),
    )
    def carry_out(
        self,
        on: int,
        instrument: InstrumentId,
        bar: datetime,
        side: Action,
        verdict: Verdict,
        slot: datetime | None,
    ) -> None:
        """A whole order without a hitch, the most usual story of all."""
        before = len(self.model.tries)
        self.create(on, "one", instrument, bar, side, slot)
        if len(self.model.tries) > before:
            self.step(on, 0, "sent")
            self.settle(on, 0, verdict, passes=False, pause_after=3)

    @has_tries
    @rule(on=which, number=nth)
    def abandon(self, on: int, number: int) -> None:
        one, at = self.nth_try(number), self.tick()
        answer = self.journals[on].orders.abandon(one.reference, UNSENT, at=at)
        assert answer == self.model.abandon(one, UNSENT, at)

    @has_tries
    @rule(on=which, number=nth, verdict=ORDERS)
    def fill(self, on: int, number: int, verdict: Verdict) -> None:
        one = self.nth_try(number)
        if one.verdict is not None and one.sent_at is not None:
            self.model.fill(one, verdict)
            self.journals[on].orders.update_fill(one.reference, verdict, at=self.tick())

    @has_tries
    @rule(on=which, number=nth)
    def log(self, on: int, number: int) -> None:
        one = self.nth_try(number)
        one.logged |= one.verdict is not None
        self.journals[on].orders.mark_logged(one.reference)

    # People.

    @has_tries
    @rule(on=which, number=nth, verdict=ORDERS | NO_ORDER)
    def resolve_by_hand(self, on: int, number: int, verdict: Verdict) -> None:
        one, at = self.nth_try(number), self.tick()
        answer = self.journals[on].orders.resolve_by_hand(
            one.reference, verdict, at=at, run_id="by-hand"
        )
        assert answer == self.model.by_hand(one, verdict, at)

    @rule(
        on=which,
        account=st.sampled_from(ACCOUNTS),
        instrument=st.sampled_from(INSTRUMENTS),
        quantity=quantities,
    )
    def correct(self, on: int, account: str, instrument: InstrumentId, quantity: Decimal) -> None:
        before = self.journals[on].orders.correct_position(
            account, instrument, quantity, at=self.tick(), run_id="by-hand"
        )
        assert before == self.model.correct(account, instrument, quantity)

    @rule(on=which, hours=st.none() | st.integers(-1, 1))
    def pause(self, on: int, hours: int | None) -> None:
        until = None if hours is None else self.now + timedelta(hours=hours)
        self.model.pause = ("by_hand", until)
        self.journals[on].control.pause("by_hand", until=until)

    @rule(on=which)
    def resume(self, on: int) -> None:
        assert self.journals[on].control.resume() == (self.model.pause is not None)
        self.model.pause, self.model.failures = None, 0

    # Runs.

    @rule(on=which, slot=st.sampled_from((None, SLOT)), locked=st.booleans(), claims=st.booleans())
    def begin(self, on: int, slot: datetime | None, locked: bool, claims: bool) -> None:
        run_id = f"run-{len(self.model.runs) + 1}"
        runs = self.journals[on].runs
        row = runs.begin(run_id, pid=1, at=self.tick(), slot=slot)
        assert row not in self.model.runs
        self.model.runs[row] = Run(run_id, slot, locked)
        if locked:
            runs.locked(row, at=self.now, cycle_id=row)
        if claims and slot is not None:
            assert runs.claim_slot(slot, run_id) is self.model.claim(slot, run_id)

    @has_runs
    @rule(on=which, number=nth, outcome=st.sampled_from(ENDS))
    def end(self, on: int, number: int, outcome: RunOutcome) -> None:
        row = self.nth_run(number)
        self.model.end(row, outcome)
        self.journals[on].runs.end(
            row, outcome, at=self.tick(), phase="end", reason=None, exit_code=0
        )

    @has_runs
    @rule(on=which, number=nth)
    def end_killed(self, on: int, number: int) -> None:
        row = self.nth_run(number)
        runs = self.journals[on].runs
        found = runs.left_open(except_row=row, waiting_before=LONG_AGO)
        for run in found:
            runs.end_killed(run.row_id, at=self.tick())
        assert [run.run_id for run in found] == self.model.end_killed(row)

    # The machine.

    @rule(on=which)
    def reopen(self, on: int) -> None:
        self.journals[on].close()
        self.journals[on] = Journal(self.path)

    @rule()
    def crash(self) -> None:
        """Both processes die: what is on the disk is all there is, and nothing was tidied up."""
        survivor = self.path.parent / f"{len(list(self.folder.iterdir()))}.db"
        for end in ("", "-wal"):
            there = self.path.with_name(self.path.name + end)
            if there.exists():
                shutil.copy(there, survivor.with_name(survivor.name + end))
        for journal in self.journals:
            journal.close()
        self.path = survivor
        self.journals = [Journal(self.path), Journal(self.path)]

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    # What both must agree on, whichever connection is asked.

    @invariant()
    def the_promises_hold(self) -> None:
        self.model.check_promises()

    @invariant()
    def orders_agree(self) -> None:
        for journal in self.journals:
            orders, tries = journal.orders, self.model.tries.values()
            assert [a.intent.external_reference for a in orders.unresolved()] == [
                t.reference for t in tries if t.verdict is None
            ]
            unlogged = {a.intent.external_reference: v for a, v in orders.unlogged()}
            assert unlogged == {t.reference: shown(t) for t in tries if t.verdict and not t.logged}
            for key in {t.key for t in tries}:
                assert orders.is_decided(*key) == (key in self.model.closed)
            for one in tries:
                self.compare(journal, one)

    def compare(self, journal: Journal, one: Try) -> None:
        found = journal.orders.find(one.reference)
        assert found is not None
        state = AttemptState.PRECHECKED if one.prechecked else AttemptState.CREATED
        state = AttemptState.SENT if one.sent_at else state
        state = AttemptState.RESOLVED if one.verdict else state
        assert (found.state, found.sent_at, found.order_id) == (state, one.sent_at, one.order_id)
        assert (found.created_at, found.intent.side) == (one.created_at, one.side)

    @invariant()
    def accounts_agree(self) -> None:
        today = self.now - timedelta(days=1)
        for journal, account in itertools.product(self.journals, ACCOUNTS):
            orders = journal.orders
            mine = [t for t in self.model.tries.values() if t.account == account]
            sent = sorted((t for t in mine if t.sent_at), key=lambda t: str(t.sent_at))
            recent = [t for t in sent if t.sent_at and t.sent_at >= today]
            assert orders.own_positions(account) == {
                i: q for (a, i), q in self.model.positions.items() if a == account and q
            }
            assert [a.intent.external_reference for a, _ in orders.live(account)] == [
                t.reference for t in mine if t.is_live
            ]
            assert [
                a.intent.external_reference
                for a in orders.given_up_since(account, ["not_placed"], today)
            ] == [
                t.reference
                for t in recent
                if t.verdict and t.verdict.failure_reason == "not_placed" and t.filled is None
            ]
            assert [
                (a.intent.external_reference, v)
                for a, v in orders.sent_between(account, today, self.now)
            ] == [(t.reference, shown(t)) for t in recent if t.sent_at != self.now]
            assert orders.sent_since(account, today) == len(recent)
            assert orders.created_since(account, today) == sum(t.created_at >= today for t in mine)
            assert orders.last_sent_at(account) == (sent[-1].sent_at if sent else None)

    @invariant()
    def control_and_runs_agree(self) -> None:
        journal, model = self.journals[0], self.model
        paused = journal.control.paused(self.now)
        reason, until = model.pause or (None, None)
        in_force = reason is not None and (until is None or until > self.now)
        assert (paused and (paused.reason, paused.until)) == ((reason, until) if in_force else None)
        assert [(r.row_id, r.run_id, r.outcome) for r in journal.runs.latest(99)] == [
            (row, run.run_id, run.outcome) for row, run in sorted(model.runs.items(), reverse=True)
        ]
        slots = [run.slot for run in model.runs.values() if run.slot]
        assert journal.runs.last_slot() == max(slots, default=None)
        assert [
            (c.kind, c.external_reference, c.before) for c in journal.orders.corrections(START)
        ] == model.corrections


def test_any_story_agrees_with_the_model() -> None:
    """The same stories each time. `Phase.shrink` makes one that fails short, in some minutes."""
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=100,
            stateful_step_count=50,
            derandomize=True,
            phases=(Phase.explicit, Phase.generate),
        ),
    )
