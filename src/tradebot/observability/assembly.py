"""From values to one finished line: the single place where bytes are made.

Whatever wants to be in the log passes through here, so no handler, error path or library can go
round the redaction. `writers` knows how each value is written; here the pairs become a line.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from types import TracebackType

from tradebot.observability.line import (
    LINE_LIMIT,
    SEPARATOR,
    TimestampWriter,
    cut,
    quote,
    unescape,
)
from tradebot.observability.redaction import FAILED, Redactor
from tradebot.observability.schema import CORRELATION, padded_level
from tradebot.observability.writers import CutShort, NothingToWrite, Writers

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)

_REMEMBERED_LAYOUTS = 1024
_TRUNCATED = "truncated=true"
_SHORTEST = 256
_CORRELATION_LIMIT = 256
"""Bytes of each of the six, so that the rest of a line always has room."""
_CORRELATION = frozenset(CORRELATION)


class Layout:
    """The order of one set of keys in a line, and which required fields it lacks."""

    __slots__ = ("missing", "order")

    def __init__(self, order: tuple[str, ...], missing: tuple[str, ...]) -> None:
        self.order = order
        self.missing = missing


class Assembler:
    """Renders lines by one catalogue. Safe to use from several threads."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._catalogue = redactor.catalogue
        self.timestamp = TimestampWriter().write
        self._layouts: dict[tuple[str, tuple[str, ...]], Layout] = {}
        self._writers = Writers(redactor)

    @property
    def writers(self) -> Writers:
        """The writers that know every secret that is known now."""
        writers = self._writers
        if writers.generation != self.redactor.secrets.generation:
            writers = self._writers = Writers(self.redactor)
        return writers

    def pairs(self, fields: Mapping[str, object], writers: Writers | None = None) -> dict[str, str]:
        """Each field as it is written, `key=value`, under its name. The six are left out."""
        writers = self.writers if writers is None else writers
        pairs: dict[str, str] = {}
        for key, value in fields.items():
            if value is None or key in _CORRELATION:
                continue
            name = key if type(key) is str else str(key)  # `extra=` takes any dict
            try:
                pairs[name] = writers.of(name, type(value))(value)
            except NothingToWrite:
                continue
            except CutShort as short:
                pairs[name] = short.pair
                pairs["truncated"] = _TRUNCATED
            except Exception:  # noqa: BLE001 - a number too long to be written, for example
                pairs[name] = writers.of(name, str)(FAILED)
        return pairs

    def correlation(self, context: Mapping[str, object]) -> str:
        """The six fields every line begins with; `-` for what is not known yet."""
        return " ".join(self._correlation_pair(key, context.get(key)) for key in CORRELATION)

    def correlation_values(self, context: Mapping[str, object]) -> dict[str, object]:
        """The same six as attributes of records: numbers and booleans as they are."""
        values: dict[str, object] = {}
        for key in CORRELATION:
            value = context.get(key)
            plain = isinstance(value, (bool, int))
            values[key] = value if plain else pair_text(self._correlation_pair(key, value))
        return values

    def exception_fields(self, info: ExceptionInfo) -> dict[str, object]:
        """`exc_type`, `exc_msg` and `stack` (no local variables) of an exception."""
        kind, error, trace = info
        if kind is None or error is None:
            return {}
        fields: dict[str, object] = {"exc_type": kind.__name__}
        try:
            fields["exc_msg"] = str(error)
            fields["stack"] = "".join(traceback.format_exception(kind, error, trace)).rstrip("\n")
        except Exception:  # noqa: BLE001 - an exception's own __str__ may raise anything
            fields["exc_msg"] = FAILED
            fields["stack"] = "".join(traceback.format_tb(trace)).rstrip("\n")
        return fields

    def layout(self, event: str, pairs: Mapping[str, str]) -> Layout:
        """The order of these keys, the declared ones first, and what the event lacks."""
        keys = tuple(pairs)
        found = self._layouts.get((event, keys))
        if found is None:
            declared = self._catalogue.events.get(event)
            required = () if declared is None else declared.required
            found = Layout(
                tuple(sorted(keys, key=self._catalogue.rank)),
                tuple(key for key in required if key not in pairs and key not in _CORRELATION),
            )
            if len(self._layouts) >= _REMEMBERED_LAYOUTS:
                self._layouts = {}
            self._layouts[event, keys] = found
        return found

    def line(
        self,
        when: float,
        level: int,
        component: str,
        event: str,
        correlation: str,
        pairs: Mapping[str, str],
        order: tuple[str, ...],
    ) -> str:
        """The finished line, newline included, at most LINE_LIMIT bytes long."""
        head = (
            f"{self.timestamp(when)} | {padded_level(level)} | {component} | {event}"
            f"{SEPARATOR}{correlation}"
        )
        line = " ".join([head, *[pairs[key] for key in order]]) + "\n"
        if len(line) * 4 > LINE_LIMIT and len(line.encode()) > LINE_LIMIT:
            line = _shorten(head, [pairs[key] for key in order if key != "truncated"])
        return line

    def _correlation_pair(self, key: str, value: object) -> str:
        text = cut(self.redactor.field(key, value) or "-", _CORRELATION_LIMIT)
        literal = type(value) is bool and text in ("true", "false")
        return f"{key}={text if literal else quote(text)}"


def _shorten(head: str, pairs: list[str]) -> str:
    """Cut the longest values first, then leave out pairs from the end."""
    sizes = [len(pair.encode()) + 1 for pair in pairs]
    excess = len(head.encode()) + sum(sizes) + len(f" {_TRUNCATED}\n") - LINE_LIMIT
    for index in sorted(range(len(pairs)), key=sizes.__getitem__, reverse=True):
        if excess <= 0 or sizes[index] <= _SHORTEST:
            break
        pairs[index] = _cut_pair(pairs[index], max(_SHORTEST, sizes[index] - excess) - 1)
        excess -= sizes[index] - len(pairs[index].encode()) - 1
    while excess > 0:
        excess -= len(pairs.pop().encode()) + 1
    return " ".join([head, *pairs, _TRUNCATED]) + "\n"


def pair_text(pair: str) -> str:
    """The value of a `key=value` text as it was before quoting."""
    written = pair.partition("=")[2]
    return unescape(written[1:-1]) if written.startswith('"') else written


def pair_texts(pairs: Mapping[str, str]) -> dict[str, str]:
    """Keys and values as they are written: what somebody else's handler may see."""
    return {pair.partition("=")[0]: pair_text(pair) for pair in pairs.values()}


def _cut_pair(pair: str, limit: int) -> str:
    key = pair.partition("=")[0]
    shorter = cut(pair_text(pair), limit - len(key) - 1, keep_end=key == "stack")
    return f"{key}={quote(shorter)}"
