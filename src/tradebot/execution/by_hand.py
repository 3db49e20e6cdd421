"""What a person may say became of an order, and when the broker's own word goes before it.

Pure: the caller asks the broker. Whatever the broker shows is taken over or stands in the way;
a person alone is believed only where the broker cannot say, and only when he insists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tradebot.execution.double_entry import at_broker, plain
from tradebot.execution.reconciliation import NAMED_GRACE
from tradebot.execution.shown_orders import ShownOrder
from tradebot.journal import Attempt
from tradebot.model import ExecutionOutcome, OrderState, Verdict
from tradebot.vocabulary.reasons import FailureReason


class NotBelieved(Exception):
    """The claim is not recorded; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What is to be recorded."""

    verdict: Verdict
    checked: bool
    """True: the broker was asked, and agrees."""
    because: str
    """In words, what it rests on."""


@dataclass(frozen=True, slots=True)
class BrokerSays:
    """What could be learnt from the broker."""

    orders: Sequence[ShownOrder] | None
    """Everything since some minutes before the order was sent; None: it could not be asked."""
    why_not: str = ""
    """Why it could not."""


def placed(
    attempt: Attempt,
    order_id: str,
    said: BrokerSays,
    *,
    unchecked: bool,
    filled: Decimal | None,
) -> Resolution:
    """The claim that the order was placed under `order_id`. Raises NotBelieved.

    `filled` counts only where the broker does not show the order, and only with `unchecked`.
    """
    reference = attempt.reference_at_broker
    for order in said.orders or ():
        if order.order_id == order_id:
            return _taken_over(attempt, order)
        if order.reference == reference:
            raise NotBelieved(
                f"the broker shows {reference} as another one: {at_broker(order)}. If that is"
                f" what you mean: --placed {order.order_id}"
            )
    doubt = said.why_not or f"the broker shows no order {order_id}"
    if not unchecked:
        raise NotBelieved(
            f"{doubt}, so nothing is recorded. If you have seen the order elsewhere, insist with"
            " --unchecked --filled QUANTITY"
        )
    if filled is None:
        raise NotBelieved(f"{doubt}: say how much of it was filled, with --filled QUANTITY")
    return Resolution(_unseen(attempt, order_id, filled), checked=False, because=doubt)


def _taken_over(attempt: Attempt, order: ShownOrder) -> Resolution:
    """The broker's own account of the order, if it is this one."""
    intent = attempt.intent
    theirs = (order.reference, order.instrument, order.side)
    for name, mine, shown in zip(
        ("reference", "instrument", "side"),
        (attempt.reference_at_broker, intent.instrument, intent.side),
        theirs,
        strict=True,
    ):
        if shown != mine:
            raise NotBelieved(
                f"order {order.order_id} is another one: its {name} is {shown or 'not given'}, not"
                f" {mine}"
            )
    verdict = order.sighting.verdict()
    if verdict is None:
        raise NotBelieved(
            f"the broker has not decided about order {order.order_id} yet; try again in a minute"
        )
    return Resolution(verdict, checked=True, because=f"the broker shows {at_broker(order)}")


def _unseen(attempt: Attempt, order_id: str, filled: Decimal) -> Verdict:
    """An order that only a person has seen. It is over: nothing would ever follow it."""
    if filled > attempt.intent.quantity:
        raise NotBelieved(
            f"--filled {plain(filled)} is more than was ordered: {plain(attempt.intent.quantity)}"
        )
    if filled == attempt.intent.quantity:
        return Verdict(
            ExecutionOutcome.SUCCESS,
            order_id=order_id,
            order_state=OrderState.FILLED,
            filled_quantity=filled,
        )
    return Verdict(
        ExecutionOutcome.FAILED,
        FailureReason.RESOLVED_BY_HAND,
        order_id=order_id,
        filled_quantity=filled,
    )


def not_placed(
    attempt: Attempt, said: BrokerSays, *, unchecked: bool, now: datetime, grace: timedelta
) -> Resolution:
    """The claim that there is no such order. Raises NotBelieved.

    An order may become visible late: absence is believed after `grace`, or after an hour where
    the broker gave the order an id.
    """
    verdict = Verdict(ExecutionOutcome.FAILED, FailureReason.RESOLVED_BY_HAND)
    reference = attempt.reference_at_broker
    for order in said.orders or ():
        if order.reference == reference or order.order_id == attempt.order_id:
            raise NotBelieved(
                f"the broker shows it: {at_broker(order)}. If that is what became of it: --placed"
                f" {order.order_id}"
            )
    doubt = said.why_not or _too_soon(attempt, now, grace)
    if doubt and not unchecked:
        raise NotBelieved(
            f"{doubt}, so nothing is recorded. If you know that it was not placed, insist with"
            " --unchecked"
        )
    if doubt:
        return Resolution(verdict, checked=False, because=doubt)
    return Resolution(verdict, checked=True, because="the broker shows no such order")


def _too_soon(attempt: Attempt, now: datetime, grace: timedelta) -> str:
    """Why absence does not prove anything yet; empty when it does."""
    age = now - (attempt.sent_at or attempt.created_at)
    if attempt.order_id is not None and age < NAMED_GRACE:
        return (
            f"the broker called it order {attempt.order_id} when it was sent, less than an hour ago"
        )
    if age < grace:
        return (
            f"it was sent {age.total_seconds():.0f} s ago and may not be visible yet (wait"
            f" RECONCILE_GRACE_SECONDS, {grace.total_seconds():.0f} s)"
        )
    return ""
