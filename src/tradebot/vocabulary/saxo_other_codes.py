"""Codes that refuse no order: those that leave it open, and those of other requests."""

from __future__ import annotations

from tradebot.vocabulary.failure_reasons import FailureReason
from tradebot.vocabulary.saxo_codes import SaxoCode

_WAIT = (
    "Wait for execution_reconcile_result. If it stays unknown: look for the order in Saxo's "
    "platform, then `tradebot orders resolve`."
)
_WATCHLIST = "Correct uic and asset_type of the watch list's entries in WATCHLIST_JSON."
_NEVER_ASKED = "The bot never changes or cancels an order: report it with the http_error line."
_LOGIN_WORDS = "OAuth: RFC 6749, 4.1.2.1 and 5.2; Saxo does not document the words it uses"
_ARTICLE = "Saxo: learn/order-placement-return-codes"
_PRICES = "Saxo: referencedocs/trade/v1/infoprices"
_PORTFOLIO = "Saxo: referencedocs/port/v1"
_AUDIT = "Saxo: learn/audit-orderactivities"
_LOG_IN = "Run `tradebot auth login`."
_KEYS = "Check SAXO_APP_KEY and SAXO_APP_SECRET; SIM and LIVE have different ones."
_REDIRECT = (
    "Check SAXO_REDIRECT_URI: it must be the app's redirect URL. Then `tradebot auth login`."
)
_REPORT = "Report it with the http_error line."

_OPEN = FailureReason.TRADE_NOT_COMPLETED
_UNCLEAR = FailureReason.UNCLEAR_ANSWER


def _left_open(
    code: str, meaning: str, occurs: str, reason: FailureReason = _OPEN, **more: str
) -> SaxoCode:
    return SaxoCode(code, meaning, _WAIT, reason, final=False, occurs=occurs, **more)


def _of_change(code: str, meaning: str, occurs: str) -> SaxoCode:
    """As an answer to an order it would prove nothing."""
    return SaxoCode(code, meaning, _NEVER_ASKED, _UNCLEAR, final=False, occurs=occurs)


def _of_request(code: str, meaning: str, next_step: str, source: str) -> SaxoCode:
    return SaxoCode(code, meaning, next_step, None, final=False, source=source)


OTHER_CODES = (
    _left_open(
        "TradeNotCompleted",
        "The exchange did not answer in time: the order may be live, or may become it.",
        "P",
        source=_ARTICLE,
    ),
    _left_open(
        "OrderCommandTimeout",
        "The order timed out on its way. The text invites to try again, yet nobody knows.",
        "PUD",
    ),
    _left_open("OrderCommandPending", "The order waits for a confirmation.", "PUD"),
    _left_open("CouldNotCompleteRequest", "Something failed; what became of it is open.", "PCUD"),
    _left_open("OtherError", "An error without a name; what became of it is open.", "PCUD"),
    SaxoCode(
        "RepeatTradeOnAutoQuote",
        "The same order was seen a moment ago; that one may be the bot's own.",
        f"{_WAIT} Is another copy of the bot running?",
        FailureReason.DUPLICATE_REQUEST,
        final=False,
        occurs="P",
    ),
    SaxoCode(
        "UnnamedError",
        "The bot's own word for an error without a code.",
        "Read msg and response_snippet; the order is looked for.",
        _UNCLEAR,
        final=False,
        source="the bot's own",
    ),
    # Of changing and cancelling.
    _of_change("AmountCannotBeLessThanFilledAmount", "More is filled already.", "PU"),
    _of_change("ExtendedHoursTradingCannotBeChanged", "The session cannot be changed.", ""),
    _of_change("AmendmentsNotSupportedInBreakSession", "No changes while trading pauses.", "U"),
    _of_change("AlreadyPendingCancelReplace", "A change or cancellation is under way.", "UD"),
    _of_change("OrderCannotBeChangedAtThisTime", "It cannot be changed now.", "U"),
    _of_change("TooLateToChangeOrder", "It is too late to change it.", "U"),
    _of_change("IllegalOrderTypeChange", "The order's type cannot be changed so.", "U"),
    _of_change("OrderCannotBeCancelledAtThisTime", "It cannot be cancelled now.", "D"),
    _of_change("TooLateToCancelOrder", "It is too late to cancel it.", "D"),
    _of_change("ClientCannotCancelStopOutOrder", "Saxo's own stop-out order.", "D"),
    # Of prices.
    _of_request(
        "InstrumentTypeNotSupportedException", "No prices for this type.", _WATCHLIST, _PRICES
    ),
    _of_request("UicsInListNotUnique", "An instrument is asked for twice.", _REPORT, _PRICES),
    _of_request("InvalidPriceRequest", "No such price can be asked for.", _WATCHLIST, _PRICES),
    _of_request("Unknown", "Saxo does not document what it means.", _REPORT, _PRICES),
    # Of instruments, accounts and the audit log.
    _of_request(
        "InvalidAssetType",
        "There is no such asset type.",
        _WATCHLIST,
        "Saxo: referencedocs/ref/v1/instruments",
    ),
    _of_request("InvalidUserId", "There is no such user.", _LOG_IN, _PORTFOLIO),
    _of_request(
        "InvalidClientId",
        "There is no such client.",
        "Is SAXO_CLIENT_KEY that of this login?",
        _PORTFOLIO,
    ),
    _of_request(
        "NoValidInput",
        "Client or account is missing or wrong.",
        "Are SAXO_CLIENT_KEY and SAXO_ACCOUNT_KEY those of this login?",
        _PORTFOLIO,
    ),
    _of_request("BadRequestError", "The request is not valid.", _REPORT, _AUDIT),
    _of_request("NotFoundError", "There is no such record.", _REPORT, _AUDIT),
    # Of the login server.
    _of_request(
        "invalid_grant",
        "The refresh token or the login's code is used, expired or not the app's.",
        _LOG_IN,
        _LOGIN_WORDS,
    ),
    _of_request("invalid_client", "The app itself is refused.", _KEYS, _LOGIN_WORDS),
    _of_request("unauthorized_client", "The app may not log in this way.", _KEYS, _LOGIN_WORDS),
    _of_request("invalid_request", "The login request lacks something.", _REDIRECT, _LOGIN_WORDS),
    _of_request(
        "unsupported_grant_type",
        "The login server knows no such way of logging in.",
        "Is SAXO_AUTH_MODE the way the app is registered for (oauth or pkce)?",
        _LOGIN_WORDS,
    ),
    _of_request("invalid_scope", "The login asks for what is not granted.", _REPORT, _LOGIN_WORDS),
    _of_request(
        "access_denied",
        "The login was refused or cancelled in the browser.",
        _LOG_IN,
        _LOGIN_WORDS,
    ),
    _of_request(
        "server_error",
        "The login server failed.",
        "Once: nothing, it is asked again. Repeated: see the broker's status page.",
        _LOGIN_WORDS,
    ),
    _of_request(
        "temporarily_unavailable",
        "The login server cannot answer now.",
        "Nothing: it is asked again.",
        _LOGIN_WORDS,
    ),
)
