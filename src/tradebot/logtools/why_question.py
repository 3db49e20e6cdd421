"""One question, answered: why about these instruments at this time, or in the last cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from tradebot.logtools.blocks import Notes
from tradebot.logtools.desk import Desk
from tradebot.logtools.entries import Entry, Selection, entries, in_order
from tradebot.logtools.explanations import What
from tradebot.logtools.folder import LogFile, days_of, span_of
from tradebot.logtools.order_story import OrderStatus
from tradebot.logtools.reasons_chain import Answer, Result, answer, in_words
from tradebot.logtools.times import moment_of, stamp
from tradebot.logtools.why_cycles import NEEDLES, Cycle, Cycles
from tradebot.logtools.why_times import Found, Timeline
from tradebot.vocabulary.words import Word

_WINDOWS = (timedelta(days=2), timedelta(days=10), None)
"""Around the time asked about so much is read; more only where that is not enough. None: all."""
_OPEN = (OrderStatus.UNKNOWN_AT_BROKER, OrderStatus.NO_OUTCOME_LOGGED)


class NoRun(Word):
    """Why there was no run, where no line of the log says it."""

    NOT_TOLD_YET = (
        "not_told_yet",
        "No run has begun since, and only a run can say what became of the slots before it.",
        "`tradebot schedule missed` and `tradebot schedule status` say it now.",
    )
    NOT_EXPECTED = (
        "not_expected",
        "Runs went on before and after, and none of them missed one here: it lay outside the "
        "trading hours of then, or nothing was scheduled.",
        "`tradebot schedule explain` with this time says whether a run would trade.",
    )
    BEFORE_THE_LOG = (
        "before_the_log",
        "The log that was read begins later.",
        "Look into older files, if there are any (LOG_RETENTION_DAYS).",
    )
    FILE_MISSING = (
        "file_missing",
        "No file of the log has anything of that day.",
        "Look for the file where it was moved to; `tradebot schedule missed` asks the journal.",
    )


@dataclass(frozen=True, slots=True)
class About:
    """The answer to a question. `answers` is empty when nothing is known at all."""

    at: str
    """The time that was asked about; "" for the last cycle."""
    found: Found
    answers: tuple[Answer, ...]
    watched: tuple[str, ...]
    """Every instrument, by id and symbol, that the run watched."""
    lines: tuple[tuple[Entry, ...], ...] = ()
    """By answer: the lines of the run, and of the order, that lead to it."""


def ask(desk: Desk, files: Sequence[LogFile], wanted: str | None, at: datetime | None) -> About:
    """`wanted` is an instrument as a person names it; None for every watched one. `at` is None for
    the last cycle. What was read is noted at the desk."""
    newest = _newest(files)
    center = at or newest
    for window in _WINDOWS:
        desk.notes = Notes()
        read = _read(desk, files, center, window)
        timeline = Timeline.of(read)
        found = timeline.last() if at is None else timeline.at(at)
        if window is None or newest is None or center is None:
            break
        if _is_settled(found, read, to_the_end=center + window >= newest):
            break
    about = _answered(desk, files, read, found, wanted, at)
    return replace(about, lines=tuple(_lines(desk, files, found.cycle, a) for a in about.answers))


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


def _newest(files: Sequence[LogFile]) -> datetime | None:
    last = max((span_of(file).last for file in files[-3:]), default="")
    return moment_of(last) if last else None


def _read(
    desk: Desk, files: Sequence[LogFile], center: datetime | None, window: timedelta | None
) -> Cycles:
    since = until = ""
    if window is not None and center is not None:
        since, until = stamp(center - window), stamp(center + window)
    wanted = Selection(since, until, needles=NEEDLES)
    return Cycles().read(entries(files, wanted, desk.notes))


def _is_settled(found: Found, read: Cycles, *, to_the_end: bool) -> bool:
    """Would reading more of the log change nothing? `to_the_end`: nothing later is left to read."""
    cycle = found.cycle
    if not any(one.is_whole for one in read.runs):
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
    for entry in entries(files, Selection(run.started, needles=needles), Notes()):
        own = entry.get("run_id") == run.run_id and entry.time <= end
        about = entry.get("instrument_id") in ("", one.instrument)
        if (own and about) or (one.order and entry.get("external_reference") == one.order):
            kept.append(entry)
    return tuple(in_order(kept))


# -- answering -------------------------------------------------------------------------------


def _answered(
    desk: Desk,
    files: Sequence[LogFile],
    read: Cycles,
    found: Found,
    wanted: str | None,
    at: datetime | None,
) -> About:
    now = stamp(desk.now)
    asked = "" if at is None else stamp(at)
    cycles = read.runs
    if not cycles:
        return About(asked, found, (), ())
    symbols = read.symbols
    make: Callable[[str, str], Answer]
    if found.cycle is None:
        place = len(cycles) if found.before is None else cycles.index(found.before) + 1
        watched = watched_around(cycles, place)
        make = _without_run(desk, files, found, at)
    else:
        watched = watched_by(cycles, found.cycle)
        make = partial(answer, found.cycle, orders=read.orders, now=now)
    chosen = [i for i in watched if wanted is None or matches(wanted, i, symbols.get(i, ""))]
    answers = [make(instrument, symbols.get(instrument, "")) for instrument in chosen]
    if not answers and wanted is not None:
        answers = list(_not_watched(wanted, symbols))
    named = tuple(f"{i} {symbols.get(i, '')}".strip() for i in watched)
    return About(asked, found, tuple(answers), named)


def _not_watched(wanted: str, symbols: dict[str, str]) -> Iterator[Answer]:
    """Of instruments that other runs watched."""
    for instrument, symbol in symbols.items():
        if matches(wanted, instrument, symbol):
            result = Result.NOT_WATCHED
            yield Answer(
                instrument, symbol, result, "", result.meaning,
                "If it should be watched: WATCHLIST_JSON.",
            )  # fmt: skip


class _NoRunAnswers:
    """Makes the same answer for every instrument."""

    def __init__(
        self, result: Result, reason: str, meaning: str, next_step: str, *because: str
    ) -> None:
        self._parts = (result, reason, meaning, next_step)
        self._because = tuple(filter(None, because))

    def __call__(self, instrument: str, symbol: str) -> Answer:
        return Answer(instrument, symbol, *self._parts, because=self._because)


def _without_run(
    desk: Desk, files: Sequence[LogFile], found: Found, at: datetime | None
) -> _NoRunAnswers:
    missed = found.missed
    if missed is not None:
        meaning, next_step = in_words(missed.reason, (What.MISSED,))
        told = f"told by run {missed.run_id} at {desk.shown_time(missed.time)}"
        holder = f"the run that was still going: {missed.holder}" if missed.holder else ""
        return _NoRunAnswers(Result.NO_RUN, missed.reason, meaning, next_step, told, holder)
    why = _why_nobody_says(files, found, at)
    in_log = why in (NoRun.NOT_TOLD_YET, NoRun.NOT_EXPECTED)
    result = Result.NO_RUN if in_log else Result.NOT_IN_LOG
    return _NoRunAnswers(result, why.value, why.meaning, why.next_step)


def _why_nobody_says(files: Sequence[LogFile], found: Found, at: datetime | None) -> NoRun:
    if found.before is None:
        return NoRun.BEFORE_THE_LOG
    if found.after is None:
        return NoRun.NOT_TOLD_YET
    there = {day for file in files for day in days_of(file)}
    if at is not None and at.date() not in there:
        return NoRun.FILE_MISSING
    return NoRun.NOT_EXPECTED
