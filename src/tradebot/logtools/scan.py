"""The lines of a file that hold certain bytes: as fast as the file can be read.

Bytes only: that they are the value of the right key is for the parser to say. The search looks for
all of a needle at once, so the longer it is, the faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tradebot.logtools.blocks import Notes, Window, windows
from tradebot.logtools.folder import LogFile

_FEW = 4
"""So many needles are found faster one after the other than by one pattern."""
_COMMON_BYTES = 3
"""A pattern is fast by what all it may match begins with; without that it is ten times slower."""


def lines_with(
    file: LogFile, needles: Iterable[bytes], notes: Notes
) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes, without the newline, of each line that holds one of the needles.

    What is wrong with the file goes to `notes`; nothing is raised.
    """
    wanted = tuple(needles)
    pattern = _pattern(wanted)
    for window in windows(file, notes):
        starts: set[int] = set()
        if pattern is not None:
            _search(window, pattern, starts)
        else:
            for needle in wanted:
                _find(window, needle, starts)
        for start in sorted(starts):
            end = window.buffer.find(b"\n", start, window.end)
            stop = window.end if end < 0 else end
            yield window.offset + start, bytes(window.buffer[start:stop])


def _pattern(needles: tuple[bytes, ...]) -> re.Pattern[bytes] | None:
    if len(needles) <= _FEW or len({needle[:_COMMON_BYTES] for needle in needles}) > 1:
        return None
    return re.compile(b"|".join(map(re.escape, needles)))


def _find(window: Window, needle: bytes, starts: set[int]) -> None:
    """Where the lines with this needle begin."""
    buffer, end = window.buffer, window.end
    found = buffer.find(needle, 0, end)
    while found >= 0:
        starts.add(buffer.rfind(b"\n", 0, found) + 1)
        following = buffer.find(b"\n", found, end)
        found = -1 if following < 0 else buffer.find(needle, following, end)


def _search(window: Window, pattern: re.Pattern[bytes], starts: set[int]) -> None:
    """The same for any of many needles."""
    buffer, end = window.buffer, window.end
    match = pattern.search(buffer, 0, end)
    while match is not None:
        starts.add(buffer.rfind(b"\n", 0, match.start()) + 1)
        following = buffer.find(b"\n", match.start(), end)
        match = None if following < 0 else pattern.search(buffer, following, end)
