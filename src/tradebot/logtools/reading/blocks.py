"""The bytes of a log's files in blocks of whole lines: some MiB of memory, whatever is in them."""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from tradebot.logtools.reading.folder import LogFile, open_same
from tradebot.logtools.reading.sources import STDIN
from tradebot.observability.line import LINE_LIMIT

__all__ = ["BLOCK_BYTES", "Block", "Notes", "Window", "blocks", "open_same", "windows"]

BLOCK_BYTES = 256 * 1024
"""What is searched right after it was read is still in the processor's cache."""
_LONGEST = 4 * LINE_LIMIT
"""What has no newline for so long is not a line of ours, nor of a program like ours."""


@dataclass(slots=True)
class Notes:
    """What was read, and what was wrong with it: an answer says so, or it would be taken for more
    than it is."""

    read: dict[str, int] = field(default_factory=dict)
    """Bytes read, by file."""
    unreadable: list[str] = field(default_factory=list)
    """Files that could not be read, or not to their end, and why."""
    odd: Counter[str] = field(default_factory=Counter)
    """How many lines were not as the log writes them, by what they were: `foreign`, `too long`,
    `unfinished`."""

    def is_unreadable(self, file: LogFile) -> bool:
        """Was it told that this file cannot be read, or not to its end?"""
        return any(problem.startswith(f"{file.path}: ") for problem in self.unreadable)

    def take(self, other: Notes) -> None:
        """Add those of another reading."""
        self.read.update(other.read)
        self.unreadable += other.unreadable
        self.odd.update(other.odd)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines. Only the last one of a file may lack its newline."""

    file: LogFile
    offset: int
    """Where in the file, uncompressed, the block begins."""
    data: bytes


@dataclass(slots=True)
class Window:
    """Whole lines in a buffer that the next window overwrites: for who only looks for something."""

    offset: int
    """Where in the file, uncompressed, it begins."""
    buffer: bytearray
    end: int
    """How much of the buffer counts."""


def blocks(file: LogFile, notes: Notes) -> Iterator[Block]:
    """All of one file. What is wrong with it, or becomes of it, goes to `notes`; none is raised."""
    for window in windows(file, notes):
        with memoryview(window.buffer) as view:
            data = bytes(view[: window.end])
        yield Block(file, window.offset, data)


def windows(file: LogFile, notes: Notes) -> Iterator[Window]:
    """As `blocks`, without a copy of anything."""
    notes.read[file.path] = 0
    try:
        with _open(file) as stream:
            for window in _whole_lines(stream, notes):
                notes.read[file.path] += window.end
                yield window
    except (EOFError, zlib.error) as error:
        notes.unreadable.append(f"{file.path}: not a whole gzip file: {error}")
    except OSError as error:  # gzip.BadGzipFile is one
        bad = "" if error.strerror else "not a whole gzip file: "
        notes.unreadable.append(f"{file.path}: {bad}{error.strerror or error}")


@contextmanager
def _open(file: LogFile) -> Iterator[BinaryIO]:
    if file.path == STDIN:
        if sys.stdin is None:
            raise OSError(2, "there is no standard input")
        yield sys.stdin.buffer  # not ours to close
        return
    with open_same(file) as stream:
        yield stream


def _whole_lines(stream: BinaryIO, notes: Notes) -> Iterator[Window]:
    buffer = bytearray(_LONGEST + BLOCK_BYTES)
    offset = kept = 0
    skipping = False
    with memoryview(buffer) as view:
        while count := stream.readinto(view[kept : kept + BLOCK_BYTES]):  # type: ignore[attr-defined]
            filled = kept + count
            begin = 0
            if skipping:
                begin = (buffer.find(b"\n", 0, filled) + 1) or filled
                skipping = begin == filled and buffer[filled - 1] != 10
                offset += begin
                view[: filled - begin] = view[begin:filled]
                filled -= begin
            end = buffer.rfind(b"\n", 0 if begin else kept, filled) + 1
            if end:
                yield Window(offset, buffer, end)
                offset += end
            kept = filled - end
            if kept > _LONGEST:
                notes.odd["too long"] += 1
                offset, kept, skipping = offset + kept, 0, True
            else:
                view[:kept] = view[end:filled]
        if kept:
            yield Window(offset, buffer, kept)
