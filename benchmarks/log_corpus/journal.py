"""The journal that belongs to a corpus: every step taken again, by the bot's own journal.

It has its own rules about which step may follow which, so a story that the bot could not have
lived does not get through here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.log_corpus.agenda import HOURS, instruments_of
from benchmarks.log_corpus.book import MAX_FAILURES, passes_by_itself
from benchmarks.log_corpus.lines import Sink
from benchmarks.log_corpus.market import ACCOUNT, STRATEGY
from benchmarks.log_corpus.model import Attempt, Plan, Run
from tradebot.journal import Created, Journal, Origin, RunOutcome
from tradebot.model import Action, ExecutionOutcome, InstrumentId, OrderState, Verdict
from tradebot.scheduling.expected_slots import hours_text

_LIVE = tuple(state.value for state in OrderState)
_GONE = {"cancelled": "cancelled", "expired": "expired"}
_SKIP_PHASES = {
    "cycle_skip_slot": "slot",
    "cycle_skip_paused": "paused",
    "cycle_skip_outside_trading_hours": "trading_hours",
}

Step = tuple[int, str, str, str, Any]
"""Epoch milliseconds, what was done, run, reference, more."""


def write_journal(path: Path, plan: Plan, sinks: list[Sink]) -> None:
    """Write the journal of a plan whose lines are written. A file at `path` is replaced."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    with Journal(path) as journal:
        # Nobody's orders hang on this file, and waiting for the disk would take minutes.
        connection = journal._database._connection
        if connection is not None:
            connection.execute("PRAGMA synchronous=OFF")
        writer = _Writer(journal, plan)
        for step in _steps(plan, sinks):
            writer.take(step)


def _steps(plan: Plan, sinks: list[Sink]) -> list[Step]:
    """In the order in which they happened; a run is there before anything it does."""
    begun: Iterator[Step] = (
        (int(run.start * 1000), "begin", run.run_id, "", None) for run in plan.runs
    )
    steps = [*begun, *(step for sink in sinks for step in sink.journal)]
    return sorted(steps, key=lambda step: step[0])


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def _slot(run: Run) -> datetime | None:
    return None if run.slot is None else datetime.fromtimestamp(run.slot, UTC)


