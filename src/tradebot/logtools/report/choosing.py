"""Which lines a report is about, and what it is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tradebot.logtools.desk import UsageProblem
from tradebot.logtools.masking import masked_value
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Entry, Selection, entries, in_order
from tradebot.logtools.reading.folder import LogFile
from tradebot.logtools.reading.ordering import Row, Wanted, rows_in_order
from tradebot.logtools.reading.sources import STDIN
from tradebot.logtools.report.words import Clock, clipped
from tradebot.observability.line import is_bare

_MOST_RUNS = 20
"""Runs that worked on one order whose own lines are looked at, too."""

_FRAME = ("startup_config_loaded", "cycle_begin", "cycle_end", "run_killed_found")
"""Lines of a run that say what an order's surroundings were."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for. At most one of run, cycle and order; the times narrow it."""

    times: Selection
    run: str | None = None
    cycle: int | None = None
    order: str | None = None
    clock: Clock = field(default_factory=Clock)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows, in the order of time, and their names; texts are masked."""

    rows: Iterator[Row]
    title: str
    command: str
    order: str | None = None
    run_ids: frozenset[str] | None = None
    """The runs it is about, where others may be mentioned; None for all."""


def choose(choice: Choice, files: Sequence[LogFile], notes: Notes, program: str) -> Chosen:
    """Finds them. Raises UsageProblem for what could mean several things or cannot be one."""
    twice = choice.cycle is not None or choice.order is not None
    if twice and any(file.path == STDIN for file in files):
        raise UsageProblem("--logs -: standard input is read once; use --run or --since with it")
    if choice.run is not None:
        return _run(choice, choice.run, files, notes, program)
    if choice.cycle is not None:
        return _cycle(choice, choice.cycle, files, notes, program)
    if choice.order is not None:
        return _order(choice, choice.order, files, notes, program)
    since, until = choice.times.since, choice.times.until
    command = f"{program} show --since {since}" + (f" --until {until}" if until else "")
    title = f"From {choice.clock.begin(since)}"
    title += f" to {choice.clock.begin(until)}" if until else ""
    return Chosen(rows_in_order(files, Wanted(choice.times), notes), title, command)


def _run(choice: Choice, run: str, files: Sequence[LogFile], notes: Notes, program: str) -> Chosen:
    _checked("--run", run)
    shown = masked_value("run_id", run)
    return Chosen(
        _lines_of(choice, {"run_id": {run}}, files, notes),
        f"Run {clipped(shown, 60)}",
        f"{program} show run_id={shown}",
        run_ids=frozenset((run,)),
    )


def _cycle(
    choice: Choice, cycle: int, files: Sequence[LogFile], notes: Notes, program: str
) -> Chosen:
    number = str(cycle)
    runs = _runs_of_cycle(choice, number, files)
    if len(runs) > 1:
        listed = "; ".join(f"--run {run} ({what})" for run, (what, _) in list(runs.items())[-6:])
        raise UsageProblem(f"cycle {number} is in {len(runs)} runs of this log: say {listed}")
    run, (_, alone) = next(iter(runs.items()), ("-", ("", True)))
    # Of a loop, what is before its first cycle belongs to none.
    cycles = {number, "-"} if alone else {number}
    return Chosen(
        _lines_of(choice, {"run_id": {run}, "cycle_id": cycles}, files, notes),
        f"Cycle {number}",
        f"{program} show run_id={masked_value('run_id', run)}",
        run_ids=frozenset((run,)),
    )


def _runs_of_cycle(
    choice: Choice, number: str, files: Sequence[LogFile]
) -> dict[str, tuple[str, bool]]:
    """The runs that had a cycle of this number: when and where, and was it their only one?"""
    found: dict[str, tuple[str, bool]] = {}
    needle = f" cycle_id={number} ".encode()
    for entry in entries(files, replace(choice.times, needles=(needle,)), Notes()):
        if entry.get("cycle_id") == number:
            dry = ", dry" if entry.get("dry_run") == "true" else ""
            what = f"{entry.time}, {masked_value('env', entry.get('env', '-'))}{dry}"
            run = masked_value("run_id", entry.get("run_id", "-"))
            found.setdefault(run, (what, entry.get("single_cycle") == "true"))
    return found


def _lines_of(
    choice: Choice, fields: dict[str, set[str]], files: Sequence[LogFile], notes: Notes
) -> Iterator[Row]:
    """The lines of a run, and behind them what a later run found out about its end."""
    wanted = replace(
        choice.times, fields={name: frozenset(values) for name, values in fields.items()}
    )
    yield from rows_in_order(files, Wanted(wanted), notes)
    for run in fields["run_id"]:
        needle = f" killed_run_id={run}".encode()
        for entry in entries(files, replace(choice.times, needles=(needle,)), Notes()):
            if entry.get("killed_run_id") == run:
                yield Row(entry.time, entry.raw, entry.line)


def _order(
    choice: Choice, order: str, files: Sequence[LogFile], notes: Notes, program: str
) -> Chosen:
    _checked("--order", order)
    named = list(entries(files, replace(choice.times, needles=(order.encode(),)), notes))
    references = _references(order, named)
    needles = (order, *references)
    known = [
        entry
        for entry in entries(files, replace(choice.times, needles=_encoded(needles)), Notes())
        if entry.get("external_reference") in references or entry.get("order_id") == order
    ]
    runs = tuple(dict.fromkeys(entry.get("run_id") for entry in known))[:_MOST_RUNS]
    frame = _frame(choice, runs, {entry.get("instrument_id") for entry in known}, files)
    shown = masked_value("external_reference", next(iter(references), order))
    return Chosen(
        (Row(entry.time, entry.raw, entry.line) for entry in in_order([*known, *frame])),
        f"Order {clipped(shown, 60)}",
        f"{program} trace {shown}",
        order=shown,
        run_ids=frozenset(runs),
    )


def _frame(
    choice: Choice, runs: Sequence[str], instruments: set[str], files: Sequence[LogFile]
) -> Iterator[Entry]:
    """What the runs say of themselves, and what they decided about the order's instrument."""
    if not runs:
        return
    times = replace(choice.times, needles=_encoded(runs))
    for entry in entries(files, times, Notes()):
        if entry.get("run_id") not in runs or entry.get("external_reference"):
            continue
        decided = entry.event == "strategy_decision" and entry.get("instrument_id") in instruments
        if decided or entry.event in _FRAME:
            yield entry


def read_on(references: Sequence[str], since: str, files: Sequence[LogFile]) -> Iterator[Entry]:
    """What later lines say of these orders; nothing of what can be read only once."""
    if not references or any(file.path == STDIN for file in files):
        return
    wanted = Selection(since, needles=_encoded(references))
    for entry in entries(files, wanted, Notes()):
        if entry.time > since and entry.get("external_reference") in references:
            yield entry


def _encoded(texts: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


def _references(order: str, known: Iterable[Entry]) -> frozenset[str]:
    return frozenset(
        entry.get("external_reference")
        for entry in known
        if order in (entry.get("external_reference"), entry.get("order_id"))
        and entry.get("external_reference")
    )


def _checked(option: str, text: str) -> None:
    if not text or not is_bare(text):
        raise UsageProblem(f"{option}: {text!r} cannot be one: no such value is ever in the log")
