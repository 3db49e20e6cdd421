"""Lines of the log as things to ask: parsed, placed in their file, selected, in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.folder import LogFile, within
from tradebot.logtools.reading.scan import Found, lines_with
from tradebot.observability.line import LineError, LogLine, parse


@dataclass(frozen=True, slots=True)
class Entry:
    """One parsed line and where it stands."""

    line: LogLine
    raw: bytes
    """As it is in the file, or masked like `line`; without its newline."""
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
    masked: bool = True
    """Once more through redaction, so that no answer tells what a hand or an older version left in
    a line. False, as it was written, for who gives out the raw bytes or judges them."""

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
    mask = mask_of(wanted)
    for file in within(chosen, wanted.since, wanted.until) if _timed(wanted) else chosen:
        for found in lines_with(file, wanted.needles, notes):
            entry = entry_of(file, found, notes)
            if entry is not None and wanted.takes(entry.line):
                yield masked(entry, mask)


Mask = Callable[[LogLine, bytes], tuple[LogLine, bytes]]
"""What a line and its bytes become before anybody sees them."""


def mask_of(wanted: Selection) -> Mask:
    """How the wanted lines are shown."""
    if not wanted.masked:
        return _as_it_is
    # Loading redaction takes longer than to find an order: who needs none of it goes without.
    from tradebot.logtools.masking import masked_pair

    return masked_pair


def _as_it_is(line: LogLine, raw: bytes) -> tuple[LogLine, bytes]:
    return line, raw


def masked(entry: Entry, mask: Mask) -> Entry:
    """The entry as it is shown. Its place stays the same."""
    line, raw = mask(entry.line, entry.raw)
    return entry if line is entry.line else Entry(line, raw, entry.file, entry.offset)


def _timed(wanted: Selection) -> bool:
    return bool(wanted.since or wanted.until)


def entry_of(file: LogFile, found: Found, notes: Notes) -> Entry | None:
    """The line as an entry, not masked yet; None, counted in `notes`, for what is no line of the
    log, and for one without its newline: its last value may be cut and still look like one.

    Tools of Windows may have put a carriage return before the newline.
    """
    if found.whole:
        try:
            line = parse(found.raw.removesuffix(b"\r").decode("utf-8", "replace"))
            return Entry(line, found.raw, file, found.offset)
        except LineError:
            pass
    if found.raw.strip():
        notes.odd["foreign" if found.whole else "unfinished"] += 1
    return None


def in_order(found: Iterable[Entry]) -> list[Entry]:
    """By time; what has the same one, in the order it was read."""
    return sorted(found, key=_time)


def _time(entry: Entry) -> str:
    return entry.line.timestamp
