"""Every word that may stand after `reason=` or `failure_reason=`, and what it means.

Five lists, because they answer five questions: a *decision reason* says why an instrument was
bought, sold, held or skipped in a cycle; a *skip reason* why a cycle looked at none; a *failure
reason* why something that was begun did not succeed; a *difference* how journal and broker
disagree; a *missed reason* why a slot had no run. All are enums of strings, so a misspelt one
cannot be logged; a user's own strategy may add decision reasons of its own.
"""

from __future__ import annotations

import enum


class _Word(enum.StrEnum):
    """A documented code word: ``.value`` is what is logged, ``.meaning`` what it means."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> _Word:
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        return word


class DecisionReason(_Word):
    """Why an instrument was bought, sold, held or skipped (`strategy_decision reason=`)."""

    CROSSED_ABOVE = "crossed_above", "The fast average crossed above the slow one: buy."
    CROSSED_BELOW = "crossed_below", "The fast average crossed below the slow one: sell."
    NO_CROSS = "no_cross", "The averages did not cross on the last closed bar."
    NO_POSITION = "no_position", "The averages crossed below, but nothing is held to sell."
    ALREADY_DECIDED = "already_decided", "This bar was acted on in an earlier cycle."
    UNRESOLVED_INTENT = (
        "unresolved_intent",
        "An earlier order of this instrument has no known outcome yet.",
    )
    ORDER_WORKING = "order_working", "An earlier order of this instrument is not finished yet."
    POSITION_MISMATCH = (
        "position_mismatch",
        "The broker holds less than the bot bought: somebody else sold, or a fill is missing.",
    )
    POSITION_HELD = "position_held", "A position is held already; the bot does not add to it."
    NOTHING_SELLABLE = "nothing_sellable", "The broker's position is not the bot's own to sell."
    MAX_TRADES_PER_DAY = "max_trades_per_day", "MAX_TRADES_PER_DAY orders were sent today."
    MAX_POSITION_VALUE = "max_position_value", "The order is worth more than MAX_POSITION_VALUE."
    PAUSED = "paused", "Trading was paused while this cycle ran."
    INSUFFICIENT_DATA = "insufficient_data", "The broker has fewer closed bars than needed."
    BARS_UNAVAILABLE = "bars_unavailable", "The chart request failed in this cycle."
    NO_QUOTE = "no_quote", "The broker's answer left this instrument out."
    NO_ACCESS = "no_access", "The login has no right to this instrument's prices."
    PRICE_PENDING = "price_pending", "The broker had no price yet."
    QUOTE_DELAYED = "quote_delayed", "The price is older than MAX_QUOTE_DELAY_MINUTES."
    QUOTE_STALE = "quote_stale", "The price is older than DATA_STALENESS_SECONDS."
    QUOTES_UNAVAILABLE = "quotes_unavailable", "The price request failed in this cycle."
    MARKET_CLOSED = "market_closed", "The instrument's market is closed."
    SESSIONS_UNKNOWN = (
        "sessions_unknown",
        "The trading schedule could not be read, so the market counts as closed.",
    )
    UNKNOWN_INSTRUMENT = (
        "unknown_instrument",
        "The broker knows no such Uic with this asset type.",
    )
    NOT_TRADABLE = "not_tradable", "The broker marks the instrument as not tradable."
    DEADLINE = "deadline", "The run's deadline came before this instrument's turn."
    STOPPING = "stopping", "The run was asked to stop before this instrument's turn."
    STRATEGY_ERROR = "strategy_error", "The strategy raised an error for this instrument."
    CYCLE_FAILED = "cycle_failed", "The cycle ended with an error before this instrument's turn."


class SkipReason(_Word):
    """Why a whole cycle ended without looking at any instrument (`cycle_skip_… reason=`)."""

    NOT_A_TRADING_DAY = "not_a_trading_day", "TRADING_DAYS leaves this day out."
    BEFORE_OPEN = "before_open", "It is earlier than TRADING_START."
    AFTER_CLOSE = "after_close", "It is later than TRADING_END."
    HOLIDAY = "holiday", "TRADING_HOLIDAYS closes the market today."
    HALF_DAY = "half_day", "TRADING_HOLIDAYS closed the market early today."
    ALL_INSTRUMENTS_CLOSED = (
        "all_instruments_closed",
        "By the broker's trading schedules every watched market is closed.",
    )
    SESSIONS_UNKNOWN = (
        "sessions_unknown",
        "No trading schedule could be read, so every market counts as closed.",
    )
    TAKEN = "taken", "Another run of this slot has run, or has sent an order."
    LATE = "late", "The run started later than SCHEDULE_MAX_LATENESS after its slot's beginning."
    EXHAUSTED = "exhausted", "Two runs of this slot have failed; the next slot starts anew."
    BY_HAND = "by_hand", "Somebody paused trading (`tradebot pause`)."
    CONSECUTIVE_FAILURES = (
        "consecutive_failures",
        "MAX_CONSECUTIVE_FAILURES orders failed in a row, and the bot paused itself.",
    )


class FailureReason(_Word):
    """Why an intent, a request or a login did not succeed (`failure_reason=`)."""

    # Before anything was sent.
    DRY_RUN = "dry_run", "A dry run stops after the precheck."
    PRECHECK_REFUSED = "precheck_refused", "The broker's precheck said the order would fail."
    PRECHECK_UNAVAILABLE = "precheck_unavailable", "The precheck got no usable answer."
    POSITION_VALUE = "position_value", "The precheck's value is above MAX_POSITION_VALUE."
    POSITION_VALUE_UNKNOWN = (
        "position_value_unknown",
        "MAX_POSITION_VALUE is set, and the precheck gave no rate to the account's currency.",
    )
    DISCLAIMER_BLOCKING = "disclaimer_blocking", "The broker shows a text that forbids the order."
    DISCLAIMER_POLICY = "disclaimer_policy", "A person must answer the broker's disclaimer."
    DISCLAIMER_UNAVAILABLE = (
        "disclaimer_unavailable",
        "The disclaimer could not be read or answered.",
    )
    DEADLINE = "deadline", "The run's deadline passed before the order was sent."
    STOPPING = "stopping", "The run was asked to stop before the order was sent."
    QUOTE_STALE = "quote_stale", "The price had become too old when the order was to be sent."
    NOT_SENT = "not_sent", "The connection failed before a byte of the order left."
    ABANDONED_BEFORE_SEND = (
        "abandoned_before_send",
        "The run ended between recording the intent and sending the order.",
    )
    DUPLICATE_REFERENCE = (
        "duplicate_reference",
        "The broker already has an order with this reference.",
    )
    # The broker said no.
    INSUFFICIENT_CASH = "insufficient_cash", "Not enough cash or margin."
    INVALID_ORDER = "invalid_order", "The order's size, price, type or a field is not accepted."
    NOT_OWNED = "not_owned", "There is nothing to sell at the broker."
    MARKET_CLOSED = "market_closed", "The market is closed."
    RATE_LIMITED = "rate_limited", "Too many requests; certainly not processed."
    LOGIN_REFUSED = "login_refused", "The access token was not accepted."
    FORBIDDEN = "forbidden", "The app or user may not do this."
    REFUSED = "refused", "The broker refused, with the code in error_code."
    REJECTED_AFTER_ACCEPTANCE = (
        "rejected_after_acceptance",
        "The broker accepted the order and then rejected it.",
    )
    CANCELLED = "cancelled", "The order was cancelled at the broker before it was filled."
    EXPIRED = "expired", "The order expired unfilled."
    # Nobody knows yet.
    TRADE_NOT_COMPLETED = (
        "trade_not_completed",
        "The broker does not know itself: 202, or a code like it.",
    )
    PARTLY_ACCEPTED = (
        "partly_accepted",
        "An error came together with an order id, or with a status that says success.",
    )
    DUPLICATE_REQUEST = (
        "duplicate_request",
        "An identical request was seen before (409, or RepeatTradeOnAutoQuote).",
    )
    NO_ANSWER = "no_answer", "The connection broke or timed out after the order was sent."
    SERVER_ERROR = "server_error", "The broker answered with a 5xx."
    UNCLEAR_ANSWER = "unclear_answer", "The answer names neither an order nor a documented refusal."
    NOT_FOUND_YET = "not_found_yet", "Placed according to the answer, but not yet visible."
    # Found out later.
    OTHER_ACCOUNT = "other_account", "The order is of another account than the one traded on now."
    NOT_PLACED = "not_placed", "The broker shows no trace of the order after the grace time."
    RESOLVED_BY_HAND = "resolved_by_hand", "A person recorded the outcome."
    # Requests and logins.
    UNAVAILABLE = "unavailable", "The broker did not answer, or answered with a 5xx."
    BAD_ANSWER = "bad_answer", "The answer did not have the promised shape."
    CLOCK_SKEW = "clock_skew", "This machine's clock and the broker's differ by over 30 s."
    CHAIN_LOST = "chain_lost", "The refresh token was refused: somebody must log in again."
    NOT_LOGGED_IN = "not_logged_in", "There is no login yet."
    TOKEN_EXPIRED = "token_expired", "The login has run out."
    GRANT_REFUSED = "grant_refused", "The login server refused: somebody must log in again."
    LOGIN_SERVER_UNAVAILABLE = "login_server_unavailable", "The login server did not answer."
    ANSWER_LOST = "answer_lost", "The login server's answer was lost on its way."
    # A cycle that ended early (`cycle_failed`): the class of the error.
    TRADEBOT_ERROR = "tradebot_error", "An error of the bot without a more precise name."
    SETTINGS_ERROR = "settings_error", "A setting does not fit what the broker says."
    LOGIN_ERROR = "login_error", "The login is lost: somebody must log in again."
    BROKER_ERROR = "broker_error", "The broker did not do what was asked."
    BROKER_UNAVAILABLE = "broker_unavailable", "The broker did not answer; it may pass by itself."
    REQUEST_REFUSED = "request_refused", "The broker refused a request that the cycle needs."
    OUTCOME_UNKNOWN = "outcome_unknown", "A request may or may not have been carried out."
    STORAGE_ERROR = "storage_error", "The log or the journal could not be written."
    LOCK_BUSY = "lock_busy", "Another run holds the lock."
    DEADLINE_EXCEEDED = "deadline_exceeded", "The run's own deadline passed."
    TERMINATED = "terminated", "The run was asked to stop."
    GUARD_VIOLATION = "guard_violation", "The transport refused a request this run may not send."


class Difference(_Word):
    """How the journal and the broker disagree (`orders_check_difference difference=`)."""

    UNKNOWN_TO_JOURNAL = (
        "unknown_to_journal",
        "The broker has an order with the bot's kind of reference that this journal does not know: "
        "another copy of the bot sent it, or the journal is an older backup.",
    )
    MISSING_AT_BROKER = (
        "missing_at_broker",
        "The journal has an order that the broker does not show.",
    )
    DUPLICATE_AT_BROKER = (
        "duplicate_at_broker",
        "The broker has more than one order for one decision.",
    )
    CONTRADICTED = (
        "contradicted",
        "The journal says that no order came of it, and the broker has one.",
    )
    UNRESOLVED = "unresolved", "The journal does not know what became of an order that was sent."
    STATE_DIFFERS = (
        "state_differs",
        "The order stands otherwise than the journal says; a run brings one that still worked up "
        "to date.",
    )
    QUANTITY_DIFFERS = "quantity_differs", "Another quantity was filled than the journal says."
    ORDER_DIFFERS = (
        "order_differs",
        "The order at the broker has another instrument, side, amount or reference.",
    )
    POSITION_DIFFERS = (
        "position_differs",
        "The broker holds less than the bot counts as its own; the instrument does not trade.",
    )


class MissedReason(_Word):
    """Why there was no run in a slot (`schedule_runs_missed reason=`)."""

    NO_WAKEUP = (
        "no_wakeup",
        "Nobody started the bot: the machine was off or asleep, or the schedule stopped.",
    )
    BUSY = (
        "busy",
        "The run of an earlier slot, named by holder, was still going, and the scheduler starts no "
        "second one beside it.",
    )
    SEVERAL_GAPS = (
        "several_gaps",
        "More gaps than get a line each: these are all the older ones; `tradebot schedule missed` "
        "lists them.",
    )
