"""When what goes wrong: the special runs and orders of a corpus, each of them at least once.

A corpus of three trading days holds every kind; a longer one begins again from the first.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, time

from benchmarks.log_corpus.model import DAY, INSTRUMENTS, CorpusOptions, Instrument
from tradebot.scheduling.hours import HoursConfig, Skip, decide

HOURS = HoursConfig(mode="fixed", start=time(6), end=time(2), timezone="UTC")
"""TRADING_HOURS_MODE=fixed: from Monday to Friday, past midnight."""
_BARS = {5: 15, 10: 30, 15: 30, 20: 60, 30: 60, 60: 120}
"""The strategy's bars in minutes, by the cadence."""
_SPECIALS_A_DAY = 9
_SPAN = 3
"""Slots that the longest of them takes."""
_LOOKS_BACK = 10 * DAY
_EVENING = 4 * 3600
"""Before the end of the corpus: from here on what is never resolved is planned, and no more."""

_TRADING_RUNS = (
    "gap",
    "paused",
    "partial",
    "no_prices",
    "bug",
    "strategy_error",
    "terminated",
    "killed_early",
    "rate_limit",
    "mismatch",
    "orphan",
    "hand_run",
    "remark",
    "bars_failed",
    "lines_lost",
)
"""Special runs that need a market."""
_ANY_RUNS = (
    "late",
    "busy",
    "token_twice",
    "token_down",
    "login_lost",
    "config_invalid",
    "unavailable",
    "throttled",
    "timeouts",
    "settings_change",
    "startup_failed",
    "token_answer_lost",
)
"""Those that nights and weekends have, too."""
RUNS = _TRADING_RUNS + _ANY_RUNS
"""In the order in which days take them."""
_QUIET_RUNS = (*_ANY_RUNS, "gap", "killed_early")

ORDERS = (
    "working",
    "partial",
    "rejected:InsufficientCash",
    "precheck:InsufficientCash",
    "disclaimer",
    "abandoned",
    "unknown_filled",
    "unknown_later",
    "killed_sent",
    "not_sent",
    "working_cancelled",
    "rejected:PriceNotInTickSizeIncrements",
    "unknown_absent",
    "killed_unlogged",
    "deadline",
    "duplicate",
    "precheck:OrderValueToSmall",
    "partial_cancelled",
    "killed_logged",
    "unknown_by_hand",
    "rejected:TradingDisabled",
    "unknown_contradicted",
    "quote_stale",
    "rejected:MarketClosed",
    "lock_lost",
    "working_expired",
    "accepted_rejected",
    "precheck:NotSuitable",
    "rejected:429",
    "precheck_down",
)
"""Kinds of orders besides `filled`."""
_DEADLINE = "deadline"
_STREAK = ("rejected:InsufficientCash", "precheck:InsufficientCash", "disclaimer")
_BREAKS_RUN = ("abandoned", "killed", "deadline", "lock_lost")
_MIDNIGHT = ("unknown_later", "killed_sent", "working", "abandoned")


def bar_seconds(options: CorpusOptions) -> int:
    return _BARS[options.cadence_minutes] * 60


def instruments_of(options: CorpusOptions) -> tuple[Instrument, ...]:
    return INSTRUMENTS[: options.instruments]


def day_begin(options: CorpusOptions) -> int:
    """Midnight of the first day, in epoch seconds."""
    return int(datetime.fromisoformat(f"{options.first_day}T00:00:00+00:00").timestamp())


def is_trading(moment: int) -> bool:
    """Within HOURS? They are simple enough to be told without the calendar of every run."""
    hour, weekday = moment % DAY // 3600, (moment // DAY + 3) % 7
    return (hour >= 6 and weekday < 5) or (hour < 2 and (weekday - 1) % 7 < 5)


def why_closed(moment: int) -> tuple[str, int | None]:
    """The skip's reason and when hours begin again, by the bot's own rule."""
    answer = decide(datetime.fromtimestamp(moment, UTC), HOURS)
    if not isinstance(answer, Skip):
        raise ValueError("these are trading hours")
    opens = answer.next_open
    return answer.reason.value, None if opens is None else int(opens.timestamp())


