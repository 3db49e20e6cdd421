"""What a journal should hold, in plain Python: a test does each thing to both and compares."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tradebot.journal import MAX_ATTEMPTS, Refused, RunOutcome, SlotClaim
from tradebot.model import Action, ExecutionOutcome, InstrumentId, OrderState, Verdict

LIVE = ("working", "partial")

WITHOUT_ORDER = (
    Verdict(ExecutionOutcome.FAILED, "refused"),
    Verdict(ExecutionOutcome.FAILED, "not_placed"),
    Verdict(ExecutionOutcome.SKIPPED, "dry_run"),
)
UNSENT = Verdict(ExecutionOutcome.FAILED, "abandoned_before_send")

Key = tuple[str, str, InstrumentId, datetime]
"""Account, strategy, instrument, bar."""


@dataclass
class Try:
    """One attempt."""

    reference: str
    key: Key
    side: Action
    quantity: Decimal
    created_at: datetime
    slot: datetime | None
    prechecked: bool = False
    sent_at: datetime | None = None
    order_id: str | None = None
    verdict: Verdict | None = None
    verdict_at: datetime | None = None
    may_try_again: bool = False
    logged: bool = False
    filled: Decimal | None = None
    """None: there is no row of a fill."""
    fill_state: str | None = None
    price: float | None = None

    @property
    def account(self) -> str:
        return self.key[0]

    @property
    def instrument(self) -> InstrumentId:
        return self.key[2]

    @property
    def is_open(self) -> bool:
        """May the next step still be taken?"""
        return self.verdict is None and self.sent_at is None

    @property
    def is_live(self) -> bool:
        return self.fill_state in LIVE


@dataclass
class Slot:
    tries: int
    run_id: str
    sent: bool = False
    done: bool = False


@dataclass
class Run:
    run_id: str
    slot: datetime | None
    locked: bool = False
    outcome: RunOutcome | None = None


@dataclass
class Model:
    """The whole journal. Each method is called like the journal's, and answers like it."""

    tries: dict[str, Try] = field(default_factory=dict)
    closed: set[Key] = field(default_factory=set)
    positions: dict[tuple[str, InstrumentId], Decimal] = field(
        default_factory=lambda: defaultdict(Decimal)
    )
    corrections: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    failures: int = 0
    pause: tuple[str, datetime | None] | None = None
    slots: dict[datetime, Slot] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)

    # Orders.

    def of(self, key: Key) -> list[Try]:
        return [one for one in self.tries.values() if one.key == key]

    def create(
        self, key: Key, side: Action, quantity: Decimal, at: datetime, slot: datetime | None
    ) -> Try | Refused:
        same = [t for t in self.tries.values() if (t.account, t.instrument) == (key[0], key[2])]
        if any(t.verdict is None for t in same):
            return Refused.UNRESOLVED_INTENT
        if any(t.is_live for t in same):
            return Refused.ORDER_WORKING
        number = 1 + len(self.of(key))
        if key in self.closed or number > MAX_ATTEMPTS:
            self.closed.add(key)
            return Refused.ALREADY_DECIDED
        made = Try(reference(key, number), key, side, quantity, at, slot)
        self.tries[made.reference] = made
        return made

    def prechecked(self, one: Try) -> bool:
        one.prechecked |= one.is_open
        return one.is_open

    def sent(self, one: Try, at: datetime) -> bool:
        if not one.is_open:
            return False
        one.sent_at = at
        if one.slot in self.slots:
            self.slots[one.slot].sent = True
        return True

    def settle(
        self, one: Try, verdict: Verdict, at: datetime, *, again: bool, pause_after: int
    ) -> tuple[int, bool] | None:
        """The failures in a row and whether trading was paused; None: there was a verdict."""
        if not self.write_verdict(one, verdict, at, again=again):
            return None
        if verdict.outcome is ExecutionOutcome.SUCCESS:
            self.failures = 0
        if verdict.outcome is not ExecutionOutcome.FAILED or again:
            return 0, False
        self.failures += 1
        paused = bool(pause_after) and self.failures >= pause_after
        if paused:
            self.pause = ("consecutive_failures", None)
        return self.failures, paused

    def abandon(self, one: Try, verdict: Verdict, at: datetime) -> bool:
        return one.sent_at is None and self.write_verdict(one, verdict, at, again=True)

    def by_hand(self, one: Try, verdict: Verdict, at: datetime) -> bool:
        if not self.write_verdict(one, verdict, at, again=False):
            return False
        self.corrections.append(("resolved", one.reference, None))
        return True

    def write_verdict(self, one: Try, verdict: Verdict, at: datetime, *, again: bool) -> bool:
        if one.verdict is not None:
            return False
        one.verdict, one.verdict_at, one.may_try_again = verdict, at, again
        one.order_id = verdict.order_id or one.order_id
        if not again:
            self.closed.add(one.key)
        if verdict.order_id and (verdict.order_state or verdict.filled_quantity):
            self.fill(one, verdict)
        return True

    def fill(self, one: Try, verdict: Verdict) -> None:
        # One that was called absent gets the id it is found with.
        one.order_id = one.order_id or verdict.order_id
        before = one.filled or Decimal(0)
        one.filled = max(before, verdict.filled_quantity)
        one.fill_state = verdict.order_state or "gone"
        one.price = verdict.average_price or one.price
        sign = 1 if one.side is Action.BUY else -1
        self.positions[one.account, one.instrument] += sign * (one.filled - before)

    def correct(self, account: str, instrument: InstrumentId, quantity: Decimal) -> Decimal:
        before = self.positions[account, instrument]
        self.positions[account, instrument] = quantity
        self.corrections.append(("position", None, str(before)))
        return before

    # Runs.

    def claim(self, slot: datetime, run_id: str) -> SlotClaim:
        if slot not in self.slots:
            self.slots[slot] = Slot(1, run_id)
            return SlotClaim.WON
        known = self.slots[slot]
        if known.done or known.sent:
            return SlotClaim.TAKEN
        if known.tries == 2:
            return SlotClaim.EXHAUSTED
        known.tries, known.run_id = 2, run_id
        return SlotClaim.WON

    def end(self, row: int, outcome: RunOutcome) -> None:
        run = self.runs[row]
        run.outcome = run.outcome or outcome
        slot = self.slots.get(run.slot) if run.slot else None
        if slot and slot.run_id == run.run_id and outcome in (RunOutcome.RAN, RunOutcome.SKIPPED):
            slot.done = True

    def end_killed(self, me: int) -> list[str]:
        dead = [
            run
            for row, run in self.runs.items()
            if row != me and run.locked and run.outcome is None
        ]
        for run in dead:
            run.outcome = RunOutcome.KILLED
        return [run.run_id for run in dead]

    # What must hold whatever was done.

    def check_promises(self) -> None:
        for key in {one.key for one in self.tries.values()}:
            tries = self.of(key)
            assert len(tries) <= MAX_ATTEMPTS
            sent = [t for t in tries if t.sent_at and not (t.verdict and t.may_try_again)]
            assert len(sent) <= 1, "a decision was sent twice"
        unresolved = [(t.account, t.instrument) for t in self.tries.values() if t.verdict is None]
        assert len(unresolved) == len(set(unresolved))


def reference(key: Key, number: int) -> str:
    account, strategy, instrument, bar = key
    return f"{account}-{strategy}-{instrument}-{bar:%Y%m%d}-{number}"


def filled(quantity: Decimal, order_id: str) -> Verdict:
    state = {0: OrderState.WORKING, 10: OrderState.FILLED}.get(int(quantity), OrderState.PARTIAL)
    return Verdict(ExecutionOutcome.SUCCESS, None, order_id, state, quantity, 12.5)


def gone(quantity: Decimal, order_id: str) -> Verdict:
    return Verdict(
        ExecutionOutcome.FAILED, "cancelled", order_id, None, quantity, 12.5 if quantity else None
    )


def shown(one: Try) -> Verdict | None:
    """The verdict as the journal tells it: the outcome stands, the fill moves on."""
    if one.verdict is None:
        return None
    live = one.fill_state if one.fill_state in tuple(OrderState) else None
    return Verdict(
        one.verdict.outcome,
        one.verdict.failure_reason,
        one.order_id,
        None if live is None else OrderState(live),
        one.filled or Decimal(0),
        one.price,
    )
