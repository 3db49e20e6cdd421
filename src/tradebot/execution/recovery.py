"""What an earlier run left behind, put in order before anything trades."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.clock import Clock
from tradebot.execution.reconciliation import bind_intent, complete
from tradebot.execution.references import PREFIX
from tradebot.journal import AttemptState, Journal
from tradebot.model import ExecutionOutcome, Verdict
from tradebot.observability import log_event
from tradebot.saxo.messages import OpenOrder
from tradebot.vocabulary.reasons import FailureReason


def abandon_unsent(journal: Journal, clock: Clock) -> None:
    """Close attempts that provably sent nothing; their decision may be tried again.

    Only for the holder of the run lock: whoever wrote them has ended.
    """
    verdict = Verdict(ExecutionOutcome.FAILED, FailureReason.ABANDONED_BEFORE_SEND)
    for attempt in journal.orders.unresolved():
        if attempt.state is not AttemptState.SENT:
            with bind_intent(attempt):
                reference = attempt.intent.external_reference
                complete(journal, clock, reference, verdict, may_try_again=True)


def report_orphans(journal: Journal, open_orders: Sequence[OpenOrder]) -> None:
    """Say which open orders bear our kind of reference and are not in the journal.

    They are never touched: another clone or an older backup may know them.
    """
    for order in open_orders:
        if (order.external_reference or "").startswith(PREFIX):
            report_orphan(journal, order.external_reference, order.order_id)


def report_orphan(journal: Journal, reference: str | None, order_id: str) -> None:
    """Say that an order is at the broker whose reference the journal does not know."""
    if reference is not None and journal.orders.find(reference) is None:
        log_event("execution_orphan_found", external_reference=reference, order_id=order_id)
