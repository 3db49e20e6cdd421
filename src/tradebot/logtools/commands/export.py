"""The lines of the log for other programs.

logfmt   ts=… level=… component=… event=… and the fields, as any reader of logfmt takes them
jsonl    one JSON object a line; numbers and truth values by the vocabulary
csv      RFC 4180 with a header; every declared field, and `more` for the others as JSON. A cell
         that a spreadsheet could carry out has a ' before it
parquet  a folder day=…/instance=…/part-….parquet with typed columns; whole days, and a repeated
         export replaces its own files only. Needs pyarrow

Exits with 0 when there were lines, with 1 when there were none, and with 2 when something could not
be read or written.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk, UsageProblem
from tradebot.logtools.exporting.columns import flat, json_line, names_of
from tradebot.logtools.exporting.formats import (
    CsvWriter,
    LinesWriter,
    Sink,
    StandardOutput,
    Writer,
    logfmt_line,
    new_file,
)
from tradebot.logtools.exporting.sources import Sources
from tradebot.logtools.masking import know
from tradebot.logtools.options import add_filters, add_times, add_where, selection
from tradebot.logtools.reading.entries import Selection
from tradebot.logtools.reading.folder import LogFile
from tradebot.logtools.reading.ordering import Wanted, rows_in_order
from tradebot.logtools.telling.table import count
from tradebot.observability.line import LogLine
from tradebot.observability.rotation import is_own_name

_MIDNIGHT = "T00:00:00.000Z"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `export`."""
    add_filters(parser)
    parser.add_argument(
        "--format",
        choices=("logfmt", "jsonl", "csv", "parquet"),
        required=True,
        help="logfmt, jsonl, csv or parquet",
    )
    parser.add_argument(
        "-o",
        "--out",
        metavar="PATH",
        help="a file, compressed if it ends in .gz (default: standard output); of parquet a folder",
    )
    parser.add_argument(
        "--fields", metavar="A,B", help="only these, in this order; ts, level, component and event "
        "count as fields"
    )  # fmt: skip
    parser.add_argument(
        "--instance", metavar="NAME", help="parquet: the instance of runs that did not name theirs"
    )
    add_where(parser)
    add_times(parser)


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Export, and tell what was read."""
    wanted = selection(desk, options)
    files = desk.files()
    if not desk.logs:
        know(desk.surroundings.secrets(desk.env_file))
    try:
        if options.format == "parquet":
            number = _parquet(options, desk, files, wanted)
        else:
            number = _text(options, desk, files, wanted)
    except BrokenPipeError:
        raise
    except OSError as error:
        if options.out is None:
            raise
        desk.note(f"cannot be written: {error.filename or options.out}: {error.strerror or error}")
        return UNREADABLE
    desk.tell_what_was_read(files)
    if not number:
        desk.note("nothing in what was read matches: nothing was written")
    else:
        desk.note(f"exported: {count(number, 'line')}")
    if desk.notes.unreadable:
        return UNREADABLE
    return FOUND if number else NOTHING


def _lines(desk: Desk, files: Sequence[LogFile], wanted: Selection) -> Iterator[LogLine]:
    for row in rows_in_order(files, Wanted(wanted), desk.notes):
        if row.line is not None:
            yield row.line
        else:
            desk.notes.odd[row.odd] += 1


# -- text ------------------------------------------------------------------------------------------


def _text(
    options: argparse.Namespace, desk: Desk, files: Sequence[LogFile], wanted: Selection
) -> int:
    names = names_of(options.fields)
    if options.instance is not None:
        raise UsageProblem("--instance is for --format parquet")
    out = _output(options.out, files)
    lines = _lines(desk, files, wanted)
    first = next(lines, None)
    if first is None:
        return 0  # a file of an earlier export stays as it is
    number, missing = 0, set(names or ())
    with out as text:
        writer = _writer(options.format, text, names)
        writer.begin()
        for line in itertools.chain((first,), lines):
            writer.line(line)
            number += 1
            if missing:
                missing -= flat(line, names).keys()
    for name in sorted(missing):
        desk.note(f"--fields: no exported line has the field {name}")
    return number


def _writer(form: str, out: Sink, names: Sequence[str] | None) -> Writer:
    if form == "csv":
        return CsvWriter(out, names)
    return LinesWriter(out, json_line if form == "jsonl" else logfmt_line, names)


def _output(path: str | None, files: Sequence[LogFile]) -> AbstractContextManager[Sink]:
    if path in (None, "-"):
        return StandardOutput()
    target = Path(str(path))
    folders = {Path(file.path).resolve().parent for file in files}
    own = is_own_name(target.name.removesuffix(".gz")) and target.resolve().parent in folders
    if own or any(target.resolve() == Path(file.path).resolve() for file in files):
        raise UsageProblem(f"-o {path} is a file of the log itself: name another one")
    return new_file(target)


# -- Parquet ---------------------------------------------------------------------------------------


def _parquet(
    options: argparse.Namespace, desk: Desk, files: Sequence[LogFile], wanted: Selection
) -> int:
    folder = _folder(options)
    try:
        from tradebot.logtools.exporting.parquet import ParquetExport
    except ImportError:
        raise UsageProblem(
            "--format parquet needs the package pyarrow: pip install 'ai-tradebot[parquet]'"
        ) from None
    days = whole_days(wanted)
    if (days.since, days.until) != (wanted.since, wanted.until):
        desk.note(f"whole days are exported: from {days.since or '…'} to {days.until or '…'}")
    sources = Sources(files, options.instance)
    number = 0
    with ParquetExport(folder, _said(options.filters)) as export:
        for line in _lines(desk, files, days):
            export.line(line, sources.of(line))
            number += 1
        written = export.commit()
    desk.note(*export.kept)
    if written:
        desk.note(f"written: {count(len(written), 'file')} in {folder}")
    return number


def _folder(options: argparse.Namespace) -> Path:
    if options.out in (None, "-"):
        raise UsageProblem("--format parquet needs a folder: -o FOLDER")
    if options.fields is not None:
        raise UsageProblem(
            "--fields is not for --format parquet: all its files have the same columns"
        )
    folder = Path(options.out)
    if folder.exists() and not folder.is_dir():
        raise UsageProblem(f"-o {folder} is no folder, and --format parquet needs one")
    return folder


def whole_days(wanted: Selection) -> Selection:
    """From the beginning of the first UTC day to the end of the last: a part of a day must not
    replace the whole."""
    since, until = wanted.since, wanted.until
    if since:
        since = since[:10] + _MIDNIGHT
    if until and not until.endswith(_MIDNIGHT):
        until = f"{date.fromisoformat(until[:10]) + timedelta(days=1)}{_MIDNIGHT}"
    return replace(wanted, since=since, until=until)


def _said(filters: Sequence[str]) -> str:
    return " ".join(sorted(set(filters))) or "all lines"
