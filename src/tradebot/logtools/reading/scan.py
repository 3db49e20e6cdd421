"""The lines of a file that hold certain bytes: as fast as the file can be read.

Bytes only: that they are the value of the right key is for the parser to say. The search looks for
all of a needle at once, so the longer it is, the faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from tradebot.logtools.reading.blocks import Notes, windows
from tradebot.logtools.reading.folder import LogFile

_FEW = 4
"""So many needles are found faster one after the other than by one pattern."""
_COMMON_BYTES = 3
"""A pattern is fast by what all it may match begins with; without that it is ten times slower."""


_Bytes = bytes | bytearray


class Found(NamedTuple):
    """A line, wherever it was looked for."""

    offset: int
    raw: bytes
    """Without its newline."""
    whole: bool
    """Is there a newline? Else it may be a line that is being written."""


def lines_with(file: LogFile, needles: Iterable[bytes], notes: Notes) -> Iterator[Found]:
    """Each line of a file that holds one of the needles.

    What is wrong with the file goes to `notes`; nothing is raised.
    """
    wanted = tuple(needles)
    for window in windows(file, notes):
        yield from lines_of(window.buffer, window.end, wanted, window.offset)


def lines_of(data: _Bytes, end: int, needles: tuple[bytes, ...], offset: int) -> Iterator[Found]:
    """Each line before `end` that holds one of the needles; every line if there are none.
    `offset` is where the data begins."""
    for start in _starts(data, end, needles) if needles else _all_starts(data, end):
        newline = data.find(b"\n", start, end)
        stop = end if newline < 0 else newline
        yield Found(offset + start, bytes(data[start:stop]), newline >= 0)


def _all_starts(data: _Bytes, end: int) -> Iterator[int]:
    start = 0
    while 0 <= start < end:
        yield start
        start = data.find(b"\n", start, end) + 1 or end


def _starts(data: _Bytes, end: int, needles: tuple[bytes, ...]) -> list[int]:
    """Where the lines begin that hold a needle."""
    starts: set[int] = set()
    pattern = _pattern(needles)
    if pattern is not None:
        _search(data, end, pattern, starts)
    else:
        for needle in needles:
            _find(data, end, needle, starts)
    return sorted(starts)


@lru_cache(maxsize=8)
def _pattern(needles: tuple[bytes, ...]) -> re.Pattern[bytes] | None:
    if len(needles) <= _FEW or len({needle[:_COMMON_BYTES] for needle in needles}) > 1:
        return None
    return re.compile(b"|".join(map(re.escape, needles)))


def _find(data: _Bytes, end: int, needle: bytes, starts: set[int]) -> None:
    found = data.find(needle, 0, end)
    while found >= 0:
        starts.add(data.rfind(b"\n", 0, found) + 1)
        following = data.find(b"\n", found, end)
        found = -1 if following < 0 else data.find(needle, following, end)


def _search(data: _Bytes, end: int, pattern: re.Pattern[bytes], starts: set[int]) -> None:
    """The same for any of many needles."""
    match = pattern.search(data, 0, end)
    while match is not None:
        starts.add(data.rfind(b"\n", 0, match.start()) + 1)
        following = data.find(b"\n", match.start(), end)
        match = None if following < 0 else pattern.search(data, following, end)
