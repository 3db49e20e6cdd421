"""The journal against the broker: what agrees is silent, and each difference has its own word."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.execution.account import TradingAccount
from tradebot.execution.double_entry import (
    Books,
    Comparison,
    Entry,
    Found,
    Period,
    Shown,
    compare,
)
from tradebot.execution.shown_orders import ShownOrder, shown_orders
from tradebot.execution.sightings import OrderStanding, Sighting
from tradebot.journal import Attempt, AttemptState
from tradebot.model import Action, ExecutionOutcome, InstrumentId, Intent, OrderState, Verdict
from tradebot.saxo.messages import OpenOrder
from tradebot.saxo.reference_messages import OrderActivity
from tradebot.vocabulary.reasons import Difference, FailureReason

NOW = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
PERIOD = Period(NOW - timedelta(hours=30), NOW + timedelta(hours=9), NOW)
SENT = NOW - timedelta(hours=1)
BAR = datetime(2026, 3, 2, tzinfo=UTC)
HALF = Decimal(5)
WHOLE = Decimal(10)
MINE = TradingAccount("key", "client", "USD", "hash", "id")

Pair = tuple[Attempt, Verdict | None, ShownOrder | None]


def attempt(number: int, *, sent: datetime | None = SENT, again: int = 1) -> Attempt:
    intent = Intent(
        external_reference=f"ATB-20260302-0000-{number:07d}AA{again}",
        instrument=InstrumentId("Stock", 100 + number),
        side=Action.BUY if number % 2 else Action.SELL,
        quantity=WHOLE,
        bar_time=BAR,
        attempt=again,
    )
    return Attempt(intent, AttemptState.SENT, "run", 1, SENT, sent, None)


def shown(
    of: Attempt, standing: OrderStanding, filled: Decimal = Decimal(0), number: int = 1
) -> ShownOrder:
    intent = of.intent
    sighting = Sighting(
        f"{intent.instrument.uic}00{number}",
        intent.external_reference,
        standing,
        filled,
        first_seen=of.sent_at or SENT,
    )
    return ShownOrder(sighting, intent.instrument, intent.side, intent.quantity)


def success(state: OrderState | None, filled: Decimal = Decimal(0)) -> Verdict:
    return Verdict(ExecutionOutcome.SUCCESS, order_state=state, filled_quantity=filled)


def failed(reason: FailureReason, filled: Decimal = Decimal(0)) -> Verdict:
    return Verdict(ExecutionOutcome.FAILED, reason, filled_quantity=filled)


AGREEING: tuple[tuple[Verdict, OrderStanding | None, Decimal], ...] = (
    (success(OrderState.FILLED, WHOLE), OrderStanding.FILLED, WHOLE),
    (success(OrderState.WORKING), OrderStanding.WORKING, Decimal(0)),
    (success(OrderState.PARTIAL, HALF), OrderStanding.PARTIAL, HALF),
    (success(None, HALF), OrderStanding.CANCELLED, HALF),
    (success(None, Decimal(0)), OrderStanding.EXPIRED, Decimal(0)),
    (failed(FailureReason.CANCELLED, HALF), OrderStanding.CANCELLED, HALF),
    (failed(FailureReason.EXPIRED), OrderStanding.EXPIRED, Decimal(0)),
    (failed(FailureReason.REJECTED_AFTER_ACCEPTANCE), OrderStanding.REJECTED, Decimal(0)),
    (failed(FailureReason.INSUFFICIENT_CASH), OrderStanding.REJECTED, Decimal(0)),
    (failed(FailureReason.INSUFFICIENT_CASH), None, Decimal(0)),
    (failed(FailureReason.NOT_PLACED), None, Decimal(0)),
    (failed(FailureReason.RESOLVED_BY_HAND), None, Decimal(0)),
    (failed(FailureReason.RESOLVED_BY_HAND), OrderStanding.EXPIRED, Decimal(0)),
    (Verdict(ExecutionOutcome.SKIPPED, FailureReason.DRY_RUN), None, Decimal(0)),
    # Called absent, found again, and its fill booked since.
    (replace(success(OrderState.FILLED, WHOLE), outcome=ExecutionOutcome.FAILED,
             failure_reason=FailureReason.NOT_PLACED), OrderStanding.FILLED, WHOLE),
)  # fmt: skip
WITH_ORDER = [
    n for n, (_, at, _) in enumerate(AGREEING) if at not in (None, OrderStanding.REJECTED)
]


def pair(number: int, kind: int) -> Pair:
    verdict, standing, filled = AGREEING[kind]
    one = attempt(number)
    return one, verdict, None if standing is None else shown(one, standing, filled)


def compared(pairs: list[Pair], *more: ShownOrder, period: Period = PERIOD) -> Comparison:
    """Both sides in some order that must not matter."""
    entries: list[Entry] = [(one, verdict) for one, verdict, _ in pairs]
    orders = [order for *_, order in pairs if order is not None] + list(more)
    shuffled = random.Random(len(entries) * 31 + len(orders))
    shuffled.shuffle(entries)
    shuffled.shuffle(orders)
    return compare(Books(entries), Shown(orders), period)


def words(comparison: Comparison) -> list[tuple[Difference, str | None]]:
    return [(one.difference, one.reference) for one in comparison.found]


def only(comparison: Comparison) -> Found:
    [found] = comparison.found
    return found


kinds = st.lists(st.integers(0, len(AGREEING) - 1), max_size=8)


@given(kinds)
def test_two_sides_that_agree_are_silent(chosen: list[int]) -> None:
    pairs = [pair(number, kind) for number, kind in enumerate(chosen)]
    comparison = compared(pairs)
    assert comparison == Comparison((), len(pairs), 0, 0)


def _lost(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
    return (one[0], one[1], None), []


def _forgotten(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
    assert one[2] is not None
    return None, [one[2]]


def _twice(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
    return one, [shown(one[0], OrderStanding.FILLED, WHOLE, number=2)]


def _open(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
    return (one[0], None, one[2]), []


def _called_absent(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
    return (one[0], failed(FailureReason.NOT_PLACED), one[2]), []


def _changed(**facts: object) -> Callable[[Pair], tuple[Pair | None, list[ShownOrder]]]:
    def change(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
        assert one[2] is not None
        return (one[0], one[1], replace(one[2], **facts)), []  # type: ignore[arg-type]

    return change


def _other_side(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
    other = Action.SELL if one[0].intent.side is Action.BUY else Action.BUY
    return _changed(side=other)(one)


def _standing(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
    assert one[2] is not None
    sighting = one[2].sighting
    other = (
        OrderStanding.WORKING if sighting.standing is OrderStanding.FILLED else OrderStanding.FILLED
    )
    return _changed(sighting=replace(sighting, standing=other))(one)


def _quantity(one: Pair) -> tuple[Pair | None, list[ShownOrder]]:
    assert one[2] is not None
    sighting = one[2].sighting
    more = sighting.filled_quantity + 1
    return _changed(sighting=replace(sighting, filled_quantity=more))(one)


SPOILT: dict[str, tuple[Difference, Callable[[Pair], tuple[Pair | None, list[ShownOrder]]]]] = {
    "lost": (Difference.MISSING_AT_BROKER, _lost),
    "forgotten": (Difference.UNKNOWN_TO_JOURNAL, _forgotten),
    "twice": (Difference.DUPLICATE_AT_BROKER, _twice),
    "open": (Difference.UNRESOLVED, _open),
    "called absent": (Difference.CONTRADICTED, _called_absent),
    "instrument": (Difference.ORDER_DIFFERS, _changed(instrument=InstrumentId("Etf", 9))),
    "amount": (Difference.ORDER_DIFFERS, _changed(amount=Decimal(11))),
    "side": (Difference.ORDER_DIFFERS, _other_side),
    "standing": (Difference.STATE_DIFFERS, _standing),
    "quantity": (Difference.QUANTITY_DIFFERS, _quantity),
}


@given(
    kinds,
    st.sampled_from(
        [n for n in WITH_ORDER if AGREEING[n][0].failure_reason != FailureReason.RESOLVED_BY_HAND]
    ),
    st.sampled_from(sorted(SPOILT)),
)
def test_one_thing_spoilt_is_the_one_thing_found(chosen: list[int], kind: int, how: str) -> None:
    pairs = [pair(number, one) for number, one in enumerate(chosen)]
    victim = pair(99, kind)
    difference, spoil = SPOILT[how]
    spoilt, more = spoil(victim)
    comparison = compared([*pairs, *([spoilt] if spoilt else [])], *more)
    assert words(comparison) == [(difference, victim[0].intent.external_reference)]
    assert comparison.orders == len(pairs) + (spoilt is not None)


@given(st.sampled_from(sorted(SPOILT)), st.integers(-3600, 59))
def test_a_young_order_is_counted_and_not_judged(how: str, age: int) -> None:
    one = pair(1, 0)
    young = replace(one[0], sent_at=NOW - timedelta(seconds=age))
    spoilt, more = SPOILT[how][1]((young, one[1], one[2]))
    if spoilt is None or more:
        return  # a stranger or a second order is one at any age
    comparison = compared([spoilt])
    assert comparison == Comparison((), 0, 1, 0)


def test_a_minute_is_old_enough() -> None:
    old = replace(attempt(1), sent_at=NOW - timedelta(seconds=60))
    assert only(compared([(old, None, None)])).difference is Difference.UNRESOLVED


# -- what the journal did not expect ---------------------------------------------------------------


def test_two_attempts_of_one_decision_that_both_exist_are_a_duplicate() -> None:
    first, second = attempt(1), attempt(1, again=2)
    filled = success(OrderState.FILLED, WHOLE)
    found = only(
        compared(
            [
                (first, filled, shown(first, OrderStanding.FILLED, WHOLE)),
                (second, filled, shown(second, OrderStanding.FILLED, WHOLE, number=2)),
            ]
        )
    )
    assert found.difference is Difference.DUPLICATE_AT_BROKER
    assert found.order_ids == ("101001", "101002")


def test_an_attempt_that_was_rejected_does_not_make_the_next_one_a_duplicate() -> None:
    first, second = attempt(1), attempt(1, again=2)
    pairs: list[Pair] = [
        (first, failed(FailureReason.MARKET_CLOSED), shown(first, OrderStanding.REJECTED)),
        (second, success(OrderState.FILLED, WHOLE),
         shown(second, OrderStanding.FILLED, WHOLE, number=2)),
    ]  # fmt: skip
    assert compared(pairs).found == ()


def test_an_order_taken_over_under_a_later_attempts_name_is_no_stranger() -> None:
    """A restored journal recognises attempt 1's order and books it under attempt 2."""
    forgotten = attempt(1)
    order = shown(forgotten, OrderStanding.FILLED, WHOLE)
    adopting = replace(attempt(1, again=2), order_id=order.order_id)
    assert compared([(adopting, success(OrderState.FILLED, WHOLE), order)]).found == ()