def is_open(instrument: Instrument, moment: int) -> bool:
    """Does the instrument's market trade?"""
    if instrument.around_the_clock:
        return is_trading(moment)
    return (moment // DAY + 3) % 7 < 5 and 8 <= moment % DAY // 3600 < 21


class Bars:
    """The last closed bar of each instrument."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._known: dict[tuple[bool, int], int] = {}

    def last(self, instrument: Instrument, moment: int) -> int:
        """When the last bar began that had closed at `moment`; as of a trading week."""
        begin = (moment - self._seconds) // self._seconds * self._seconds
        key = instrument.around_the_clock, begin
        if key not in self._known:
            for bar in range(begin, begin - _LOOKS_BACK, -self._seconds):
                if is_open(instrument, bar):
                    self._known[key] = bar
                    break
        return self._known[key]


class Agenda:
    """The specials by slot, and the kind of each order."""

    def __init__(self, options: CorpusOptions, rng: random.Random) -> None:
        self._rng = rng
        self._cadence = options.cadence_minutes * 60
        self._next_run = self._next_quiet = self._next_midnight = 0
        self._waiting = list(ORDERS)
        self._common = [kind for kind in ORDERS if not kind.startswith(_BREAKS_RUN)]
        self.specials: dict[int, str] = {}
        self.forced: dict[int, list[tuple[int, str]]] = {}
        begin = day_begin(options)
        end = begin + options.days * DAY
        midnights = range(begin, end, DAY)
        for midnight in midnights:
            self._plan_forced(midnight)
        self._plan_end(end)
        for midnight in midnights:
            self._plan_specials(midnight, end)

    def _plan_forced(self, midnight: int) -> None:
        """Orders across a weekend and across midnight."""
        weekday = (midnight // DAY + 3) % 7
        if weekday == 0:
            self._force(midnight + 8 * 3600, 1, "filled")
        if weekday < 5:
            kind = _MIDNIGHT[self._next_midnight % len(_MIDNIGHT)]
            self._force(midnight + DAY - self._cadence, 0, kind)
            self._next_midnight += 1

    def _plan_specials(self, midnight: int, end: int) -> None:
        slots = [s for s in range(midnight, midnight + DAY, self._cadence) if is_trading(s)]
        if len(slots) * self._cadence < DAY // 2:
            for number in range(_SPECIALS_A_DAY):
                slot = midnight + 4 * 3600 + number * 4 * self._cadence
                self.specials[slot] = _QUIET_RUNS[self._next_quiet % len(_QUIET_RUNS)]
                self._next_quiet += 1
            return
        evening = end - _EVENING
        places = [
            place
            for place in range(4, len(slots) - 4, _SPAN)
            if slots[place] < evening and not self._is_forced_soon(slots[place])
        ]
        for place in sorted(self._rng.sample(places, min(_SPECIALS_A_DAY, len(places)))):
            self.specials[slots[place]] = RUNS[self._next_run % len(RUNS)]
            self._next_run += 1

    def _is_forced_soon(self, slot: int) -> bool:
        return any(slot + n * self._cadence in self.forced for n in range(_SPAN + 1))

    def _plan_end(self, end: int) -> None:
        last = end - self._cadence
        if not is_trading(last):
            return
        self.forced[last] = [(0, "placed_killed")]
        evening = end - _EVENING
        self._force(evening, 1, "unknown_forever")
        self._force(evening, 2, "still_working")

    def _force(self, slot: int, instrument: int, kind: str) -> None:
        self.forced.setdefault(slot, []).append((instrument, kind))

    def postpone(self, slot: int) -> None:
        """There is no run in this slot: what was planned for it comes later."""
        what = self.specials.pop(slot, None)
        if what is None:
            return
        later = slot + self._cadence
        while later in self.specials or self._is_forced_soon(later):
            later += self._cadence
        self.specials[later] = what

    def is_reserved(self, instrument: int, slot: int) -> bool:
        """Is a forced order of the instrument so near that it must be free by then?"""
        return any(
            number == instrument
            for later in range(slot, slot + 10 * self._cadence, self._cadence)
            for number, _ in self.forced.get(later, ())
        )

    def kind_of_order(self, *, others_follow: bool) -> str:
        """Every other order is a rare one until each was there, then every fourth.

        The first failures come one behind the other, so that they pause trading; `others_follow`
        says that the run has more orders, which its deadline would keep from being begun.
        """
        if self._waiting:
            if others_follow and _DEADLINE in self._waiting:
                self._waiting.remove(_DEADLINE)
                return _DEADLINE
            streak = self._waiting[0] in _STREAK
            if self._waiting == [_DEADLINE] or not (streak or self._rng.random() < 0.55):
                return "filled"
            first = next(kind for kind in self._waiting if kind != _DEADLINE)
            self._waiting.remove(first)
            return first
        draw = self._rng.random()
        if draw < 0.75:
            return "filled"
        return self._rng.choice(self._common if draw < 0.98 else ORDERS)
