"""One question, answered: why about these instruments at this time, or in the last cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from tradebot.logtools.desk import Desk
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Entry, Selection, entries, in_order
from tradebot.logtools.reading.folder import LogFile, span_of
from tradebot.logtools.reading.times import moment_of, shifted, stamp
from tradebot.logtools.stories.bots import Bot
from tradebot.logtools.stories.order_story import OrderStatus
from tradebot.logtools.why.cycles import NEEDLES, Cycle, Cycles
from tradebot.logtools.why.no_run import Moment, remark, without_run
from tradebot.logtools.why.reasons_chain import Answer, Result, answer
from tradebot.logtools.why.times import Found, Strand, strands

_WINDOWS = (timedelta(days=2), timedelta(days=10), None)
"""Around the time asked about so much is read; more only where that is not enough. None: all."""
_LAST_FILES = 3
"""One of these has the last line."""
NO_ANSWER = (Result.NOT_WATCHED, Result.NOT_IN_LOG)
_OPEN = (OrderStatus.UNKNOWN_AT_BROKER, OrderStatus.NO_OUTCOME_LOGGED)


@dataclass(frozen=True, slots=True)
class About:
    """The answer to a question, for one bot. `answers` is empty when nothing is known at all."""

    at: str
    """The time that was asked about; "" for the last cycle."""
    found: Found
    answers: tuple[Answer, ...]
    watched: tuple[str, ...]
    """Every instrument, by id and symbol, that the run watched."""
    bot: Bot | None = None
    """Whose answer it is; None where nothing was found of any."""
    remark: str = ""
    """What is odd about the time that was asked about."""
    lines: tuple[tuple[Entry, ...], ...] = ()
    """By answer: the lines of the run, and of the order, that lead to it."""

    @property
    def is_answered(self) -> bool:
        return any(one.result not in NO_ANSWER for one in self.answers)


def ask(
    desk: Desk, files: Sequence[LogFile], wanted: str | None, at: datetime | None
) -> list[About]:
    """An answer for each bot that is meant, the ones that say something first; at least one.

    `wanted` is an instrument as a person names it; None for every watched one. `at` is None for
    the last cycle. What was read is noted at the desk.
    """
    newest = _newest(files, desk.now)
    center = at or newest
    for window in _WINDOWS:
        desk.notes = Notes()
        read = _read(desk, files, center, window)
        asked = [
            (one, one.timeline.last() if at is None else one.timeline.at(at))
            for one in strands(read, desk.now)
        ]
        asked = _meant(asked)
        if window is None or newest is None or center is None:
            break
        to_the_end = shifted(center, window) >= newest
        if asked and all(
            _is_settled(found, strand, read, to_the_end=to_the_end) for strand, found in asked
        ):
            break
    moment = Moment(at, newest, desk.now, tuple(files), desk.shown_time)
    abouts = [_answered(moment, read, strand, found, wanted) for strand, found in asked]
    abouts = abouts or [About("" if at is None else stamp(at), Found(), (), ())]
    abouts.sort(key=lambda about: not about.is_answered)
    return [
        replace(
            about, lines=tuple(_lines(desk, files, about.found.cycle, a) for a in about.answers)
        )
        for about in abouts
    ]


def _meant(asked: list[tuple[Strand, Found]]) -> list[tuple[Strand, Found]]:
    """Not those that did nothing and of which nothing was expected, beside one that worked: neither
    a try of long ago, nor trading for real while the same bot was set to a dry run."""
    working = {strand.bot[:2] for strand, found in asked if found.cycle is not None}
    meant = [
        (strand, found)
        for strand, found in asked
        if found.cycle is not None
        or found.missed is not None
        or (strand.is_expected(found) and strand.bot[:2] not in working)
    ]
    return meant or asked


def matches(wanted: str, instrument: str, symbol: str) -> bool:
    """Is this the instrument that a person means: by id, Uic, symbol, or symbol without exchange?

    Upper and lower case are the same.
    """
    asked = wanted.strip().casefold()
    uic = instrument.rpartition(":")[2]
    names = (instrument, uic, symbol, symbol.partition(":")[0])
    return bool(asked) and asked in [name.casefold() for name in names if name]


def watched_by(cycles: Sequence[Cycle], cycle: Cycle) -> list[str]:
    """The instruments that a cycle watched: by its own decisions; where it did not come so far, by
    those of the nearest whole cycle with the same settings, the earlier first."""
    if cycle.is_whole:
        return list(cycle.decided)
    place = next((n for n, one in enumerate(cycles) if one is cycle), 0)
    alike = [one for one in _around(cycles, place) if one.settings == cycle.settings]
    if cycle.settings and alike:
        return list(dict.fromkeys([*alike[0].decided, *cycle.decided]))
    return list(dict.fromkeys([*watched_around(cycles, place), *cycle.decided]))


def watched_around(cycles: Sequence[Cycle], place: int) -> list[str]:
    """What the nearest whole cycle before `place` watched, and the nearest one behind it."""
    near = [_around(cycles[:place], place)[:1], _around(cycles[place:], 0)[:1]]
    return list(dict.fromkeys(i for side in near for one in side for i in one.decided))


def _around(cycles: Sequence[Cycle], place: int) -> list[Cycle]:
    """Those that decided about all that they watched, the nearest before `place` first."""
    return [one for one in (*reversed(cycles[:place]), *cycles[place:]) if one.is_whole]


# -- reading ---------------------------------------------------------------------------------


def _newest(files: Sequence[LogFile], now: datetime) -> datetime | None:
    """The time of the last line; None where it cannot be told from the ends of the files, as when
    the clock has not been there yet."""
    found = None
    for file in files[-_LAST_FILES:]:
        last = span_of(file).last
        if file.compressed or not last:
            continue
        try:
            moment = moment_of(last)
        except ValueError:
            return None
        if moment > shifted(now, timedelta(days=1)):
            return None
        found = moment if found is None else max(found, moment)
    return found


def _read(
    desk: Desk, files: Sequence[LogFile], center: datetime | None, window: timedelta | None
) -> Cycles:
    since = until = ""
    if window is not None and center is not None:
        since, until = stamp(shifted(center, -window)), stamp(shifted(center, window))
    wanted = Selection(since, until, needles=NEEDLES)
    return Cycles().read(entries(files, wanted, desk.notes))


def _is_settled(found: Found, strand: Strand, read: Cycles, *, to_the_end: bool) -> bool:
    """Would reading more of the log change nothing? `to_the_end`: nothing later is left to read."""
    cycle = found.cycle
    if not any(one.is_whole for one in strand.cycles):
        return False  # what it watched is not known
    if cycle is None:
        return found.before is not None and (found.missed is not None or to_the_end)
    if to_the_end:
        return True
    orders = (read.orders.get(reference) for reference in cycle.references.values())
    ended = bool(cycle.run.ended) or found.after is not None
    return ended and all(one is not None and one.status not in _OPEN for one in orders)


def _lines(
    desk: Desk, files: Sequence[LogFile], cycle: Cycle | None, one: Answer
) -> tuple[Entry, ...]:
    """The lines of this cycle that are about this instrument or the whole of it, and the lines of
    its order from later runs."""
    if cycle is None:
        return ()
    run = cycle.run
    end = run.ended or run.last
    needles = [run.run_id.encode()] + ([one.order.encode()] if one.order else [])
    kept = []
    wanted = Selection(run.started, needles=needles, masked=desk.output != "raw")
    for entry in entries(files, wanted, Notes()):
        own = entry.get("run_id") == run.run_id and entry.time <= end
        about = entry.get("instrument_id") in ("", one.instrument)
        if (own and about) or (one.order and entry.get("external_reference") == one.order):
            kept.append(entry)
    return tuple(in_order(kept))


# -- answering -------------------------------------------------------------------------------


def _answered(
    moment: Moment, read: Cycles, strand: Strand, found: Found, wanted: str | None
) -> About:
    cycles, symbols = strand.cycles, read.symbols
    make: Callable[[str, str], Answer]
    if found.cycle is None:
        place = len(cycles) if found.before is None else cycles.index(found.before) + 1
        watched = watched_around(cycles, place)
        make = without_run(moment, found)
    else:
        watched = watched_by(cycles, found.cycle)
        make = partial(answer, found.cycle, orders=read.orders, now=stamp(moment.now))
    chosen = [i for i in watched if wanted is None or matches(wanted, i, symbols.get(i, ""))]
    answers = [make(instrument, symbols.get(instrument, "")) for instrument in chosen]
    if not answers and wanted is not None:
        answers = list(_not_watched(wanted, symbols))
    named = tuple(f"{i} {symbols.get(i, '')}".strip() for i in watched)
    asked = "" if moment.at is None else stamp(moment.at)
    return About(asked, found, tuple(answers), named, strand.bot, remark(moment, found))


def _not_watched(wanted: str, symbols: dict[str, str]) -> Iterator[Answer]:
    """Of instruments that other runs watched."""
    for instrument, symbol in symbols.items():
        if matches(wanted, instrument, symbol):
            result = Result.NOT_WATCHED
            yield Answer(
                instrument, symbol, result, "", result.meaning,
                "If it should be watched: WATCHLIST_JSON.",
            )  # fmt: skip