def test_an_order_of_another_bar_under_our_id_differs() -> None:
    order = shown(attempt(1), OrderStanding.FILLED, WHOLE)
    other = replace(
        order, sighting=replace(order.sighting, external_reference="ATB-20260301-0000-AAAAAAAAAA")
    )
    named = replace(attempt(1), order_id=order.order_id)
    found = only(compared([(named, success(OrderState.FILLED, WHOLE), other)]))
    assert found.difference is Difference.ORDER_DIFFERS


def test_what_the_broker_leaves_out_is_no_difference() -> None:
    order = replace(
        shown(attempt(1), OrderStanding.FILLED, WHOLE), instrument=None, side=None, amount=None
    )
    assert compared([(attempt(1), success(OrderState.FILLED, WHOLE), order)]).found == ()


def test_an_order_that_the_journal_says_was_never_sent_is_a_contradiction() -> None:
    unsent = attempt(1, sent=None)
    reference = unsent.intent.external_reference
    order = shown(unsent, OrderStanding.FILLED, WHOLE)
    found = only(compare(Books(known={reference: unsent}), Shown([order]), PERIOD))
    assert (found.difference, found.reference) == (Difference.CONTRADICTED, reference)
    assert "never sent" in found.journal


def test_an_order_that_the_journal_knows_from_before_is_no_stranger() -> None:
    known = attempt(1, sent=PERIOD.since - timedelta(seconds=1))
    order = shown(attempt(1), OrderStanding.FILLED, WHOLE)
    books = Books(known={known.intent.external_reference: known})
    assert compare(books, Shown([order]), PERIOD).found == ()


