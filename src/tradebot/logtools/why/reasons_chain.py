"""The first reason that stopped an instrument in a cycle, or what was traded.

In the order in which a run meets them: lock, slot, pause, hours, login, market data, strategy,
guards, precheck, disclaimers, the broker's answer; a run that dies stops whatever came after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tradebot.logtools.stories.order_story import OrderStatus, OrderStory
from tradebot.logtools.stories.run_story import RunOutcome
from tradebot.logtools.why.cycles import Cycle, Trouble
from tradebot.logtools.words.explanations import What, find
from tradebot.vocabulary.words import Word

_ORDERS = ("BUY", "SELL")
_BROKEN_OFF = "cycle_failed"
"""The decision's reason where a cycle broke off: what broke it off says more."""
_UNSENT = "abandoned_before_send"
_WRONG_SETTINGS = "settings_error"
_SHOWN_TROUBLES = 3


class Result(Word):
    """What became of an instrument at a time."""

    TRADED = "traded", "An order was sent, and the broker has it.", ""
    NOT_TRADED = "not_traded", "Nothing was traded.", ""
    UNKNOWN = "unknown", "An order was sent, and what became of it is not known yet.", ""
    RUNNING = "running", "The run has not come to this instrument's end yet.", ""
    NO_RUN = "no_run", "There was no run.", ""
    NOT_WATCHED = "not_watched", "The run did not watch this instrument.", ""
    NOT_IN_LOG = "not_in_log", "The log that was read says nothing about this time.", ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Why an instrument did or did not trade in a cycle."""

    instrument: str
    symbol: str
    result: Result
    reason: str
    """The word: of the signal where it traded, else of the first thing that stopped it."""
    meaning: str
    next_step: str
    where: str = ""
    """At which step it was stopped, in plain words."""
    order: str = ""
    """The reference of the order, where there was one."""
    ended_as: str = ""
    """How the order stands, or why it ended, where that is not the reason above."""
    because: tuple[str, ...] = ()
    """More about it: failed requests, the broker's words, what will change it."""


def answer(
    cycle: Cycle, instrument: str, symbol: str, orders: dict[str, OrderStory], now: str
) -> Answer:
    """About an instrument that this cycle watched. `now` is the reader's timestamp."""
    decided = cycle.decided.get(instrument)
    if decided is None or (decided.action not in _ORDERS and decided.reason == _BROKEN_OFF):
        return _broken_off(cycle, instrument, symbol, now)
    if decided.action not in _ORDERS:
        return _not_wished(cycle, instrument, symbol)
    story = orders.get(cycle.references.get(instrument, ""))
    if story is None:
        return _not_begun(cycle, instrument, symbol, now)
    return _order(cycle, instrument, symbol, story, now)


# -- what stopped it -------------------------------------------------------------------------


def _broken_off(cycle: Cycle, instrument: str, symbol: str, now: str) -> Answer:
    """Something ended the cycle before this instrument's turn, or before its order."""
    run = cycle.run
    outcome = run.outcome(now)
    if outcome is RunOutcome.RUNNING:
        return _own(instrument, symbol, Result.RUNNING, "running", outcome, _at(cycle))
    if outcome in (RunOutcome.KILLED, RunOutcome.NO_END):
        # What died before it left a record is found by nobody; but the next run had the lock.
        dead = RunOutcome.KILLED if cycle.followed else outcome
        last = _death(cycle)
        return _own(instrument, symbol, Result.NOT_TRADED, dead.value, dead, _at(cycle), *last)
    if outcome is RunOutcome.BUSY:
        return _catalogue(
            instrument, symbol, "lock_busy", (What.FAILURE,), "taking the lock",
            _with("held by", cycle.details.get("holder", "")),
        )  # fmt: skip
    if outcome is RunOutcome.SKIPPED:
        return _skipped(cycle, instrument, symbol)
    word = run.reason or _BROKEN_OFF
    if run.phase == "token" and cycle.login:
        word = cycle.login
    kinds = (What.FAILURE, What.DECISION, What.EVENT)
    raised = cycle.details.get("exception", "")
    said = raised or _with("it said", run.message)
    failed = _troubles(cycle.troubles)
    told = _catalogue(instrument, symbol, word, kinds, _at(cycle), said, *failed)
    if run.phase == "startup" and word == _WRONG_SETTINGS:
        # The same word stands for a setting that the broker contradicts, later in a run.
        meaning, next_step = in_words("startup_config_invalid", (What.EVENT,))
        return replace(told, meaning=meaning, next_step=next_step)
    return told


