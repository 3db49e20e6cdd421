"""Every run of the bot, and the ones that are missing.

Each run with its start, slot, lateness, duration, outcome, exit code, orders and reason; a loop of
cycles has a line for each cycle. Slots without a run stand at their place in time: as missed where
a later run said so (`schedule_runs_missed`) or none came far enough to say it, as `no run` where
the next run did not call it missed. A day of which there is no file is `unknown`.

Long series of quiet runs are one line for people; --all shows each, and json and jsonl always
do. Exits with 0 when there are such runs, with 1 when there are none, and with 2 when something
could not be read.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk
from tradebot.logtools.options import add_output, add_times, add_where, selection
from tradebot.logtools.reading.entries import Entry, Selection, entries
from tradebot.logtools.reading.folder import LogFile, missing_days
from tradebot.logtools.reading.sources import STDIN
from tradebot.logtools.reading.times import stamp
from tradebot.logtools.stories import run_story, slots_seen
from tradebot.logtools.stories.bots import by_bot
from tradebot.logtools.stories.run_story import NEEDLES, RunStories, RunStory
from tradebot.logtools.stories.slots_seen import TOLD, SlotGap, reaches_into, told_of
from tradebot.logtools.telling.documents import has_values, require_known, say_many
from tradebot.logtools.telling.run_rows import Row, folded, rows_of, run_table
from tradebot.logtools.telling.table import count

_FILTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "failed": ("runs that ended with an error", ("failed",)),
    "skipped": ("runs that ended on purpose before they looked at any instrument", ("skipped",)),
    "busy": ("runs that found another one at work", ("busy",)),
    "killed": ("runs that ended without a word", ("killed", "no_end")),
    "missed": ("slots without a run, and days without a file", ("missed", "unknown")),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `runs`."""
    for name, (what, _) in _FILTERS.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"only {what}")
    parser.add_argument("--all", action="store_true", help="fold nothing")
    parser.add_argument(
        "filters",
        metavar="FIELD=VALUE",
        nargs="*",
        help="only runs with this value in what `--output json` shows; the same field twice means "
        "either, different fields both",
    )
    add_times(parser)
    add_where(parser)
    add_output(parser)


def run(options: argparse.Namespace, desk: Desk) -> int:
    """List them."""
    wanted = selection(desk, options)
    require_known(wanted.fields, run_story.FACTS)
    files = desk.files()
    lines = _Lines(desk, files, wanted)
    stories, told = _read(lines)
    gaps = slots_seen.gaps(stories, told, missing_days(files))
    now = stamp(desk.now)
    listed = [story for story in stories if _in_time(story, wanted)]
    reached = [gap for gap in gaps if reaches_into(gap, wanted.since, wanted.until)]
    rows = [row for row in rows_of(listed, reached, now) if _chosen(row, options, wanted, now)]
    match desk.output:
        case "raw":
            _say_raw(desk, lines, rows)
        case "text":
            desk.say(*_text(desk, rows, _bots(stories), fold=not options.all))
        case _:
            _say_json(desk, rows, now)
    desk.tell_what_was_read(files)
    _tell_of_earlier(desk, stories, wanted)
    if desk.notes.unreadable:
        return UNREADABLE
    return FOUND if rows else NOTHING


# -- reading and choosing ----------------------------------------------------------------------


class _Lines:
    """The lines that tell of runs, since the time asked for. What comes later counts, too: how a
    run ended, and that it or its successor is missing."""

    def __init__(self, desk: Desk, files: Sequence[LogFile], wanted: Selection) -> None:
        self._desk = desk
        self._files = files
        self._selection = Selection(wanted.since, needles=NEEDLES, masked=wanted.masked)
        # Standard input can be read once only, so what may be shown of it is kept.
        keep = desk.output == "raw" and any(file.path == STDIN for file in files)
        self._kept = list(self._again()) if keep else None

    def __iter__(self) -> Iterator[Entry]:
        return self._again() if self._kept is None else iter(self._kept)

    def _again(self) -> Iterator[Entry]:
        return entries(self._files, self._selection, self._desk.notes)


def _read(lines: Iterable[Entry]) -> tuple[list[RunStory], list[SlotGap]]:
    found, told = RunStories(), []
    for entry in lines:
        found.add(entry)
        gap = told_of(entry) if entry.event == TOLD else None
        if gap is not None:
            told.append(gap)
    return found.stories, told


def _in_time(story: RunStory, wanted: Selection) -> bool:
    if wanted.since and (story.started < wanted.since or not story.from_its_beginning):
        return False
    return not wanted.until or story.started < wanted.until


def _chosen(row: Row, options: argparse.Namespace, wanted: Selection, now: str) -> bool:
    asked = [outcomes for name, (_, outcomes) in _FILTERS.items() if getattr(options, name)]
    if asked and not any(row.outcome in outcomes for outcomes in asked):
        return False
    return not wanted.fields or has_values(_facts(row, now), wanted.fields)


def _facts(row: Row, now: str) -> dict[str, Any]:
    if row.gap is not None:
        return slots_seen.facts(row.gap)
    [story] = row.runs
    return run_story.facts(story, now)


# -- telling -----------------------------------------------------------------------------------


def _bots(stories: Sequence[RunStory]) -> dict[str, str]:
    """The name of each run's bot; {} where all are of one."""
    runs = [story for story in stories if story.is_run]
    found = by_bot(runs, lambda story: story)
    return (
        {story.run_id: bot.name for bot, mine in found.items() for story in mine}
        if len(found) > 1
        else {}
    )


def _text(desk: Desk, rows: Sequence[Row], bots: dict[str, str], *, fold: bool) -> Iterator[str]:
    if rows:
        yield from run_table(desk, folded(rows) if fold else rows, bots)
        yield ""
    runs = Counter(row.outcome for row in rows if row.runs)
    by_hand = runs.pop("by_hand", 0)
    told = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in runs.most_common())
    missed = sum(row.gap.count for row in rows if row.gap and row.outcome == "missed")
    yield (
        count(runs.total(), "run")
        + (f": {told}" if told else "")
        + (f"; {count(missed, 'slot')} missed" if missed else "")
        + (f"; {count(by_hand, 'command')} by hand" if by_hand else "")
    )


def _say_json(desk: Desk, rows: Sequence[Row], now: str) -> None:
    counts = {
        "runs": sum(bool(row.runs) and row.outcome != "by_hand" for row in rows),
        "by_outcome": dict(Counter(row.outcome for row in rows)),
        "missed_slots": sum(row.gap.count for row in rows if row.gap and row.outcome == "missed"),
    }
    say_many(desk, "runs", (_facts(row, now) for row in rows), counts)


def _say_raw(desk: Desk, lines: Iterable[Entry], rows: Sequence[Row]) -> None:
    """What the runs' own lines say of them; of a missed slot the line that tells of it."""
    ids = {story.run_id for row in rows for story in row.runs}
    told = {(row.gap.told_by, row.gap.told_at) for row in rows if row.gap is not None}
    for entry in lines if ids or told else ():
        run_id = entry.get("run_id")
        if run_id in ids or (entry.event == TOLD and (run_id, entry.time) in told):
            desk.say_raw(entry.raw)


def _tell_of_earlier(desk: Desk, stories: Iterable[RunStory], wanted: Selection) -> None:
    earlier = sum(not story.from_its_beginning for story in stories) if wanted.since else 0
    if earlier:
        desk.note(f"not listed: {count(earlier, 'run')} that began before --since")
