"""From decision to outcome: intent → precheck → disclaimers → sent → placed → reconciled.

Each step is durable before the next begins. Whatever happens after *sent* without a definitive
refusal, the order is never sent again: it is looked for instead (`reconciliation.py`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tradebot.clock import Clock
from tradebot.errors import BrokerError, ClockSkew, LoginError, StorageError, Terminated
from tradebot.execution.account import ExecutionPolicy, TradingAccount
from tradebot.execution.completion import Completion, bind_intent
from tradebot.execution.disclaimers import settle_or_stop
from tradebot.execution.earlier_orders import EarlierOrders
from tradebot.execution.placement import DisclaimersAtPlacement, Sent, place
from tradebot.execution.precheck import precheck
from tradebot.execution.pricing import marketable_limit
from tradebot.execution.reconciliation import Reconciler
from tradebot.execution.references import derive_reference, request_id
from tradebot.execution.sightings import Sighting
from tradebot.execution.stopping import Stopped
from tradebot.journal import MAX_ATTEMPTS, Attempt, Created, Journal, Origin, Refused
from tradebot.model import Action, Decision, ExecutionOutcome, InstrumentId, Intent, Quote, Verdict
from tradebot.observability import log_event
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.orders import OrderRequest
from tradebot.saxo.reference_messages import InstrumentDetails
from tradebot.vocabulary.reasons import DecisionReason, FailureReason

_REFUSALS = {
    Refused.ALREADY_DECIDED: DecisionReason.ALREADY_DECIDED,
    Refused.UNRESOLVED_INTENT: DecisionReason.UNRESOLVED_INTENT,
    Refused.ORDER_WORKING: DecisionReason.ORDER_WORKING,
}

_SIDES: dict[Action, Literal["Buy", "Sell"]] = {Action.BUY: "Buy", Action.SELL: "Sell"}


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """A decision that passed every guard, with what is needed to price it."""

    decision: Decision
    quote: Quote
    details: InstrumentDetails


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of one planned order in this cycle."""

    intent: Intent
    outcome: ExecutionOutcome
    failure_reason: str | None = None
    verdict: Verdict | None = None


