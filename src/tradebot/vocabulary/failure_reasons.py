"""Every word that may stand after `failure_reason=`: what it means, and what to do about it."""

from __future__ import annotations

from tradebot.vocabulary.words import Word

_TRIED_AGAIN = "Nothing: the next run tries the decision again, at most three times in all."
_LOOKED_FOR = (
    "Wait for execution_reconcile_result: this run and every later one look for the order. If it "
    "stays: `tradebot orders list --open`, look in Saxo's platform, then `tradebot orders resolve`."
)
_LOG_IN = "Run `tradebot auth login`."


class FailureReason(Word):
    """Why an intent, a request or a login did not succeed (`failure_reason=`)."""

    # Before anything was sent.
    DRY_RUN = (
        "dry_run",
        "A dry run stops after the precheck.",
        "Nothing; DRY_RUN=false sends orders.",
    )
    PRECHECK_REFUSED = (
        "precheck_refused",
        "The broker's precheck said the order would fail.",
        "Read error_code and msg of execution_precheck_failed. Nothing was sent; the decision is "
        "closed.",
    )
    PRECHECK_UNAVAILABLE = (
        "precheck_unavailable",
        "The precheck got no usable answer.",
        f"{_TRIED_AGAIN} The http_error before it says why.",
    )
    POSITION_VALUE = (
        "position_value",
        "The precheck's value is above MAX_POSITION_VALUE.",
        "Lower the quantity of this instrument in WATCHLIST_JSON, or raise MAX_POSITION_VALUE.",
    )
    POSITION_VALUE_UNKNOWN = (
        "position_value_unknown",
        "MAX_POSITION_VALUE is set, and the precheck gave no rate to the account's currency.",
        "If it repeats: trade what is in the account's currency, or switch MAX_POSITION_VALUE off "
        "(0) and keep the quantity small.",
    )
    DISCLAIMER_BLOCKING = (
        "disclaimer_blocking",
        "The broker shows a text that forbids the order.",
        "It cannot be accepted. Read it in Saxo's platform (disclaimer_title), and take the "
        "instrument off the watch list if it stays.",
    )
    DISCLAIMER_POLICY = (
        "disclaimer_policy",
        "A person must answer the broker's disclaimer.",
        "Log in to Saxo's platform, read and answer it there; the next bar's decision then passes. "
        "DISCLAIMER_POLICY=accept_simple accepts the simple ones in your name.",
    )
    DISCLAIMER_UNAVAILABLE = (
        "disclaimer_unavailable",
        "The disclaimer could not be read or answered.",
        f"{_TRIED_AGAIN} The http_error before it says why.",
    )
    DEADLINE = (
        "deadline",
        "The run's deadline passed before the order was sent.",
        f"{_TRIED_AGAIN} Often: fewer instruments, a longer SCHEDULE_CADENCE, or a longer "
        "CYCLE_DEADLINE_SECONDS.",
    )
    STOPPING = (
        "stopping",
        "The run was asked to stop before the order was sent.",
        _TRIED_AGAIN,
    )
    QUOTE_STALE = (
        "quote_stale",
        "The price had become too old when the order was to be sent.",
        f"{_TRIED_AGAIN} Often: what takes the run so long (latency_ms, rate_limit_wait), or is "
        "DATA_STALENESS_SECONDS too short?",
    )
    NOT_SENT = (
        "not_sent",
        "The connection failed before a byte of the order left.",
        f"{_TRIED_AGAIN} Often: error_kind of http_error says whether it is the name, the network "
        "or the certificate.",
    )
    ABANDONED_BEFORE_SEND = (
        "abandoned_before_send",
        "The run ended between recording the intent and sending the order.",
        f"{_TRIED_AGAIN} run_killed_found names the run that ended.",
    )
    DUPLICATE_REFERENCE = (
        "duplicate_reference",
        "The broker already has an order with this reference.",
        "Is another copy of the bot running, or was a backup restored? Nothing was sent; the next "
        "run looks what became of the order.",
    )
    # The broker said no.
    INSUFFICIENT_CASH = (
        "insufficient_cash",
        "Not enough cash or margin.",
        "Add money, or lower the quantity in WATCHLIST_JSON. The decision is closed; the next "
        "bar's is prechecked anew.",
    )
    INVALID_ORDER = (
        "invalid_order",
        "The order's size, price, type or a field is not accepted.",
        "Read error_code and msg: they name what is wrong. Usually the quantity in WATCHLIST_JSON "
        "(lots, smallest size) or ORDER_TYPE must change.",
    )
    NOT_OWNED = (
        "not_owned",
        "There is nothing to sell at the broker.",
        "Was it sold by hand, or does another sell order cover it? `tradebot orders check` "
        "compares; look at the position in Saxo's platform.",
    )
    MARKET_CLOSED = (
        "market_closed",
        "The market is closed.",
        f"{_TRIED_AGAIN} Often: TRADING_HOURS_MODE=instrument asks only while it is open.",
    )
    RATE_LIMITED = (
        "rate_limited",
        "Too many requests; certainly not processed.",
        f"{_TRIED_AGAIN} Often: a longer SCHEDULE_CADENCE, or fewer programs on one login.",
    )
    LOGIN_REFUSED = (
        "login_refused",
        "The access token was not accepted.",
        "Do SAXO_ENV, SAXO_ACCOUNT_KEY and SAXO_CLIENT_KEY belong to this login? Else log in "
        "again: `tradebot auth login`; with SAXO_AUTH_MODE=manual renew SAXO_ACCESS_TOKEN.",
    )
    FORBIDDEN = (
        "forbidden",
        "The app or user may not do this.",
        "A new login does not help. Does the app have trading rights in Saxo's developer portal, "
        "and is the account enabled for this product?",
    )
    REFUSED = (
        "refused",
        "The broker refused, with the code in error_code.",
        "`tradebot logs explain` with the error_code says what it is about. The decision is "
        "closed.",
    )
    REJECTED_AFTER_ACCEPTANCE = (
        "rejected_after_acceptance",
        "The broker accepted the order and then rejected it.",
        "Look at the order's history in Saxo's platform: it gives the exchange's or the broker's "
        "reason. The decision is closed.",
    )
    CANCELLED = (
        "cancelled",
        "The order was cancelled at the broker before it was filled.",
        "Not by the bot: was it you, or the broker? filled_quantity says what was filled all the "
        "same.",
    )
    EXPIRED = (
        "expired",
        "The order expired unfilled.",
        "Nothing: orders are day orders. Often with ORDER_TYPE=marketable_limit: raise "
        "MAX_SLIPPAGE_BPS.",
    )
    # Nobody knows yet.
    TRADE_NOT_COMPLETED = (
        "trade_not_completed",
        "The broker does not know itself: 202, or a code like it.",
        _LOOKED_FOR,
    )
    PARTLY_ACCEPTED = (
        "partly_accepted",
        "An error came together with an order id, or with a status that says success.",
        _LOOKED_FOR,
    )
    DUPLICATE_REQUEST = (
        "duplicate_request",
        "An identical request was seen before (409, or RepeatTradeOnAutoQuote).",
        f"{_LOOKED_FOR} Is another copy of the bot running?",
    )
    NO_ANSWER = (
        "no_answer",
        "The connection broke or timed out after the order was sent.",
        _LOOKED_FOR,
    )
    SERVER_ERROR = (
        "server_error",
        "The broker answered with a 5xx.",
        _LOOKED_FOR,
    )
    UNCLEAR_ANSWER = (
        "unclear_answer",
        "The answer names neither an order nor a documented refusal.",
        f"{_LOOKED_FOR} http_status and error_code say what came.",
    )
    NOT_FOUND_YET = (
        "not_found_yet",
        "Placed according to the answer, but not yet visible.",
        _LOOKED_FOR,
    )
    # Found out later.
    OTHER_ACCOUNT = (
        "other_account",
        "The order is of another account than the one traded on now.",
        "Let the bot run once with the earlier SAXO_ACCOUNT_KEY, so that it can look; or look in "
        "Saxo's platform and `tradebot orders resolve REF … --unchecked`.",
    )
    NOT_PLACED = (
        "not_placed",
        "The broker shows no trace of the order after the grace time.",
        "Nothing: the decision is closed, and for seven days each run looks again. Often: the "
        "http_error of the sending says why orders get lost.",
    )
    RESOLVED_BY_HAND = (
        "resolved_by_hand",
        "A person recorded the outcome.",
        "Nothing, if it was you. `tradebot orders check` compares it with the broker later.",
    )
    # Requests and logins.
    UNAVAILABLE = (
        "unavailable",
        "The broker did not answer, or answered with a 5xx.",
        "Once: nothing, the next run asks again. Repeated: the http_error lines before it, and "
        "the broker's status page.",
    )
    BAD_ANSWER = (
        "bad_answer",
        "The answer did not have the promised shape.",
        "Once: something on the way may have answered in the broker's place. Repeated: report it "
        "with the response_snippet of http_error.",
    )
    CLOCK_SKEW = (
        "clock_skew",
        "This machine's clock and the broker's differ by over 30 s.",
        "Set the clock right and start a time service (`timedatectl set-ntp true`); nothing is "
        "traded until then.",
    )
    GRANT_REFUSED = (
        "grant_refused",
        "The login server refused: somebody must log in again.",
        f"{_LOG_IN} With error_code=invalid_client first check SAXO_APP_KEY and SAXO_APP_SECRET.",
    )
    LOGIN_SERVER_UNAVAILABLE = (
        "login_server_unavailable",
        "The login server did not answer.",
        "Once: nothing, the next run tries again. For longer than the refresh token lives (40 "
        "minutes on SIM) it takes a new `tradebot auth login`.",
    )
    ANSWER_LOST = (
        "answer_lost",
        "The login server's answer was lost on its way.",
        "Nothing: it is asked again, at the latest by the next run. If the server had exchanged "
        "the token, that ends in auth_login_required.",
    )
    # A cycle that ended early (`cycle_failed`): the class of the error.
    TRADEBOT_ERROR = (
        "tradebot_error",
        "An error of the bot without a more precise name.",
        "Read msg; if it comes back, report it.",
    )
    SETTINGS_ERROR = (
        "settings_error",
        "A setting does not fit what the broker says.",
        "Read msg: it names the setting, for example a SAXO_ACCOUNT_KEY that the login has not.",
    )
    LOGIN_ERROR = (
        "login_error",
        "The login is lost: somebody must log in again.",
        f"{_LOG_IN} msg says more.",
    )
    BROKER_ERROR = (
        "broker_error",
        "The broker did not do what was asked.",
        "Read msg and the http_error before it.",
    )
    BROKER_UNAVAILABLE = (
        "broker_unavailable",
        "The broker did not answer; it may pass by itself.",
        "Once: nothing. Repeated: the http_error lines before it, and the broker's status page.",
    )
    REQUEST_REFUSED = (
        "request_refused",
        "The broker refused a request that the cycle needs.",
        "Read http_status and error_code of the http_error before it: a right that is missing, or "
        "a setting that names what does not exist.",
    )
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        "A request may or may not have been carried out.",
        "Nothing at once: the next run reads the broker's lists first. `tradebot orders list "
        "--open` shows what waits.",
    )
    STORAGE_ERROR = (
        "storage_error",
        "The log or the journal could not be written.",
        "Read msg: space, owner and permissions of LOG_DIR and STATE_DIR. Nothing further was "
        "sent.",
    )
    LOCK_BUSY = (
        "lock_busy",
        "Another run holds the lock.",
        "Once: nothing. Often: `tradebot schedule lock` says who holds it and whether it hangs.",
    )
    DEADLINE_EXCEEDED = (
        "deadline_exceeded",
        "The run's own deadline passed.",
        "Once: nothing, the next run decides anew. Often: fewer instruments, a longer "
        "SCHEDULE_CADENCE, or a longer CYCLE_DEADLINE_SECONDS.",
    )
    TERMINATED = (
        "terminated",
        "The run was asked to stop.",
        "Nothing: somebody, or the scheduler, stopped it. The next run goes on.",
    )
    GUARD_VIOLATION = (
        "guard_violation",
        "The transport refused a request this run may not send.",
        "A bug, though nothing was sent: report msg and the lines before it.",
    )
