"""The bytes of a log's files in blocks of whole lines: some MiB of memory, whatever is in them."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tradebot.logtools.folder import LogFile, found_again
from tradebot.logtools.sources import STDIN
from tradebot.observability.line import LINE_LIMIT

BLOCK_BYTES = 1 << 20
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


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines. Only the last one of a file may lack its newline."""

    file: LogFile
    offset: int
    """Where in the file, uncompressed, the block begins."""
    data: bytes


def blocks(file: LogFile, notes: Notes) -> Iterator[Block]:
    """All of one file. What is wrong with it, or becomes of it, goes to `notes`; none is raised."""
    notes.read[file.path] = 0
    try:
        with _open(file) as stream:
            for block in _whole_lines(file, stream, notes):
                notes.read[file.path] += len(block.data)
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        notes.unreadable.append(f"{file.path}: not a whole gzip file: {error}")
    except OSError as error:
        notes.unreadable.append(f"{file.path}: {error.strerror or error}")


@contextmanager
def _open(file: LogFile) -> Iterator[BinaryIO]:
    if file.path == STDIN:
        if sys.stdin is None:
            raise OSError("there is no standard input")
        yield sys.stdin.buffer  # not ours to close
        return
    with open_same(file) as stream:
        if not file.compressed:
            yield stream
            return
        with gzip.open(stream, "rb") as plain:
            yield plain  # type: ignore[misc]  # it reads like one


def open_same(file: LogFile) -> BinaryIO:
    """Open the file that was listed, also when it has been rotated away since. Raises OSError."""
    for current in (file, found_again(file)):
        if current is None:
            break
        try:
            stream = Path(current.path).open("rb", buffering=0)  # noqa: SIM115 - the caller closes
        except FileNotFoundError:
            continue
        status = os.fstat(stream.fileno())
        if file.identity in (None, (status.st_dev, status.st_ino)):
            return stream
        stream.close()
    raise FileNotFoundError(2, "it was removed while the log was being read")


def _whole_lines(file: LogFile, stream: BinaryIO, notes: Notes) -> Iterator[Block]:
    offset, rest = 0, b""
    skipping = False
    while data := stream.read(BLOCK_BYTES):
        if skipping:
            end = data.find(b"\n") + 1
            offset += end or len(data)
            skipping = not end
            data = data[end:] if end else b""
        data = rest + data
        end = data.rfind(b"\n") + 1
        if end:
            yield Block(file, offset, data if end == len(data) else data[:end])
            offset += end
        rest = data[end:]
        if len(rest) > _LONGEST:
            notes.odd["too long"] += 1
            offset += len(rest)
            rest, skipping = b"", True
    if rest:
        yield Block(file, offset, rest)