@pytest.mark.parametrize(
    ("seen", "standing", "told"),
    [
        (PERIOD.since, OrderStanding.FILLED, True),
        (PERIOD.since - timedelta(seconds=1), OrderStanding.FILLED, False),
        (PERIOD.since - timedelta(days=9), OrderStanding.WORKING, True),
        (PERIOD.since - timedelta(days=9), OrderStanding.PARTIAL, True),
        (PERIOD.until, OrderStanding.FILLED, False),
        (PERIOD.until, OrderStanding.WORKING, False),
        (None, OrderStanding.FILLED, True),
    ],
)
def test_a_stranger_is_told_in_its_period_or_while_it_is_open(
    seen: datetime | None, standing: OrderStanding, told: bool
) -> None:
    order = shown(attempt(1), standing)
    order = replace(order, sighting=replace(order.sighting, first_seen=seen))
    assert bool(compared([], order).found) is told


def test_orders_of_other_kinds_are_nobodys_business() -> None:
    order = shown(attempt(1), OrderStanding.FILLED, WHOLE)
    for reference in (None, "", "my own", "atb-x"):
        foreign = replace(order, sighting=replace(order.sighting, external_reference=reference))
        assert compared([], foreign).found == ()


# -- positions ---------------------------------------------------------------------------------

