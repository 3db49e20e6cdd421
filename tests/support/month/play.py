"""A month: slots one after the other, and in each of them something that happens to the bot.

`Play` carries a happening out and writes down, from the plan alone, what has to be the answer for
each watched instrument of the slot.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from support.month.books import NO_RUN, NOT_TRADED, TRADED, WORDS, Books, Expected, Pair
from support.month.stage import CADENCE, START, WATCHED, Stage
from tradebot.clock import ManualClock

Fate = Callable[[str], Expected]
"""What becomes of an order that passed the guards, by the wish: BUY or SELL."""


@dataclass
class Play:
    """The state of a month."""

    stage: Stage
    chance: random.Random
    books: Books = field(default_factory=Books)
    pairs: list[Pair] = field(default_factory=list)
    happening: str = ""
    slot: datetime = START - CADENCE
    exit_codes: list[int] = field(default_factory=list)

    # Time.

    def next_slot(self, late_by: float = 0.0) -> None:
        """The next slot has come, some seconds into it; the market has moved on by a bar."""
        self.slot += CADENCE
        self.stage.go_to(self.slot + timedelta(seconds=late_by or self.chance.uniform(1, 40)))
        self.new_bar()

    def new_bar(self) -> None:
        assert self.stage.simulator.advance() == 1
        self.books.new_bar()

    def now(self) -> datetime:
        """Without moving the clock."""
        return ManualClock.now(self.stage.clock)

    # Wishes.

    def any_wishes(self) -> dict[str, str]:
        """Half of them HOLD; of the others most can be carried out."""
        return {i: self.chance.choice(("HOLD", "HOLD", self.doable(i), "BUY")) for i in WATCHED}

    def doable(self, instrument: str) -> str:
        return "SELL" if instrument in self.books.held else "BUY"

    def one_order(self) -> tuple[str, dict[str, str]]:
        """An instrument with a wish that no guard stops; the others hold."""
        instrument = self.chance.choice(list(WATCHED))
        return instrument, {instrument: self.doable(instrument)}

    # A run, and what has to be said of it.

    def run(
        self,
        wishes: Mapping[str, str],
        *,
        stopped: Mapping[str, str] | None = None,
        fate: Fate | None = None,
        whole: str | None = None,
        limit: int | None = None,
        scheduled: bool = True,
        at: datetime | None = None,
        settings: Mapping[str, str] | None = None,
        **how: Any,
    ) -> None:
        """One invocation. `stopped` are instruments that market data or strategy stop, `fate` what
        becomes of an order (filled by default), `whole` what ends the run for all of them, `limit`
        how many orders may still be granted, `at` the time that is asked about; `settings` and
        `how` go to the stage."""
        begun = self.now()
        slot = self.slot if scheduled else None
        everything: dict[str, Any] = {**how, **(settings or {})}
        self.exit_codes.append(self.stage.run(wishes, scheduled=scheduled, **everything))
        self.stage.clear_faults()
        # A person knows the slot rather than the second in which the run was at work.
        asked = at or self.chance.choice([begun + timedelta(seconds=0.004), slot or begun])
        for instrument in WATCHED:
            expected = self._expected(instrument, wishes.get(instrument, "HOLD"), stopped, whole)
            if expected is None:
                wish = wishes[instrument]
                if limit is not None and limit <= 0:
                    expected = Expected(NOT_TRADED, "max_trades_per_day")
                else:
                    limit = None if limit is None else limit - 1
                    expected = (fate or self.filled(instrument))(wish)
            self.add(instrument, asked, expected, slot)

    def _expected(
        self, instrument: str, wish: str, stopped: Mapping[str, str] | None, whole: str | None
    ) -> Expected | None:
        """None: an order."""
        if whole is not None:
            return Expected(NOT_TRADED, whole)
        if stopped and instrument in stopped:
            return Expected(NOT_TRADED, stopped[instrument])
        if wish in ("BUY", "SELL"):
            refusal = self.books.refusal(instrument, wish)
            return Expected(NOT_TRADED, refusal) if refusal else None
        return Expected(NOT_TRADED, "no_cross")

    def add(self, instrument: str, at: datetime, expected: Expected, slot: datetime | None) -> None:
        self.pairs.append(Pair(self.happening, instrument, at, expected, slot))

    def missed(self, reason: str, count: int = 1) -> None:
        """Slots without a run."""
        for _ in range(count):
            self.slot += CADENCE
            at = self.slot + timedelta(seconds=self.chance.uniform(0, 28000))
            for instrument in WATCHED:
                self.add(instrument, at, Expected(NO_RUN, reason), self.slot)

    # Fates of orders.

    def filled(self, instrument: str) -> Fate:
        def fate(wish: str) -> Expected:
            self.books.filled(instrument, wish, self.now().date())
            return Expected(TRADED, WORDS[wish])

        return fate

    def refused(self, instrument: str, reason: str) -> Fate:
        """By the broker, after it was sent."""

        def fate(_wish: str) -> Expected:
            self.books.was_sent(instrument, self.now().date())
            return Expected(NOT_TRADED, reason)

        return fate

    @staticmethod
    def unsent(reason: str) -> Fate:
        return lambda _wish: Expected(NOT_TRADED, reason)


Happening = Callable[[Play], None]


def play(
    stage: Stage, happenings: Sequence[Happening], *, seed: int, quiet: Happening, slots: int
) -> Play:
    """Everything that can happen, in an order drawn with `seed`, with quiet slots in between, and
    behind it up to `slots`. A quiet one begins and ends it: each gap and each death is found."""
    chance = random.Random(seed)
    month = Play(stage, chance)
    todo = list(happenings)
    chance.shuffle(todo)
    _carry_out(month, quiet)
    for happening in todo:
        _carry_out(month, happening)
        if chance.random() < 0.3:
            _carry_out(month, quiet)
    for _ in range(slots):
        if month.slot < START + (slots - 2) * CADENCE:
            _carry_out(month, quiet)
    _carry_out(month, quiet)
    return month


def _carry_out(month: Play, happening: Happening) -> None:
    month.happening = getattr(happening, "__name__", "?")
    happening(month)
