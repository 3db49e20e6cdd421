"""Runs and missed slots as a table for people: in order of time, quiet series folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tradebot.logtools.desk import Desk
from tradebot.logtools.stories.bots import bot_of
from tradebot.logtools.stories.run_story import RunOutcome, RunStory
from tradebot.logtools.stories.slots_seen import NOT_TOLD, SlotFate, SlotGap
from tradebot.logtools.telling.table import count, duration, harmless, table
from tradebot.logtools.words.explaining import plain

FOLDED_FROM = 4
"""So many quiet runs in a row, alike, become one line."""

_HEAD = ("STARTED", "SLOT", "LATE", "TOOK", "OUTCOME", "EXIT", "ORDERS", "RUN", "WHY")
_COLOURS = {
    "failed": "ERROR", "killed": "ERROR", "missed": "ERROR", "no_end": "WARN", "busy": "WARN",
    "unknown": "WARN", "skipped": "DEBUG", "no_run": "DEBUG", "by_hand": "bold",
}  # fmt: skip
_QUIET = (RunOutcome.SKIPPED, RunOutcome.RAN, RunOutcome.BY_HAND)
_SHOWN_MESSAGE = 120


@dataclass(slots=True)
class Row:
    """Runs that are alike, most often one, or a gap between runs."""

    time: str
    outcome: str
    runs: list[RunStory] = field(default_factory=list)
    gap: SlotGap | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What folds together."""
        if not self.runs:
            return (self.outcome,)
        return self.outcome, self.runs[0].reason, *bot_of(self.runs[0])


def rows_of(runs: Iterable[RunStory], gaps: Iterable[SlotGap], now: str) -> list[Row]:
    """Everything in order of time; a slot comes before what started in it."""
    rows = [Row(run.started, run.outcome(now).value, [run]) for run in runs]
    rows += [Row(gap.first, gap.fate.value, gap=gap) for gap in gaps]
    return sorted(rows, key=lambda row: row.time)


def folded(rows: Iterable[Row]) -> list[Row]:
    """The same with long quiet series as one row each."""
    found: list[Row] = []
    series: list[Row] = []
    for row in rows:
        if series and (row.key != series[0].key or not _is_quiet(row)):
            found += _fold(series)
            series = []
        if _is_quiet(row):
            series.append(row)
        else:
            found.append(row)
    return found + _fold(series)


def _is_quiet(row: Row) -> bool:
    """Nothing that a person would want to look at."""
    if row.outcome not in _QUIET or not row.runs:
        return False
    [run] = row.runs
    return not (run.errors or run.references or run.exit_code or run.stopped)


def _fold(series: list[Row]) -> list[Row]:
    if len(series) < FOLDED_FROM:
        return series
    runs = [run for row in series for run in row.runs]
    return [Row(series[0].time, series[0].outcome, runs)]


def run_table(desk: Desk, rows: Sequence[Row], bots: Mapping[str, str]) -> Iterator[str]:
    """A line for each row, below a head. `bots` has the name of each run's, by run id, where there
    are several; {} where there is one."""
    cells = [_gap_cells(desk, row.gap) if row.gap else _cells(desk, row) for row in rows]
    head = list(_HEAD)
    if bots:
        head.insert(1, "BOT")
        for row, one in zip(rows, cells, strict=True):
            one.insert(1, bots.get(row.gap.told_by if row.gap else row.runs[0].run_id, "-"))
    lines = table(head, [list(map(harmless, one)) for one in cells])
    yield desk.paint(next(lines), "bold")
    for row, line in zip(rows, lines, strict=True):
        yield desk.paint(line, _COLOURS.get(row.outcome, ""))


def _cells(desk: Desk, row: Row) -> list[str]:
    first, last = row.runs[0], row.runs[-1]
    late = max(
        (r.lateness_seconds for r in row.runs if r.lateness_seconds is not None), default=None
    )
    took = max((r.seconds for r in row.runs if r.seconds is not None), default=None)
    alone = len(row.runs) == 1
    most = "" if alone else "<="
    return [
        desk.shown_time(first.started),
        _slot(desk, first.slot) if alone else f"{len(row.runs)} runs",
        "-" if late is None else most + duration(late),
        "-" if took is None else most + duration(took),
        row.outcome.replace("_", " "),
        "-" if first.exit_code is None else str(first.exit_code),
        _orders(first),
        first.run_id if alone else f"to {desk.shown_time(last.started)}",
        _why(first),
    ]


def _slot(desk: Desk, slot: str) -> str:
    """The time of day; the date is that of the start, most often."""
    shown = desk.shown_time(slot)[11:]
    return shown[:8].removesuffix(":00") or "-"


def _orders(run: RunStory) -> str:
    counts = run.counters
    told = [f"{counts[name]} {name}" for name in _TOLD if counts.get(name)]
    return ", ".join(told) or (count(len(run.references), "intent") if run.references else "-")


_TOLD = ("placed", "rejected", "skipped", "unresolved")


def _why(run: RunStory) -> str:
    """In words; empty for a run that ran through and was not stopped."""
    told = _why_of_the_cycle(run)
    if not run.stopped or not run.is_run:
        return told
    code = "" if run.stopped_with is None else f" with exit code {run.stopped_with}"
    return f"{told}; stopped{code} behind it".removeprefix("; ")


def _why_of_the_cycle(run: RunStory) -> str:
    if run.killed_found_by:
        return f"in the phase {run.phase or '?'}, as a later run found"
    if not run.ended and run.is_run:
        return f"came as far as {run.last_event}"
    reason = run.reason
    if not reason:
        return "" if not run.exit_code else plain(str(run.exit_code), "exit_code")
    if run.busy:
        return run.message[:_SHOWN_MESSAGE] or f"held by {run.holder}"
    said = f'"{run.message[:_SHOWN_MESSAGE]}"' if run.message else ""
    where = f" in {run.phase}" if run.phase else ""
    words = [f"{reason}{where}:", _meaning(run), said]
    return " ".join(word for word in words if word)


_EVENTS = ("startup_", "run_", "unexpected_", "trading_", "execution_", "orders_", "auth_")


def _meaning(run: RunStory) -> str:
    if run.phase == "startup":
        return plain(run.last_event, "event")
    if run.reason.startswith(_EVENTS):
        return plain(run.reason, "event")
    return plain(run.reason, "cycle_skip_" if run.skip_reason else "failure_reason")


def _gap_cells(desk: Desk, gap: SlotGap) -> list[str]:
    first = desk.shown_time(gap.first)
    slots = count(gap.count, "slot") if gap.count else "-"
    until = f"to {desk.shown_time(gap.last)}" if gap.count > 1 or not gap.count else "-"
    return [
        first,
        slots,
        "-",
        "-",
        gap.fate.value.replace("_", " "),
        "-",
        "-",
        until,
        _missing(gap),
    ]


def _missing(gap: SlotGap) -> str:
    if gap.fate is SlotFate.UNKNOWN:
        days = (
            gap.first[:10]
            if gap.first[:10] == gap.last[:10]
            else f"{gap.first[:10]} to {gap.last[:10]}"
        )
        return f"no file has anything of {days}"
    if gap.fate is SlotFate.NO_RUN:
        return gap.fate.meaning
    if gap.reason == NOT_TOLD:
        return "not_told: no run since then came far enough to tell of it"
    holder = f" (held by {gap.holder})" if gap.holder else ""
    return f"{gap.reason}{holder}: {plain(gap.reason, 'schedule_runs_missed')}"
