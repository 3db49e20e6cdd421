"""Lines of the log as Parquet, in partitions that DuckDB, Spark and others read as one table:

    FOLDER/day=2025-12-17/instance=default/part-HOST-0000.parquet

Needs the package pyarrow. An export replaces what an earlier one of the same day, instance and host
wrote, and nothing else. Files take their names at the end, when all of them are complete.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from tradebot.logtools.desk import UsageProblem
from tradebot.logtools.exporting.columns import (
    HEAD,
    MORE,
    declared_fields,
    flat,
    is_number,
    json_line,
    type_of,
)
from tradebot.logtools.exporting.sources import Source
from tradebot.observability.line import LogLine
from tradebot.observability.schema import CORRELATION
from tradebot.vocabulary.fields import TIME

NO_DAY = "__HIVE_DEFAULT_PARTITION__"
"""What readers of such folders take for NULL: the day of a date that never was."""

_SELECTION = b"tradebot.selection"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BATCH_ROWS = 256
"""Rows that are kept as Python has them, which takes ten times the room."""
_LONGEST_TYPED = 64
"""Characters of a number or time; what is longer is none, and not worth remembering."""
_GROUP_ROWS = 8_192
_OPEN_DAYS = 2

_TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("ms", "UTC"),
    "text": pa.string(),
}
# `instance` is a column of every partition already.
_COLUMNS = (*HEAD, *(name for name in declared_fields() if name != "instance"), MORE)
_KINDS = {name: type_of(name) for name in _COLUMNS if name != MORE}


def schema(selection: str) -> pa.Schema:
    """The columns, the same in every file; `selection` says which lines are in it."""
    columns = [pa.field(name, _TYPES[type_of(name)]) for name in _COLUMNS]
    return pa.schema(columns, metadata={_SELECTION: selection.encode()})


# -- values ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=16_384)
def typed(kind: str, text: str) -> object | None:
    """A value as a column of this type, other than text, has it; None when it cannot have it
    without a change."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(text)
    if kind == "time":
        return _milliseconds(text)
    if not is_number(text, whole=kind == "integer"):
        return None
    return _integer(text) if kind == "integer" else _number(text)


def _integer(text: str) -> int | None:
    value = int(text)
    return value if str(value) == text else None


def _number(text: str) -> float | None:
    value = float(text)
    shown = repr(value)
    if shown in (text, f"{text}.0") or Decimal(shown) == Decimal(text):
        return value
    return None


def _milliseconds(text: str) -> int | None:
    """Since 1970; None for what is no such time, or more exact."""
    if TIME.matcher is None or not TIME.matcher.fullmatch(text):
        return None
    try:
        whole, rest = divmod(datetime.fromisoformat(text) - _EPOCH, _MILLISECOND)
    except ValueError:  # a date or second that never was
        return None
    return None if rest else whole


def values_of(line: LogLine, instance: str) -> dict[str, object]:
    """A line as values of columns. What has no column, or does not fit into it, is in `more`."""
    values: dict[str, object] = {}
    more: dict[str, str] = {}
    for name, text in flat(line).items():
        kind = _KINDS.get(name)
        if kind == "text":
            values[name] = text
            continue
        value = None if kind is None or len(text) > _LONGEST_TYPED else typed(kind, text)
        if value is not None:
            values[name] = value
        elif not _said_already(name, text, instance):
            more[name] = text
    if more:
        values[MORE] = json_line(more)
    return values


def _said_already(name: str, text: str, instance: str) -> bool:
    """Is this the partition's own value, or a correlation field that is not known yet?"""
    if name == "instance":
        return text == instance
    return text == "-" and name in CORRELATION


def day_of(line: LogLine) -> str:
    """The partition's day."""
    return NO_DAY if _milliseconds(line.timestamp) is None else line.timestamp[:10]


# -- partitions ------------------------------------------------------------------------------------


@dataclass
class _Part:
    """One file that is being written."""

    unfinished: Path
    stream: Any
    writer: Any

    def give_up(self) -> None:
        """Close it, wherever it is: on a full disk closing fails, and would again later."""
        with contextlib.suppress(OSError, pa.ArrowException):
            self.writer.close()
        self.writer.is_open = False
        with contextlib.suppress(OSError):
            self.stream.close()


@dataclass
class _Partition:
    """One day of one instance on one host, in as many files as it took."""

    folder: Path
    prefix: str
    rows: int = 0
    first: int | None = None
    """Milliseconds since 1970 of its earliest row."""
    columns: dict[str, list[object]] = field(default_factory=dict)
    buffered: int = 0
    """Rows in `columns`."""
    batches: list[pa.RecordBatch] = field(default_factory=list)
    part: _Part | None = None
    finished: list[Path] = field(default_factory=list)
    """Complete files that do not have their names yet."""

    def own(self) -> list[Path]:
        """What an earlier export left here, as far as it is this one's to replace."""
        name = re.compile(rf"{re.escape(self.prefix)}[0-9]{{4,}}\.parquet")
        return sorted(
            path for path in self.folder.glob("part-*.parquet") if name.fullmatch(path.name)
        )

    def name(self, number: int) -> Path:
        return self.folder / f"{self.prefix}{number:04d}.parquet"


