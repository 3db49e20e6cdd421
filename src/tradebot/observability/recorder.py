"""One set-up of the log: takes events and records, checks them, masks them, writes them.

An event reaches the file in one of two ways. While only our own handlers are attached, it goes
straight to the file and the console. As soon as anything else is (a handler of a test, a filter
of a library), it travels as a LogRecord through the standard `logging` module, as everything does
that is not an event.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from tradebot.observability.assembly import Assembler, ExceptionInfo, pair_text
from tradebot.observability.console import Show
from tradebot.observability.redaction import FAILED
from tradebot.observability.schema import (
    CORRELATION,
    Catalogue,
    Event,
    SchemaError,
    level_number,
)

_NO_FIELDS: dict[str, str] = {}
_UNKNOWN = "log_message"

RESERVED = frozenset(
    (*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "event", "fields")
)
"""Attributes of a LogRecord that are not fields."""


class Sink(Protocol):
    """Where finished lines go: a BotLog, or a queue before one."""

    def write(self, data: bytes, when: float, *, droppable: bool, now: bool) -> bool: ...


class Prepared(logging.LogRecord):
    """An event on its way through `logging`: already masked, already one line.

    `event` is its name and `fields` its masked fields, for handlers and filters of others.
    """

    event: str
    fields: dict[str, str]
    line: str
    audit: bool
    reached: bool
    shown: bool


class Recorder:
    """Turns what is logged into lines. Safe to use from several threads."""

    def __init__(
        self,
        assembler: Assembler,
        *,
        strict: bool,
        file_level: int,
        console_level: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.assembler = assembler
        self.catalogue: Catalogue = assembler.redactor.catalogue
        self.file_level = file_level
        self.console_level = console_level
        self.show: Show | None = None
        self.handlers: list[logging.Handler] = []
        self._strict = strict
        self._now = now
        self._sink: Sink | None = None
        self._context: dict[str, object] = {}
        self._base_pairs: dict[str, str] = {}
        self._correlation = assembler.correlation({})
        self._generation = assembler.generation

    # -- context ------------------------------------------------------------------------------

    @property
    def context(self) -> Mapping[str, object]:
        """What every line carries: the six, and what was given besides."""
        return self._context

    def update_context(self, fields: Mapping[str, object]) -> None:
        """Add to or change what every line carries from now on; None takes a field away."""
        context = {**self._context, **fields}
        self._context = {key: value for key, value in context.items() if value is not None}
        self._render_context()

    def correlation_values(self) -> dict[str, object]:
        """The six, `-` where not known."""
        return {key: self._context.get(key, "-") for key in CORRELATION}

    def _render_context(self) -> None:
        self._generation = self.assembler.generation
        self._base_pairs = self.assembler.pairs(self._context)
        self._correlation = self.assembler.correlation(self._context)

    def connect(self, sink: Sink | None) -> None:
        """Write to `sink` from now on; None: to nothing."""
        self._sink = sink

    # -- events -------------------------------------------------------------------------------

    def event(
        self,
        name: str,
        message: str,
        level: int | str | None,
        logger: logging.Logger,
        exc_info: ExceptionInfo | None,
        bound: Mapping[str, str],
        fields: Mapping[str, object],
    ) -> bool:
        """Log one event; True when its line is in the file. `bound` are pairs from `pairs`.

        Raises SchemaError in strict mode, and nothing else.
        """
        declared = self.catalogue.events.get(name)
        number = event_level(level, declared)
        audit = declared is None or declared.audit or number >= logging.WARNING
        if not (audit or logger.isEnabledFor(number)):
            return False
        try:
            pairs = self._pairs(bound, fields, message, exc_info)
            name, number, order = self._checked(name, declared, number, pairs)
            when = self._now()
            component = self.assembler.component(logger.name)
            line = self.assembler.line(
                when, number, component, name, self._correlation, pairs, order
            )
            if self._only_ours_listen(logger):
                reached = self._write(number, line, when, audit)
                self._show(number, line)
                return reached
            return self._through_logging(logger, name, number, line, when, audit, pairs)
        except SchemaError:
            raise
        except Exception:  # noqa: BLE001 - a log call never raises
            return self._last_words(name, number)

    def pairs(self, fields: Mapping[str, object]) -> dict[str, str]:
        """Masked `key=value` texts of fields that several lines will carry."""
        return self.assembler.pairs(fields)

    def _pairs(
        self,
        bound: Mapping[str, str],
        fields: Mapping[str, object],
        message: str,
        exc_info: ExceptionInfo | None,
    ) -> dict[str, str]:
        assembler = self.assembler
        if self._generation != assembler.generation:
            self._render_context()
        pairs = {**self._base_pairs, **bound} if bound or self._base_pairs else {}
        if exc_info is not None:
            pairs.update(assembler.pairs(assembler.exception_fields(exc_info)))
        if fields:
            own = assembler.pairs(fields)
            if pairs and len(own) < len(fields):
                # An explicit None takes a bound field away.
                for key in fields.keys() & pairs.keys() - own.keys():
                    del pairs[key]
            pairs.update(own)
        if message:
            pairs.update(assembler.pairs({"msg": message}))
        return pairs

    def _checked(
        self, name: str, declared: Event | None, level: int, pairs: dict[str, str]
    ) -> tuple[str, int, tuple[str, ...]]:
        """The name, level and order to write; a line that breaks its declaration says so."""
        if declared is None:
            problem = f"unknown event {name}"
            name = _UNKNOWN
        else:
            layout = self.assembler.layout(name, pairs)
            if not layout.missing:
                return name, level, layout.order
            problem = f"{name} lacks {', '.join(layout.missing)}"
        if self._strict:
            raise SchemaError(
                f"{problem}: declare it in the vocabulary, or give the event what it requires"
            )
        pairs.update(self.assembler.pairs({"schema_error": problem}))
        return name, max(level, logging.WARNING), self.assembler.layout(name, pairs).order

    def _only_ours_listen(self, logger: logging.Logger) -> bool:
        """Is nobody else attached on the way from this logger to the root?"""
        if logger.filters:
            return False
        node: logging.Logger | None = logger
        while node is not None and node.parent is not None:
            if node.handlers or not node.propagate:
                return False
            node = node.parent
        if node is None or node.handlers != self.handlers:
            return False
        return all(len(handler.filters) == 1 for handler in self.handlers)

    def _through_logging(
        self,
        logger: logging.Logger,
        name: str,
        level: int,
        line: str,
        when: float,
        audit: bool,
        pairs: Mapping[str, str],
    ) -> bool:
        record = Prepared(logger.name, level, "", 0, name, None, None)
        record.created, record.msecs = when, (when % 1) * 1000
        record.event, record.line, record.audit = name, line, audit
        record.fields = {key: pair_text(pair) for key, pair in pairs.items()}
        record.reached = record.shown = False
        if logger.isEnabledFor(level):
            logger.handle(record)
        if audit and not (record.reached or self._our_handlers_attached(logger, level)):
            # Our handlers were taken away, or a level above them: the audit trail stays.
            record.reached = self._write(level, line, when, audit)
        return record.reached

    def _our_handlers_attached(self, logger: logging.Logger, level: int) -> bool:
        root = logging.getLogger()
        return logger.isEnabledFor(level) and all(one in root.handlers for one in self.handlers)

    # -- records of `logging` -----------------------------------------------------------------

    def write_record(self, record: logging.LogRecord) -> None:
        """The file's share of a record that came through `logging`."""
        if isinstance(record, Prepared):
            record.reached = self._write(record.levelno, record.line, record.created, record.audit)
        else:
            audit = record.levelno >= logging.WARNING
            self._write(record.levelno, self._record_line(record), self._now(), audit)

    def show_record(self, record: logging.LogRecord) -> None:
        """The console's share of a record that came through `logging`."""
        line = record.line if isinstance(record, Prepared) else self._record_line(record)
        self._show(record.levelno, line)

    def _record_line(self, record: logging.LogRecord) -> str:
        """A library's record as a line; worked out once for file and console."""
        known: str | None = getattr(record, "_line", None)
        if known is not None:
            return known
        try:
            from tradebot.observability.log_context import bound_pairs

            extra = {key: value for key, value in vars(record).items() if key not in _NOT_EXTRA}
            pairs = self._pairs(
                bound_pairs(self), extra, _message(record), _exception(record.exc_info)
            )
            line = self.assembler.line(
                self._now(),
                record.levelno,
                self.assembler.component(record.name),
                _UNKNOWN,
                self._correlation,
                pairs,
                self.assembler.layout(_UNKNOWN, pairs).order,
            )
        except Exception:  # noqa: BLE001 - a log call never raises
            line = self._failed_line(_UNKNOWN, record.levelno)
        record._line = line
        return line

    # -- writing ------------------------------------------------------------------------------

    def note(self, event: str, fields: Mapping[str, object]) -> bytes:
        """A line about the log itself, for the file to write on its own account."""
        pairs = self.assembler.pairs(fields)
        level = event_level(None, self.catalogue.events.get(event))
        order = self.assembler.layout(event, pairs).order
        line = self.assembler.line(
            self._now(), level, "observability.files", event, self._correlation, pairs, order
        )
        return line.encode()

    def _write(self, level: int, line: str, when: float, audit: bool) -> bool:
        if self._sink is None or not (audit or level >= self.file_level):
            return False
        return self._sink.write(line.encode(), when, droppable=not audit, now=audit)

    def _show(self, level: int, line: str) -> None:
        if self.show is not None and level >= self.console_level:
            with contextlib.suppress(Exception):  # a console that is gone does not stop the bot
                self.show(level, line)

    def _failed_line(self, name: str, level: int) -> str:
        pairs = {"msg": f'msg="{FAILED}"'}
        return self.assembler.line(
            self._now(), level, "observability", name, self._correlation, pairs, ("msg",)
        )

    def _last_words(self, name: str, level: int) -> bool:
        """Rendering itself failed: say at least which event it was. The fields are not there,
        so the answer is that the line did not reach the file."""
        try:
            known = name if name in self.catalogue.events else _UNKNOWN
            self._write(level, self._failed_line(known, level), self._now(), True)
        except Exception:  # noqa: BLE001, S110 - nothing is left to try
            pass
        return False


def event_level(level: int | str | None, declared: Event | None) -> int:
    """The level of one call: its own, else the declared one; WARN for a level nobody knows."""
    if level is not None:
        try:
            return level_number(level)
        except ValueError:
            return logging.WARNING
    return logging.INFO if declared is None else declared.level


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - the arguments do not fit the text, or their __str__ raised
        return f"{record.msg if isinstance(record.msg, str) else FAILED} {FAILED}"


def _exception(info: object) -> ExceptionInfo | None:
    return info if isinstance(info, tuple) and len(info) == 3 and info[0] is not None else None


def exception_info(
    exc_info: BaseException | ExceptionInfo | bool | None,
) -> ExceptionInfo | None:
    """What `exc_info=` accepts in `logging`: True, an exception, or a triple."""
    if not exc_info:
        return None
    if isinstance(exc_info, BaseException):
        return type(exc_info), exc_info, exc_info.__traceback__
    if isinstance(exc_info, tuple):
        return _exception(exc_info)
    return _exception(sys.exc_info())


_NOT_EXTRA = RESERVED | frozenset(CORRELATION) | {"_line"}
