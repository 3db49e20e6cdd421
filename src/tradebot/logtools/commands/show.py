"""Lines of the log in order of time, over all its files.

What is the same on every line (run, cycle, mode) stands above the lines of a run; free text and
tracebacks are unfolded. What is no line of the log is marked with `?`. `--output raw` gives the
lines as they are in the files. `-f` begins with the last ten lines (or those that --since or -n ask
for) and goes on with what is added, over midnight and every rotation, until Ctrl-C.

Exits like grep: with 0 when there was a line, with 1 when there was none, and with 2 when something
could not be read.
"""

from __future__ import annotations

import argparse
import io
import select
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import NoReturn

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk, UsageProblem
from tradebot.logtools.exporting.columns import flat, json_line, names_of
from tradebot.logtools.options import (
    add_filters,
    add_output,
    add_times,
    add_where,
    selection,
)
from tradebot.logtools.reading.folder import log_of
from tradebot.logtools.reading.following import Follower
from tradebot.logtools.reading.ordering import Row, Wanted, last_rows, rows_in_order
from tradebot.logtools.reading.sources import STDIN, Unreadable
from tradebot.logtools.telling.showing import MARK, Show
from tradebot.observability.schema import LEVEL_NAMES, level_name, level_number

_ROUND_SECONDS = 0.2
_BEFORE_FOLLOWING = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `show`."""
    add_filters(parser)
    add_where(parser)
    add_times(parser)
    parser.add_argument("--level", metavar="LEVEL", help="this level and above, for example WARN")
    parser.add_argument("--grep", metavar="TEXT", default="", help="only lines with this in them")
    parser.add_argument("--run", metavar="RUN_ID", help="only this run: the same as run_id=RUN_ID")
    parser.add_argument(
        "-n", "--last", metavar="N", type=_count, help="only the last N lines of all that match"
    )
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on with what is added, until Ctrl-C"
    )
    parser.add_argument(
        "--fields", metavar="A,B", help="of the fields, show only these, in this order"
    )
    add_output(parser)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Show, and tell what was read."""
    if options.follow:
        _refuse_what_never_ends(options, desk)
    wanted = _wanted(options, desk)
    printer = Printer(desk, names_of(options.fields))
    if options.follow:
        _follow(options, wanted, desk, printer)
    files = desk.files()
    if options.last is None:
        printer.rows(rows_in_order(files, wanted, desk.notes))
    else:
        printer.rows(last_rows(files, wanted, options.last, desk.notes))
    printer.end()
    desk.tell_what_was_read(files)
    if printer.odd:
        desk.note(f"marked with {MARK.strip()}: {printer.odd} that are no lines of the log")
    if not printer.shown:
        desk.note("nothing in what was read matches")
    if desk.notes.unreadable:
        return UNREADABLE
    return FOUND if printer.shown else NOTHING


def _refuse_what_never_ends(options: argparse.Namespace, desk: Desk) -> None:
    if desk.output == "json":
        raise UsageProblem("--follow has no end, and one JSON document needs one: use jsonl")
    if options.until is not None:
        raise UsageProblem("--follow goes on with what is added: leave --until out")
    if STDIN in desk.logs:
        raise UsageProblem("--follow needs files or a folder, standard input ends by itself")


def _wanted(options: argparse.Namespace, desk: Desk) -> Wanted:
    asked = selection(desk, options)
    fields = dict(asked.fields or {})
    if options.level is not None:
        levels = _levels(options.level)
        fields["level"] = fields.get("level", levels) & levels
        if not fields["level"]:
            raise UsageProblem("--level and level=… have no level in common")
    if options.run is not None:
        runs = frozenset((options.run,))
        fields["run_id"] = fields.get("run_id", runs) & runs
    return Wanted(replace(asked, fields=fields), options.grep)


def _levels(text: str) -> frozenset[str]:
    try:
        least = level_number(text)
    except ValueError as error:
        raise UsageProblem(f"--level: {error}") from None
    return frozenset(level_name(number) for number in LEVEL_NAMES if number >= least)


# -- what is printed -------------------------------------------------------------------------------


class Printer:
    """Puts rows on stdout in the form that was asked for, and counts them."""

    def __init__(self, desk: Desk, fields: Sequence[str] | None) -> None:
        self._desk = desk
        self._fields = fields
        self._show = Show(desk.paint, desk.shown_time, fields)
        self.shown = 0

    @property
    def odd(self) -> int:
        """How many of the rows in a text were no lines of the log."""
        return self._show.odd

    def rows(self, rows: Iterable[Row]) -> None:
        """Print them. Raises BrokenPipeError when nobody reads any more."""
        sys.stdout.flush()
        if self._desk.output == "raw":
            for row in rows:
                sys.stdout.buffer.write(row.raw + b"\n")
                self.shown += 1
            sys.stdout.buffer.flush()
            return
        for text in self._texts(rows):
            sys.stdout.write(text)
        sys.stdout.flush()

    def end(self) -> None:
        """What belongs behind the last row."""
        if self._desk.output == "json":
            self._desk.say("\n]" if self.shown else "[]")

    def _texts(self, rows: Iterable[Row]) -> Iterator[str]:
        for row in rows:
            if self._desk.output == "text":
                self.shown += 1
                for text in self._show.text(row):
                    yield f"{text}\n"
            elif row.line is None:
                self._desk.notes.odd[row.odd] += 1
            else:
                self.shown += 1
                line = json_line(flat(row.line, self._fields, with_head=True))
                if self._desk.output == "jsonl":
                    yield f"{line}\n"
                else:
                    yield f"{',' if self.shown > 1 else '['}\n{line}"


# -- following -------------------------------------------------------------------------------------


def _follow(options: argparse.Namespace, wanted: Wanted, desk: Desk, printer: Printer) -> NoReturn:
    """Goes on until KeyboardInterrupt or, when nobody reads any more, BrokenPipeError."""
    paths = desk.logs or (desk.surroundings.log_dir(desk.env_file),)
    with closing(Follower(paths)) as follower:
        printer.rows(_what_was_before(follower, paths, wanted, options, desk))
        told = 0
        problems = [*desk.notes.unreadable]
        while True:
            printer.rows(filter(None, map(wanted.shown, follower.poll())))
            problems += follower.problems[told:]
            told = len(follower.problems)
            desk.note(*(f"cannot be read: {problem}" for problem in problems))
            problems.clear()
            _wait()


def _what_was_before(
    follower: Follower,
    paths: Sequence[str],
    wanted: Wanted,
    options: argparse.Namespace,
    desk: Desk,
) -> Iterable[Row]:
    """The rows of before following began: none of them comes again, and none between is lost."""
    try:
        files = log_of(paths)
    except Unreadable as problem:
        desk.note(f"{problem}: waiting for it")
        return ()
    if options.last is None and options.since is not None:
        return rows_in_order(files, wanted, desk.notes, follower.until_now)
    count = _BEFORE_FOLLOWING if options.last is None else options.last
    return last_rows(files, wanted, count, desk.notes, follower.until_now)


def _wait() -> None:
    """One round's pause. Raises BrokenPipeError at once when the reader of stdout goes away: who
    waits for a quiet log would not notice it for hours."""
    try:
        descriptor = sys.stdout.fileno()
        watched = select.poll()
    except (AttributeError, io.UnsupportedOperation):  # Windows, or no real output
        time.sleep(_ROUND_SECONDS)
        return
    watched.register(descriptor, 0)  # errors and hang-ups are always told
    if watched.poll(_ROUND_SECONDS * 1000):
        raise BrokenPipeError
