"""How often each reason stopped each instrument in a span of time, and what was traded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tradebot.logtools.reading.times import moment_of, stamp
from tradebot.logtools.stories.bots import Bot
from tradebot.logtools.why.cycles import Cycle, Cycles
from tradebot.logtools.why.question import matches, watched_by
from tradebot.logtools.why.reasons_chain import Answer, Result, answer, in_words
from tradebot.logtools.why.times import Strand, Timeline, strands
from tradebot.logtools.words.explanations import What


@dataclass(slots=True)
class Row:
    """One reason for one instrument. `first` and `last` are timestamps."""

    result: Result
    reason: str
    meaning: str
    next_step: str
    count: int = 0
    first: str = ""
    last: str = ""

    def add(self, first: str, last: str, count: int = 1) -> None:
        self.count += count
        self.first = min(self.first, first) if self.first else first
        self.last = max(self.last, last)


@dataclass(slots=True)
class Tally:
    """Of one instrument."""

    instrument: str
    symbol: str
    bot: Bot
    cycles: int = 0
    """In so many the bot watched it."""
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    traded: list[tuple[str, Answer]] = field(default_factory=list)
    """When its cycle began, and how."""

    def add(self, begun: str, one: Answer) -> None:
        self.cycles += 1
        self.row(one.result, one.reason, one.meaning, one.next_step).add(begun, begun)
        if one.result is Result.TRADED:
            self.traded.append((begun, one))

    def row(self, result: Result, reason: str, meaning: str, next_step: str) -> Row:
        return self.rows.setdefault((result.value, reason), Row(result, reason, meaning, next_step))

    @property
    def in_order(self) -> list[Row]:
        """What was traded first, then the most frequent reason."""
        key = Result.TRADED
        return sorted(self.rows.values(), key=lambda row: (row.result is not key, -row.count))


def tallies(
    read: Cycles, wanted: str | None, since: str, until: str, now: str
) -> tuple[list[Tally], int]:
    """A tally for each instrument that is wanted, of each bot, and how many cycles there were.
    `since` and `until` are timestamps, "" for none; `now` is the reader's."""
    found: list[Tally] = []
    begun: set[tuple[str, str]] = set()
    for strand in strands(read, moment_of(now)):
        mine = _Tallies(strand, read, wanted)
        cycles = [one for one in strand.cycles if _is_within(one.run.started, since, until)]
        for cycle in cycles:
            mine.add(cycle, now)
        _add_missed(mine.found, strand.timeline, since, until)
        found += mine.found.values()
        begun |= {(one.run.run_id, one.run.started) for one in cycles}
    return found, len(begun)


class _Tallies:
    """Of one bot, by instrument."""

    def __init__(self, strand: Strand, read: Cycles, wanted: str | None) -> None:
        self.found: dict[str, Tally] = {}
        self._bot = strand.bot
        self._watch = _Watch(strand.cycles)
        self._read = read
        self._wanted = wanted

    def add(self, cycle: Cycle, now: str) -> None:
        for instrument in self._watch.of(cycle):
            symbol = self._read.symbols.get(instrument, "")
            if self._wanted is None or matches(self._wanted, instrument, symbol):
                tally = self.found.setdefault(instrument, Tally(instrument, symbol, self._bot))
                one = answer(cycle, instrument, symbol, self._read.orders, now)
                tally.add(cycle.run.started, one)


class _Watch:
    """What each cycle watched: looked for once for all that have the same settings."""

    def __init__(self, cycles: Sequence[Cycle]) -> None:
        self._cycles = cycles
        self._known: dict[str, list[str]] = {}

    def of(self, cycle: Cycle) -> list[str]:
        if cycle.is_whole:
            return list(cycle.decided)
        known = self._known.get(cycle.settings)
        if known is None:
            known = watched_by(self._cycles, cycle)
            if cycle.settings:
                self._known[cycle.settings] = known
        return known


def _is_within(time: str, since: str, until: str) -> bool:
    return time >= since and (not until or time < until)


def _add_missed(found: dict[str, Tally], timeline: Timeline, since: str, until: str) -> None:
    """A slot without a run stopped every instrument. A run that died before it could say its slot
    has a row of its own, though the next run told its slot as missed."""
    dead = timeline.slots_of_the_dead()
    for missed in timeline.missed:
        first, last = moment_of(missed.first), moment_of(missed.last)
        if not (_is_within(stamp(last), since, "") and _is_within(stamp(first), "", until)):
            continue
        count = missed.count - sum(first <= slot <= last for slot in dead)
        meaning, next_step = in_words(missed.reason, (What.MISSED,))
        for tally in found.values() if count > 0 else ():
            row = tally.row(Result.NO_RUN, missed.reason, meaning, next_step)
            row.add(stamp(first), stamp(last), count)
