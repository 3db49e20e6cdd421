"""What the bot makes of the broker's HTTP statuses (`http_status=`), by what was asked.

An order is judged by more than its status: an order id, an error code or a disclaimer in the
answer counts first (docs/orders.md). What stands here is for an answer without any of these.
"""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.vocabulary.failure_reasons import FailureReason

_DOUBTFUL = FailureReason.UNCLEAR_ANSWER
_PASSES = (
    "Once: nothing. Repeated: see the broker's status page, and give saxo_request_id to Saxo's "
    "support."
)
_BY_CODE = "`tradebot logs explain` with the error_code of the same line says what was wrong."


@dataclass(frozen=True, slots=True)
class HttpStatus:
    """One value of `http_status=`."""

    status: int
    meaning: str
    next_step: str
    order_reason: FailureReason | None = None
    """What an order is called that is answered so by Saxo itself; None: placed."""
    final: bool = False
    """Is it proof that there is no order?"""
    read_again: bool = False
    """Is a GET repeated: three tries at most, with pauses?"""
    login_lost: bool = False
    """Does it end the login when the login server answers so?"""

    @property
    def for_an_order(self) -> str:
        if self.order_reason is None:
            return "placed, if the answer names an order id; else it is looked for"
        word = self.order_reason.value
        if not self.final:
            return f"unknown ({word}): looked for"
        # A 401 is given before an order is looked at, by whomever.
        doubt = "" if self.status == 401 else "; without Saxo's own headers it is looked for"
        return f"FAILED {word}: no order exists{doubt}"

    @property
    def for_a_read(self) -> str:
        if self.status == 401:
            return "the token is renewed and the request repeated once; then exit code 77"
        if self.read_again:
            return "asked again, three times at most, with pauses; then the data is missing"
        return "taken" if self.status < 300 else "not asked again"

    @property
    def for_the_login(self) -> str:
        if self.status < 300:
            return "taken"
        return "the login is lost" if self.login_lost else "the next run tries again"


HTTP_STATUSES = (
    HttpStatus(
        200,
        "The request was taken. For an order that is no success by itself: the answer must name "
        "an order id and no error (Saxo: learn/order-placement-return-codes).",
        "Nothing.",
    ),
    HttpStatus(
        201,
        "Created: the login server answers so with new tokens.",
        "Nothing.",
    ),
    HttpStatus(
        202,
        "Taken, and not completed: the exchange did not answer in time (Saxo: "
        "learn/order-placement).",
        "Wait for execution_reconcile_result; the order is never sent again.",
        FailureReason.TRADE_NOT_COMPLETED,
    ),
    HttpStatus(
        400,
        "The request is wrong, or an order is refused; error_code says which.",
        _BY_CODE,
        _DOUBTFUL,
        login_lost=True,
    ),
    HttpStatus(
        401,
        "The token is missing, wrong or expired, or the data is another client's (Saxo: "
        "learn/status-codes).",
        "Repeated: `tradebot auth login`; do SAXO_ENV, SAXO_ACCOUNT_KEY and SAXO_CLIENT_KEY belong "
        "to this login?",
        FailureReason.LOGIN_REFUSED,
        final=True,
        login_lost=True,
    ),
    HttpStatus(
        403,
        "The app or the user lacks the right (Saxo: learn/status-codes); without saxo_request_id "
        "something on the way refused.",
        "A new login does not help. Does the app have the right in Saxo's developer portal, and is "
        "the account enabled for it? Without saxo_request_id: look at proxy and firewall.",
        FailureReason.FORBIDDEN,
        final=True,
    ),
    HttpStatus(
        404,
        "What was asked for does not exist, for example a Uic under another asset type.",
        "Correct uic or asset_type in WATCHLIST_JSON, if http_url_path is about an instrument.",
        FailureReason.REFUSED,
        final=True,
    ),
    HttpStatus(408, "The request took too long on its way.", _PASSES, _DOUBTFUL),
    HttpStatus(
        409,
        "An identical request was seen within 15 seconds (Saxo: learn/rate-limiting). That does "
        "not say that it was accepted.",
        "Wait for execution_reconcile_result. Is another copy of the bot running?",
        FailureReason.DUPLICATE_REQUEST,
    ),
    HttpStatus(
        429,
        "Too many requests: certainly not processed (Saxo: learn/rate-limiting). The limit with "
        "rate_limit_remaining 0 is the one.",
        "Once: nothing, it is waited. Often: a longer SCHEDULE_CADENCE, fewer instruments, or "
        "fewer programs on one login.",
        FailureReason.RATE_LIMITED,
        final=True,
        read_again=True,
    ),
    *(
        HttpStatus(status, meaning, _PASSES, FailureReason.SERVER_ERROR, read_again=True)
        for status, meaning in (
            (500, "Saxo failed."),
            (502, "Something before Saxo got no usable answer from it."),
            (503, "Saxo is not available, for example during maintenance."),
            (504, "Something before Saxo waited for it in vain."),
        )
    ),
)
