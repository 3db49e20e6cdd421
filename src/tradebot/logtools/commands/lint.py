"""Hold every line against the log's grammar and the catalogue of its events.

Exits with 0 when nothing is wrong, with 1 when there are problems, and with 2 when something could
not be read. Notes are no problems.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tradebot.logtools.desk import Desk
from tradebot.logtools.linting.findings import Report
from tradebot.logtools.linting.lint import lint_paths
from tradebot.logtools.options import ENV_FILE_HELP, add_output
from tradebot.logtools.telling.table import count, harmless

EXIT_PROBLEMS = 1
EXIT_UNREADABLE = 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `lint`."""
    parser.add_argument(
        "logs",
        metavar="FILE",
        nargs="*",
        help="a log file (also .gz), a folder with bot.log and its rotated files, or - for "
        "standard input (default: LOG_DIR)",
    )
    parser.add_argument(
        "--max",
        dest="kept",
        metavar="N",
        type=_not_negative,
        default=10,
        help="show at most so many findings of each kind; all are counted (default: 10)",
    )
    add_output(parser, "text", "json", "jsonl")
    parser.add_argument("--env-file", metavar="FILE", help=ENV_FILE_HELP)


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Lint, and tell."""
    paths = options.logs or (desk.surroundings.log_dir(desk.env_file),)
    report = lint_paths(paths, kept=options.kept)
    if desk.output == "text":
        desk.say(*map(harmless, _text(report)))
    else:
        for document in _documents(report, desk.output):
            desk.say_json(document)
    desk.note(*(f"tradebot: cannot be read: {problem}" for problem in report.unreadable))
    if report.unreadable:
        return EXIT_UNREADABLE
    return EXIT_PROBLEMS if report.problems else 0


def _text(report: Report) -> Iterator[str]:
    yield from map(str, report.findings)
    for file in report.files:
        yield f"read: {file.name}: {count(file.lines, 'line')}, {file.bytes} bytes"
    for kind, number in report.counts.items():
        hidden = max(0, number - report.kept)
        more = f", {hidden} of them not shown" if hidden else ""
        yield f"{kind.severity.value}: {kind.value}: {number}{more}"
    unread = len(report.unreadable)
    yield (
        f"{count(report.lines, 'line')} in {count(len(report.files), 'file')}: "
        f"{count(report.problems, 'problem')}, {count(report.notes, 'note')}"
        + (f"; {unread} could not be read" if unread else "")
    )


def _documents(report: Report, output: str) -> Iterator[dict[str, object]]:
    findings = [finding.as_dict() for finding in report.findings]
    if output == "json":
        yield {"findings": findings, **_summary(report)}
        return
    for finding in findings:
        yield {"type": "finding", **finding}
    yield {"type": "summary", **_summary(report)}


def _summary(report: Report) -> dict[str, object]:
    return {
        "files": [
            {"name": file.name, "lines": file.lines, "bytes": file.bytes} for file in report.files
        ],
        "unreadable": report.unreadable,
        "lines": report.lines,
        "problems": report.problems,
        "notes": report.notes,
        "counts": {kind.value: number for kind, number in report.counts.items()},
    }
