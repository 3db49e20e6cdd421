"""Asking the broker what became of an order, until it is known or must wait for a later cycle.

Absence proves nothing at first: an order may become visible late. *Not placed* is concluded only
after the grace time since the last order was sent, from two complete reads that agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from tradebot.clock import Clock
from tradebot.errors import BrokerError, ClockSkew, LoginError, Terminated
from tradebot.execution.account import TradingAccount
from tradebot.execution.sightings import BrokerOrders, OrderStanding, Sighting, combine
from tradebot.journal import Attempt, AttemptState, Journal
from tradebot.model import ExecutionOutcome, Verdict
from tradebot.observability import bind, log_event
from tradebot.saxo.client import SaxoClient
from tradebot.vocabulary.reasons import FailureReason

LOOK_BACK = timedelta(minutes=10)
"""How far before sending the audit log is read: both clocks may be a little off."""
MAX_CLOCK_SKEW_SECONDS = 30.0
CONFIRM_WAITS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0)
"""Seconds before each read after placing: a fill took 2.4 to 3.2 s to show on a real SIM server."""
AGREEING_READS_APART_SECONDS = 1.0
NAMED_GRACE = timedelta(hours=1)
"""An order that the broker gave an id is not called absent before this, however quiet it is."""
GIVEN_UP = timedelta(days=7)
"""How long an order that was called absent is still looked for."""
BUDGET_SECONDS = 10.0


class Reconciler:
    """Reads the broker's side of our orders and settles what it shows."""

    def __init__(
        self,
        broker: SaxoClient,
        journal: Journal,
        clock: Clock,
        account: TradingAccount,
        *,
        grace_seconds: float,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._clock = clock
        self._account = account
        self._grace = grace_seconds

    def read(self, since: datetime) -> BrokerOrders:
        """Open orders and the audit log from `since`, all pages. Raises BrokerError."""
        orders = self._broker.open_orders(status="All")
        rows = self._broker.order_activities(
            self._account.client_key, since=since, account_key=self._account.account_key
        )
        return combine(orders, rows)

    def require_a_common_clock(self) -> None:
        """Raises ClockSkew when ours is too far from the broker's `Date` to judge absence."""
        offset = self._broker.server_time_offset
        if offset is not None and abs(offset) > MAX_CLOCK_SKEW_SECONDS:
            raise ClockSkew(
                f"This machine's clock is {offset:+.0f} s from the broker's. No trading until it "
                "is right: start a time service (timedatectl set-ntp true)."
            )

    def settle_unresolved(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Settle what the broker now shows. Returns what is still unknown.

        Attempts that were never sent are not for here: they are abandoned, not looked for.
        """
        sent = [attempt for attempt in attempts if attempt.state is AttemptState.SENT]
        if not sent:
            return []
        for attempt in sent:
            with bind_intent(attempt):
                log_event(
                    "execution_reconcile_begin",
                    external_reference=attempt.intent.external_reference,
                )
        since = min(attempt.sent_at or attempt.created_at for attempt in sent) - LOOK_BACK
        first = self.read(since)
        missing = [attempt for attempt in sent if self._settle_from(attempt, first) is None]
        missing = self._conclude_absence(missing, first, since)
        for attempt in missing:
            self._say_still_unknown(attempt)
        return missing

    def refresh_live(self) -> None:
        """Bring the fills of accepted, unfinished orders up to date."""
        live = self._journal.orders.live(self._account.hash)
        if not live:
            return
        since = min(attempt.sent_at or attempt.created_at for attempt, _ in live) - LOOK_BACK
        shown = self.read(since)
        for attempt, before in live:
            sighting = shown.find(attempt.intent.external_reference, attempt.order_id)
            now = sighting.verdict() if sighting else None
            if now is None or sighting is None or now == before:
                continue
            self._journal.orders.update_fill(
                attempt.intent.external_reference, now, at=self._clock.now()
            )
            with bind_intent(attempt):
                _log_result(sighting, reads=1)

    def look_again_for_absent(self) -> None:
        """An order that was called absent may show up after all; then the fill is booked.

        "Not placed" is an inference. The verdict stands, so nothing is sent again, but a position
        that exists must be known.
        """
        now = self._clock.now()
        attempts = self._journal.orders.given_up_since(
            self._account.hash, FailureReason.NOT_PLACED, now - GIVEN_UP
        )
        if not attempts:
            return
        shown = self.read(min(attempt.sent_at or now for attempt in attempts) - LOOK_BACK)
        for attempt in attempts:
            sighting = shown.find(attempt.intent.external_reference, attempt.order_id)
            verdict = sighting.verdict() if sighting else None
            if sighting is None or verdict is None:
                continue
            self._journal.orders.update_fill(attempt.intent.external_reference, verdict, at=now)
            with bind_intent(attempt):
                log_event(
                    "execution_verdict_contradicted",
                    order_id=sighting.order_id,
                    reconcile_result=sighting.standing,
                    filled_quantity=sighting.filled_quantity or None,
                    average_price=sighting.average_price,
                )

    def say_left_behind(self) -> None:
        """A line for each open order of another account: this run cannot look for those."""
        mine = {a.intent.external_reference for a in self._unresolved(self._account.hash)}
        for attempt in self._unresolved(None):
            if attempt.intent.external_reference not in mine:
                self._say_still_unknown(attempt, FailureReason.OTHER_ACCOUNT)

    def _unresolved(self, account: str | None) -> list[Attempt]:
        return self._journal.orders.unresolved(account)

    def confirm(self, attempt: Attempt) -> Verdict | None:
        """Right after sending: read until the order shows or the time for it is up."""
        since = (attempt.sent_at or attempt.created_at) - LOOK_BACK
        begun = self._clock.monotonic()
        sighting: Sighting | None = None
        log_event("execution_reconcile_begin", external_reference=attempt.intent.external_reference)
        reads = 0
        for wait in CONFIRM_WAITS:
            if wait and (
                self._clock.monotonic() - begun + wait > BUDGET_SECONDS
                or not self._clock.sleep(wait)
            ):
                break
            try:
                shown = self.read(since)
            except BrokerError:
                continue  # logged where it happened; the next read, or the next cycle, will tell
            except (LoginError, Terminated):
                break  # the run ends, but this order was sent: it stays to be reconciled
            reads += 1
            sighting = shown.find(attempt.intent.external_reference, attempt.order_id)
            verdict = sighting.verdict() if sighting else None
            if sighting is not None and verdict is not None:
                _log_result(sighting, reads=reads)
                return verdict
        log_event("execution_reconcile_result", reconcile_result=OrderStanding.UNKNOWN, reads=reads)
        return None

    def _settle_from(self, attempt: Attempt, shown: BrokerOrders) -> Verdict | None:
        sighting = shown.find(attempt.intent.external_reference, attempt.order_id)
        verdict = sighting.verdict() if sighting else None
        if sighting is None or verdict is None:
            return None
        with bind_intent(attempt):
            _log_result(sighting, reads=1)
            self._complete(attempt, verdict)
        return verdict

    def _conclude_absence(
        self, missing: list[Attempt], first: BrokerOrders, since: datetime
    ) -> list[Attempt]:
        """Settle as not placed what two agreeing reads after the grace time do not show."""
        last_sent = self._journal.orders.last_sent_at(self._account.hash)
        now = self._clock.now()
        if last_sent is None or now - last_sent < timedelta(seconds=self._grace):
            return missing
        absent = [
            a
            for a in missing
            if not first.find(a.intent.external_reference, a.order_id)
            and (a.order_id is None or a.sent_at is None or now - a.sent_at > NAMED_GRACE)
        ]
        if not absent or not self._clock.sleep(AGREEING_READS_APART_SECONDS):
            return missing
        second = self.read(since)
        for attempt in absent:
            sighting = second.find(attempt.intent.external_reference, attempt.order_id)
            if sighting is None:
                sighting = Sighting("", attempt.intent.external_reference, OrderStanding.NOT_PLACED)
            verdict = sighting.verdict()
            if verdict is None:
                continue
            with bind_intent(attempt):
                _log_result(sighting, reads=2)
                self._complete(attempt, verdict)
            missing = [other for other in missing if other is not attempt]
        return missing

    def _complete(self, attempt: Attempt, verdict: Verdict) -> None:
        complete(self._journal, self._clock, attempt.intent.external_reference, verdict)

    def _say_still_unknown(
        self, attempt: Attempt, reason: FailureReason = FailureReason.NOT_FOUND_YET
    ) -> None:
        with bind_intent(attempt):
            log_event("execution_reconcile_result", reconcile_result=OrderStanding.UNKNOWN)
            log_event(
                "execution_completed",
                external_reference=attempt.intent.external_reference,
                execution_outcome=ExecutionOutcome.RECONCILIATION_NEEDED,
                failure_reason=reason,
                order_id=attempt.order_id,
            )


def bind_intent(attempt: Attempt) -> AbstractContextManager[None]:
    """Every line inside carries the order's reference and instrument, whoever writes it."""
    intent = attempt.intent
    return bind(
        external_reference=intent.external_reference,
        instrument_id=str(intent.instrument),
        asset_type=intent.instrument.asset_type,
        uic=intent.instrument.uic,
        symbol=intent.symbol,
    )


def complete(
    journal: Journal,
    clock: Clock,
    reference: str,
    verdict: Verdict,
    *,
    may_try_again: bool = False,
) -> None:
    """Write the verdict, then its line, then that the line was written.

    A crash between the two leaves a verdict without a line; `replay_unlogged` writes it again.
    """
    journal.orders.settle(reference, verdict, at=clock.now(), may_try_again=may_try_again)
    if log_completed(reference, verdict):
        journal.orders.mark_logged(reference)


def replay_unlogged(journal: Journal) -> None:
    """Write the lines of verdicts that a crash may have kept from the log."""
    for attempt, verdict in journal.orders.unlogged():
        reference = attempt.intent.external_reference
        with bind_intent(attempt):
            if log_completed(reference, verdict, replayed=True):
                journal.orders.mark_logged(reference)


def log_completed(reference: str, verdict: Verdict, *, replayed: bool | None = None) -> bool:
    """The line that ends an intent's story. True when it reached the file."""
    return log_event(
        "execution_completed",
        external_reference=reference,
        execution_outcome=verdict.outcome,
        failure_reason=verdict.failure_reason,
        order_id=verdict.order_id,
        order_state=verdict.order_state,
        filled_quantity=verdict.filled_quantity or None,
        average_price=verdict.average_price,
        replayed=replayed,
    )


def _log_result(sighting: Sighting, *, reads: int) -> None:
    verdict = sighting.verdict()
    log_event(
        "execution_reconcile_result",
        reconcile_result=sighting.standing,
        order_id=sighting.order_id or None,
        order_state=verdict.order_state if verdict else None,
        filled_quantity=sighting.filled_quantity or None,
        average_price=sighting.average_price,
        reads=reads,
    )