def _skipped(cycle: Cycle, instrument: str, symbol: str) -> Answer:
    details = cycle.details
    return _catalogue(
        instrument, symbol, cycle.run.skip_reason, (What.SKIP,), _at(cycle),
        _with("opens next", details.get("next_open", "")),
        _with("paused until", details.get("until", "")),
    )  # fmt: skip


_NOT_MARKET_DATA = {
    "strategy_error": "the strategy",
    "sessions_unknown": "looking at the trading hours",
    "deadline": "before this instrument's turn",
    "stopping": "before this instrument's turn",
}


def _not_wished(cycle: Cycle, instrument: str, symbol: str) -> Answer:
    """Market data, the strategy or a guard."""
    decided = cycle.decided[instrument]
    word = decided.reason
    where = _NOT_MARKET_DATA.get(word, "market data")
    if decided.signal in _ORDERS:
        where = f"the strategy said {decided.signal}, a guard refused"
    elif decided.signal:
        where = f"the strategy said {decided.signal}"
    return _catalogue(
        instrument, symbol, word, (What.DECISION, What.SKIP, What.FAILURE), where,
        cycle.details.get(f"bars {instrument}", ""),
        cycle.details.get(f"exception {instrument}", ""),
        *_troubles(_about(cycle, instrument, word)),
    )  # fmt: skip


def _not_begun(cycle: Cycle, instrument: str, symbol: str, now: str) -> Answer:
    """It was to be traded, and no intent was written."""
    word = cycle.not_begun.get(instrument)
    if word is None or word == _BROKEN_OFF:
        return _broken_off(cycle, instrument, symbol, now)
    kinds = (What.DECISION, What.FAILURE)
    return _catalogue(instrument, symbol, word, kinds, "before the order was begun")


def _order(cycle: Cycle, instrument: str, symbol: str, story: OrderStory, now: str) -> Answer:
    status = story.status
    if status is OrderStatus.NO_OUTCOME_LOGGED:
        return _without_verdict(cycle, instrument, symbol, story, now)
    if status is OrderStatus.UNKNOWN_AT_BROKER:
        word = story.failure_reason or story.doubt
        return _with_order(instrument, symbol, Result.UNKNOWN, word, story, "the order was sent")
    if story.reason == _UNSENT:
        died = _broken_off(cycle, instrument, symbol, now)
        return _like(died, story, story.reason)
    if (story.failed and not _filled_in_part(story)) or story.outcome == "SKIPPED":
        where = "the order was sent" if story.sent else "before the order was sent"
        return _with_order(instrument, symbol, Result.NOT_TRADED, story.reason, story, where)
    word = cycle.decided[instrument].reason
    return _with_order(instrument, symbol, Result.TRADED, word, story, "", _ended_as(story))


def _filled_in_part(story: OrderStory) -> bool:
    """Ended by something, but not before some of it was filled."""
    return story.filled_quantity.strip("0.") != ""


def _ended_as(story: OrderStory) -> str:
    """How the order stands; that it failed contradicts what was traded of it."""
    told = story.result
    if story.failed:
        part = f"{story.filled_quantity} of {story.quantity or '?'} filled"
        why = "" if story.by_hand else story.reason
        told = f"{part}, then {why}" if why else part
    return f"{told}, by a person's word" if story.by_hand else told


def _without_verdict(
    cycle: Cycle, instrument: str, symbol: str, story: OrderStory, now: str
) -> Answer:
    """Its lines end in the middle."""
    died = _broken_off(cycle, instrument, symbol, now)
    if story.sent and died.result is Result.NOT_TRADED:
        died = replace(
            died, result=Result.UNKNOWN, next_step=OrderStatus.UNKNOWN_AT_BROKER.next_step
        )
    return _like(died, story, "")


# -- in words --------------------------------------------------------------------------------


def _own(
    instrument: str, symbol: str, result: Result, word: str, says: Word, where: str, *because: str
) -> Answer:
    """With words that are no reasons of the log: a run that says nothing can give none."""
    told = tuple(filter(None, because))
    return Answer(
        instrument, symbol, result, word, says.meaning, says.next_step, where, because=told
    )


