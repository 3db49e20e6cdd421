"""Orders of this decision that the broker knows and the journal may not.

A restored backup has forgotten orders, a second clone never knew them. References are derived from
the decision, so they can be recognised: before an order is sent the broker's open orders and audit
log are read, and every attempt's reference of the decision is looked for in them. One reading
serves the orders of a few seconds; two clones that read at the same moment send the same request
under the same X-Request-ID, which the broker refuses within 15 seconds (Saxo learn/rate-limiting).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tradebot.clock import Clock
from tradebot.execution.reconciliation import Reconciler
from tradebot.execution.recovery import report_orphan
from tradebot.execution.sightings import BrokerOrders, OrderStanding, Sighting
from tradebot.journal import Journal
from tradebot.model import Intent

SEEN_BEFORE = timedelta(days=7)
"""How far back, at most, the broker is asked."""
FRESH = timedelta(seconds=5)
"""How long a reading serves. Well below the broker's 15 seconds, so that nothing fits between."""
COUNTS = timedelta(seconds=10)
"""How old a reading may be when the order leaves. What another copy sent since, or shortly before
and not yet to be seen, is less than the broker's 15 seconds ago: it refuses the second one."""


class EarlierOrders:
    """One cycle's readings; nothing is asked before the first `find`."""

    def __init__(self, reconciler: Reconciler, journal: Journal, clock: Clock) -> None:
        self._reconciler = reconciler
        self._journal = journal
        self._clock = clock
        self._shown: BrokerOrders | None = None
        self._read_at = self._since = clock.now()
        self._read_at_monotonic = clock.monotonic()

    def find(self, intent: Intent, references: Sequence[str]) -> Sighting | None:
        """The order that was already sent for the decision of `intent`, if there is one.

        `references` are those of all attempts of the decision. An attempt that the broker
        rejected is no order; one with the intent's own reference counts whatever became of it.
        Raises BrokerError.
        """
        shown = self._read(intent)
        found = [sighting for sighting in map(shown.find, references) if sighting is not None]
        for sighting in found:
            if sighting.standing is not OrderStanding.REJECTED:
                return sighting
        own = intent.external_reference
        return next((s for s in found if s.external_reference == own), None)

    def _read(self, intent: Intent) -> BrokerOrders:
        """Read from the decision's bar on: it can have been acted on at any time since."""
        now = self._clock.now()
        since = max(now - SEEN_BEFORE, intent.bar_time)
        if self._shown is None or since < self._since or self._age() > FRESH:
            self._read_at, self._read_at_monotonic = now, self._clock.monotonic()
            self._shown, self._since = self._reconciler.read(since), since
        return self._shown

    def still_counts(self) -> bool:
        """Is the last reading young enough for an order to leave?"""
        return self._shown is not None and self._age() <= COUNTS

    def _age(self) -> timedelta:
        """Of the reading, from its begin, by the stricter clock: either may stop or be set back."""
        ticked = timedelta(seconds=self._clock.monotonic() - self._read_at_monotonic)
        return max(ticked, self._clock.now() - self._read_at)

    def report_orphans(self) -> None:
        """A line for each order of our kind in the reading that the journal does not know.

        Not while an order is worked on: its lines carry that order's reference and instrument.
        """
        for sighting in self._shown.ours() if self._shown else ():
            report_orphan(self._journal, sighting.external_reference, sighting.order_id)
