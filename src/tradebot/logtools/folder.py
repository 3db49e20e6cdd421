"""The files of a log, the oldest first, and the days they are about.

A file is known by what it is, not by its name: while it is read, a run may rotate it away, and
then it is found again under its new name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from tradebot.logtools.sources import STDIN, Unreadable, log_files
from tradebot.observability.rotation import LIVE_NAME

_DATED = re.compile(r"bot\.log\.([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.[0-9]+)?(?:\.gz)?")
_STAMP = re.compile(rb"(?m)^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z) \| ")
_PEEK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log."""

    path: str
    day: date | None = None
    """The UTC date in its name; None for the live one, numbered ones and others."""
    identity: tuple[int, int] | None = None
    """What it is, whatever it is called by now: device and file number."""

    @property
    def name(self) -> str:
        """Without its folder."""
        return Path(self.path).name

    @property
    def compressed(self) -> bool:
        return self.path.endswith(".gz")

    @property
    def live(self) -> bool:
        return self.name == LIVE_NAME


def log_of(paths: Iterable[str]) -> list[LogFile]:
    """The files that a person means by files, folders and `-`, the oldest first, none twice.

    Of a folder's file that was just compressed only the plain one is taken. Raises Unreadable for
    what is not there.
    """
    found: dict[object, LogFile] = {}
    for path in paths:
        names = log_files(path)
        plain = set(names)
        for name in names:
            if len(names) > 1 and name.endswith(".gz") and name.removesuffix(".gz") in plain:
                continue
            file = _described(name)
            found.setdefault(file.identity or file.path, file)
    return list(found.values())


def _described(path: str) -> LogFile:
    dated = _DATED.fullmatch(Path(path).name)
    day = None
    if dated:
        try:
            day = date.fromisoformat(dated[1])
        except ValueError:
            day = None
    return LogFile(path, day, _identity(path))


def _identity(path: str) -> tuple[int, int] | None:
    if path == STDIN:
        return None
    try:
        status = os.stat(path)  # noqa: PTH116 - a text is enough
    except OSError:
        return None
    return status.st_dev, status.st_ino


def found_again(file: LogFile) -> LogFile | None:
    """The same file under the name it has now; None when it is gone."""
    if file.identity is None:
        return None
    try:
        names = log_files(str(Path(file.path).parent))
    except Unreadable:
        return None
    for name in names:
        if _identity(name) == file.identity:
            return replace(file, path=name)
    return None


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to the last timestamp of a file, as text; empty texts when unknown."""

    first: str = ""
    last: str = ""


def span_of(file: LogFile) -> Span:
    """What the file's beginning and end say of its time. Reads 128 KiB at most, raises nothing.

    Of a compressed file only what its name says is known: all of that day and the next.
    """
    if file.compressed or file.path == STDIN:
        if file.day is None:
            return Span()
        return Span(f"{file.day}T00:00:00.000Z", f"{file.day + timedelta(days=1)}T23:59:59.999Z")
    try:
        with Path(file.path).open("rb") as stream:
            head = stream.read(_PEEK_BYTES)
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _PEEK_BYTES))
            tail = stream.read(_PEEK_BYTES)
    except OSError:
        return Span()
    stamps = [*_STAMP.findall(head)[:1], *_STAMP.findall(tail)[-1:]]
    if not stamps:
        return Span()
    return Span(min(stamps).decode(), max(stamps).decode())


def within(files: Sequence[LogFile], since: str, until: str) -> Iterator[LogFile]:
    """The files that may hold a line of [since, until); an empty text is no limit.

    What does not say its time is always among them.
    """
    for file in files:
        span = span_of(file)
        if span.first and until and span.first >= until:
            continue
        if span.last and since and span.last < since:
            continue
        yield file


def days_of(file: LogFile) -> list[date]:
    """The UTC dates from the file's first to its last line; of a dated one at least its own."""
    if file.compressed and file.day is not None:
        return [file.day]
    span = span_of(file)
    try:
        first = date.fromisoformat(span.first[:10])
        last = date.fromisoformat(span.last[:10])
    except ValueError:
        return [] if file.day is None else [file.day]
    count = min((last - first).days, 400)
    return [first + timedelta(days=number) for number in range(count + 1)]


def missing_days(files: Iterable[LogFile]) -> list[date]:
    """The UTC dates between the first and the last day of which no file has anything."""
    there = {day for file in files for day in days_of(file)}
    if not there:
        return []
    first, count = min(there), (max(there) - min(there)).days
    return [
        day
        for day in (first + timedelta(days=number) for number in range(count))
        if day not in there
    ]
