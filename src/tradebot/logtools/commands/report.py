"""One HTML file about a run, a cycle, an order or a period, for a post-mortem.

It needs nothing but itself: no scripts, fonts or pictures from elsewhere, and it sends nothing. It
can be mailed, printed and read on a phone. All of it went through redaction once more.

    tradebot logs report --cycle 42 -o cycle42.html
    tradebot logs report --since yesterday --until today -o night.html

Exits with 0, with 1 and no file when there is no line of it, and with 2 when something could not be
read or written.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk, UsageProblem
from tradebot.logtools.masking import know
from tradebot.logtools.options import add_times, add_where, selection
from tradebot.logtools.reading.folder import LogFile
from tradebot.logtools.reading.times import stamp
from tradebot.logtools.report.choosing import Choice, choose, read_on
from tradebot.logtools.report.gathering import Gathering
from tradebot.logtools.report.keeping import KeptLines
from tradebot.logtools.report.page import PAGE_BYTES, About, page
from tradebot.logtools.report.reading import reading
from tradebot.logtools.report.words import Clock
from tradebot.logtools.tracing.subjects import Kind, subject_of

_STDOUT = "-"
_MOST_DIGITS = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `report`."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--run", metavar="RUN_ID", help="one invocation of the bot")
    what.add_argument("--cycle", metavar="N", type=_number, help="one cycle, by its number")
    what.add_argument(
        "--order", metavar="REF", help="one order, by its reference or the broker's order id"
    )
    add_times(parser)
    parser.add_argument(
        "-o",
        dest="file",
        metavar="FILE.html",
        required=True,
        help="the file to write, replaced if it is there; - for standard output",
    )
    add_where(parser)


def _number(text: str) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdecimal()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of a cycle, such as 42; `runs --output json` has them"
        )
    return int(plain[:_MOST_DIGITS])


def _pasted(text: str | None, kind: Kind) -> str | None:
    """The id in what was pasted: in any case, with quotes, with its field's name before it."""
    found = None if text is None else subject_of(text)
    return found.value if found is not None and found.kind is kind else text


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Gather, and write the file."""
    wanted = selection(desk, options)
    if not (options.run or options.cycle is not None or options.order or wanted.since):
        raise UsageProblem("say what it is about: --run, --cycle, --order or --since")
    files = desk.files()
    _check_target(options.file, files)
    know(desk.surroundings.secrets(desk.env_file))
    order = _pasted(_pasted(options.order, Kind.REFERENCE), Kind.ORDER)
    run_id = _pasted(options.run, Kind.RUN)
    choice = Choice(wanted, run=run_id, cycle=options.cycle, order=order, clock=Clock(desk.zone))
    chosen = choose(choice, files, desk.notes, desk.surroundings.program)
    kept = KeptLines(PAGE_BYTES)
    gathering = Gathering(kept)
    for one in chosen.rows:
        gathering.add(one)
    for entry in read_on(gathering.unsettled, gathering.last, files):
        gathering.follow(entry)
    found = gathering.gathered(chosen.run_ids)
    if not found.summary.lines:
        desk.tell_what_was_read(files)
        desk.note("nothing of that is in this log, so no file was written")
        return NOTHING
    about = About(
        chosen.title,
        chosen.command,
        chosen.order,
        reading(files, desk.notes),
        stamp(desk.now),
    )
    data = page(found, about, Clock(desk.zone))
    desk.tell_what_was_read(files)
    return _write(options.file, data, desk)


def _check_target(target: str, files: Sequence[LogFile]) -> None:
    """Before hours of log are read. Raises UsageProblem."""
    if target == _STDOUT:
        return
    path = Path(target)
    if path.is_dir():
        raise UsageProblem(f"-o: {target} is a folder; name a file in it")
    if not path.absolute().parent.is_dir():
        raise UsageProblem(f"-o: there is no folder {path.parent}")
    for file in files:
        with contextlib.suppress(OSError):
            if path.samefile(file.path):
                raise UsageProblem(f"-o: {target} is a file of the log itself")


def _write(target: str, data: bytes, desk: Desk) -> int:
    if target == _STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return UNREADABLE if desk.notes.unreadable else FOUND
    try:
        _replace(Path(target), data)
    except OSError as error:
        desk.note(f"cannot be written: {target}: {error.strerror or error}")
        return UNREADABLE
    desk.note(f"written: {target} ({len(data) / 1000:.0f} kB)")
    return UNREADABLE if desk.notes.unreadable else FOUND


def _replace(path: Path, data: bytes) -> None:
    """Whoever opens it sees the old file or the new one. Private, like the log."""
    number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(data)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
