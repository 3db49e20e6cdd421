"""Every word that may stand after `reason=` or `failure_reason=`, and what it means.

Five lists, because they answer five questions: a *decision reason* says why an instrument was
bought, sold, held or skipped in a cycle; a *skip reason* why a cycle looked at none; a *failure
reason* why something that was begun did not succeed; a *difference* how journal and broker
disagree; a *missed reason* why a slot had no run. All are enums of strings, so a misspelt one
cannot be logged; a user's own strategy may add decision reasons of its own.
"""

from __future__ import annotations

from tradebot.vocabulary.failure_reasons import FailureReason
from tradebot.vocabulary.words import Word

__all__ = ["DecisionReason", "Difference", "FailureReason", "MissedReason", "SkipReason"]


class DecisionReason(Word):
    """Why an instrument was bought, sold, held or skipped (`strategy_decision reason=`)."""

    CROSSED_ABOVE = (
        "crossed_above",
        "The fast average crossed above the slow one: buy.",
        "Nothing; the execution_ lines of the instrument tell what became of the order.",
    )
    CROSSED_BELOW = (
        "crossed_below",
        "The fast average crossed below the slow one: sell.",
        "Nothing; the execution_ lines of the instrument tell what became of the order.",
    )
    NO_CROSS = (
        "no_cross",
        "The averages did not cross on the last closed bar.",
        "Nothing: most bars have no crossing.",
    )
    NO_POSITION = (
        "no_position",
        "The averages crossed below, but nothing is held to sell.",
        "Nothing: there is nothing of the bot's to sell.",
    )
    ALREADY_DECIDED = (
        "already_decided",
        "This bar was acted on in an earlier cycle.",
        "Nothing: the next closed bar is decided anew. `tradebot orders list` shows what the "
        "earlier order came to.",
    )
    UNRESOLVED_INTENT = (
        "unresolved_intent",
        "An earlier order of this instrument has no known outcome yet.",
        "Wait for the next run: it looks for the order first. If it stays: `tradebot orders "
        "list --open`, look in Saxo's platform, then `tradebot orders resolve`.",
    )
    ORDER_WORKING = (
        "order_working",
        "An earlier order of this instrument is not finished yet.",
        "Nothing: it is followed until it is filled or gone. If you do not want it, cancel it "
        "in Saxo's platform.",
    )
    POSITION_MISMATCH = (
        "position_mismatch",
        "The broker holds less than the bot bought: somebody else sold, or a fill is missing.",
        "Find out who sold: `tradebot orders check` shows both sides. `tradebot orders "
        "accept-position` takes the smaller position over; until then the instrument does not "
        "trade.",
    )
    POSITION_HELD = (
        "position_held",
        "A position is held already; the bot does not add to it.",
        "Nothing: the bot buys again when the position is gone. One of your own counts, too.",
    )
    NOTHING_SELLABLE = (
        "nothing_sellable",
        "The broker's position is not the bot's own to sell.",
        "Nothing: the bot sells only what it bought. What is yours you sell in Saxo's platform.",
    )
    MAX_TRADES_PER_DAY = (
        "max_trades_per_day",
        "MAX_TRADES_PER_DAY orders were sent today.",
        "Nothing: the count begins anew at midnight UTC. Often: raise MAX_TRADES_PER_DAY, or "
        "ask the strategy why it trades so much.",
    )
    MAX_POSITION_VALUE = (
        "max_position_value",
        "The order is worth more than MAX_POSITION_VALUE.",
        "Lower the quantity of this instrument in WATCHLIST_JSON, or raise MAX_POSITION_VALUE.",
    )
    PAUSED = (
        "paused",
        "Trading was paused while this cycle ran.",
        "The trading_paused or execution_paused line says why; `tradebot resume` when it is "
        "dealt with.",
    )
    INSUFFICIENT_DATA = (
        "insufficient_data",
        "The broker has fewer closed bars than needed.",
        "Nothing for a new instrument. Else compare bars_have and bars_need, and shorten the "
        "strategy's averages in STRATEGY_PARAMS_JSON.",
    )
    BARS_UNAVAILABLE = (
        "bars_unavailable",
        "The chart request failed in this cycle.",
        "Once: nothing, the next run asks again. Repeated: the http_error of this instrument "
        "says why.",
    )
    NO_QUOTE = (
        "no_quote",
        "The broker's answer has no price to trade on: left out, no market, or one side missing.",
        "Once: nothing. Always: is it the right uic and asset_type in WATCHLIST_JSON, and does "
        "anybody make a market in it?",
    )
    NO_ACCESS = (
        "no_access",
        "The login has no right to this instrument's prices.",
        "Accept the market data terms in Saxo's platform and subscribe to the exchange's "
        "prices. On SIM only FX is sure to have them. Else take it off the watch list.",
    )
    PRICE_PENDING = (
        "price_pending",
        "The broker had no price yet.",
        "Nothing: the next run asks again.",
    )
    QUOTE_DELAYED = (
        "quote_delayed",
        "The price is older than MAX_QUOTE_DELAY_MINUTES.",
        "Subscribe to the exchange's real-time prices, or raise MAX_QUOTE_DELAY_MINUTES.",
    )
    QUOTE_STALE = (
        "quote_stale",
        "The price is older than DATA_STALENESS_SECONDS.",
        "Outside trading hours: nothing. Within them: is this machine's clock right, and is "
        "DATA_STALENESS_SECONDS long enough for an instrument that trades seldom?",
    )
    QUOTES_UNAVAILABLE = (
        "quotes_unavailable",
        "The price request failed in this cycle.",
        "Once: nothing, the next run asks again. Repeated: the http_error lines before it say why.",
    )
    MARKET_CLOSED = (
        "market_closed",
        "The instrument's market is closed.",
        "Nothing: it is asked again in the next run. TRADING_HOURS_MODE=instrument asks only "
        "while it is open.",
    )
    SESSIONS_UNKNOWN = (
        "sessions_unknown",
        "The trading schedule could not be read, so the market counts as closed.",
        "Once: nothing, the next run asks again. Repeated: the http_error of tradingschedule "
        "says why.",
    )
    UNKNOWN_INSTRUMENT = (
        "unknown_instrument",
        "The broker knows no such Uic with this asset type.",
        "Correct uic or asset_type of this entry in WATCHLIST_JSON: the same number means "
        "another thing under another type.",
    )
    NOT_TRADABLE = (
        "not_tradable",
        "The broker marks the instrument as not tradable.",
        "Look at it in Saxo's platform: expired, to be reduced only, or not for your kind of "
        "client. If it stays, take it off the watch list.",
    )
    DEADLINE = (
        "deadline",
        "The run's deadline came before this instrument's turn.",
        "Once: nothing, the next run decides anew. Often: fewer instruments, a longer "
        "SCHEDULE_CADENCE, or a longer CYCLE_DEADLINE_SECONDS.",
    )
    STOPPING = (
        "stopping",
        "The run was asked to stop before this instrument's turn.",
        "Nothing: somebody, or the scheduler, stopped the run. The next one decides anew.",
    )
    STRATEGY_ERROR = (
        "strategy_error",
        "The strategy raised an error for this instrument.",
        "Read the stack of the unexpected_exception before it, and correct the strategy. The "
        "other instruments are not affected.",
    )
    CYCLE_FAILED = (
        "cycle_failed",
        "The cycle ended with an error before this instrument's turn.",
        "Read the cycle_failed or unexpected_exception line of the same run: it says what ended "
        "it.",
    )


