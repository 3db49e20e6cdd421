"""The daily double entry: what the journal says was sent, against what the broker says it has.

Pure: the caller reads both sides, nothing here asks or changes anything. Each difference has one
code word (`vocabulary.reasons.Difference`). An order that was sent within the last minute may not
be visible yet; it is no difference, but it is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tradebot.execution.references import PREFIX
from tradebot.execution.shown_orders import ShownOrder
from tradebot.execution.sightings import OrderStanding
from tradebot.journal import Attempt
from tradebot.model import ExecutionOutcome, InstrumentId, OrderState, Verdict
from tradebot.vocabulary.reasons import Difference, FailureReason

TOO_YOUNG = timedelta(minutes=1)
NOTHING = "nothing"

_DEAD = frozenset({OrderStanding.CANCELLED, OrderStanding.EXPIRED, OrderStanding.REJECTED})
_LIVE = (OrderStanding.WORKING, OrderStanding.PARTIAL)
_EXPECTED = {
    OrderState.WORKING: frozenset({OrderStanding.WORKING}),
    OrderState.PARTIAL: frozenset({OrderStanding.PARTIAL}),
    OrderState.FILLED: frozenset({OrderStanding.FILLED}),
}
_ENDED: dict[str, frozenset[OrderStanding]] = {
    FailureReason.CANCELLED: frozenset({OrderStanding.CANCELLED}),
    FailureReason.EXPIRED: frozenset({OrderStanding.EXPIRED}),
    FailureReason.REJECTED_AFTER_ACCEPTANCE: frozenset({OrderStanding.REJECTED}),
}
_STAMP = len(PREFIX) + len("20170306-0000-")

Entry = tuple[Attempt, Verdict | None]
"""An order that the journal says was sent, and how it stands there; None: not known."""


@dataclass(frozen=True, slots=True)
class Books:
    """The journal's side, for one account."""

    entries: Sequence[Entry] = ()
    """What was sent in the period, and whatever has no verdict yet."""
    known: Mapping[str, Attempt] = field(default_factory=dict)
    """Attempts of any time, by reference: at least those whose reference the broker shows."""
    positions: Mapping[InstrumentId, Decimal] = field(default_factory=dict)
    """What the bot counts as its own of each instrument that is to be compared, 0 included."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The broker's side, read whole from some minutes before the period on."""

    orders: Sequence[ShownOrder] = ()
    positions: Mapping[InstrumentId, Decimal] = field(default_factory=dict)
    """Net, signed, by instrument."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to, and without, `until`; looked at from `now`."""

    since: datetime
    until: datetime
    now: datetime

    def holds(self, order: ShownOrder) -> bool:
        """Does the order belong to the period? Open ones do, however old they are."""
        seen = order.sighting.first_seen
        if seen is None:
            return True
        return seen < self.until and (seen >= self.since or order.sighting.standing in _LIVE)


