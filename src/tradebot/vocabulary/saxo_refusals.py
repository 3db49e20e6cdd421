"""The codes with which Saxo refuses an order: after one of these there is no order."""

from __future__ import annotations

from tradebot.vocabulary.failure_reasons import FailureReason
from tradebot.vocabulary.saxo_codes import REFERENCE, SaxoCode

_ROOM = "Lower the quantity in WATCHLIST_JSON, or free money in the account."
_QUANTITY = "Correct the quantity of this instrument in WATCHLIST_JSON."
_PRICE = "Only with ORDER_TYPE=marketable_limit: compare limit_price with the market at that time."
_LIMIT = "Only with ORDER_TYPE=marketable_limit: change MAX_SLIPPAGE_BPS, or use ORDER_TYPE=market."
_RIGHTS = "Ask Saxo whether this account may trade it; else take it off the watch list."
_WATCHLIST = "Correct uic and asset_type of this entry in WATCHLIST_JSON."
_OFF = "Take the instrument off the watch list."
_NOT_OURS = "The bot sends no order of this kind: report it with the http_error line."
_MALFORMED = "Read msg, which names the field. If no setting explains it, report it."
_LIMITS = "Look at the account's limits in Saxo's platform, or ask Saxo."
_HOURS = "The bot asks for no extended hours: trade while the exchange's main session is open."