class SkipReason(Word):
    """Why a whole cycle ended without looking at any instrument (`cycle_skip_… reason=`)."""

    NOT_A_TRADING_DAY = (
        "not_a_trading_day",
        "TRADING_DAYS leaves this day out.",
        "Nothing. If the day should count: TRADING_DAYS and TIMEZONE.",
    )
    BEFORE_OPEN = (
        "before_open",
        "It is earlier than TRADING_START.",
        "Nothing: next_open says when. If that is wrong: TRADING_START and TIMEZONE.",
    )
    AFTER_CLOSE = (
        "after_close",
        "It is later than TRADING_END.",
        "Nothing: next_open says when. If that is wrong: TRADING_END and TIMEZONE.",
    )
    HOLIDAY = (
        "holiday",
        "TRADING_HOLIDAYS closes the market today.",
        "Nothing. If it is none: does TRADING_HOLIDAYS name the right exchange?",
    )
    HALF_DAY = (
        "half_day",
        "TRADING_HOLIDAYS closed the market early today.",
        "Nothing. If it is none: does TRADING_HOLIDAYS name the right exchange?",
    )
    ALL_INSTRUMENTS_CLOSED = (
        "all_instruments_closed",
        "By the broker's trading schedules every watched market is closed.",
        "Nothing: next_open says when the first one opens.",
    )
    SESSIONS_UNKNOWN = (
        "sessions_unknown",
        "No trading schedule could be read, so every market counts as closed.",
        "Once: nothing, the next run asks again. Repeated: the http_error of tradingschedule "
        "says why.",
    )
    TAKEN = (
        "taken",
        "Another run of this slot has run, or has sent an order.",
        "Nothing: a slot runs once. `tradebot schedule explain` with its time says which run "
        "had it.",
    )
    LATE = (
        "late",
        "The run started later than SCHEDULE_MAX_LATENESS after its slot's beginning.",
        "Once: nothing; the machine slept or was busy. Often: `tradebot schedule verify`, or "
        "raise SCHEDULE_MAX_LATENESS.",
    )
    EXHAUSTED = (
        "exhausted",
        "Two runs of this slot have failed; the next slot starts anew.",
        "Look at the two runs that failed, by their slot: cycle_failed, or where their lines end.",
    )
    BY_HAND = (
        "by_hand",
        "Somebody paused trading (`tradebot pause`).",
        "`tradebot resume` when the time has come. Where until is given it ends by itself.",
    )
    CONSECUTIVE_FAILURES = (
        "consecutive_failures",
        "MAX_CONSECUTIVE_FAILURES orders failed in a row, and the bot paused itself.",
        "Read the execution_completed lines with FAILED, put it right, then `tradebot resume`.",
    )


