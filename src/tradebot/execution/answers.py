"""What an answer to an order means: definitive yes, definitive no, or unknown.

Unknown is a state of its own: it is reconciled, never repeated and never called a failure. Only
Saxo's `ErrorCode` is read, never the text, which is for people and may be translated; a code that
is not listed here is a refusal when it came with a 400, because the broker's list grows.
"""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.saxo.orders import UNKNOWN_OUTCOME_CODES, Disclaimers, OrderAnswer
from tradebot.vocabulary.reasons import FailureReason

UNKNOWN_CODES = UNKNOWN_OUTCOME_CODES | {"CouldNotCompleteRequest", "OtherError"}
"""The last two say nothing about the order itself, so they prove nothing."""

_REASONS: dict[FailureReason, frozenset[str]] = {
    FailureReason.INSUFFICIENT_CASH: frozenset(
        {
            "InsufficientCash",
            "WouldExceedMargin",
            "WouldExceedMarginCeiling",
            "WouldExceedTradingLine",
            "WouldExceedMaxCreditLine",
            "WouldExceedMaxCreditLineLimit",
        }
    ),
    FailureReason.MARKET_CLOSED: frozenset({"MarketClosed", "NotTradableAtPresent"}),
    FailureReason.NOT_OWNED: frozenset(
        {
            "NotOwned",
            "SellOrdersAlreadyExistForOwnedContracts",
            "SellExceedsSettledExposure",
            "BlocksExistForOwnedContracts",
            "ShortTradeDisabled",
        }
    ),
    FailureReason.INVALID_ORDER: frozenset(
        {
            "InvalidRequest",
            "InvalidModelState",
            "IllegalRequest",
            "IllegalAmount",
            "IllegalAssetType",
            "IllegalInstrumentId",
            "InvalidUic",
            "OrderTypeNotSupported",
            "DurationNotSupported",
            "OnWrongSideOfMarket",
            "TooFarFromMarket",
            "PriceNotInTickSizeIncrements",
            "AmountBelowMinimumLotSize",
            "AmountNotInLotSize",
            "OrderSizeGreaterThanMaximumAllowed",
            "OrderValueToSmall",
            "OrderValueTooLarge",
        }
    ),
}
_REASON_OF_CODE = {code: reason for reason, codes in _REASONS.items() for code in codes}

PASSES_BY_ITSELF = frozenset({FailureReason.RATE_LIMITED, FailureReason.MARKET_CLOSED})
"""Refusals after which the same decision may be tried once more, with a new reference."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The broker has the order."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The broker definitely does not have the order."""

    reason: FailureReason
    disclaimers: Disclaimers | None = None

    @property
    def may_try_again(self) -> bool:
        return self.reason in PASSES_BY_ITSELF


@dataclass(frozen=True, slots=True)
class Unknown:
    """The order may exist; `order_id` if the answer named one."""

    reason: FailureReason
    order_id: str | None = None


def reason_of_code(code: str | None) -> FailureReason:
    """The failure reason for a documented Saxo `ErrorCode`; ``refused`` for any other."""
    return _REASON_OF_CODE.get(code or "", FailureReason.REFUSED)


def classify(answer: OrderAnswer) -> Placed | Rejected | Unknown:
    """Judge one answer to POST trade/v2/orders (shapes: Saxo learn/order-placement-return-codes).

    An order id together with any error means that *something* exists.
    """
    failed = answer.error_code is not None or answer.disclaimers is not None
    if answer.order_id is not None:
        if answer.http_status == 202:
            return Unknown(FailureReason.TRADE_NOT_COMPLETED, answer.order_id)
        if failed or answer.http_status >= 300:
            return Unknown(FailureReason.PARTLY_ACCEPTED, answer.order_id)
        return Placed(answer.order_id)
    if answer.http_status == 202 or answer.error_code in UNKNOWN_CODES:
        return Unknown(FailureReason.TRADE_NOT_COMPLETED)
    if answer.disclaimers is not None and answer.http_status in (200, 201, 400):
        return Rejected(FailureReason.DISCLAIMER_POLICY, answer.disclaimers)
    return _without_order_id(answer)


def _without_order_id(answer: OrderAnswer) -> Rejected | Unknown:
    by_status = {
        401: FailureReason.LOGIN_REFUSED,
        403: FailureReason.FORBIDDEN,
        404: FailureReason.REFUSED,
        429: FailureReason.RATE_LIMITED,
    }
    if answer.http_status in by_status:
        return Rejected(by_status[answer.http_status])
    if answer.http_status == 409:
        # An identical request was seen, which does not say that it was accepted.
        return Unknown(FailureReason.DUPLICATE_REQUEST)
    if answer.error_code is not None and answer.http_status in (200, 201, 400):
        return Rejected(reason_of_code(answer.error_code))
    return Unknown(FailureReason.UNCLEAR_ANSWER)