STOCK = InstrumentId("Stock", 101)


@pytest.mark.parametrize(
    ("own", "held", "differs"),
    [(10, 10, False), (10, 15, False), (10, 9, True), (10, 0, True), (0, 0, False), (0, -5, True),
     (-1, 0, True), (0, 5, False)],
)  # fmt: skip
def test_the_broker_must_not_hold_less_than_the_bots_own(
    own: int, held: int, differs: bool
) -> None:
    comparison = compare(
        Books(positions={STOCK: Decimal(own)}), Shown(positions={STOCK: Decimal(held)}), PERIOD
    )
    assert comparison.positions == 1
    assert [one.difference for one in comparison.found] == (
        [Difference.POSITION_DIFFERS] if differs else []
    )


def test_a_position_with_a_young_order_is_not_judged() -> None:
    young = replace(attempt(1), sent_at=NOW)
    books = Books([(young, None)], positions={STOCK: WHOLE})
    assert compare(books, Shown(), PERIOD) == Comparison((), 0, 1, 0)


# -- what the broker shows ---------------------------------------------------------------------


def activity(order_id: str = "1", **more: object) -> OrderActivity:
    facts = {
        "uic": 101, "asset_type": "Stock", "buy_sell": "Buy", "amount": Decimal("10.0"),
        "status": "Placed", "sub_status": "Confirmed", "external_reference": "ATB-1",
    }  # fmt: skip
    return OrderActivity(order_id=order_id, **{**facts, **more})  # type: ignore[arg-type]


def opened(order_id: str = "1", **more: object) -> OpenOrder:
    return OpenOrder(order_id=order_id, uic=101, asset_type="Stock", **more)  # type: ignore[arg-type]


def test_the_rows_of_an_order_become_one_with_its_facts_as_last_changed() -> None:
    rows = [activity(), activity(status="Changed", amount=Decimal(7))]
    [order] = shown_orders([], rows, MINE)
    assert (order.instrument, order.side, order.amount) == (STOCK, Action.BUY, Decimal(7))
    [order] = shown_orders([opened(amount=Decimal(6))], rows, MINE)
    assert order.amount == Decimal(6)


def test_an_order_that_a_person_attached_to_ours_is_not_ours() -> None:
    child = activity("2", order_relation="IfDoneSlaveOco")
    assert [o.order_id for o in shown_orders([], [activity(), child], MINE)] == ["1"]


def test_open_orders_of_another_account_are_left_out() -> None:
    others = [opened("1", account_key="other"), opened("2", account_id="other")]
    ours = [opened("3", account_key="key"), opened("4", account_id="id"), opened("5")]
    assert [o.order_id for o in shown_orders([*others, *ours], [], MINE)] == ["3", "4", "5"]