class Difference(Word):
    """How the journal and the broker disagree (`orders_check_difference difference=`)."""

    UNKNOWN_TO_JOURNAL = (
        "unknown_to_journal",
        "The broker has an order with the bot's kind of reference that this journal does not "
        "know: another copy of the bot sent it, or the journal is an older backup.",
        "Find the other copy of the bot, or restore the newer journal. The bot never touches "
        "such an order: decide about it in Saxo's platform.",
    )
    MISSING_AT_BROKER = (
        "missing_at_broker",
        "The journal has an order that the broker does not show.",
        "Look for it in Saxo's platform. A demo account that was reset has forgotten its orders.",
    )
    DUPLICATE_AT_BROKER = (
        "duplicate_at_broker",
        "The broker has more than one order for one decision.",
        "Decide in Saxo's platform which one stays, and find the other copy of the bot. Report "
        "it if there is none.",
    )
    CONTRADICTED = (
        "contradicted",
        "The journal says that no order came of it, and the broker has one.",
        "Nothing is sent again. If it filled, the next run books it; compare the position with "
        "Saxo's platform.",
    )
    UNRESOLVED = (
        "unresolved",
        "The journal does not know what became of an order that was sent.",
        "Wait for the next run. If it stays: look in Saxo's platform, then `tradebot orders "
        "resolve`.",
    )
    STATE_DIFFERS = (
        "state_differs",
        "The order stands otherwise than the journal says; a run brings one that still worked "
        "up to date.",
        "Let a run go through and check again. If it stays, look at the order's history in "
        "Saxo's platform.",
    )
    QUANTITY_DIFFERS = (
        "quantity_differs",
        "Another quantity was filled than the journal says.",
        "Let a run go through and check again. If it stays, compare the fills in Saxo's platform.",
    )
    ORDER_DIFFERS = (
        "order_differs",
        "The order at the broker has another instrument, side, amount or reference.",
        "Somebody changed it, or the reference was used by another program: look at it in "
        "Saxo's platform.",
    )
    POSITION_DIFFERS = (
        "position_differs",
        "The broker holds less than the bot counts as its own; the instrument does not trade.",
        "Find out who sold, then `tradebot orders accept-position`.",
    )


class MissedReason(Word):
    """Why there was no run in a slot (`schedule_runs_missed reason=`)."""

    NO_WAKEUP = (
        "no_wakeup",
        "Nobody started the bot: the machine was off or asleep, or the schedule stopped; or its "
        "run ended before it could leave a row: look for its startup_begin.",
        "Was the machine off or asleep? If not: `tradebot schedule verify` and `tradebot "
        "schedule status`.",
    )
    BUSY = (
        "busy",
        "The run of an earlier slot, named by holder, was still going, and the scheduler starts "
        "no second one beside it.",
        "The lines of the holder say what took it so long. Often: a longer SCHEDULE_CADENCE, or "
        "fewer instruments.",
    )
    SEVERAL_GAPS = (
        "several_gaps",
        "More gaps than get a line each: these are all the older ones; `tradebot schedule "
        "missed` lists them.",
        "`tradebot schedule missed` lists them, with the scheduler's own record.",
    )
