"""What each cycle's lines tell about each instrument, put together while they are read.

One line in, a few facts kept: a month of five-minute cycles fits into some MiB.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.times import moment_of, stamp
from tradebot.logtools.stories import order_story, run_story
from tradebot.logtools.stories.bots import bot_of
from tradebot.logtools.stories.order_story import OrderStory
from tradebot.logtools.stories.run_story import RunStories, RunStory

NEEDLES = (
    *run_story.NEEDLES,
    *order_story.NEEDLES,
    b" | strategy_",
    b" | marketdata_",
    b" | http_error | ",
)
"""A line with none of these says nothing about why something was traded or not."""

_MOST_TROUBLES = 40
"""Failed requests kept per cycle: what is behind them is the same again."""
_OPEN_AT_ONCE = 20
"""So many of the latest cycles are looked at for one that has not ended."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A `strategy_decision` line. `signal` is the strategy's wish, "" where it was not asked."""

    time: str
    action: str
    reason: str
    signal: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request that failed: an `http_error` line."""

    time: str
    method: str
    path: str
    status: str
    code: str
    kind: str
    """What went wrong where there was no answer, or not one that can be read."""
    instrument: str
    message: str


@dataclass(frozen=True, slots=True)
class Missed:
    """A `schedule_runs_missed` line: slots without a run, `first` and `last` the outermost."""

    time: str
    run_id: str
    first: str
    last: str
    count: int
    reason: str
    holder: str


@dataclass(slots=True)
class Cycle:
    """One cycle and what it decided."""

    run: RunStory
    decided: dict[str, Decided] = field(default_factory=dict)
    """By instrument, in the order of the watch list."""
    not_begun: dict[str, str] = field(default_factory=dict)
    """Why a decision to buy or sell was not acted on, by instrument."""
    references: dict[str, str] = field(default_factory=dict)
    """The order of this cycle, by instrument."""
    troubles: list[Trouble] = field(default_factory=list)
    login: str = ""
    """Why there was no new access token, for the last time."""
    details: dict[str, str] = field(default_factory=dict)
    """What else is worth saying, by the reason that it belongs to."""
    settings: str = ""
    """The fingerprint of its settings: with the same one the same instruments are watched."""
    followed: bool = False
    """Has a later run had the lock, while this one had not ended?"""

    def add(self, entry: Entry) -> None:
        """Take in the next line of this cycle; its story has it already."""
        match entry.event:
            case "strategy_decision":
                self.decided[entry.get("instrument_id")] = Decided(
                    entry.time, entry.get("action"), entry.get("reason"), entry.get("signal")
                )
            case "execution_skipped":
                self.not_begun[entry.get("instrument_id")] = entry.get("reason")
            case "execution_intent_created":
                self.references[entry.get("instrument_id")] = entry.get("external_reference")
            case "startup_config_loaded":
                self.settings = entry.get("settings_fingerprint")
            case "auth_token_refresh_failure":
                self.login = entry.get("failure_reason")
            case "auth_token_refresh_success":
                self.login = ""
            case "http_error":
                self._trouble(entry)
            case _:
                self._detail(entry)

    def _trouble(self, entry: Entry) -> None:
        if len(self.troubles) < _MOST_TROUBLES:
            get = entry.get
            self.troubles.append(
                Trouble(
                    entry.time, get("http_method"), get("http_url_path"), get("http_status"),
                    get("error_code"), get("error_kind"), get("instrument_id"), get("msg"),
                )
            )  # fmt: skip

    def _detail(self, entry: Entry) -> None:
        """Facts that stand on other lines than the reason."""
        get = entry.get
        match entry.event:
            case "cycle_skip_outside_trading_hours":
                self.details["next_open"] = get("next_open")
            case "cycle_skip_paused":
                self.details["until"] = get("until")
            case "cycle_skip_overlap":
                self.details["holder"] = get("holder")
            case "strategy_signal_skipped_insufficient_data":
                bars = f"{get('bars_have')} bars of the {get('bars_need')} that are needed"
                self.details[f"bars {get('instrument_id')}"] = bars
            case "unexpected_exception":
                what = f"{get('exc_type')}: {get('exc_msg')}"
                self.details[f"exception {get('instrument_id')}".strip()] = what

    @property
    def is_whole(self) -> bool:
        """Has it decided about every instrument that it watched?"""
        return bool(self.decided) and self.run.exit_code is not None


@dataclass
class Cycles:
    """Everything that was read. Feed it with `add`, in the order of the log."""

    found: list[Cycle] = field(default_factory=list)
    """Every cycle, the first begun first; commands of a person are among them until `runs`."""
    orders: dict[str, OrderStory] = field(default_factory=dict)
    missed: list[Missed] = field(default_factory=list)
    symbols: dict[str, str] = field(default_factory=dict)
    """The symbol of each instrument that was ever decided about; "" where it has none."""
    _stories: RunStories = field(default_factory=RunStories)
    _latest: dict[str, Cycle] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take in the next line."""
        self._stories.add(entry)
        for story in self._stories.stories[len(self.found) :]:
            cycle = Cycle(story)
            self.found.append(cycle)
            self._latest[story.run_id] = cycle
        cycle_of_it = self._latest.get(entry.get("run_id"))
        if cycle_of_it is not None:
            cycle_of_it.add(entry)
        if entry.event.startswith("execution_"):
            self._order(entry)
        elif entry.event == "schedule_runs_missed":
            self._missed(entry)
        elif entry.event == "cycle_begin" and cycle_of_it is not None:
            self._followed(cycle_of_it.run)
        if entry.event == "strategy_decision":
            instrument = entry.get("instrument_id")
            self.symbols[instrument] = entry.get("symbol") or self.symbols.get(instrument, "")

    def read(self, lines: Iterable[Entry]) -> Cycles:
        """Take in all of them."""
        for entry in lines:
            self.add(entry)
        return self

    @property
    def runs(self) -> list[Cycle]:
        """Without the commands of a person."""
        return [cycle for cycle in self.found if cycle.run.is_run]

    def _order(self, entry: Entry) -> None:
        reference = entry.get("external_reference")
        if not reference:
            return
        story = self.orders.get(reference)
        if story is None:
            story = self.orders[reference] = OrderStory(reference)
        story.add(entry)

    def _followed(self, run: RunStory) -> None:
        for cycle in self.found[-_OPEN_AT_ONCE:]:
            if cycle.run.run_id != run.run_id and not cycle.run.ended:
                cycle.followed = cycle.followed or bot_of(cycle.run).may_be(bot_of(run))

    def _missed(self, entry: Entry) -> None:
        get = entry.get
        count = get("missed_count")
        missed = Missed(
            entry.time, get("run_id"), get("missed_from"), get("missed_to"),
            int(count) if count.isascii() and count.isdecimal() and len(count) < 9 else 1,
            get("reason"), get("holder"),
        )  # fmt: skip
        if _is_time(missed.first) and _is_time(missed.last):
            self.missed.append(missed)


def _is_time(text: str) -> bool:
    try:
        return moment_of(text).tzinfo is not None and bool(stamp(moment_of(text)))
    except (ValueError, OverflowError):
        return False
