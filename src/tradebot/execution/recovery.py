"""What earlier runs left behind, put in order before anything trades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from tradebot.clock import Clock
from tradebot.execution.account import TradingAccount
from tradebot.execution.completion import Completion, bind_intent
from tradebot.execution.reconciliation import BUDGET_SECONDS, LOOK_BACK, Reconciler, log_result
from tradebot.execution.sightings import BrokerOrders, OrderStanding, Sighting
from tradebot.journal import Attempt, AttemptState, Journal
from tradebot.model import ExecutionOutcome, Verdict
from tradebot.observability import log_event
from tradebot.saxo.client import SaxoClient
from tradebot.vocabulary.reasons import FailureReason

GIVEN_UP = timedelta(days=7)
"""How long an order that was called absent is still looked for."""
_INFERRED = (FailureReason.NOT_PLACED, FailureReason.RESOLVED_BY_HAND)
"""Verdicts that nobody but the bot, or a person, came to: the broker may know better."""


def abandon_unsent(journal: Journal, completion: Completion) -> None:
    """Close attempts that provably sent nothing; their decision may be tried again.

    Only for the holder of the run lock: whoever wrote them has ended.
    """
    verdict = Verdict(ExecutionOutcome.FAILED, FailureReason.ABANDONED_BEFORE_SEND)
    for attempt in journal.orders.unresolved():
        if attempt.state is not AttemptState.SENT:
            with bind_intent(attempt):
                completion.abandon(attempt.intent.external_reference, verdict)


class Recovery:
    """Brings the journal up to date with the broker, from one reading of it."""

    def __init__(
        self,
        broker: SaxoClient,
        journal: Journal,
        clock: Clock,
        account: TradingAccount,
        reconciler: Reconciler,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._clock = clock
        self._account = account
        self._reconciler = reconciler

    def catch_up(self, *, orphans: bool) -> None:
        """Settle orders that were sent, book fills since, look again for what was called absent.

        `orphans` asks for a line per order of our kind that the journal does not know: not in a
        dry run, whose journal knows no real order. Raises BrokerError; the orders that are still
        open then have their line all the same.
        """
        orders, account = self._journal.orders, self._account.hash
        sent = [a for a in orders.unresolved(account) if a.state is AttemptState.SENT]
        live = orders.live(account)
        absent = orders.given_up_since(account, _INFERRED, self._clock.now() - GIVEN_UP)
        for attempt in sent:
            with bind_intent(attempt):
                log_event(
                    "execution_reconcile_begin",
                    external_reference=attempt.intent.external_reference,
                )
        try:
            with self._broker.within(BUDGET_SECONDS):
                self._look(sent, live, absent, orphans=orphans)
        finally:
            still = {a.intent.external_reference for a in orders.unresolved(account)}
            for attempt in sent:
                if attempt.intent.external_reference in still:
                    self._say_unknown(attempt, FailureReason.NOT_FOUND_YET)
            self._say_left_behind(still)

    def _look(
        self,
        sent: Sequence[Attempt],
        live: Sequence[tuple[Attempt, Verdict]],
        absent: Sequence[Attempt],
        *,
        orphans: bool,
    ) -> None:
        wanted = [*sent, *(attempt for attempt, _ in live), *absent]
        if not wanted:
            if orphans:
                self._report_orphans(self._reconciler.read_open())
            return
        since = min(attempt.sent_at or attempt.created_at for attempt in wanted) - LOOK_BACK
        shown = self._reconciler.read(since)
        self._book_fills(live, shown)
        self._look_again(absent, shown)
        if orphans:
            self._report_orphans(shown)
        self._reconciler.settle(sent, shown, since)

    def _book_fills(self, live: Sequence[tuple[Attempt, Verdict]], shown: BrokerOrders) -> None:
        """Bring the fills of accepted, unfinished orders up to date."""
        for attempt, before in live:
            sighting = shown.find(attempt.reference_at_broker, attempt.order_id)
            if self._has_vanished(attempt, sighting, shown):
                seen = sighting or Sighting(before.order_id or "", None, OrderStanding.UNKNOWN)
                sighting = replace(seen, standing=OrderStanding.EXPIRED)
            now = sighting.verdict() if sighting else None
            if now is None or sighting is None or now == before:
                continue
            self._journal.orders.update_fill(
                attempt.intent.external_reference, now, at=self._clock.now()
            )
            with bind_intent(attempt):
                log_result(sighting, reads=1)

    def _has_vanished(
        self, attempt: Attempt, sighting: Sighting | None, shown: BrokerOrders
    ) -> bool:
        """Is it open no more, for longer than a day order can live, without a row of its end?

        A demo account that was reset forgets its orders so; a status that nobody has documented
        looks like it. Otherwise its instrument would never trade again.
        """
        if sighting is not None and (
            sighting.order_id in shown.open_ids or sighting.verdict_is_final
        ):
            return False
        return self._clock.now() - (attempt.sent_at or attempt.created_at) > GIVEN_UP

    def _look_again(self, absent: Sequence[Attempt], shown: BrokerOrders) -> None:
        """An order that was called absent may show up after all; then the fill is booked.

        "Not placed" is an inference. The verdict stands, so nothing is sent again, but a position
        that exists must be known.
        """
        for attempt in absent:
            sighting = shown.find(attempt.reference_at_broker, attempt.order_id)
            verdict = sighting.verdict() if sighting else None
            if sighting is None or verdict is None:
                continue
            self._journal.orders.update_fill(
                attempt.intent.external_reference, verdict, at=self._clock.now()
            )
            with bind_intent(attempt):
                log_event(
                    "execution_verdict_contradicted",
                    order_id=sighting.order_id,
                    reconcile_result=sighting.standing,
                    filled_quantity=sighting.filled_quantity or None,
                    average_price=sighting.average_price,
                )

    def _report_orphans(self, shown: BrokerOrders) -> None:
        for sighting in shown.ours():
            report_orphan(self._journal, sighting.external_reference, sighting.order_id)

    def _say_left_behind(self, mine: set[str]) -> None:
        """A line for each open order of another account: this run cannot look for those."""
        for attempt in self._journal.orders.unresolved():
            if attempt.intent.external_reference not in mine:
                self._say_unknown(attempt, FailureReason.OTHER_ACCOUNT)

    def _say_unknown(self, attempt: Attempt, reason: FailureReason) -> None:
        with bind_intent(attempt):
            log_event("execution_reconcile_result", reconcile_result=OrderStanding.UNKNOWN)
            log_event(
                "execution_completed",
                external_reference=attempt.intent.external_reference,
                execution_outcome=ExecutionOutcome.RECONCILIATION_NEEDED,
                failure_reason=reason,
                order_id=attempt.order_id,
            )


def report_orphan(journal: Journal, reference: str | None, order_id: str) -> None:
    """Say that an order is at the broker whose reference the journal does not know.

    It is never touched: another clone or an older backup may know it.
    """
    if reference is not None and not journal.orders.knows(reference):
        log_event("execution_orphan_found", external_reference=reference, order_id=order_id)
