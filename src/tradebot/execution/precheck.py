"""The broker's own opinion before anything is sent. It promises nothing, but refuses much.

Only PreCheckResult "Ok" without ErrorInfo and without disclaimers is a yes: "Ok" together with an
ErrorInfo means that the request is well formed and would fail (seen in Saxo's own samples).

Disclaimers are answered only where nothing else is known to stand against the order: accepting one
is a legal act, and pointless for an order that is refused all the same.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NoReturn

from tradebot.errors import BrokerError, BrokerUnavailable, LoginError
from tradebot.execution import disclaimers
from tradebot.execution.account import ExecutionPolicy
from tradebot.execution.answers import REFUSAL_CODES, reason_of_code
from tradebot.execution.stopping import Stopped
from tradebot.observability import log_event
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.orders import OrderRequest, PrecheckAnswer
from tradebot.vocabulary.reasons import FailureReason

ROUNDS = 2
"""How often disclaimers are answered for one order: a recurring one is asked for again, in the
context of the precheck that follows, and only the answer in the last context counts for the order
(Saxo learn/pre-trade-disclaimers)."""


def precheck(
    broker: SaxoClient,
    order: OrderRequest,
    policy: ExecutionPolicy,
    *,
    price: float,
    same_currency: bool,
) -> None:
    """Ask, answer disclaimers as the policy allows, check the value.

    `price` is the one expected, in the instrument's currency; `same_currency` says that this is
    the account's too. Raises Stopped when the order must not be sent.
    """
    log_event("execution_precheck_begin", external_reference=order.external_reference)
    answer = _ask(broker, order)
    for _ in range(ROUNDS):
        if answer.disclaimers is None or answer.error_code in REFUSAL_CODES:
            break
        clean = answer.result == "Ok" and answer.error_code is None
        if clean:
            _check_value(answer, order, policy, price, same_currency)
        _answer_disclaimers(broker, answer, policy)
        if clean:
            break  # answered in this context: another precheck would only open another one
        answer = _ask(broker, order)  # the error may have been nothing but the question
    _judge(answer)
    _check_value(answer, order, policy, price, same_currency)
    log_event(
        "execution_precheck_passed",
        precheck_ok=True,
        http_status=answer.http_status,
        estimated_cash=answer.estimated_cash_required,
        estimated_cost=answer.estimated_total_cost_in_account_currency,
        currency=answer.estimated_cash_required_currency,
    )


def _ask(broker: SaxoClient, order: OrderRequest) -> PrecheckAnswer:
    try:
        return broker.precheck(order)
    except BrokerUnavailable as error:
        _failed(FailureReason.PRECHECK_UNAVAILABLE, error, may_try_again=True)
    except BrokerError as error:
        _failed(FailureReason.BAD_ANSWER, error)
    except LoginError:
        # The run ends with this, and the intent with it: it was never sent.
        log_event(
            "execution_precheck_failed",
            precheck_ok=False,
            failure_reason=FailureReason.LOGIN_REFUSED,
        )
        raise


def _judge(answer: PrecheckAnswer) -> None:
    if answer.error_code is not None or answer.result != "Ok":
        reason = _refusal(answer.error_code)
        log_event(
            "execution_precheck_failed",
            answer.error_message or "",
            precheck_ok=False,
            failure_reason=reason,
            error_code=answer.error_code,
            http_status=answer.http_status,
        )
        raise Stopped(reason, may_try_again=reason is FailureReason.MARKET_CLOSED)


def _answer_disclaimers(
    broker: SaxoClient, answer: PrecheckAnswer, policy: ExecutionPolicy
) -> None:
    """They count by being there, whatever code comes with them (none is documented)."""
    if answer.disclaimers is None:
        return
    try:
        disclaimers.settle_or_stop(broker, answer.disclaimers, policy)
    except Stopped as stop:
        log_event(
            "execution_precheck_failed",
            precheck_ok=False,
            failure_reason=stop.reason,
            http_status=answer.http_status,
        )
        raise


def _check_value(
    answer: PrecheckAnswer,
    order: OrderRequest,
    policy: ExecutionPolicy,
    price: float,
    same_currency: bool,
) -> None:
    """MAX_POSITION_VALUE in the account's currency, by the broker's own rate."""
    limit = policy.max_position_value
    if not limit or order.buy_sell != "Buy":
        return
    rate = 1.0 if same_currency else answer.conversion_rate
    if rate is not None and not rate > 0:
        rate = None  # the broker writes 0 for what it did not reckon
    price = max(price, order.price or 0.0)
    value = None if rate is None else order.amount * Decimal(str(price)) * Decimal(str(rate))
    if value is not None and value <= limit:
        return
    reason = FailureReason.POSITION_VALUE_UNKNOWN if value is None else FailureReason.POSITION_VALUE
    log_event("execution_precheck_failed", precheck_ok=True, failure_reason=reason)
    raise Stopped(reason)


def _failed(reason: FailureReason, error: BrokerError, *, may_try_again: bool = False) -> NoReturn:
    log_event(
        "execution_precheck_failed",
        precheck_ok=False,
        failure_reason=reason,
        error_code=error.error_code,
        http_status=error.status,
    )
    raise Stopped(reason, may_try_again=may_try_again) from error


def _refusal(code: str | None) -> FailureReason:
    reason = reason_of_code(code)
    return FailureReason.PRECHECK_REFUSED if reason is FailureReason.REFUSED else reason
