"""A plain file's bytes in blocks of whole lines, the last block first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from tradebot.logtools.reading.blocks import BLOCK_BYTES, Block, Notes
from tradebot.logtools.reading.folder import LogFile, open_same
from tradebot.observability.line import LINE_LIMIT

_LONGEST = 4 * LINE_LIMIT
_FIRST_BYTES = 64 * 1024
"""Who asks for the last ten lines needs no more than this."""


def blocks_backwards(file: LogFile, notes: Notes, end: int | None = None) -> Iterator[Block]:
    """All of one plain file from its end, or from byte `end`. What is wrong goes to `notes`;
    nothing is raised."""
    notes.read.setdefault(file.path, 0)
    try:
        with open_same(file) as stream:
            for block in _whole_lines(file, stream, notes, end):
                notes.read[file.path] += len(block.data)
                yield block
    except OSError as error:
        notes.unreadable.append(f"{file.path}: {error.strerror or error}")


def _whole_lines(file: LogFile, stream: BinaryIO, notes: Notes, end: int | None) -> Iterator[Block]:
    position = stream.seek(0, os.SEEK_END)
    if end is not None:
        position = min(position, end)
    rest, size, skipping = b"", _FIRST_BYTES, False
    while position:
        size, part = BLOCK_BYTES, min(size, position)
        position -= part
        data = _read(stream, position, part)
        if skipping:
            # The line's end is gone already; its beginning is behind the last newline here.
            kept = data.rfind(b"\n") + 1
            skipping = not kept
            data = data[:kept]
        data += rest
        # What stands before the first newline may have begun earlier.
        start = data.find(b"\n") + 1 if position else 0
        if position and not start:
            rest, data = data, b""
        else:
            rest, data = data[:start], data[start:]
        if data:
            yield Block(file, position + len(rest), data)
        if len(rest) > _LONGEST:
            notes.odd["too long"] += 1
            rest, skipping = b"", True


def _read(stream: BinaryIO, position: int, size: int) -> bytes:
    stream.seek(position)
    parts = []
    while size and (data := stream.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)
