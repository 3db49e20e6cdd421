"""What may stop a strategy's wish before it becomes an intent, in a fixed order.

already decided → unresolved intent → order working → position mismatch → position held → limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradebot.execution.account import ExecutionPolicy, TradingAccount
from tradebot.journal import Journal
from tradebot.model import Action, InstrumentId, Quote
from tradebot.vocabulary.reasons import DecisionReason


@dataclass(frozen=True, slots=True)
class Wish:
    """A BUY or SELL that a strategy asked for."""

    instrument: InstrumentId
    side: Action
    quantity: Decimal
    bar_time: datetime
    quote: Quote
    currency: str | None = None


class Guards:
    """The guards of one cycle. `granted` counts, so that limits hold within a cycle too."""

    def __init__(
        self,
        journal: Journal,
        account: TradingAccount,
        policy: ExecutionPolicy,
        *,
        strategy: str,
        broker_positions: Mapping[InstrumentId, Decimal],
        now: datetime,
    ) -> None:
        self._journal = journal
        self._account = account
        self._policy = policy
        self._strategy = strategy
        self._broker = broker_positions
        self._own = journal.orders.own_positions(account.hash)
        self._unresolved = {
            attempt.intent.instrument for attempt in journal.orders.unresolved(account.hash)
        }
        self._working = {
            attempt.intent.instrument for attempt, _ in journal.orders.live(account.hash)
        }
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        count = journal.orders.created_since if policy.dry_run else journal.orders.sent_since
        self._trades_today = count(account.hash, midnight)

    def sellable(self, instrument: InstrumentId) -> Decimal:
        """The smaller of the broker's net position and the bot's own; never negative."""
        own = self._own.get(instrument, Decimal(0))
        return max(Decimal(0), min(own, self._broker.get(instrument, Decimal(0))))

    def refusal(self, wish: Wish) -> DecisionReason | None:
        """The first guard that refuses, or None; a wish that passes counts as granted."""
        reason = self._standing(wish) or self._positions(wish) or self._limits(wish)
        if reason is None:
            self._trades_today += 1
        return reason

    def _standing(self, wish: Wish) -> DecisionReason | None:
        if self._journal.orders.is_decided(
            self._account.hash, self._strategy, wish.instrument, wish.bar_time
        ):
            return DecisionReason.ALREADY_DECIDED
        if wish.instrument in self._unresolved:
            return DecisionReason.UNRESOLVED_INTENT
        if wish.instrument in self._working:
            return DecisionReason.ORDER_WORKING
        return None

    def _positions(self, wish: Wish) -> DecisionReason | None:
        own = self._own.get(wish.instrument, Decimal(0))
        broker = self._broker.get(wish.instrument, Decimal(0))
        if broker < own:
            return DecisionReason.POSITION_MISMATCH
        if wish.side is Action.BUY and broker > 0:
            return DecisionReason.POSITION_HELD
        if wish.side is Action.SELL and self.sellable(wish.instrument) <= 0:
            return DecisionReason.NOTHING_SELLABLE
        return None

    def _limits(self, wish: Wish) -> DecisionReason | None:
        limit = self._policy.max_trades_per_day
        if limit and self._trades_today >= limit:
            return DecisionReason.MAX_TRADES_PER_DAY
        if (
            wish.side is Action.BUY
            and self._policy.max_position_value
            and wish.currency == self._account.currency
            and position_value(wish.quantity, wish.quote) > self._policy.max_position_value
        ):
            return DecisionReason.MAX_POSITION_VALUE
        return None


def position_value(quantity: Decimal, quote: Quote) -> Decimal:
    """What a purchase is worth at the ask, in the instrument's currency."""
    return quantity * Decimal(str(quote.ask))