_LINES = {
    FailureReason.INSUFFICIENT_CASH: (
        ("InsufficientCash", "PU", "The account has not enough cash for the order.", _ROOM),
        ("WouldExceedMargin", "PU", "The order needs more margin than there is.", _ROOM),
        ("WouldExceedMarginCeiling", "", "The order would exceed the margin's ceiling.", _ROOM),
        ("WouldExceedTradingLine", "", "The order would exceed the trading line.", _ROOM),
        ("WouldExceedMaxCreditLine", "", "The order would exceed the credit line.", _ROOM),
        ("WouldExceedMaxCreditLineLimit", "", "The order would exceed the credit's limit.", _ROOM),
    ),
    FailureReason.MARKET_CLOSED: (
        (
            "MarketClosed",
            "PCU",
            "The market is closed.",
            "Nothing. Often: TRADING_HOURS_MODE=instrument asks only while it is open.",
        ),
        (
            "NotTradableAtPresent",
            "PCU",
            "The instrument cannot be traded at the moment.",
            "Nothing, unless it stays: then look at the instrument in Saxo's platform.",
        ),
    ),
    FailureReason.NOT_OWNED: (
        (
            "NotOwned",
            "",
            "More is to be sold than the account owns.",
            "`tradebot orders check` compares journal and broker: was it sold by hand?",
        ),
        (
            "SellOrdersAlreadyExistForOwnedContracts",
            "",
            "Another sell order covers what the account owns.",
            "Look for that order in Saxo's platform and cancel it, or let it work.",
        ),
        (
            "SellExceedsSettledExposure",
            "",
            "More is to be sold than is settled.",
            "Nothing: after the settlement the next signal can sell it.",
        ),
        (
            "BlocksExistForOwnedContracts",
            "",
            "What the account owns is blocked.",
            "Look at the position in Saxo's platform, or ask Saxo what blocks it.",
        ),
        (
            "ShortTradeDisabled",
            "",
            "The instrument may not be sold short.",
            "The bot sells only what it bought: `tradebot orders check` says who sold the rest.",
        ),
    ),
    FailureReason.INVALID_ORDER: (
        ("InvalidRequest", "PCUD", "The request is not valid; a general code.", _MALFORMED),
        ("InvalidModelState", "PCUD", "A field of the request is wrong or missing.", _MALFORMED),
        ("IllegalRequest", "PC", "The request is not allowed in this form.", _MALFORMED),
        ("IllegalAmount", "PCU", "The amount is not allowed for the instrument.", _QUANTITY),
        ("IllegalAssetType", "PC", "The asset type is not the instrument's.", _WATCHLIST),
        ("IllegalDate", "PCU", "A date in the order is not allowed.", _NOT_OURS),
        ("IllegalInstrumentId", "PC", "There is no instrument of that number.", _WATCHLIST),
        ("IllegalStrike", "", "The strike price is not allowed (options).", _NOT_OURS),
        ("InvalidUic", "PC", "There is no instrument of that number.", _WATCHLIST),
        ("InvalidValueDate", "", "The value date is not allowed.", _NOT_OURS),
        (
            "OrderTypeNotSupported",
            "PC",
            "The instrument does not take this type of order.",
            "Change ORDER_TYPE: market, or marketable_limit.",
        ),
        (
            "DurationNotSupported",
            "PC",
            "The instrument does not take day orders of this type.",
            "Change ORDER_TYPE; the bot sends day orders only. Else take it off the watch list.",
        ),
        ("OnWrongSideOfMarket", "PCU", "The price is on the wrong side of the market.", _PRICE),
        ("TooFarFromMarket", "PCU", "The price is too far from the market.", _LIMIT),
        ("TooCloseToMarket", "", "The price is too close to the market.", _LIMIT),
        ("TooFarFromEntryOrder", "P", "A related order is too far from its entry.", _NOT_OURS),
        (
            "TooCloseToOcoRelatedOrderPrice",
            "PU",
            "The prices of two linked orders are too close.",
            _NOT_OURS,
        ),
        (
            "WrongSideOfRelatedOrder",
            "PU",
            "The price is on the wrong side of its related order.",
            _NOT_OURS,
        ),
        ("LimitTooFarFromStop", "", "Limit and stop are too far apart.", _NOT_OURS),
        ("OrderPriceOutsideLimit", "", "The price is outside what is allowed.", _LIMIT),
        (
            "PriceExceedsAggressiveTolerance",
            "",
            "The price goes further through the market than is tolerated.",
            "Only with ORDER_TYPE=marketable_limit: lower MAX_SLIPPAGE_BPS.",
        ),
        (
            "PriceNotInTickSizeIncrements",
            "",
            "The price is not a multiple of the tick size.",
            "The bot rounds to the instrument's ticks: report it with limit_price.",
        ),
        ("AmountBelowMinimumLotSize", "", "The amount is below the smallest lot.", _QUANTITY),
        ("AmountNotInLotSize", "", "The amount is not a multiple of the lot.", _QUANTITY),
        ("OrderSizeGreaterThanMaximumAllowed", "", "The amount is too large.", _QUANTITY),
        ("OrderValueToSmall", "", "The order is worth too little (sic).", _QUANTITY),
        ("OrderValueTooLarge", "", "The order is worth too much.", _QUANTITY),
        ("ExpirationDateInPast", "P", "The order's last day is over.", _NOT_OURS),
        ("ExpirationDateRequired", "PC", "The order lacks its last day.", _NOT_OURS),
        (
            "GtdOrderCannotBeLaterThanExpiry",
            "",
            "The order would outlive its instrument.",
            _NOT_OURS,
        ),
        ("ForwardDateRequired", "", "The forward date is missing (FX forwards).", _NOT_OURS),
        ("ForwardDateInPast", "", "The forward date is over (FX forwards).", _NOT_OURS),
    ),
    FailureReason.REFUSED: (
        (
            "IllegalAccount",
            "PCUD",
            "The account may not be used for this order.",
            "Is SAXO_ACCOUNT_KEY the account that is meant?",
        ),
        (
            "NotPrimarySession",
            "PCU",
            "The session is not the login's primary one.",
            "Is somebody logged in to Saxo's platform with the same user? Saxo does not document "
            "more about it.",
        ),
        ("TradingDisabled", "PC", "Trading is switched off for this client.", _RIGHTS),
        ("InstrumentNotAllowed", "PC", "The client may not trade this instrument.", _RIGHTS),
        (
            "InstrumentDisabledForTrading",
            "PCU",
            "Saxo has taken the instrument out of trading.",
            _OFF,
        ),
        ("InstrumentHasExpired", "PC", "The instrument has expired.", _OFF),
        (
            "OrderNotSupportedForAccountType",
            "",
            "This kind of account does not take the order.",
            _RIGHTS,
        ),
        (
            "OrderIsRestrictedForAccountManagementType",
            "P",
            "The account is managed in a way that does not allow the order.",
            _RIGHTS,
        ),
        ("ForceOpenNotAllowed", "PCUD", "Force open is not allowed.", _NOT_OURS),
        (
            "PriceHasMoved",
            "",
            "The price has moved on.",
            "Nothing: the next bar is decided anew.",
        ),
        (
            "WouldExceedAccountValueProtectionLimit",
            "",
            "The account value protection limit stands against it.",
            _LIMITS,
        ),
        (
            "WouldComeTooCloseToAccountValueProtectionLimit",
            "",
            "The order would come too close to the account value protection limit.",
            _LIMITS,
        ),
        ("ClientExposureLimitation", "", "The client's exposure is limited.", _LIMITS),
        ("ContactExposureLimitation", "", "The exposure is limited.", _LIMITS),
        (
            "ForcedExposureReductionViolation",
            "",
            "Only orders that reduce the exposure are taken.",
            _LIMITS,
        ),
        (
            "OnlySidedReductionAllowed",
            "",
            "Only orders that reduce the position are taken.",
            _LIMITS,
        ),
        (
            "CrossCurrencyOrderOnMarginLendingAccountNotAllowed",
            "",
            "A margin lending account takes no order in another currency.",
            "Trade this instrument on an account in its currency.",
        ),
        (
            "OrderRequestAfterLastTradingDate",
            "",
            "The instrument's last trading day is over.",
            _OFF,
        ),
        (
            "OnlyLimitOrderAllowedForExtendedHours",
            "",
            "Outside the main session only limit orders are taken.",
            _HOURS,
        ),
        (
            "ClientNotEnabledForExtendedTradingHours",
            "",
            "The client may not trade outside the main session.",
            _HOURS,
        ),
        (
            "InstrumentNotSupportedForExtendedHours",
            "",
            "The instrument is not traded outside its main session.",
            _HOURS,
        ),
        (
            "OrderNotPlaced",
            "PC",
            "Not placed because another order of the same request was refused.",
            "The bot sends one order a request: read msg, and report it.",
        ),
        ("OrderNotFound", "PCUD", "The order that is referred to does not exist.", _NOT_OURS),
        (
            "OrderRelatedPositionMissMatch",
            "",
            "The order does not fit its related position (sic).",
            _NOT_OURS,
        ),
        ("OrderRelatedPositionIsClosed", "", "The related position is closed.", _NOT_OURS),
        ("RelatedPositionNotFound", "", "There is no such related position.", _NOT_OURS),
        (
            "RelatedOrClosingOrderNotAllowedForIntradayNettingClients",
            "",
            "Clients with intraday netting cannot relate orders to positions.",
            _NOT_OURS,
        ),
        ("BrokerOption", "PCUD", "Saxo does not document what it means.", _RIGHTS),
        (
            "OrderRejectedByBroker",
            "P",
            "The exchange's side rejected the order.",
            "Look at the order's history in Saxo's platform, or ask Saxo with saxo_request_id.",
        ),
    ),
}

_NOT_SUITABLE = SaxoCode(
    "NotSuitable",
    "The client's appropriateness test for this product is missing or failed.",
    "Take the test in Saxo's platform, or take the instrument off the watch list.",
    FailureReason.REFUSED,
    occurs="PC",
    source="Saxo: learn/blocking-of-orders-based-on-appropriateness-status",
)

REFUSALS = (
    *(
        SaxoCode(code, meaning, next_step, reason, occurs=occurs, source=REFERENCE)
        for reason, lines in _LINES.items()
        for code, occurs, meaning, next_step in lines
    ),
    _NOT_SUITABLE,
)