class ParquetExport:
    """Takes lines in any order; what comes in order of time needs least memory.

    Used in a `with`: whatever is unfinished when it ends is removed. `commit` gives the files
    their names.
    """

    def __init__(self, folder: Path, selection: str) -> None:
        self._folder = folder
        self._selection = selection
        self._schema = schema(selection)
        self._partitions: dict[tuple[str, Source], _Partition] = {}
        self._open: dict[tuple[str, Source], _Partition] = {}
        """Those with a file that is being written, the one used last at the end."""
        self.kept: list[str] = []
        """Partitions that were not replaced, and why."""

    def __enter__(self) -> ParquetExport:
        return self

    def __exit__(self, *_: object) -> None:
        for partition in self._partitions.values():
            if partition.part is not None:
                partition.part.give_up()
                partition.finished.append(partition.part.unfinished)
            for path in partition.finished:
                path.unlink(missing_ok=True)

    def line(self, line: LogLine, source: Source) -> None:
        """One line. Raises OSError, and UsageProblem when the folder holds another selection."""
        key = (day_of(line), source)
        partition = self._open.pop(key, None) or self._opened(key)
        self._open[key] = partition
        values = values_of(line, source.instance)
        moment = values.get("ts")
        if isinstance(moment, int) and (partition.first is None or moment < partition.first):
            partition.first = moment
        _add(partition, values)
        if partition.buffered >= _BATCH_ROWS:
            self._to_batch(partition)
            if sum(len(one.batches) for one in self._open.values()) * _BATCH_ROWS >= _GROUP_ROWS:
                self._write(max(self._open.values(), key=lambda one: len(one.batches)))

    def commit(self) -> list[Path]:
        """The new files, under their names. Raises OSError."""
        for key in list(self._open):
            self._finish(self._open.pop(key))
        named: list[Path] = []
        for partition in self._partitions.values():
            named += self._replace(partition)
        return named

    # -- writing --------------------------------------------------------------------------------

    def _opened(self, key: tuple[str, Source]) -> _Partition:
        days = list(dict.fromkeys(day for day, _ in reversed(self._open) if day != key[0]))
        for old in [old for old in self._open if old[0] in days[_OPEN_DAYS - 1 :]]:
            self._finish(self._open.pop(old))
        partition = self._partitions.get(key)
        if partition is None:
            day, source = key
            folder = self._folder / f"day={day}" / f"instance={source.instance}"
            partition = _Partition(folder, f"part-{source.host}-")
            for path in partition.own():
                self._refuse_another_selection(path)
            self._partitions[key] = partition
        return partition

    def _refuse_another_selection(self, path: Path) -> None:
        there = (
            (pq.read_schema(path).metadata or {}).get(_SELECTION, b"").decode("utf-8", "replace")
        )
        if there != self._selection:
            raise UsageProblem(
                f"{path} holds other lines of this day ({there or 'of an unknown choice'}, "
                f"now: {self._selection}): export into another folder, or remove it first"
            )

    def _to_batch(self, partition: _Partition) -> None:
        count = partition.buffered
        arrays = []
        for column in self._schema:
            values = partition.columns.get(column.name)
            if values is None:
                arrays.append(pa.nulls(count, column.type))
                continue
            values.extend([None] * (count - len(values)))
            arrays.append(pa.array(values, column.type))
        partition.batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        partition.columns.clear()
        partition.buffered = 0

    def _write(self, partition: _Partition) -> None:
        if partition.part is None:
            partition.part = self._new_part(partition)
        table = pa.Table.from_batches(partition.batches, self._schema)
        partition.batches.clear()
        partition.part.writer.write_table(table, row_group_size=2 * _GROUP_ROWS)

    def _new_part(self, partition: _Partition) -> _Part:
        partition.folder.mkdir(parents=True, exist_ok=True)
        name = partition.name(len(partition.finished)).name
        unfinished = partition.folder / f".{name}.{os.getpid()}.unfinished"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        stream = open(os.open(unfinished, flags, 0o600), "wb")  # noqa: PTH123, SIM115 - kept open
        return _Part(unfinished, stream, pq.ParquetWriter(stream, self._schema, compression="zstd"))

    def _finish(self, partition: _Partition) -> None:
        if partition.buffered:
            self._to_batch(partition)
        if partition.batches:
            self._write(partition)
        if partition.part is not None:
            partition.part.writer.close()
            partition.part.stream.close()
            partition.finished.append(partition.part.unfinished)
            partition.part = None

    # -- taking the names -----------------------------------------------------------------------

    def _replace(self, partition: _Partition) -> Iterator[Path]:
        own = partition.own()
        problem = _lost_by_replacing(own, partition)
        if problem:
            self.kept.append(f"{partition.folder}: left as it is: {problem}")
            return
        named = []
        for number, path in enumerate(partition.finished):
            path.replace(partition.name(number))
            named.append(partition.name(number))
        partition.finished.clear()
        for path in own:
            if path not in named:
                path.unlink()
        yield from named


def _add(partition: _Partition, values: dict[str, object]) -> None:
    row = partition.buffered
    for name, value in values.items():
        column = partition.columns.setdefault(name, [])
        if len(column) < row:
            column.extend([None] * (row - len(column)))
        column.append(value)
    partition.buffered = row + 1
    partition.rows += 1


def _lost_by_replacing(own: list[Path], partition: _Partition) -> str:
    """What files have that the log no longer has; an empty text for nothing.

    A log forgets its oldest files; what was exported of them must not be forgotten with them.
    """
    rows, first = 0, None
    for path in own:
        about = pq.read_metadata(path)
        rows += about.num_rows
        for number in range(about.num_row_groups):
            with contextlib.suppress(AttributeError, TypeError):  # no statistics
                begin = (about.row_group(number).column(0).statistics.min - _EPOCH) // _MILLISECOND
                first = begin if first is None else min(first, begin)
    if rows > partition.rows:
        return f"it has {rows} lines, and the log has only {partition.rows} of that day now"
    if first is not None and partition.first is not None and first < partition.first:
        return "it has lines from before those that the log has of that day now"
    return ""