def _catalogue(
    instrument: str, symbol: str, word: str, kinds: tuple[What, ...], where: str, *because: str
) -> Answer:
    meaning, next_step = in_words(word, kinds)
    told = tuple(filter(None, because))
    return Answer(
        instrument, symbol, Result.NOT_TRADED, word, meaning, next_step, where, because=told
    )


def _with_order(
    instrument: str,
    symbol: str,
    result: Result,
    word: str,
    story: OrderStory,
    where: str,
    ended_as: str = "",
) -> Answer:
    meaning, next_step = in_words(word, (What.FAILURE, What.DECISION, What.STANDING))
    said = (
        _with("the broker's code", story.error_code),
        _with("it said", story.message),
        _with("in doubt before", story.doubt if word != story.doubt else ""),
    )
    return Answer(
        instrument, symbol, result, word, meaning, next_step, where, story.reference, ended_as,
        tuple(filter(None, said)),
    )  # fmt: skip


def _like(died: Answer, story: OrderStory, ended_as: str) -> Answer:
    """The death of the run, and whose order it took with it."""
    return replace(died, order=story.reference, ended_as=ended_as)


_MISSING = "The catalogue of this version does not know this word.", ""
_OWN_WORD = "A reason that your own strategy gave.", "Look for the word in the strategy's code."


def in_words(word: str, kinds: tuple[What, ...]) -> tuple[str, str]:
    """Meaning and next step of a reason."""
    found = find(word, kinds)
    if found:
        return found[0].meaning, found[0].next_step
    return _OWN_WORD if What.DECISION in kinds and word else _MISSING


_PHASES = {
    "startup": "starting up",
    "jitter": "waiting for its jitter to pass",
    "lock": "taking the lock",
    "recover": "looking after what earlier runs left",
    "token": "logging in",
    "reconcile": "asking the broker about earlier orders",
    "slot": "claiming the slot",
    "paused": "looking whether trading is paused",
    "trading_hours": "looking at the trading hours",
    "market_data": "reading market data",
    "decide": "deciding",
    "execute": "carrying out orders",
}
_SKIPPED_AT = {
    "taken": "slot", "late": "slot", "exhausted": "slot",
    "by_hand": "paused", "consecutive_failures": "paused",
}  # fmt: skip


def _at(cycle: Cycle) -> str:
    """At which step the cycle ended."""
    run = cycle.run
    phase = run.phase
    if run.skip_reason:
        phase = _SKIPPED_AT.get(run.skip_reason, "trading_hours")
    if not phase:
        return "" if run.ended or not run.last_event else f"behind its line {run.last_event}"
    return _PHASES.get(phase, phase)


def _death(cycle: Cycle) -> tuple[str, ...]:
    run = cycle.run
    return (
        _with("its last line", f"{run.last} {run.last_event}" if run.last_event else ""),
        _with("found by run", run.killed_found_by),
    )


def _with(name: str, text: str) -> str:
    return f"{name}: {text}" if text and name else text


_PATHS = {
    "bars_unavailable": "/chart/",
    "quotes_unavailable": "/infoprices",
    "sessions_unknown": "/tradingschedule",
}


def _about(cycle: Cycle, instrument: str, word: str) -> list[Trouble]:
    """The failed requests that explain this reason for this instrument."""
    part = _PATHS.get(word)
    if part is None:
        return []
    about = [one for one in cycle.troubles if part in one.path]
    own = [one for one in about if _names(one, instrument)]
    # Quotes are asked for by asset type, and the line of a list names no instrument.
    return own or [one for one in about if not one.instrument]


def _names(trouble: Trouble, instrument: str) -> bool:
    asset_type, _, uic = instrument.partition(":")
    return trouble.instrument == instrument or f"/{uic}/{asset_type}" in trouble.path


def _troubles(found: list[Trouble]) -> tuple[str, ...]:
    """Those that are alike once, the latest ones last."""
    counted: dict[str, int] = {}
    for one in found:
        kind = "" if one.status else one.kind
        answer = " ".join(filter(None, (one.status, one.code or kind))) or "no answer"
        text = f"{one.method} {one.path} -> {answer}"
        counted[text] = counted.get(text, 0) + 1
    told = [text + (f" ({count} times)" if count > 1 else "") for text, count in counted.items()]
    return tuple(told[-_SHOWN_TROUBLES:])
