"""Plans a corpus, has its lines written, a day per process, and puts its truth beside them."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.log_corpus.agenda import day_begin, instruments_of
from benchmarks.log_corpus.hand import write_by_hand
from benchmarks.log_corpus.journal import write_journal
from benchmarks.log_corpus.lines import Sink
from benchmarks.log_corpus.model import DAY, CorpusOptions, Plan, Run
from benchmarks.log_corpus.plan import Planner
from benchmarks.log_corpus.runs import RunLines
from benchmarks.log_corpus.truth import Truth, truth_of

TRUTH = "truth.json"
DECISIONS = "decisions"
_TIMESTAMP = len("2025-11-18T00:00:00.000Z")


def make(folder: Path, options: CorpusOptions, *, procs: int = 1) -> Truth:
    """Write the log files, `truth.json` and, if asked for, `journal.db` into `folder`.

    The folder is made if need be; files of these names are replaced. Raises ValueError for options
    that no corpus can have.
    """
    require_sense(options)
    folder.mkdir(parents=True, exist_ok=True)
    plan = Planner(options).play()
    days = range(options.days)
    if procs > 1 and options.days > 1:
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(procs, options.days), _begin, (folder, options)) as pool:
            sinks = pool.map(_of_worker, days, chunksize=1)
    else:
        sinks = [write_day(folder, plan, day) for day in days]
    truth = truth_of(plan, sinks)
    (folder / TRUTH).write_text(json.dumps(dataclasses.asdict(truth), indent=1), "utf-8")
    if options.journal:
        write_journal(folder / "journal.db", plan, sinks)
    return truth


def load_truth(folder: Path) -> Truth:
    """The truth of a corpus that was made before."""
    return Truth.of(json.loads((folder / TRUTH).read_text("utf-8")))


def require_sense(options: CorpusOptions) -> None:
    """Raises ValueError for options that no corpus can have."""
    if not 3 <= options.instruments <= 12:
        raise ValueError("a corpus has 3 to 12 instruments")
    if options.cadence_minutes not in (5, 10, 15, 20, 30, 60):
        raise ValueError("the cadence is 5, 10, 15, 20, 30 or 60 minutes")
    if options.days < 1 or options.orders_per_day < 1:
        raise ValueError("days and orders per day are at least 1")


# -- one day --------------------------------------------------------------------------------------

_worker: tuple[Path, Plan] | None = None


def _begin(folder: Path, options: CorpusOptions) -> None:
    """Planning again is cheaper than sending the plan."""
    global _worker  # noqa: PLW0603 - what one process of the pool works on
    _worker = folder, Planner(options).play()


def _of_worker(day: int) -> Sink:
    if _worker is None:
        raise RuntimeError("the worker was not begun")
    return write_day(*_worker, day)


def file_name(options: CorpusOptions, day: int) -> str:
    """What the bot calls the log of this day."""
    if day == options.days - 1:
        return "bot.log"
    return f"bot.log.{_date(day_begin(options) + day * DAY)}"


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def write_day(folder: Path, plan: Plan, day: int) -> Sink:
    """Write one day's file. Returns the counts; the lines are let go."""
    options = plan.options
    begin = day_begin(options) + day * DAY
    sink = Sink(_date(begin))
    instruments = instruments_of(options)
    for run in _runs_between(plan, begin - 60, begin):
        if run.crosses_midnight:
            _write_rest(sink, plan, run)
    for run in _runs_between(plan, begin, begin + DAY):
        RunLines(sink, plan, run, instruments).write()
    for one in plan.by_hand:
        if begin <= one.at < begin + DAY:
            write_by_hand(sink, one, instruments)
    # Runs that overlap; where none do, the lines are in order already.
    sink.lines.sort(key=lambda line: line[:_TIMESTAMP])
    if sink.lines and not sink.lines[-1].startswith(sink.day):
        raise AssertionError(f"a line of {sink.day} is of another day: {sink.lines[-1][:80]}")
    data = "".join(sink.lines).encode()
    (folder / file_name(options, day)).write_bytes(data)
    sink.files[file_name(options, day)] = len(sink.lines), len(data)
    sink.lines = []
    if options.decisions:
        sink.decided = list(_decisions(plan, begin))
    return sink


def _runs_between(plan: Plan, since: float, until: float) -> Iterator[Run]:
    return (run for run in plan.runs if since <= run.start < until)


def _write_rest(sink: Sink, plan: Plan, run: Run) -> None:
    """What a run that began yesterday writes today. The rest is told by yesterday's sink."""
    own = Sink(sink.day)
    RunLines(own, plan, run, instruments_of(plan.options)).write()
    own.runs, own.moments, own.journal = {}, {}, []
    sink.add(own)


def _decisions(plan: Plan, begin: int) -> Iterator[tuple[str, ...]]:
    instruments = instruments_of(plan.options)
    for run in _runs_between(plan, begin, begin + DAY):
        if run.cut is not None and run.cut != "execute":
            continue
        for one in run.decisions if run.skip is None else ():
            yield (
                run.run_id,
                instruments[one.instrument].name,
                one.action,
                one.reason,
                one.reference or "",
                one.not_begun or "",
            )


# -- the command ----------------------------------------------------------------------------------
