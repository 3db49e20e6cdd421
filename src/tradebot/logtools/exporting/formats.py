"""Lines of the log as text for other programs: logfmt, JSON lines and CSV."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, BinaryIO, Protocol, TextIO, cast

from tradebot.logtools.desk import UsageProblem
from tradebot.logtools.exporting.columns import (
    HEAD,
    MORE,
    declared_fields,
    flat,
    json_line,
    pair_value,
)
from tradebot.observability.line import LogLine

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""What a spreadsheet takes for the beginning of something to be carried out."""

_PLAIN = frozenset("0123456789+-.eE")


class Sink(Protocol):
    """Takes text."""

    def write(self, text: str, /) -> object: ...


class Writer(Protocol):
    """Takes line after line."""

    def begin(self) -> None:
        """What stands before the first line."""

    def line(self, line: LogLine) -> None:
        """One line. Raises OSError."""


class LinesWriter:
    """One line of text for each line of the log."""

    def __init__(
        self,
        out: Sink,
        render: Callable[[Mapping[str, str]], str],
        names: Sequence[str] | None = None,
    ) -> None:
        self._out = out
        self._render = render
        self._names = names

    def begin(self) -> None:
        """Nothing."""

    def line(self, line: LogLine) -> None:
        self._out.write(f"{self._render(flat(line, self._names))}\n")


def logfmt_line(row: Mapping[str, str]) -> str:
    """`ts=… level=… component=… event=…` and the fields, quoted as in the log."""
    return " ".join([f"{name}={pair_value(name, row[name])}" for name in row])


class CsvWriter:
    """RFC 4180 with a header. Without `names` it has every declared field and `more`."""

    def __init__(self, out: Sink, names: Sequence[str] | None = None) -> None:
        self._rows = csv.writer(out)
        self._names = names
        self._columns = names or (*HEAD, *declared_fields(), MORE)

    def begin(self) -> None:
        """The header."""
        self._rows.writerow(self._columns)

    def line(self, line: LogLine) -> None:
        row = flat(line, self._names)
        cells = [harmless_cell(row.pop(name, "")) for name in self._columns if name != MORE]
        if self._names is None:
            cells.append(json_line(row) if row else "")
        self._rows.writerow(cells)


def harmless_cell(text: str) -> str:
    """A text that no spreadsheet carries out: with `'` before what looks like a formula.

    So that the text can be had back, one more stands before what begins with `'` itself. Numbers
    and the lone `-` are nothing to carry out and stay as they are.
    """
    if not text or (text[0] not in _FORMULA and text[0] != "'"):
        return text
    if text == "-" or (_PLAIN.issuperset(text) and _is_decimal(text)):
        return text
    return f"'{text}"


def _is_decimal(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# -- where it goes ---------------------------------------------------------------------------------


class StandardOutput:
    """stdout, for text that brings its own line ends."""

    def __enter__(self) -> Sink:
        sys.stdout.flush()
        return self

    def __exit__(self, *_: object) -> None:
        """What is still buffered is written at the program's end."""

    def write(self, text: str, /) -> object:
        return sys.stdout.buffer.write(text.encode())


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A file that takes its name when it is complete; `.gz` in the name compresses it.

    It can be read by its owner only, as the log. What is no regular file (a device, a pipe) is
    written to as it is. Raises UsageProblem for a folder, OSError.
    """
    with _bytes_to(path) as stream, contextlib.ExitStack() as opened:
        target: IO[bytes] = stream
        if path.suffix == ".gz":
            # Without name and time, so that the same lines give the same file.
            target = cast("IO[bytes]", gzip.GzipFile("", "wb", 6, stream, 0))
            opened.enter_context(target)
        yield opened.enter_context(io.TextIOWrapper(target, encoding="utf-8", newline=""))


@contextlib.contextmanager
def _bytes_to(path: Path) -> Iterator[BinaryIO]:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        raise UsageProblem(f"-o {path} is a folder: name a file")
    if not stat.S_ISREG(mode):
        with path.open("wb") as stream:
            yield stream
        return
    with replacing(path) as stream:
        yield stream


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file beside `path` which becomes it at the end, or vanishes if that is not reached."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    descriptor = os.open(unfinished, flags, 0o600)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor
            yield stream
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