@dataclass(frozen=True, slots=True)
class Found:
    """One difference. `journal` and `broker` say in words what either side has."""

    difference: Difference
    journal: str
    broker: str
    reference: str | None = None
    instrument: InstrumentId | None = None
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found, and how much was looked at for it."""

    found: tuple[Found, ...]
    orders: int
    """Orders of the journal that were compared."""
    too_young: int
    positions: int
    """Instruments whose positions were compared."""


def compare(books: Books, shown: Shown, period: Period) -> Comparison:
    """Every difference between the journal and the broker."""
    old = [entry for entry in books.entries if not _is_young(entry[0], period.now)]
    young = [attempt for attempt, _ in books.entries if _is_young(attempt, period.now)]
    matched = _Matched(books, shown.orders)
    busy = {attempt.intent.instrument for attempt in young}
    held = [instrument for instrument in sorted(books.positions) if instrument not in busy]
    found = [
        *(one for entry in old for one in _judge(*entry, matched.order_of(entry[0]))),
        *_strangers(books, matched, period),
        *_duplicates(matched, period),
        *(one for instrument in held for one in _judge_position(instrument, books, shown)),
    ]
    return Comparison(tuple(found), len(old), len(young), len(held))


def _is_young(attempt: Attempt, now: datetime) -> bool:
    return attempt.sent_at is not None and attempt.sent_at > now - TOO_YOUNG


class _Matched:
    """The broker's orders of our kind, each with the attempt that it belongs to."""

    def __init__(self, books: Books, orders: Sequence[ShownOrder]) -> None:
        self._attempts = {a.intent.external_reference: a for a in books.known.values()}
        self._attempts |= {a.intent.external_reference: a for a, _ in books.entries}
        self._named = {a.order_id: a for a in self._attempts.values() if a.order_id}
        self.ours = [o for o in orders if (o.reference or "").startswith(PREFIX)]
        self._by_id = {order.order_id: order for order in orders}

    def attempt_of(self, order: ShownOrder) -> Attempt | None:
        """By its reference, or by its id: the journal may have taken over, under the reference
        of a later attempt, an order of the same decision that it had forgotten."""
        return self._attempts.get(order.reference or "") or self._named.get(order.order_id)

    def order_of(self, attempt: Attempt) -> ShownOrder | None:
        """The order of the id that the journal has, else the likeliest one of its reference."""
        if attempt.order_id in self._by_id:
            return self._by_id[attempt.order_id]
        reference = attempt.intent.external_reference
        found = [order for order in self.ours if order.reference == reference]
        return min(found, key=lambda o: (not _exists(o), o.order_id), default=None)


def _exists(order: ShownOrder) -> bool:
    """A rejected order never was one."""
    return order.sighting.standing is not OrderStanding.REJECTED


# -- one order -------------------------------------------------------------------------------------


def _judge(attempt: Attempt, verdict: Verdict | None, order: ShownOrder | None) -> Iterator[Found]:
    if verdict is None:
        yield _about(Difference.UNRESOLVED, attempt, verdict, order)
        return
    expected = _expected(verdict)
    if order is None:
        if expected:
            yield _about(Difference.MISSING_AT_BROKER, attempt, verdict, order)
        return
    if not _is_the_same(attempt, order):
        yield _about(Difference.ORDER_DIFFERS, attempt, verdict, order)
    if not expected:
        if not _is_no_order(verdict, order):
            yield _about(Difference.CONTRADICTED, attempt, verdict, order)
    elif order.sighting.standing not in expected:
        yield _about(Difference.STATE_DIFFERS, attempt, verdict, order)
    elif verdict.filled_quantity != order.sighting.filled_quantity:
        yield _about(Difference.QUANTITY_DIFFERS, attempt, verdict, order)


def _expected(verdict: Verdict) -> frozenset[OrderStanding]:
    """How the order may stand at the broker; empty when there should be none."""
    if verdict.order_state is not None:
        return _EXPECTED[verdict.order_state]
    if verdict.failure_reason in _ENDED:
        return _ENDED[verdict.failure_reason]
    if verdict.outcome is ExecutionOutcome.SUCCESS or verdict.filled_quantity:
        return _DEAD  # it was working once, and is gone
    return frozenset()


def _is_no_order(verdict: Verdict, order: ShownOrder) -> bool:
    """Is it as good as absent? A person who says that nothing came of it may mean a dead order."""
    if not _exists(order):
        return True
    dead = order.sighting.standing in _DEAD and not order.sighting.filled_quantity
    return dead and verdict.failure_reason == FailureReason.RESOLVED_BY_HAND


def _is_the_same(attempt: Attempt, order: ShownOrder) -> bool:
    """Does the broker show what was meant, as far as it says?"""
    intent = attempt.intent
    return (
        order.instrument in (None, intent.instrument)
        and order.side in (None, intent.side)
        and order.amount in (None, intent.quantity)
        # Another attempt's order can have been taken over; it is of the same bar.
        and (order.reference or intent.external_reference)[:_STAMP]
        == intent.external_reference[:_STAMP]
    )


