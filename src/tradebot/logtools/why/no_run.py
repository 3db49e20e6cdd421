"""Why there was no run at a time, and how far away the nearest ones and the end of the log are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradebot.logtools.reading.folder import LogFile, days_of
from tradebot.logtools.reading.times import moment_of, shifted, stamp
from tradebot.logtools.telling.table import duration
from tradebot.logtools.why.cycles import Cycle
from tradebot.logtools.why.reasons_chain import Answer, Result, in_words
from tradebot.logtools.why.times import Found
from tradebot.logtools.words.explanations import What
from tradebot.vocabulary.words import Word

_DAY = timedelta(days=1)


class NoRun(Word):
    """Why there was no run, where no line of the log says it."""

    NOT_TOLD_YET = (
        "not_told_yet",
        "No run has begun since, and only a run can say what became of the slots before it.",
        "`tradebot schedule missed` and `tradebot schedule status` say it now.",
    )
    NOT_GOING_ON = (
        "not_going_on",
        "No run was going on then, and nothing in the log says that one was to begin: there are no "
        "slots.",
        "Ask for the time at which a run began: `tradebot logs runs` has them all.",
    )
    NOT_EXPECTED = (
        "not_expected",
        "Runs went on before and after, and none of them missed one here: it lay outside the "
        "trading hours of then, or nothing was scheduled.",
        "`tradebot schedule explain` with this time says whether a run would trade.",
    )
    IN_THE_FUTURE = (
        "in_the_future",
        "That time has not come yet.",
        "Give a time that has been, such as -2h, yesterday or 2025-12-17T07:12Z.",
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


_IN_LOG = (NoRun.NOT_TOLD_YET, NoRun.NOT_GOING_ON, NoRun.NOT_EXPECTED)


@dataclass(frozen=True, slots=True)
class Moment:
    """The time that is asked about, and what it is to be compared with."""

    at: datetime | None
    """None for the last cycle."""
    newest: datetime | None
    """Of the last line; None where that is not known."""
    now: datetime
    files: tuple[LogFile, ...]
    shown_time: Callable[[str], str]

    @property
    def is_to_come(self) -> bool:
        """Has neither the clock nor the log been there?"""
        there = self.now if self.newest is None else max(self.now, self.newest)
        return self.at is not None and self.at > there


def without_run(moment: Moment, found: Found) -> Callable[[str, str], Answer]:
    """Makes the same answer for every instrument."""
    missed = found.missed
    if missed is not None:
        meaning, next_step = in_words(missed.reason, (What.MISSED,))
        told = f"told by run {missed.run_id} at {moment.shown_time(missed.time)}"
        holder = f"the run that was still going: {missed.holder}" if missed.holder else ""
        return _maker(Result.NO_RUN, missed.reason, meaning, next_step, (told, holder))
    why = _why_nobody_says(moment, found)
    result = Result.NO_RUN if why in _IN_LOG else Result.NOT_IN_LOG
    next_step = _yesterday(moment) if why is NoRun.IN_THE_FUTURE else ""
    because = tuple(_how_far(moment, found))
    return _maker(result, why.value, why.meaning, next_step or why.next_step, because)


def remark(moment: Moment, found: Found) -> str:
    """What is odd about the time, where there is a run to tell of; most often nothing."""
    if found.cycle is None or moment.at is None:
        return ""
    if moment.is_to_come:
        return f"{stamp(moment.at)[:19]}Z has not come yet; this is what there is of its slot"
    if found.slot is None and moment.newest is not None and moment.at > moment.newest:
        return _end_of_the_log(moment.newest, moment)
    return ""


def _maker(
    result: Result, reason: str, meaning: str, next_step: str, because: Sequence[str]
) -> Callable[[str, str], Answer]:
    told = tuple(filter(None, because))

    def make(instrument: str, symbol: str) -> Answer:
        return Answer(instrument, symbol, result, reason, meaning, next_step, because=told)

    return make


def _why_nobody_says(moment: Moment, found: Found) -> NoRun:
    if moment.is_to_come:
        return NoRun.IN_THE_FUTURE
    if found.before is None:
        return NoRun.BEFORE_THE_LOG
    if found.after is None:
        return NoRun.NOT_TOLD_YET if found.slot is not None else NoRun.NOT_GOING_ON
    there = {day for file in moment.files for day in days_of(file)}
    if moment.at is not None and moment.at.date() not in there:
        return NoRun.FILE_MISSING
    return NoRun.NOT_EXPECTED if found.slot is not None else NoRun.NOT_GOING_ON


def _yesterday(moment: Moment) -> str:
    """A time of day alone is one of today."""
    before = None if moment.at is None else shifted(moment.at, -_DAY)
    if before is None or before > moment.now:
        return ""
    return f"It is {stamp(moment.now)[:16]}Z. For yesterday: --at {stamp(before)[:16]}Z"


def _how_far(moment: Moment, found: Found) -> list[str]:
    """From the nearest runs and from the end of the log to the time that is asked about."""
    if moment.at is None:
        return []
    told = []
    if found.before is not None:
        told.append(_last_one(found.before, moment, moment.at))
    if moment.newest is not None and moment.at > moment.newest:
        told.append(_end_of_the_log(moment.newest, moment))
    return told


def _end_of_the_log(newest: datetime, moment: Moment) -> str:
    away = "" if moment.at is None else f" {_distance(newest, moment.at)} earlier"
    return f"the log ends{away}: its last line is of {moment.shown_time(stamp(newest))}"


def _last_one(before: Cycle, moment: Moment, at: datetime) -> str:
    run = before.run
    words = f"the last run before it began {_distance(moment_of(run.started), at)} earlier"
    if not run.stopped:
        return words
    code = "" if run.stopped_with is None else f", exit code {run.stopped_with}"
    return f"{words}, and was stopped at {moment.shown_time(run.stopped)} (run_stopped{code})"


def _distance(earlier: datetime, later: datetime) -> str:
    return duration((later - earlier).total_seconds())
