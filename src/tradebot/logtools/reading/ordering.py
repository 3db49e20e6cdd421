"""The rows of a whole log in order of time, forwards or from the end, in a few MiB of memory.

Files follow each other in time and overlap a little, so they are merged, and each is opened only
when its time has come. Within a file lines stand nearly in order (several processes write), so a
window of some hundred puts them right. What is no line of the log stays behind the line it
follows: it has that line's time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from tradebot.logtools.reading.backwards import blocks_backwards
from tradebot.logtools.reading.blocks import Block, Notes, blocks
from tradebot.logtools.reading.entries import Mask, Selection, mask_of
from tradebot.logtools.reading.folder import STAMP, LogFile, span_of
from tradebot.logtools.reading.scan import lines_of
from tradebot.logtools.reading.sources import STDIN
from tradebot.observability.line import SEPARATOR, LineError, LogLine, escape, is_bare, parse

FOREIGN = "foreign"
UNFINISHED = "unfinished"

_WINDOW_ROWS = 512
_WINDOW_BYTES = 2 << 20
_SELECTIVE_LENGTH = 6
_SELECTIVE_FIELDS = ("external_reference", "order_id", "run_id", "event")
_RARE_LEVELS = frozenset(("WARN", "ERROR", "FATAL"))
_ALWAYS = "9999-12-31T23:59:59.999Z"
"""Behind every timestamp."""


@dataclass(frozen=True, slots=True)
class Row:
    """One physical line, whatever it is."""

    time: str
    """Its timestamp; of what has none, that of the line before it, or an empty text."""
    raw: bytes
    """As it is in the file, or masked like `line`; without its newline."""
    line: LogLine | None
    """None for what is no line of the log."""
    odd: str = ""
    """FOREIGN, UNFINISHED or nothing; without a line and without this it is blank."""


@dataclass(frozen=True)
class Wanted:
    """Which rows are asked for."""

    selection: Selection
    text: str = ""
    """Only rows with this in them: as they stand in the file, or in a value as it reads."""

    @property
    def foreign_too(self) -> bool:
        """May a row be wanted that has no fields?"""
        return not self.selection.fields

    def shown(self, row: Row) -> Row | None:
        """The row as it may be shown; None when it is not wanted. What is no line is not masked
        here: it may be the middle of something."""
        if not self._takes(row):
            return None
        if row.line is None:
            return row
        line, raw = self._mask(row.line, row.raw)
        return row if line is row.line else Row(row.time, raw, line)

    @cached_property
    def _mask(self) -> Mask:
        return mask_of(self.selection)

    def _takes(self, row: Row) -> bool:
        if row.line is not None:
            return self.selection.takes(row.line) and self._has_text(row)
        since, until = self.selection.since, self.selection.until
        return (
            bool(row.odd)
            and self.foreign_too
            and (not row.time or row.time >= since)
            and not (until and row.time >= until)
            and self._has_text(row)
        )

    def may_hold_text(self, raw: bytes) -> bool:
        """Can this row have the text in it? Bytes only, so that most rows need no parsing."""
        return not self.text or self.text.encode() in raw or escape(self.text) != self.text

    def _has_text(self, row: Row) -> bool:
        if not self.text or self.text.encode() in row.raw:
            return True
        return row.line is not None and any(
            self.text in value for value in row.line.fields.values()
        )

    def needles(self) -> tuple[bytes, ...]:
        """Bytes of which a wanted line has one at least; () when that says nothing.

        Only values that are written in one way alone, and are rare.
        """
        fields = self.selection.fields or {}
        for name in sorted(fields, key=_selectivity):
            values = fields[name]
            if name in ("level", "component") or not all(map(is_bare, values)):
                continue
            if all(len(value) >= _SELECTIVE_LENGTH for value in values):
                return tuple(value.encode() for value in sorted(values))
        levels = fields.get("level", frozenset())
        if levels and levels <= _RARE_LEVELS:
            return tuple(f"{SEPARATOR}{level:<5}{SEPARATOR}".encode() for level in sorted(levels))
        return ()


def _selectivity(name: str) -> int:
    known = _SELECTIVE_FIELDS
    return known.index(name) if name in known else len(known)


Ends = Callable[[LogFile], int | None]
"""How many bytes of a file are to be read; None for all."""


def all_of_it(_: LogFile) -> None:
    """Every file to its end."""
    return


def rows_in_order(
    files: Sequence[LogFile], wanted: Wanted, notes: Notes, ends: Ends = all_of_it
) -> Iterator[Row]:
    """The wanted rows of all files, the oldest first."""

    def rows(file: LogFile) -> Iterator[Row]:
        return _in_window(rows_of(file, wanted, notes, ends(file)), 1)

    chosen = _may_hold(files, wanted)
    return _merged([(reach.first, partial(rows, reach.file)) for reach in chosen], 1)


def last_rows(
    files: Sequence[LogFile], wanted: Wanted, count: int, notes: Notes, ends: Ends = all_of_it
) -> list[Row]:
    """The last `count` wanted rows, the oldest first. Reads from the end, no further than needed.

    Keeps `count` rows in memory, and as many of each compressed file it comes to.
    """

    def rows(file: LogFile) -> Iterator[Row]:
        if file.compressed or file.path == STDIN:
            numbered = enumerate(rows_of(file, wanted, notes))
            last = heapq.nlargest(count, numbered, key=lambda pair: (pair[1].time, pair[0]))
            return (row for _, row in last)
        return _in_window(_backwards(file, wanted, notes, ends(file)), -1)

    found: list[Row] = []
    if count:
        chosen = _may_hold(files, wanted)
        for row in _merged([(reach.last, partial(rows, reach.file)) for reach in chosen], -1):
            found.append(row)
            if len(found) == count:
                break
    return found[::-1]


# -- one file --------------------------------------------------------------------------------------


def rows_of(file: LogFile, wanted: Wanted, notes: Notes, end: int | None = None) -> Iterator[Row]:
    """The wanted rows of one file, as they stand in it; only those before byte `end`."""
    return _wanted_of(_up_to(end, blocks(file, notes)), wanted, notes)


def _up_to(end: int | None, parts: Iterator[Block]) -> Iterator[Block]:
    for block in parts:
        if end is not None and block.offset + len(block.data) >= end:
            if block.offset < end:
                yield Block(block.file, block.offset, block.data[: end - block.offset])
            return
        yield block


def _backwards(file: LogFile, wanted: Wanted, notes: Notes, end: int | None) -> Iterator[Row]:
    """The same, the last first."""
    for block in blocks_backwards(file, notes, end):
        yield from reversed(list(_wanted_of((block,), wanted, notes)))


def _wanted_of(parts: Iterable[Block], wanted: Wanted, notes: Notes) -> Iterator[Row]:
    needles = wanted.needles()
    before = ""
    for block in parts:
        for found in lines_of(block.data, len(block.data), needles, block.offset):
            if not wanted.may_hold_text(found.raw):
                before = _stamp_of(found.raw) or before
                continue
            row = row_of(found.raw, before or _first_stamp(block), whole=found.whole)
            before = row.time
            shown = wanted.shown(row)
            if shown is not None:
                yield shown
            elif row.odd:
                notes.odd[row.odd] += 1


def row_of(raw: bytes, before: str, *, whole: bool = True) -> Row:
    """What one physical line is. `before` is the time of the row before it; `whole` False says
    that it has no newline, so that its last value may be cut and still look like one."""
    try:
        # Tools of Windows may have put a carriage return before the newline.
        line = parse(raw.removesuffix(b"\r").decode("utf-8", "replace"))
    except LineError:
        return Row(before, raw, None, (FOREIGN if whole else UNFINISHED) if raw.strip() else "")
    if not whole:
        return Row(line.timestamp, raw, None, UNFINISHED)
    return Row(line.timestamp, raw, line)


def _stamp_of(raw: bytes) -> str:
    found = STAMP.match(raw)
    return found[1].decode() if found else ""


def _first_stamp(block: Block) -> str:
    found = STAMP.search(block.data)
    return found[1].decode() if found else ""


# -- all files -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reach:
    """From which time on, and until when, a file may have rows."""

    file: LogFile
    first: str = ""
    last: str = _ALWAYS


def _reach_of(file: LogFile) -> _Reach:
    span = span_of(file)
    return _Reach(file, span.first, span.last or _ALWAYS)


def _may_hold(files: Sequence[LogFile], wanted: Wanted) -> list[_Reach]:
    since, until = wanted.selection.since, wanted.selection.until
    return [
        reach
        for reach in map(_reach_of, files)
        if reach.last >= since and not (until and reach.first >= until)
    ]


def _number(time: str) -> int:
    """A timestamp as a number, so that an order can be turned round."""
    return int(time.translate(_DIGITS_ONLY) or 0)


_DIGITS_ONLY = {ord(character): None for character in "-T:.Z"}

_Keyed = tuple[int, int, Row]


def _in_window(rows: Iterable[Row], sign: int) -> Iterator[Row]:
    """Rows that are nearly in order, in order; `sign` -1 for the last first."""
    heap: list[_Keyed] = []
    size = 0
    for place, row in enumerate(rows):
        heapq.heappush(heap, (sign * _number(row.time), place, row))
        size += len(row.raw)
        while len(heap) > _WINDOW_ROWS or size > _WINDOW_BYTES:
            first = heapq.heappop(heap)[2]
            size -= len(first.raw)
            yield first
    while heap:
        yield heapq.heappop(heap)[2]


def _merged(streams: list[tuple[str, Callable[[], Iterator[Row]]]], sign: int) -> Iterator[Row]:
    """Several streams as one. A stream is opened when nothing earlier than what it may have is
    left; `streams` says from which time on that is."""
    waiting = sorted(
        ((sign * _number(time), place, stream) for place, (time, stream) in enumerate(streams)),
        key=lambda one: one[:2],
        reverse=True,
    )
    heap: list[tuple[int, int, Row, Iterator[Row]]] = []
    while heap or waiting:
        while waiting and (not heap or waiting[-1][0] <= heap[0][0]):
            _, place, stream = waiting.pop()
            rows = stream()
            for row in rows:
                heapq.heappush(heap, (sign * _number(row.time), sign * place, row, rows))
                break
        if not heap:
            continue
        _, place, row, rows = heap[0]
        yield row
        following = next(rows, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (sign * _number(following.time), place, following, rows))