class _Writer:
    def __init__(self, journal: Journal, plan: Plan) -> None:
        self._journal, self._plan = journal, plan
        self._runs = {run.run_id: run for run in plan.runs}
        self._attempts = {attempt.reference: attempt for attempt in plan.attempts}
        self._rows: dict[str, int] = {}

    def take(self, step: Step) -> None:
        """Let the journal do one step."""
        ms, what, run_id, reference, more = step
        at = _time(ms)
        if reference:
            getattr(self, f"_order_{what}")(self._attempts[reference], at, run_id, more)
        elif run_id in self._runs:
            getattr(self, f"_run_{what}")(self._runs[run_id], at)
        else:
            self._by_hand(what, run_id, at, more)

    # -- runs ----------------------------------------------------------------------------------

    def _run_begin(self, run: Run, at: datetime) -> None:
        started = datetime.fromtimestamp(run.start, UTC)
        self._rows[run.run_id] = self._journal.runs.begin(
            run.run_id, pid=run.pid, at=started, slot=_slot(run)
        )

    def _run_locked(self, run: Run, at: datetime) -> None:
        self._journal.runs.locked(self._rows[run.run_id], at=at, cycle_id=run.cycle_id or 0)
        slot = _slot(run)
        if slot is not None:
            cadence = self._plan.options.cadence_minutes * 60.0
            hours = hours_text(HOURS)
            self._journal.slot_watch.end_report(slot, cadence=cadence, offset=0.0, hours=hours)

    def _run_claim(self, run: Run, at: datetime) -> None:
        slot = _slot(run)
        if slot is not None:
            self._journal.runs.claim_slot(slot, run.run_id)

    def _run_killed(self, run: Run, at: datetime) -> None:
        self._journal.runs.end_killed(self._rows[run.run_id], at=at)

    def _run_died(self, run: Run, at: datetime) -> None:
        """Its row stays open until another run finds it."""

    def _run_end(self, run: Run, at: datetime) -> None:
        self._journal.runs.end(
            self._rows[run.run_id],
            RunOutcome(run.outcome),
            at=at,
            phase=_phase(run),
            reason=run.reason,
            exit_code=run.exit_code,
        )

    # -- orders --------------------------------------------------------------------------------

    def _order_created(self, attempt: Attempt, at: datetime, run_id: str, more: None) -> None:
        run = self._runs[run_id]
        instrument = instruments_of(self._plan.options)[attempt.instrument]
        origin = Origin(ACCOUNT, STRATEGY, run_id, run.cycle_id or 0, _slot(run))
        created = self._journal.orders.create_intent(
            origin,
            instrument=InstrumentId(instrument.asset_type, instrument.uic),
            bar_time=datetime.fromtimestamp(attempt.bar, UTC),
            side=Action(attempt.side),
            quantity=Decimal(attempt.quantity),
            symbol=instrument.symbol,
            limit_price=None,
            reference_for=lambda number: attempt.reference,
            at=at,
        )
        if not isinstance(created, Created) or created.intent.attempt != attempt.number:
            raise AssertionError(f"the journal does not take {attempt.reference}: {created}")

    def _order_prechecked(self, attempt: Attempt, at: datetime, run_id: str, more: None) -> None:
        self._journal.orders.mark_prechecked(attempt.reference, at=at)

    def _order_sent(self, attempt: Attempt, at: datetime, run_id: str, more: None) -> None:
        self._journal.orders.mark_sent(attempt.reference, at=at)

    def _order_order_id(self, attempt: Attempt, at: datetime, run_id: str, more: str) -> None:
        self._journal.orders.record_order_id(attempt.reference, more)

    def _order_take_over(self, attempt: Attempt, at: datetime, run_id: str, more: str) -> None:
        reference = attempt.reference
        self._journal.orders.take_over(reference, more, reference, at=at)

    def _order_settled(self, attempt: Attempt, at: datetime, run_id: str, more: None) -> None:
        self._journal.orders.settle(
            attempt.reference,
            _verdict(attempt),
            at=at,
            may_try_again=passes_by_itself(attempt),
            pause_after=MAX_FAILURES,
        )

    def _order_abandoned(self, attempt: Attempt, at: datetime, run_id: str, more: None) -> None:
        if not self._journal.orders.abandon(attempt.reference, _verdict(attempt), at=at):
            raise AssertionError(f"{attempt.reference} was sent, and cannot be abandoned")

    def _order_logged(self, attempt: Attempt, at: datetime, run_id: str, more: None) -> None:
        self._journal.orders.mark_logged(attempt.reference)

    def _order_fill(
        self, attempt: Attempt, at: datetime, run_id: str, more: tuple[str, int]
    ) -> None:
        standing, filled = more
        live = standing in _LIVE
        verdict = Verdict(
            ExecutionOutcome.SUCCESS if live else ExecutionOutcome.FAILED,
            failure_reason=_GONE.get(standing),
            order_id=attempt.order_id,
            order_state=OrderState(standing) if live else None,
            filled_quantity=Decimal(filled),
            average_price=attempt.price if filled else None,
        )
        self._journal.orders.update_fill(attempt.reference, verdict, at=at)

    def _order_by_hand(self, attempt: Attempt, at: datetime, run_id: str, more: None) -> None:
        verdict = _verdict(attempt)
        self._journal.orders.resolve_by_hand(attempt.reference, verdict, at=at, run_id=run_id)

    def _order_told(self, attempt: Attempt, at: datetime, run_id: str, more: None) -> None:
        """The verdict is there already; this is its line."""

    # -- people --------------------------------------------------------------------------------

    def _by_hand(self, what: str, run_id: str, at: datetime, more: Any) -> None:
        if what == "trading_paused":
            reason, until = more
            end = None if until is None else datetime.fromtimestamp(until, UTC)
            self._journal.control.pause(reason, until=end)
        elif what == "trading_resumed":
            self._journal.control.resume()
        else:
            name, _, held = more
            self._journal.orders.correct_position(
                ACCOUNT, InstrumentId.parse(name), Decimal(held), at=at, run_id=run_id
            )


def _verdict(attempt: Attempt) -> Verdict:
    if attempt.verdict is None:
        raise AssertionError(f"{attempt.reference} has no verdict")
    outcome, reason, state, filled = attempt.verdict
    return Verdict(
        ExecutionOutcome(outcome),
        failure_reason=reason,
        order_id=attempt.named_by_verdict,
        order_state=None if state is None else OrderState(state),
        filled_quantity=Decimal(filled),
        average_price=attempt.price if filled else None,
    )


def _phase(run: Run) -> str:
    if run.failed is not None:
        return run.failed[0]
    if run.skip is not None:
        return _SKIP_PHASES[run.skip[0]]
    return {"busy": "lock", "failed": "decide"}.get(run.outcome, "execute")