def _about(
    difference: Difference, attempt: Attempt, verdict: Verdict | None, order: ShownOrder | None
) -> Found:
    return Found(
        difference,
        journal=in_journal(attempt, verdict),
        broker=NOTHING if order is None else at_broker(order),
        reference=attempt.intent.external_reference,
        instrument=attempt.intent.instrument,
        order_ids=() if order is None else (order.order_id,),
    )


# -- orders that the journal did not expect ----------------------------------------------------


def _strangers(books: Books, matched: _Matched, period: Period) -> Iterator[Found]:
    """Orders of our kind that the journal does not know, or says were never sent."""
    for order in matched.ours:
        if not period.holds(order):
            continue
        attempt = matched.attempt_of(order)
        if attempt is None:
            yield Found(
                Difference.UNKNOWN_TO_JOURNAL,
                journal=NOTHING,
                broker=at_broker(order),
                reference=order.reference,
                instrument=order.instrument,
                order_ids=(order.order_id,),
            )
        elif attempt.sent_at is None and _exists(order):
            yield _about(Difference.CONTRADICTED, attempt, None, order)


def _duplicates(matched: _Matched, period: Period) -> Iterator[Found]:
    """More than one order for one decision, or with one reference."""
    groups: dict[object, list[ShownOrder]] = defaultdict(list)
    for order in filter(_exists, matched.ours):
        attempt = matched.attempt_of(order)
        intent = attempt.intent if attempt else None
        key = (intent.instrument, intent.bar_time, intent.side) if intent else order.reference
        groups[key].append(order)
    for orders in groups.values():
        if len(orders) > 1 and any(map(period.holds, orders)):
            first = min(orders, key=lambda order: order.order_id)
            yield Found(
                Difference.DUPLICATE_AT_BROKER,
                journal="one order",
                broker=" and ".join(map(at_broker, orders)),
                reference=first.reference,
                instrument=first.instrument,
                order_ids=tuple(sorted(order.order_id for order in orders)),
            )


# -- positions -------------------------------------------------------------------------------------


def _judge_position(instrument: InstrumentId, books: Books, shown: Shown) -> Iterator[Found]:
    """The broker may hold more, which is somebody else's; it must not hold less."""
    own = books.positions.get(instrument, Decimal(0))
    held = shown.positions.get(instrument, Decimal(0))
    if own < 0 or held < own:
        yield Found(
            Difference.POSITION_DIFFERS,
            journal=f"{plain(own)} of its own",
            broker=plain(held),
            instrument=instrument,
        )


# -- in words --------------------------------------------------------------------------------------


def in_journal(attempt: Attempt, verdict: Verdict | None) -> str:
    """One entry in words: ``BUY 10 Stock:10001, SUCCESS filled, 10 filled``."""
    intent = attempt.intent
    order = f"{intent.side} {plain(intent.quantity)} {intent.instrument}"
    if attempt.sent_at is None:
        return f"{order}, never sent"
    if verdict is None:
        return f"{order}, sent, outcome unknown"
    words = [verdict.outcome, verdict.failure_reason, verdict.order_state]
    told = " ".join(str(word) for word in words if word)
    return f"{order}, {told}, {plain(verdict.filled_quantity)} filled"


def at_broker(order: ShownOrder) -> str:
    """One order in words: ``order 5039287596 BUY 10 Stock:10001, filled, 10 filled``."""
    amount = None if order.amount is None else plain(order.amount)
    facts = (f"order {order.order_id}", order.side, amount, order.instrument)
    what = " ".join(str(fact) for fact in facts if fact is not None)
    return f"{what}, {order.sighting.standing}, {plain(order.sighting.filled_quantity)} filled"


def plain(quantity: Decimal) -> str:
    """Without exponent and without zeros at the end: ``10000``, ``0.5``."""
    return f"{quantity.normalize():f}"
