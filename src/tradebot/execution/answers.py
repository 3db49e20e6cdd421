"""What the broker's answer to a placement means: placed, rejected, or nobody knows.

One question decides: *could an order exist after this answer?* If it could, the answer is unknown
and the order is looked for. Rejected is only what proves that there is none:

* a refusal in the broker's own words: a documented `ErrorCode` of placing with a 4xx. A code that
  nobody has documented may mean "pending" as well as "no", so it proves nothing; it costs a look at
  the open orders and the audit log, where a refusal is found as ``Placed/Rejected``;
* 401, which is given before an order is looked at, and 429, 403 and 404 from the broker itself:
  known by its headers, or the last two by a code. Without they come from some box on the way,
  perhaps one that swallowed the broker's own answer;
* outstanding disclaimers without an order's id: such orders are rejected, whatever code is used.

A success status is never a refusal, also not with an error inside: it says that the request was
taken. `RepeatTradeOnAutoQuote` is a 409 in other words: the identical order that was there before
may be this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from tradebot.saxo.orders import UNKNOWN_OUTCOME_CODES, Disclaimers, OrderAnswer
from tradebot.vocabulary.reasons import FailureReason

DUPLICATE_CODES = frozenset({"RepeatTradeOnAutoQuote"})
"""An identical order was seen shortly before, which does not say that it was not ours."""
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
            "IllegalDate",
            "IllegalInstrumentId",
            "IllegalStrike",
            "InvalidUic",
            "InvalidValueDate",
            "OrderTypeNotSupported",
            "DurationNotSupported",
            "OnWrongSideOfMarket",
            "TooFarFromMarket",
            "TooCloseToMarket",
            "TooFarFromEntryOrder",
            "TooCloseToOcoRelatedOrderPrice",
            "WrongSideOfRelatedOrder",
            "LimitTooFarFromStop",
            "OrderPriceOutsideLimit",
            "PriceExceedsAggressiveTolerance",
            "PriceNotInTickSizeIncrements",
            "AmountBelowMinimumLotSize",
            "AmountNotInLotSize",
            "OrderSizeGreaterThanMaximumAllowed",
            "OrderValueToSmall",
            "OrderValueTooLarge",
            "ExpirationDateInPast",
            "ExpirationDateRequired",
            "GtdOrderCannotBeLaterThanExpiry",
            "ForwardDateRequired",
            "ForwardDateInPast",
        }
    ),
    FailureReason.REFUSED: frozenset(
        {
            "IllegalAccount",
            "NotPrimarySession",
            "TradingDisabled",
            "InstrumentNotAllowed",
            "InstrumentDisabledForTrading",
            "InstrumentHasExpired",
            "OrderNotSupportedForAccountType",
            "OrderIsRestrictedForAccountManagementType",
            "ForceOpenNotAllowed",
            "PriceHasMoved",
            "WouldExceedAccountValueProtectionLimit",
            "WouldComeTooCloseToAccountValueProtectionLimit",
            "ClientExposureLimitation",
            "ContactExposureLimitation",
            "ForcedExposureReductionViolation",
            "OnlySidedReductionAllowed",
            "CrossCurrencyOrderOnMarginLendingAccountNotAllowed",
            "OrderRequestAfterLastTradingDate",
            "OnlyLimitOrderAllowedForExtendedHours",
            "ClientNotEnabledForExtendedTradingHours",
            "InstrumentNotSupportedForExtendedHours",
            "OrderNotPlaced",
            "OrderNotFound",
            "OrderRelatedPositionMissMatch",
            "OrderRelatedPositionIsClosed",
            "RelatedPositionNotFound",
            "RelatedOrClosingOrderNotAllowedForIntradayNettingClients",
            "NotSuitable",
            "BrokerOption",
            "OrderRejectedByBroker",
        }
    ),
}
"""Every code that refuses a placement, from Saxo's reference of trade/v2/orders and, for
NotSuitable, learn/blocking-of-orders-based-on-appropriateness-status. The codes of changing and
cancelling are left out: as an answer to a placement they make no sense."""

_REASON_OF_CODE = {code: reason for reason, codes in _REASONS.items() for code in codes}
REFUSAL_CODES = frozenset(_REASON_OF_CODE)

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
    status, code = answer.http_status, answer.error_code
    if answer.order_id is not None:
        return _with_order_id(answer, answer.order_id)
    if status == HTTPStatus.ACCEPTED or code in UNKNOWN_OUTCOME_CODES:
        return Unknown(FailureReason.TRADE_NOT_COMPLETED)
    if status == HTTPStatus.CONFLICT or code in DUPLICATE_CODES:
        return Unknown(FailureReason.DUPLICATE_REQUEST)
    asked = answer.disclaimers is not None and any(p.tokens for p in answer.disclaimers.parts)
    if asked and code not in REFUSAL_CODES:
        return Rejected(FailureReason.DISCLAIMER_POLICY, answer.disclaimers)
    if status < HTTPStatus.BAD_REQUEST:
        return Unknown(FailureReason.PARTLY_ACCEPTED if code else FailureReason.UNCLEAR_ANSWER)
    return _refusal(status, code, by_the_broker=answer.by_the_broker)


def _with_order_id(answer: OrderAnswer, order_id: str) -> Placed | Unknown:
    if answer.http_status == HTTPStatus.ACCEPTED:
        return Unknown(FailureReason.TRADE_NOT_COMPLETED, order_id)
    failed = answer.error_code is not None or answer.disclaimers is not None
    if failed or answer.http_status >= HTTPStatus.MULTIPLE_CHOICES:
        return Unknown(FailureReason.PARTLY_ACCEPTED, order_id)
    return Placed(order_id)


def _refusal(status: int, code: str | None, *, by_the_broker: bool) -> Rejected | Unknown:
    """A 4xx without an order id: a refusal if status or code prove that there is no order."""
    if code in UNKNOWN_CODES:
        return Unknown(FailureReason.TRADE_NOT_COMPLETED)
    if status == HTTPStatus.UNAUTHORIZED:
        return Rejected(FailureReason.LOGIN_REFUSED)
    if status == HTTPStatus.TOO_MANY_REQUESTS and by_the_broker:
        return Rejected(FailureReason.RATE_LIMITED)
    in_its_words = by_the_broker or code is not None
    if status == HTTPStatus.FORBIDDEN and in_its_words:
        return Rejected(FailureReason.FORBIDDEN)
    if code in REFUSAL_CODES or (status == HTTPStatus.NOT_FOUND and in_its_words):
        return Rejected(reason_of_code(code))
    return Unknown(FailureReason.UNCLEAR_ANSWER)
