"""Asking the broker what became of an order, until it is known or must wait for a later cycle.

Absence proves nothing at first: an order may become visible late. *Not placed* is concluded only
after the grace time since the last order was sent, from two complete reads that agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tradebot.clock import Clock
from tradebot.errors import BrokerError, ClockSkew, LoginError, Terminated
from tradebot.execution.account import TradingAccount
from tradebot.execution.completion import Completion, bind_intent
from tradebot.execution.shown_orders import is_of
from tradebot.execution.sightings import BrokerOrders, OrderStanding, Sighting, combine
from tradebot.journal import Attempt, Journal
from tradebot.model import Verdict
from tradebot.observability import log_event
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.messages import OpenOrder

LOOK_BACK = timedelta(minutes=10)
"""How far before sending the audit log is read: both clocks may be a little off."""
MAX_CLOCK_SKEW_SECONDS = 30.0
CONFIRM_WAITS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0)
"""Seconds before each read after placing: a fill took 2.4 to 3.2 s to show on a real SIM server."""
AGREEING_READS_APART_SECONDS = 1.0
NAMED_GRACE = timedelta(hours=1)
"""An order that the broker gave an id is not called absent before this, however quiet it is."""
BUDGET_SECONDS = 10.0


class Reconciler:
    """Reads the broker's side of our orders and settles what it shows."""

    def __init__(
        self,
        broker: SaxoClient,
        journal: Journal,
        clock: Clock,
        account: TradingAccount,
        completion: Completion,
        *,
        grace_seconds: float,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._clock = clock
        self._account = account
        self._completion = completion
        self._grace = timedelta(seconds=grace_seconds)

    def read(self, since: datetime) -> BrokerOrders:
        """Open orders and the audit log from `since`, all pages. Raises BrokerError."""
        orders = self._open_orders()
        rows = self._broker.order_activities(
            self._account.client_key, since=since, account_key=self._account.account_key
        )
        return combine(orders, rows)

    def read_open(self) -> BrokerOrders:
        """Open orders alone, in one request. Raises BrokerError."""
        return combine(self._open_orders(), ())

    def _open_orders(self) -> list[OpenOrder]:
        """Of this account: the broker lists those of all that the login may see."""
        return [o for o in self._broker.open_orders(status="All") if is_of(o, self._account)]

    def require_a_common_clock(self) -> None:
        """Raises ClockSkew when ours is too far from the broker's `Date` to judge absence."""
        offset = self._broker.server_time_offset
        if offset is not None and abs(offset) > MAX_CLOCK_SKEW_SECONDS:
            raise ClockSkew(
                f"This machine's clock is {offset:+.0f} s from the broker's. No trading until it "
                "is right: start a time service (timedatectl set-ntp true)."
            )

    def settle(
        self, attempts: Sequence[Attempt], shown: BrokerOrders, since: datetime
    ) -> list[Attempt]:
        """Settle what `shown`, read from `since` on, tells of orders that were sent.

        Returns what is still unknown. Raises BrokerError from the second read that a conclusion
        of absence needs.
        """
        missing = [attempt for attempt in attempts if not self._settle_from(attempt, shown)]
        return self._conclude_absence(missing, shown, since)

    def confirm(self, attempt: Attempt) -> Verdict | None:
        """Right after sending: read until the order shows or the time for it is up."""
        since = (attempt.sent_at or attempt.created_at) - LOOK_BACK
        begun = self._clock.monotonic()
        log_event("execution_reconcile_begin", external_reference=attempt.intent.external_reference)
        reads = 0
        for wait in CONFIRM_WAITS:
            left = BUDGET_SECONDS - (self._clock.monotonic() - begun) - wait
            if wait and (left < 0 or not self._clock.sleep(wait)):
                break
            try:
                with self._broker.within(left):
                    shown = self.read(since)
            except BrokerError:
                continue  # logged where it happened; the next read, or the next cycle, will tell
            except (LoginError, Terminated):
                break  # the run ends, but this order was sent: it stays to be reconciled
            reads += 1
            sighting = shown.find(attempt.reference_at_broker, attempt.order_id)
            verdict = sighting.verdict() if sighting else None
            if sighting is not None and verdict is not None:
                log_result(sighting, reads=reads)
                return verdict
        log_event("execution_reconcile_result", reconcile_result=OrderStanding.UNKNOWN, reads=reads)
        return None

    def _settle_from(self, attempt: Attempt, shown: BrokerOrders) -> bool:
        sighting = shown.find(attempt.reference_at_broker, attempt.order_id)
        verdict = sighting.verdict() if sighting else None
        if sighting is None or verdict is None:
            return False
        self._conclude(attempt, sighting, verdict, reads=1)
        return True

    def _conclude_absence(
        self, missing: list[Attempt], first: BrokerOrders, since: datetime
    ) -> list[Attempt]:
        """Settle as not placed what two agreeing reads after the grace time do not show."""
        absent = [attempt for attempt in missing if self._may_be_absent(attempt, first)]
        if not absent or not self._clock.sleep(AGREEING_READS_APART_SECONDS):
            return missing
        second = self.read(since)
        for attempt in absent:
            sighting = second.find(attempt.reference_at_broker, attempt.order_id)
            if sighting is None:
                sighting = Sighting("", attempt.intent.external_reference, OrderStanding.NOT_PLACED)
            verdict = sighting.verdict()
            if verdict is not None:
                self._conclude(attempt, sighting, verdict, reads=2)
                missing = [other for other in missing if other is not attempt]
        return missing

    def _may_be_absent(self, attempt: Attempt, shown: BrokerOrders) -> bool:
        """Has enough time passed, and did the first read not show it?"""
        now = self._clock.now()
        last_sent = self._journal.orders.last_sent_at(self._account.hash)
        if last_sent is None or now - last_sent < self._grace:
            return False
        if shown.find(attempt.reference_at_broker, attempt.order_id) is not None:
            return False
        named = attempt.order_id is not None and attempt.sent_at is not None
        return not named or now - (attempt.sent_at or now) > NAMED_GRACE

    def _conclude(
        self, attempt: Attempt, sighting: Sighting, verdict: Verdict, *, reads: int
    ) -> None:
        with bind_intent(attempt):
            log_result(sighting, reads=reads)
            self._completion.complete(attempt.intent.external_reference, verdict)


def log_result(sighting: Sighting, *, reads: int) -> None:
    """What the broker shows of the order whose reference is bound."""
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
