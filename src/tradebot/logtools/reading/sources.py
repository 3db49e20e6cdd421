"""From what a person names (files, a folder, `-`) to physical lines, in a few KiB of memory.

A file that is not a log at all, or one line of 100 MB, costs no more memory than a log does.
"""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tradebot.observability.line import LINE_LIMIT
from tradebot.observability.rotation import LIVE_NAME, LOCK_NAME, is_own_name

STDIN = "-"
_CHUNK = 64 * 1024
_PARTS = re.compile(r"[0-9]+|[^0-9]+")


class Unreadable(Exception):
    """A file or folder cannot be read, or not to its end; the message says which and why."""


@dataclass(frozen=True, slots=True)
class PhysicalLine:
    """Bytes up to a newline, without it. Of a line beyond LINE_LIMIT only the beginning."""

    number: int
    data: bytes
    size: int
    """Bytes in the file, the newline included."""
    ended: bool
    """Is there a newline?"""


def log_files(path: str) -> list[str]:
    """The files that a person means by `path`: of a folder its log files, the oldest first.

    Raises Unreadable when there is nothing of that name, or a folder without a log.
    """
    if path == STDIN:
        return [path]
    folder = Path(path)
    try:
        if not folder.is_dir():
            return [path]
        names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None
    found = [name for name in names if name != LOCK_NAME and is_own_name(_plain(name))]
    if not found:
        raise Unreadable(f"{path}: there is no {LIVE_NAME} and no rotated one in this folder")
    return [str(folder / name) for name in sorted(found, key=_age)]


def _plain(name: str) -> str:
    return name.removesuffix(".gz")


def _age(name: str) -> tuple[int, tuple[str | int, ...]]:
    """Sorts the oldest first: numbered files, the highest first; dated ones; the live file."""
    rest = _plain(name).removeprefix(LIVE_NAME).lstrip(".")
    if not rest:
        return 2, ()
    if rest.isdecimal():
        return 0, (-int(rest),)
    parts = (int(part) if part.isdecimal() else part for part in _PARTS.findall(rest))
    return 1, tuple(parts)


def physical_lines(path: str) -> Iterator[PhysicalLine]:
    """Every line of one file, uncompressed. Raises Unreadable, maybe after some lines."""
    try:
        if path == STDIN:
            if sys.stdin is None:
                raise Unreadable("-: there is no standard input")
            yield from split(sys.stdin.buffer)
            return
        with _open(path) as stream:
            yield from split(stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Unreadable(f"{path}: not a whole gzip file: {error}") from None
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None


def _open(path: str) -> BinaryIO:
    stream = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    if not path.endswith(".gz"):
        return stream
    stream.close()
    return gzip.open(path, "rb")  # type: ignore[return-value]


def split(stream: BinaryIO) -> Iterator[PhysicalLine]:
    """The lines of a stream of bytes."""
    number = 0
    while data := stream.readline(LINE_LIMIT):
        number += 1
        size = len(data)
        ended = data.endswith(b"\n")
        if not ended and size == LINE_LIMIT:
            more, ended = _skip_line(stream)
            size += more
        yield PhysicalLine(number, data[:-1] if data.endswith(b"\n") else data, size, ended)


def _skip_line(stream: BinaryIO) -> tuple[int, bool]:
    """Read on to the end of a line: how many bytes there were, and was there a newline?"""
    size = 0
    while data := stream.readline(_CHUNK):
        size += len(data)
        if data.endswith(b"\n"):
            return size, True
    return size, False
