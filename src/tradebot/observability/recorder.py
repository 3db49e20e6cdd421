"""One set-up of the log: takes events and records, checks them, masks them, writes them.

An event reaches the file in one of two ways. While only our own handlers are attached, it goes
straight to the file and the console, by a plan where its shape was seen before. As soon as
anything else is attached (a handler of a test, a filter of a library), it travels as a LogRecord
through the standard `logging` module, as everything does that is not an event.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from operator import call
from typing import Protocol

from tradebot.observability.assembly import Assembler, ExceptionInfo, pair_texts
from tradebot.observability.carried import NOTHING, Carried, bound_now
from tradebot.observability.console import Show
from tradebot.observability.line import LINE_LIMIT
from tradebot.observability.plans import Plan, Unusual, event_level, make_plan
from tradebot.observability.records import LINE, Prepared, exception_of, extra_of, message_of
from tradebot.observability.redaction import FAILED
from tradebot.observability.schema import Catalogue, Event, SchemaError

_UNKNOWN = "log_message"
_REMEMBERED_PLANS = 1024
_SURELY_SHORT = LINE_LIMIT // 4
"""Characters of a line that is not too long, however many bytes each of them takes."""


class Sink(Protocol):
    """Where finished lines go: a BotLog, or a queue before one."""

    def write(self, data: bytes, when: float, *, droppable: bool, now: bool) -> bool: ...


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
        self._root = logging.getLogger()
        self._secrets = assembler.redactor.secrets
        self._context = NOTHING
        self._correlation = ""
        self._correlation_values: dict[str, object] = {}
        self._plans: dict[tuple[object, ...], Plan] = {}
        self.update_context({})

    # -- context ------------------------------------------------------------------------------

    @property
    def context(self) -> Mapping[str, object]:
        """What every line carries: the six, and what was given besides."""
        return self._context.fields

    def update_context(self, fields: Mapping[str, object]) -> None:
        """Add to or change what every line carries from now on; None takes a field away."""
        context = {**self.context, **fields}
        self._context = Carried({k: value for k, value in context.items() if value is not None})
        self._renew()

    def correlation_values(self) -> dict[str, object]:
        """The six, `-` where not known. Not to be changed."""
        return self._correlation_values

    def _renew(self) -> None:
        """Work out anew what was remembered: the context changed, or a secret became known."""
        if self.assembler.generation != self._secrets.generation:
            self.assembler.forget()
        self._correlation = self.assembler.correlation(self.context)
        self._correlation_values = self.assembler.correlation_values(self.context)
        self._plans = {}

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
        own: Carried,
        bound: Carried,
        fields: dict[str, object],
    ) -> bool:
        """Log one event; True when its line is in the file. `own` are the fields of the logger,
        `bound` those of the surrounding code, `fields` those of the call (changed here).

        Raises SchemaError in strict mode, and nothing else.
        """
        if message:
            fields["msg"] = message
        if exc_info is None and self.hears_alone(logger):
            try:
                plan, pairs = self._quickly(name, level, own, bound, fields)
                if not (plan.audit or logger.isEnabledFor(plan.level)):
                    return False
                when = self._now()
                line = self._quick_line(plan, logger.name, pairs, when)
            except Exception:  # noqa: BLE001, S110 - unusual: the slow way knows what to do
                pass
            else:
                reached = self._write(plan.level, line, when, plan.audit)
                if self.show is not None:
                    self._show(plan.level, line)
                return reached
        return self._slow_event(name, level, logger, exc_info, own, bound, fields)

    def message(
        self,
        level: int,
        text: str,
        logger: logging.Logger,
        own: Carried,
        bound: Carried,
        extra: dict[str, object],
    ) -> None:
        """Log a text with fields, as if it had come through `logging`."""
        self.event(_UNKNOWN, text, level, logger, None, own, bound, extra)

    def _quickly(
        self,
        name: str,
        level: int | str | None,
        own: Carried,
        bound: Carried,
        fields: dict[str, object],
    ) -> tuple[Plan, str]:
        """The plan of this shape of an event, and all its pairs but the six, in their order.

        Raises Unusual, or whatever a value raises, where the slow way has to be taken.
        """
        assembler = self.assembler
        if assembler.generation != self._secrets.generation:
            self._renew()
        writers = assembler.writers
        base_pairs, _ = self._context.written(assembler, writers)
        own_pairs, own_keys = own.written(assembler, writers)
        bound_pairs, bound_keys = bound.written(assembler, writers)
        values = {**base_pairs, **own_pairs, **bound_pairs, **fields}
        shape = (name, level, own_keys, bound_keys, *fields, *map(type, fields.values()))
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._new_plan(shape, name, level, values, fields)
        return plan, " ".join(map(call, plan.writers, plan.values(values)))

    def _new_plan(
        self,
        shape: tuple[object, ...],
        name: str,
        level: int | str | None,
        values: Mapping[str, object],
        fields: Mapping[str, object],
    ) -> Plan:
        plan = make_plan(self.assembler, name, level, values, fields)
        if len(self._plans) >= _REMEMBERED_PLANS:
            self._plans = {}
        self._plans[shape] = plan
        return plan

    def _quick_line(self, plan: Plan, logger_name: str, pairs: str, when: float) -> str:
        assembler = self.assembler
        line = (
            f"{assembler.timestamp(when)}{plan.before_component}{assembler.component(logger_name)}"
            f"{plan.after_component}{self._correlation}{' ' if pairs else ''}{pairs}\n"
        )
        if len(line) > _SURELY_SHORT:
            raise Unusual
        return line

    def hears_alone(self, logger: logging.Logger) -> bool:
        """Is nobody else attached on the way from this logger to the root?"""
        if logger.filters:
            return False
        root = self._root
        node: logging.Logger | None = logger
        while node is not root:
            if node is None or node.handlers or not node.propagate:
                return False
            node = node.parent
        if root.handlers != self.handlers:
            return False
        for handler in self.handlers:  # noqa: SIM110 - a generator takes three times as long
            if len(handler.filters) != 1:
                return False
        return True

    def _slow_event(
        self,
        name: str,
        level: int | str | None,
        logger: logging.Logger,
        exc_info: ExceptionInfo | None,
        own: Carried,
        bound: Carried,
        fields: Mapping[str, object],
    ) -> bool:
        declared = self.catalogue.events.get(name)
        number = event_level(level, declared)
        audit = declared is None or declared.audit or number >= logging.WARNING
        if not (audit or logger.isEnabledFor(number)):
            return False
        try:
            pairs = self._pairs((own, bound), fields, exc_info)
            name, number, order = self._checked(name, declared, number, pairs)
            when = self._now()
            component = self.assembler.component(logger.name)
            line = self.assembler.line(
                when, number, component, name, self._correlation, pairs, order
            )
            if self.hears_alone(logger):
                reached = self._write(number, line, when, audit)
                self._show(number, line)
                return reached
            return self._through_logging(logger, name, number, line, when, audit, pairs)
        except SchemaError:
            raise
        except Exception:  # noqa: BLE001 - a log call never raises
            return self._last_words(name, number)

    def _pairs(
        self,
        carried: Iterable[Carried],
        fields: Mapping[str, object],
        exc_info: ExceptionInfo | None,
    ) -> dict[str, str]:
        """All pairs of a line but the six: what is carried, the exception, the call's own."""
        assembler = self.assembler
        if assembler.generation != self._secrets.generation:
            self._renew()
        pairs: dict[str, str] = {}
        for one in (self._context, *carried):
            pairs.update(one.written(assembler, assembler.writers)[0])
        if exc_info is not None:
            pairs.update(assembler.pairs(assembler.exception_fields(exc_info)))
        own = assembler.pairs(fields)
        # An explicit None takes a carried field away.
        for key in fields.keys() & pairs.keys() - own.keys():
            del pairs[key]
        pairs.update(own)
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
        record.fields = pair_texts(pairs)
        record.reached = False
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
        known: str | None = record.__dict__.get(LINE)
        if known is not None:
            return known
        fields = extra_of(record)
        fields["msg"] = message_of(record)
        try:
            line = self._quick_record(record, fields)
        except Exception:  # noqa: BLE001 - unusual: the slow way knows what to do
            line = self._slow_record(record, fields)
        record.__dict__[LINE] = line
        return line

    def _quick_record(self, record: logging.LogRecord, fields: dict[str, object]) -> str:
        if record.exc_info:
            raise Unusual
        plan, pairs = self._quickly(_UNKNOWN, record.levelno, NOTHING, bound_now(), fields)
        return self._quick_line(plan, record.name, pairs, self._now())

    def _slow_record(self, record: logging.LogRecord, fields: Mapping[str, object]) -> str:
        try:
            pairs = self._pairs((bound_now(),), fields, exception_of(record.exc_info))
            return self.assembler.line(
                self._now(),
                record.levelno,
                self.assembler.component(record.name),
                _UNKNOWN,
                self._correlation,
                pairs,
                self.assembler.layout(_UNKNOWN, pairs).order,
            )
        except Exception:  # noqa: BLE001 - a log call never raises
            return self._failed_line(_UNKNOWN, record.levelno)

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