class TradeExecutor:
    """Carries out the planned orders of one cycle, one after the other."""

    def __init__(
        self,
        broker: SaxoClient,
        journal: Journal,
        clock: Clock,
        reconciler: Reconciler,
        completion: Completion,
        account: TradingAccount,
        policy: ExecutionPolicy,
        origin: Origin,
        *,
        deadline_passed: Callable[[], bool],
        is_alone: Callable[[], bool],
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._clock = clock
        self._reconciler = reconciler
        self._completion = completion
        self._account = account
        self._policy = policy
        self._origin = origin
        self._deadline_passed = deadline_passed
        self._is_alone = is_alone
        self._told: set[InstrumentId] = set()
        self._earlier = EarlierOrders(reconciler, journal, clock)

    def execute(self, planned: PlannedOrder) -> Execution | None:
        """Carry out one order. None when it was not begun (a line says why).

        Raises StorageError when journal or log cannot be written: then nothing more is sent;
        LoginError when the broker's login is lost.
        """
        decision = planned.decision
        reason = self._hindrance()
        if reason is None:
            created = self._create(planned)
            if isinstance(created, Created):
                self._told.add(decision.instrument)
                return self._carry_out(created.intent, planned)
            reason = _REFUSALS[created]
        self.say_not_begun(decision, reason)
        return None

    def say_not_begun(self, decision: Decision, reason: DecisionReason) -> None:
        """The one line about a decision to buy or sell that came to no intent.

        Nothing where its line is written, or where an intent tells its story. Raises nothing.
        """
        if decision.instrument in self._told:
            return
        self._told.add(decision.instrument)
        log_event(
            "execution_skipped",
            instrument_id=str(decision.instrument),
            symbol=decision.symbol,
            reason=reason,
        )

    def report_orphans(self) -> None:
        """Say which orders of our kind, seen before the first order, the journal does not know."""
        self._earlier.report_orphans()

    def _hindrance(self) -> DecisionReason | None:
        if self._clock.stopping:
            return DecisionReason.STOPPING
        if self._deadline_passed():
            return DecisionReason.DEADLINE
        if self._journal.control.paused(self._clock.now()):
            return DecisionReason.PAUSED
        return None

    def _create(self, planned: PlannedOrder) -> Created | Refused:
        decision = planned.decision
        if decision.bar_time is None or decision.quantity is None:
            raise ValueError("an order needs a bar and a quantity")
        bar_time, policy = decision.bar_time, self._policy
        limit = None
        if policy.order_type == "marketable_limit":
            limit = marketable_limit(
                decision.action, planned.quote, planned.details, policy.max_slippage_bps
            )

        return self._journal.orders.create_intent(
            self._origin,
            instrument=decision.instrument,
            bar_time=bar_time,
            side=decision.action,
            quantity=decision.quantity,
            symbol=decision.symbol,
            limit_price=limit,
            reference_for=lambda attempt: self._reference(decision.instrument, bar_time, attempt),
            at=self._clock.now(),
        )

    def _reference(self, instrument: InstrumentId, bar_time: datetime, attempt: int) -> str:
        return derive_reference(
            account=self._account.hash,
            strategy=self._origin.strategy,
            instrument=instrument,
            bar_time=bar_time,
            attempt=attempt,
            dry_run=self._policy.dry_run,
        )

    def _carry_out(self, intent: Intent, planned: PlannedOrder) -> Execution:
        with bind_intent(self._attempt(intent)):
            try:
                return self._steps(intent, planned)
            except (LoginError, ClockSkew) as error:
                # Only raised while nothing was sent; the run ends with it, and so does this.
                lost = isinstance(error, LoginError)
                reason = FailureReason.LOGIN_REFUSED if lost else FailureReason.CLOCK_SKEW
                verdict = Verdict(ExecutionOutcome.FAILED, reason)
                self._finish(intent, verdict, may_try_again=True)
                raise
            except Stopped as stop:
                verdict = Verdict(stop.outcome, stop.reason)
                return self._finish(intent, verdict, may_try_again=stop.may_try_again)

    def _steps(self, intent: Intent, planned: PlannedOrder) -> Execution:
        self._log_created(intent)
        order, quote = self._request(intent), planned.quote
        precheck(
            self._broker,
            order,
            self._policy,
            price=quote.ask if intent.side is Action.BUY else quote.bid,
            same_currency=planned.details.currency_code == self._account.currency,
        )
        self._journal.orders.mark_prechecked(intent.external_reference, at=self._clock.now())
        if self._policy.dry_run:
            raise Stopped(FailureReason.DRY_RUN, outcome=ExecutionOutcome.SKIPPED)
        self._get_ready()
        earlier = self._earlier_order(intent)
        if earlier is not None:
            return self._adopt(intent, earlier)
        return self._send(intent, order, quote)

    def _log_created(self, intent: Intent) -> None:
        self._log_or_halt(
            "execution_intent_created",
            external_reference=intent.external_reference,
            instrument_id=str(intent.instrument),
            side=intent.side,
            quantity=intent.quantity,
            bar_time=intent.bar_time,
            attempt=intent.attempt,
            order_type=self._policy.order_type,
            limit_price=intent.limit_price,
        )

    def _earlier_order(self, intent: Intent) -> Sighting | None:
        """Does the broker have an order for this decision already, whoever sent it?"""
        references = [
            self._reference(intent.instrument, intent.bar_time, attempt)
            for attempt in range(1, MAX_ATTEMPTS + 1)
        ]
        try:
            return self._earlier.find(intent, references)
        except BrokerError as error:
            raise Stopped(FailureReason.UNAVAILABLE, may_try_again=True) from error

    def _adopt(self, intent: Intent, sighting: Sighting) -> Execution:
        """Send nothing: the order that is there is this intent's."""
        reference = intent.external_reference
        log_event(
            "execution_duplicate_refused",
            external_reference=reference,
            order_id=sighting.order_id,
        )
        at = sighting.first_seen or self._clock.now()
        self._journal.orders.take_over(
            reference, sighting.order_id, sighting.external_reference, at=at
        )
        verdict = sighting.verdict()
        if verdict is None:
            return self._leave_open(intent, FailureReason.DUPLICATE_REFERENCE)
        return self._finish(intent, verdict)

    def _refuse_if_late(self, quote: Quote) -> None:
        if not self._is_alone():
            raise StorageError(
                "The lock file was removed or replaced while this run held it, so another run may "
                "be trading. Nothing further is sent; find out what removes files in STATE_DIR."
            )
        if self._clock.stopping:
            raise Stopped(FailureReason.STOPPING, may_try_again=True)
        if self._deadline_passed():
            raise Stopped(FailureReason.DEADLINE, may_try_again=True)
        if not self._earlier.still_counts():
            raise Stopped(FailureReason.UNAVAILABLE, may_try_again=True)
        # A clock that was set meanwhile would date the order wrong: it would be looked for at
        # another time, and called absent at once.
        self._reconciler.require_a_common_clock()
        age = (self._clock.now() - quote.received_at).total_seconds()
        if age > self._policy.data_staleness_seconds:
            raise Stopped(FailureReason.QUOTE_STALE, may_try_again=True)

    def _send(self, intent: Intent, order: OrderRequest, quote: Quote) -> Execution:
        reference = intent.external_reference
        identity = request_id(reference)
        self._refuse_if_late(quote)
        self._log_or_halt(
            "execution_order_sending", external_reference=reference, request_id=identity
        )
        self._journal.orders.mark_sent(reference, at=self._clock.now())
        try:
            # Writing and connecting take time: a process that was frozen meanwhile must not send
            # an old decision, so the last look is the last thing before the first byte.
            sent = place(
                self._broker, order, identity, last_check=lambda: self._refuse_if_late(quote)
            )
        except DisclaimersAtPlacement as refusal:
            with contextlib.suppress(Terminated):  # it was refused, whatever else happens
                settle_or_stop(self._broker, refusal.required, self._policy)
            # Answered now, so that the next cycle may try this decision once more.
            raise Stopped(FailureReason.DISCLAIMER_POLICY, may_try_again=True) from refusal
        self._remember(reference, sent)
        return self._confirm(intent, sent.doubt)

    def _get_ready(self) -> None:
        """Wait for the token and the rate limit now, not between *sent* and the first byte."""
        try:
            self._broker.prepare_order()
        except Terminated as error:
            raise Stopped(FailureReason.STOPPING, may_try_again=True) from error
        except BrokerError as error:
            raise Stopped(FailureReason.UNAVAILABLE, may_try_again=True) from error

    def _remember(self, reference: str, sent: Sent) -> None:
        if sent.order_id is not None:
            self._journal.orders.record_order_id(reference, sent.order_id)

    def _confirm(self, intent: Intent, doubt: FailureReason) -> Execution:
        verdict = self._reconciler.confirm(self._attempt(intent))
        if verdict is not None:
            return self._finish(intent, verdict)
        return self._leave_open(intent, doubt)

    def _leave_open(self, intent: Intent, doubt: FailureReason) -> Execution:
        """Not known yet: no verdict, the instrument does not trade, the next cycle looks again."""
        outcome = ExecutionOutcome.RECONCILIATION_NEEDED
        log_event(
            "execution_completed",
            external_reference=intent.external_reference,
            execution_outcome=outcome,
            failure_reason=doubt,
        )
        return Execution(intent, outcome, doubt)

    def _finish(
        self, intent: Intent, verdict: Verdict, *, may_try_again: bool = False
    ) -> Execution:
        self._completion.complete(intent.external_reference, verdict, may_try_again=may_try_again)
        return Execution(intent, verdict.outcome, verdict.failure_reason, verdict)

    def _attempt(self, intent: Intent) -> Attempt:
        attempt = self._journal.orders.find(intent.external_reference)
        if attempt is None:
            raise StorageError(
                f"The journal {self._journal.path} lost an intent that it had taken. Check the "
                "disk; nothing further is sent."
            )
        return attempt

    def _request(self, intent: Intent) -> OrderRequest:
        return OrderRequest(
            account_key=self._account.account_key,
            instrument=intent.instrument,
            buy_sell=_SIDES[intent.side],
            amount=intent.quantity,
            external_reference=intent.external_reference,
            order_type="Market" if intent.limit_price is None else "Limit",
            price=intent.limit_price,
        )

    def _log_or_halt(self, event: str, **fields: Any) -> None:
        if not log_event(event, **fields):
            raise StorageError(
                f"The log did not take the line {event}, so nothing further is sent. Check the "
                "disk and the permissions of LOG_DIR."
            )
