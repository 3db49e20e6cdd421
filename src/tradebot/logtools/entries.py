"""Lines of the log as things to ask: parsed, placed in their file, selected, in order of time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tradebot.logtools.blocks import Block, Notes, blocks
from tradebot.logtools.folder import LogFile, within
from tradebot.logtools.scan import lines_with
from tradebot.observability.line import LineError, LogLine, parse

_FEW = 4
"""So many needles are found faster one after the other."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One parsed line and where it stands."""

    line: LogLine
    raw: bytes
    """As it is in the file, without its newline."""
    file: LogFile
    offset: int
    """Bytes from the (uncompressed) file's beginning."""

    @property
    def time(self) -> str:
        """The timestamp: sorts as text."""
        return self.line.timestamp

    @property
    def event(self) -> str:
        return self.line.event

    @property
    def fields(self) -> Mapping[str, str]:
        return self.line.fields

    def get(self, name: str, default: str = "") -> str:
        """A field's value; `default` when it is not there."""
        return self.line.fields.get(name, default)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines are wanted. Times are timestamps as text; empty texts are no limit."""

    since: str = ""
    """At this time or later."""
    until: str = ""
    """Before this time."""
    fields: Mapping[str, frozenset[str]] | None = None
    """Fields (or `event`, `level`, `component`) and the values they may have."""
    needles: Sequence[bytes] = ()
    """A line that holds none of these is not even parsed; () for no such condition."""

    def takes(self, line: LogLine) -> bool:
        """Is this line wanted, its needles apart?"""
        if self.since and line.timestamp < self.since:
            return False
        if self.until and line.timestamp >= self.until:
            return False
        return all(_value(line, name) in values for name, values in (self.fields or {}).items())


def _value(line: LogLine, name: str) -> str | None:
    match name:
        case "event":
            return line.event
        case "level":
            return line.level
        case "component":
            return line.component
    return line.fields.get(name)


def entries(files: Iterable[LogFile], wanted: Selection, notes: Notes) -> Iterator[Entry]:
    """The wanted lines, file by file, in the order they stand in. What is no line of the log is
    counted in `notes` where it would have been looked at."""
    chosen = list(files)
    for file in within(chosen, wanted.since, wanted.until) if _timed(wanted) else chosen:
        for offset, raw in _lines(file, wanted, notes):
            entry = entry_of(file, offset, raw, notes)
            if entry is not None and wanted.takes(entry.line):
                yield entry


def _timed(wanted: Selection) -> bool:
    return bool(wanted.since or wanted.until)


def _lines(file: LogFile, wanted: Selection, notes: Notes) -> Iterator[tuple[int, bytes]]:
    if wanted.needles:
        yield from lines_with(file, wanted.needles, notes)
        return
    for block in blocks(file, notes):
        yield from candidates(block, ())


def candidates(block: Block, needles: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each line of a block that holds one of the needles; of each without any.

    Bytes only: that the needle is the value of the right key is for the parser to say.
    """
    if not needles:
        offset = block.offset
        for raw in _split(block.data):
            yield offset, raw
            offset += len(raw) + 1
        return
    data = block.data
    for start in sorted(_starts(data, needles)):
        end = data.find(b"\n", start)
        yield block.offset + start, data[start:] if end < 0 else data[start:end]


def _starts(data: bytes, needles: Sequence[bytes]) -> set[int]:
    """Where the lines begin that hold a needle."""
    starts: set[int] = set()
    if len(needles) > _FEW:
        # One pass for all of them; what they begin with in common is looked for first.
        pattern = _any_of(tuple(needles))
        match = pattern.search(data)
        while match is not None:
            starts.add(data.rfind(b"\n", 0, match.start()) + 1)
            end = data.find(b"\n", match.start())
            match = None if end < 0 else pattern.search(data, end)
        return starts
    for needle in needles:
        found = data.find(needle)
        while found >= 0:
            starts.add(data.rfind(b"\n", 0, found) + 1)
            end = data.find(b"\n", found)
            found = -1 if end < 0 else data.find(needle, end)
    return starts


@lru_cache(maxsize=8)
def _any_of(needles: tuple[bytes, ...]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, needles)))


def _split(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def entry_of(file: LogFile, offset: int, raw: bytes, notes: Notes) -> Entry | None:
    """The line as an entry; None, counted in `notes`, for what is no line of the log.

    Tools of Windows may have put a carriage return before the newline.
    """
    try:
        line = parse(raw.removesuffix(b"\r").decode("utf-8", "replace"))
    except LineError:
        if raw.strip():
            notes.odd["foreign"] += 1
        return None
    return Entry(line, raw, file, offset)


def in_order(found: Iterable[Entry]) -> list[Entry]:
    """By time; what has the same one, in the order it was read."""
    return sorted(found, key=_time)


def _time(entry: Entry) -> str:
    return entry.line.timestamp
