"""The files of a log, the oldest first, and the days they are about.

A file is known by what it is, not by its name: while it is read, a run may rotate it away, and
then it is found again under its new name.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

from tradebot.logtools.reading.sources import STDIN, Unreadable, log_files
from tradebot.observability.rotation import LIVE_NAME

_DATED = re.compile(r"bot\.log\.([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.[0-9]+)?(?:\.gz)?")
STAMP = re.compile(
    rb"(?m)^([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    rb"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z) \| "
)
"""The beginning of a line that can have been written."""
_LISTINGS = 5
"""A folder that changes all the time is taken as it is in the end."""
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
        files = _listed(path)
        plain = {file.path for file in files}
        for file in files:
            if len(files) > 1 and file.compressed and file.path.removesuffix(".gz") in plain:
                continue
            found.setdefault(file.identity or file.path, file)
    return list(found.values())


def _listed(path: str) -> list[LogFile]:
    """Names and what they are, from one moment: in between a run may rotate the log, and then the
    name of the live file would be that of a new one and the old one would be missed."""
    for _ in range(_LISTINGS):
        names = log_files(path)
        files = [_described(name) for name in names]
        if names == [path]:
            if path != STDIN and not os.path.lexists(path):
                raise Unreadable(f"{path}: there is no such file or folder")
            break
        if log_files(path) == names:
            break
    return files


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


def open_same(file: LogFile) -> BinaryIO:
    """Open the file that was listed, to be read uncompressed; also when it was rotated away or
    compressed since. Raises OSError."""
    stream = _open_identical(file)
    if stream is not None:
        return _uncompressed(stream) if file.compressed else stream
    if not file.compressed:
        try:
            return _uncompressed(Path(f"{file.path}.gz").open("rb"))
        except FileNotFoundError:
            pass
    raise FileNotFoundError(2, "it was removed while the log was being read")


def _open_identical(file: LogFile) -> BinaryIO | None:
    stream = _open_if_same(file)
    if stream is None and (moved := found_again(file)) is not None:
        stream = _open_if_same(moved)
    return stream


def _open_if_same(file: LogFile) -> BinaryIO | None:
    try:
        stream = open(file.path, "rb", buffering=0)  # noqa: PTH123, SIM115 - the caller closes
    except FileNotFoundError:
        return None
    status = os.fstat(stream.fileno())
    if file.identity in (None, (status.st_dev, status.st_ino)):
        return stream
    stream.close()
    return None


def _uncompressed(stream: BinaryIO) -> BinaryIO:
    import gzip  # most logs have no such file

    plain = gzip.GzipFile(fileobj=stream)
    plain.myfileobj = stream  # type: ignore[assignment]  # closed with it
    return plain  # type: ignore[return-value]  # it reads like one


@dataclass(frozen=True, slots=True)
class Span:
    """From the earliest to the latest timestamp of a file, as text; empty texts when unknown."""

    first: str = ""
    last: str = ""


def span_of(file: LogFile) -> Span:
    """What the file's beginning and end say of its time. Reads 128 KiB at most, raises nothing.

    Several processes write, so the first line is not always the earliest one, nor the last one the
    latest: of those near each end all count. A compressed file's end is not known without reading
    all of it: it may reach over the day in its name and the next.
    """
    if file.path == STDIN:
        return Span()
    try:
        with open_same(file) as stream:
            stamps = _stamps(stream.read(_PEEK_BYTES).split(b"\n"))
            first = min(stamps, default=b"").decode()
            if file.compressed:
                return Span(first or _midnight(file.day), _end_of(file.day))
            begin = max(0, stream.seek(0, os.SEEK_END) - _PEEK_BYTES)
            stream.seek(begin)
            tail = stream.read(_PEEK_BYTES).split(b"\n")
    except (OSError, EOFError, zlib.error):
        return Span(_midnight(file.day), _end_of(file.day)) if file.compressed else Span()
    stamps += _stamps(tail[1:] if begin else tail)
    return Span(min(stamps).decode(), max(stamps).decode()) if stamps else Span()


def _stamps(lines: Iterable[bytes]) -> list[bytes]:
    return [found[1] for line in lines if (found := STAMP.match(line))]


def _midnight(day: date | None) -> str:
    return f"{day}T00:00:00.000Z" if day else ""


def _end_of(day: date | None) -> str:
    """Of the day after."""
    return f"{day + timedelta(days=1)}T23:59:59.999Z" if day and day < date.max else ""


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
