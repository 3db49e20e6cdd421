"""The one place that sends an order, and the reading of the answer.

Once the request has left, only a definitive refusal ends the attempt; everything else is unknown
and is looked for at the broker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tradebot.errors import NotSent, OutcomeUnknown, Terminated
from tradebot.execution.answers import Placed, Rejected, Unknown, classify
from tradebot.execution.stopping import Stopped
from tradebot.observability import log_event
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.orders import Disclaimers, OrderAnswer, OrderRequest
from tradebot.vocabulary.reasons import FailureReason


@dataclass(frozen=True, slots=True)
class Sent:
    """The order is, or may be, at the broker; to be confirmed.

    `doubt` is the reason to give if it cannot be confirmed in this cycle.
    """

    doubt: FailureReason
    order_id: str | None = None


class DisclaimersAtPlacement(Exception):
    """Refused for want of an answer to disclaimers that the precheck did not show."""

    def __init__(self, required: Disclaimers) -> None:
        super().__init__("disclaimers at placement")
        self.required = required


def place(
    broker: SaxoClient,
    order: OrderRequest,
    request_id: str,
    *,
    last_check: Callable[[], None],
) -> Sent:
    """Send once. Raises Stopped on a definitive refusal, DisclaimersAtPlacement, LoginError.

    `last_check` may raise Stopped up to the moment before the first byte.
    """
    try:
        answer = broker.place_order(order, request_id=request_id, last_check=last_check)
    except NotSent as error:
        _log_rejected(FailureReason.NOT_SENT, None)
        raise Stopped(FailureReason.NOT_SENT, may_try_again=True) from error
    except Terminated as error:
        raise Stopped(FailureReason.STOPPING, may_try_again=True) from error
    except OutcomeUnknown as error:
        doubt = _doubt(error.status)
        log_event("execution_order_unknown", failure_reason=doubt, http_status=error.status)
        return Sent(doubt)
    match classify(answer):
        case Placed(order_id):
            log_event("execution_order_placed", order_id=order_id, http_status=answer.http_status)
            return Sent(FailureReason.NOT_FOUND_YET, order_id)
        case Unknown(doubt, maybe_id):
            log_event(
                "execution_order_unknown",
                failure_reason=doubt,
                http_status=answer.http_status,
                error_code=answer.error_code,
                order_id=maybe_id,
            )
            return Sent(doubt, maybe_id)
        case Rejected() as rejected:
            _log_rejected(rejected.reason, answer)
            if rejected.disclaimers is not None:
                raise DisclaimersAtPlacement(rejected.disclaimers)
            raise Stopped(rejected.reason, may_try_again=rejected.may_try_again)


def _doubt(status: int | None) -> FailureReason:
    if status is None:
        return FailureReason.NO_ANSWER
    return FailureReason.SERVER_ERROR if status >= 500 else FailureReason.UNCLEAR_ANSWER


def _log_rejected(reason: FailureReason, answer: OrderAnswer | None) -> None:
    log_event(
        "execution_order_rejected",
        (answer.error_message if answer else None) or "",
        failure_reason=reason,
        error_code=answer.error_code if answer else None,
        http_status=answer.http_status if answer else None,
    )
