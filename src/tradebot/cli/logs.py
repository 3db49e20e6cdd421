"""`tradebot logs`: the log, read back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tradebot.cli._options import ENV_FILE

if TYPE_CHECKING:
    from tradebot.logtools import Report

EXIT_PROBLEMS = 1
EXIT_UNREADABLE = 2


@click.group()
def command() -> None:
    """Read the log back."""


@command.command()
@click.argument("files", metavar="[FILE…]", nargs=-1)
@click.option(
    "--max",
    "kept",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Show at most so many findings of each kind; all are counted.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="For people; one JSON document; one JSON object per finding, the summary last.",
)
@ENV_FILE
def lint(files: tuple[str, ...], kept: int, output: str, env_file: Path | None) -> int:
    """Hold every line against the log's grammar and the catalogue of its events.

    FILE is a log file (also .gz), a folder with bot.log and its rotated files, or - for standard
    input. Without one, the folder is LOG_DIR.

    Exits with 0 when nothing is wrong, with 1 when there are problems, and with 2 when something
    could not be read. Notes are no problems.
    """
    from tradebot.logtools import lint_paths

    report = lint_paths(files or (_log_dir(env_file),), kept=kept)
    for line in _WRITERS[output](report):
        click.echo(line)
    for problem in report.unreadable:
        click.echo(f"tradebot: cannot be read: {problem}", err=True)
    if report.unreadable:
        return EXIT_UNREADABLE
    return EXIT_PROBLEMS if report.problems else 0


def _log_dir(env_file: Path | None) -> str:
    from tradebot.settings import home, load_lenient

    # A log is to be read also where the settings are wrong.
    settings, _ = load_lenient(os.environ, home=home(), env_file=env_file)
    return str(settings.log_dir)


def _text(report: Report) -> Iterator[str]:
    yield from map(str, report.findings)
    for file in report.files:
        yield f"read: {file.name}: {_number(file.lines, 'line')}, {file.bytes} bytes"
    for kind, count in report.counts.items():
        hidden = max(0, count - report.kept)
        more = f", {hidden} of them not shown" if hidden else ""
        yield f"{kind.severity.value}: {kind.value}: {count}{more}"
    unread = len(report.unreadable)
    yield (
        f"{_number(report.lines, 'line')} in {_number(len(report.files), 'file')}: "
        f"{_number(report.problems, 'problem')}, {_number(report.notes, 'note')}"
        + (f"; {unread} could not be read" if unread else "")
    )


def _number(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def _json(report: Report) -> Iterator[str]:
    findings = [finding.as_dict() for finding in report.findings]
    yield json.dumps({"findings": findings, **_summary(report)}, indent=2)


def _jsonl(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield json.dumps({"type": "finding", **finding.as_dict()})
    yield json.dumps({"type": "summary", **_summary(report)})


def _summary(report: Report) -> dict[str, object]:
    return {
        "files": [
            {"name": file.name, "lines": file.lines, "bytes": file.bytes} for file in report.files
        ],
        "unreadable": report.unreadable,
        "lines": report.lines,
        "problems": report.problems,
        "notes": report.notes,
        "counts": {kind.value: count for kind, count in report.counts.items()},
    }


_WRITERS = {"text": _text, "json": _json, "jsonl": _jsonl}
