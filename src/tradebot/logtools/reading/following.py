"""What is added to a log from now on, whatever becomes of its files.

A file is known by what it is, so a rotation moves nothing here, and what a process that has not
noticed yet still writes into the moved file is read there. Each round looks at the folder anew: a
file that was begun, filled and moved away within one round is found under its later name.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tradebot.logtools.reading.folder import LogFile
from tradebot.logtools.reading.ordering import Row, row_of
from tradebot.logtools.reading.sources import Unreadable, log_files
from tradebot.observability.line import LINE_LIMIT
from tradebot.observability.rotation import LIVE_NAME

_HELD = 64
"""Files that are kept open, the newest. While one is open no new file can be taken for it."""

_PATIENCE_ROUNDS = 50
_READ_BYTES = 1 << 20
_READS_PER_ROUND = 8
_LONGEST = 4 * LINE_LIMIT
_HOLDS_OPEN = sys.platform != "win32"
"""There a file that is open cannot be renamed, and the log could not rotate."""

_BEHIND_BYTES = 512
"""A whole line, mostly, with its time."""

_Identity = tuple[int, int]


@dataclass(slots=True)
class _Source:
    """One file and how far it has been read."""

    path: str
    identity: _Identity
    offset: int
    stream: BinaryIO | None
    behind: bytes = b""
    """What stands right before `offset`: something else when the file was emptied in place and has
    grown beyond it again."""
    before: str = ""
    """The time of the last row."""
    too_long: bool = False
    """What is read next belongs to a line that is given up."""
    unseen: int = 0
    """Rounds in a row in which the folder did not show it."""

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()

    @property
    def gone(self) -> bool:
        """Is it certain that nothing more will come? A look at a folder in which files are being
        renamed may miss one."""
        if self.stream is not None:
            return os.fstat(self.stream.fileno()).st_nlink == 0
        return self.unseen > _PATIENCE_ROUNDS


class Follower:
    """Reads what comes behind the present end of the files that `paths` mean.

    Files and folders that are not there yet are waited for.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._sources: dict[_Identity, _Source] = {}
        self._ignored: set[_Identity] = set()
        self.problems: list[str] = []
        """Files that cannot be read, and why, each once."""
        self.too_long = 0
        """Lines that were given up."""
        listed = list(self._listed())
        for path in listed[:-_HELD]:
            if (known := _identity_of(path)) is not None:
                self._ignored.add(known)
        for path in listed[-_HELD:]:
            self._take_up(path, at_end=True)

    def close(self) -> None:
        """Give the files back."""
        for source in self._sources.values():
            source.close()

    def until_now(self, file: LogFile) -> int | None:
        """How many bytes of a file will not be told by `poll`; None for all of it."""
        if file.compressed or file.identity in self._ignored:
            return None
        source = None if file.identity is None else self._sources.get(file.identity)
        return 0 if source is None else source.offset

    def poll(self) -> list[Row]:
        """What has been added since the last call, by time. Raises nothing."""
        for source in self._sources.values():
            source.unseen += 1
        for path in self._listed():
            self._take_up(path, at_end=False)
        rows = [row for source in self._sources.values() for row in self._read(source)]
        self._let_go()
        return sorted(rows, key=_time)

    # -- which files ----------------------------------------------------------------------------

    def _listed(self) -> Iterator[str]:
        for path in self._paths:
            try:
                names = log_files(path)
            except Unreadable:
                continue  # there is nothing yet
            yield from (name for name in names if not name.endswith(".gz"))

    def _take_up(self, path: str, *, at_end: bool) -> None:
        """Know this file from now on."""
        known = _identity_of(path)
        if known is None or self._is_known(known, path):
            return
        try:
            stream = Path(path).open("rb", buffering=0)  # noqa: SIM115 - kept open
        except FileNotFoundError:
            return  # renamed since the look at the folder: found again in the next round
        except OSError as error:
            self._give_up(known, f"{path}: {error.strerror or error}")
            return
        # It may have been renamed, and another one have taken its name, since we asked.
        known = _identity(os.fstat(stream.fileno()))
        if known in self._sources:
            stream.close()
            return
        self._ignored.discard(known)
        source = _Source(path, known, 0, stream)
        if at_end:
            _go_on(source, stream, _end_of_lines(stream))
        if not _HOLDS_OPEN:
            stream.close()
            source.stream = None
        self._sources[known] = source

    def _is_known(self, known: _Identity, path: str) -> bool:
        if known in self._sources:
            source = self._sources[known]
            source.path, source.unseen = path, 0
            return True
        # A moved file never becomes the live one again: that one only has a used file's number.
        return known in self._ignored and Path(path).name != LIVE_NAME

    def _give_up(self, known: _Identity, problem: str) -> None:
        self._ignored.add(known)
        if problem not in self.problems:
            self.problems.append(problem)

    def _let_go(self) -> None:
        for source in [source for source in self._sources.values() if source.gone]:
            self._sources.pop(source.identity).close()
        for identity in list(self._sources)[:-_HELD]:
            self._sources.pop(identity).close()
            self._ignored.add(identity)

    # -- what is in them ------------------------------------------------------------------------

    def _read(self, source: _Source) -> Iterator[Row]:
        if source.stream is not None:
            yield from self._lines(source, source.stream)
            return
        try:
            with Path(source.path).open("rb", buffering=0) as stream:
                if _identity(os.fstat(stream.fileno())) == source.identity:
                    yield from self._lines(source, stream)
        except OSError:
            return  # being renamed: found again in the next round

    def _lines(self, source: _Source, stream: BinaryIO) -> Iterator[Row]:
        size = os.fstat(stream.fileno()).st_size
        if size != source.offset and _before(stream, source.offset) != source.behind:
            _go_on(source, stream, 0)  # emptied in place
        for _ in range(_READS_PER_ROUND):
            data = _from(stream, source.offset)
            end = data.rfind(b"\n") + 1
            if end:
                _go_on(source, stream, source.offset + end)
                yield from self._rows(source, data[: end - 1].split(b"\n"))
            elif len(data) > _LONGEST:
                _go_on(source, stream, source.offset + len(data))
                self.too_long += not source.too_long
                source.too_long = True
            else:
                return  # the rest of the line is still to come

    @staticmethod
    def _rows(source: _Source, lines: list[bytes]) -> Iterator[Row]:
        if source.too_long:
            source.too_long = False
            del lines[0]
        for raw in lines:
            row = row_of(raw, source.before)
            source.before = row.time
            yield row


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _identity_of(path: str) -> _Identity | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - a text is enough
    except OSError:
        return None
    return _identity(status) if stat.S_ISREG(status.st_mode) else None


def _go_on(source: _Source, stream: BinaryIO, offset: int) -> None:
    source.offset, source.behind = offset, _before(stream, offset)


def _before(stream: BinaryIO, offset: int) -> bytes:
    start = max(0, offset - _BEHIND_BYTES)
    stream.seek(start)
    return stream.read(offset - start)


def _from(stream: BinaryIO, offset: int) -> bytes:
    stream.seek(offset)
    return stream.read(_READ_BYTES)


def _end_of_lines(stream: BinaryIO) -> int:
    """Behind the last newline: what follows is a line that is being written."""
    size = stream.seek(0, os.SEEK_END)
    start = max(0, size - _LONGEST)
    stream.seek(start)
    newline = stream.read(size - start).rfind(b"\n")
    return start + newline + 1 if newline >= 0 or not start else size


def _time(row: Row) -> str:
    return row.time
