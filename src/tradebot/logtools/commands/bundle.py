"""A zip for a colleague or the broker's support: the lines of an order, of a run or of a time with
all lines of the runs concerned, the settings (masked), versions, and the X-Correlation id of every
request.

Every line is judged for secrets first: with one that may hold one, nothing is written and the exit
code is 1, as when nothing is found; 2 means that something could not be read or written.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

from tradebot.logtools.bundling import Bundle, Judge, Leak, write_bundle
from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk, UsageProblem, reading_notes
from tradebot.logtools.masking import masked_text
from tradebot.logtools.options import add_times, add_where, selection
from tradebot.logtools.reading.entries import Selection, entries
from tradebot.logtools.reading.folder import LogFile
from tradebot.logtools.telling.table import count, harmless
from tradebot.logtools.tracing.subjects import EXPECTED, Subject, subject_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `bundle`."""
    parser.add_argument(
        "ids", metavar="ID", nargs="*", help="external references, order ids or run ids"
    )
    parser.add_argument(
        "-o", "--out", metavar="FILE.zip", help="(default: tradebot-….zip in the current folder)"
    )
    add_times(parser)
    add_where(parser)


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Collect, judge, write."""
    wanted = selection(desk, options)
    if not (options.ids or wanted.since):
        raise UsageProblem("name an order or a run, or a time with --since")
    files = desk.files()
    if options.ids:
        subjects = [_subject(text) for text in options.ids]
        runs = _runs_of(subjects, files, desk)
        if not runs:
            names = ", ".join(subject.name for subject in subjects)
            desk.note(f"there is nothing of {harmless(names)}")
            desk.tell_what_was_read(files)
            return UNREADABLE if desk.notes.unreadable else NOTHING
        wanted = Selection(
            wanted.since,
            wanted.until,
            {"run_id": frozenset(runs)},
            [f" run_id={run_id} ".encode() for run_id in runs],
        )
    return _write(options, desk, wanted, files)


def _subject(text: str) -> Subject:
    found = subject_of(text)
    if found is None:
        raise UsageProblem(f"{harmless(masked_text(text))!r} is no id; write {EXPECTED}")
    return found


def _runs_of(subjects: list[Subject], files: list[LogFile], desk: Desk) -> set[str]:
    """The runs that worked on these orders, or are named themselves."""
    needles = [subject.needle for subject in subjects]
    return {
        entry.get("run_id")
        for entry in entries(files, Selection(needles=needles, masked=False), desk.notes)
        if any(subject.owns(entry) for subject in subjects)
    }


def _write(options: argparse.Namespace, desk: Desk, wanted: Selection, files: list[LogFile]) -> int:
    names = (subject.value for subject in map(_subject, options.ids))
    about = ", ".join(names) or f"{wanted.since} to {wanted.until or 'the end'}"
    path = Path(options.out or f"tradebot-{re.sub(r'[^A-Za-z0-9-]+', '-', about)[:60]}.zip")
    judge = Judge(desk.surroundings.secrets(desk.env_file))
    bundle = Bundle(f"About {about}")
    if not desk.logs:
        bundle.settings = desk.surroundings.settings(desk.env_file)
    bundle.reading = reading_notes(files, desk.notes)
    # The judge is to see what would be given away.
    found = entries(files, replace(wanted, masked=False), desk.notes)
    try:
        write_bundle(path, found, bundle, judge, desk.surroundings.program)
    except Leak as leak:
        desk.note(
            f"nothing was written, because these lines may hold a secret: {leak}. "
            "`tradebot logs lint` says more; correct or cut them in a copy of the log, and bundle "
            "that with --logs."
        )
        return NOTHING
    except OSError as error:
        desk.note(f"{path} cannot be written: {error.strerror or error}")
        return UNREADABLE
    desk.say(f"{path}: {count(bundle.lines, 'line')}, {count(bundle.requests, 'request')}")
    desk.tell_what_was_read(files)
    return UNREADABLE if desk.notes.unreadable else FOUND
