"""One set-up of the log: takes events and records, checks them, masks them, writes them.

An event reaches the file in one of two ways. While only our own handlers are attached, it goes
straight to the file and the console, by a plan where its shape was seen before. As soon as
anything else is attached (a handler of a test, a filter of a library), it travels as a LogRecord
through the standard `logging` module, as everything does that is not an event.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from operator import call

from tradebot.observability.assembly import Assembler, ExceptionInfo, pair_texts
from tradebot.observability.carried import NOTHING, Carried, bound_now
from tradebot.observability.console import Show
from tradebot.observability.line import LINE_LIMIT
from tradebot.observability.listeners import only_these_hear, would_take
from tradebot.observability.outlook import Outlook
from tradebot.observability.plans import Plan, Unusual, event_level
from tradebot.observability.queueing import Sink
from tradebot.observability.records import (
    Finished,
    Prepared,
    exception_of,
    extra_of,
    message_of,
)
from tradebot.observability.redaction import FAILED
from tradebot.observability.schema import Catalogue, Event, SchemaError

_UNKNOWN = "log_message"
_SURELY_SHORT = LINE_LIMIT // 4
"""Characters of a line that is not too long, however many bytes each of them takes."""

_PATIENCE_SECONDS = 1.0


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
        self._secrets = assembler.redactor.secrets
        self._context: Mapping[str, object] = {}
        self._changing = threading.RLock()
        self._outlook = Outlook(assembler, self._context)

    # -- context ------------------------------------------------------------------------------

    @property
    def context(self) -> Mapping[str, object]:
        """What every line carries: the six, and what was given besides."""
        return self._context

    def update_context(self, fields: Mapping[str, object]) -> None:
        """Add to or change what every line carries from now on; None takes a field away."""
        # A fork may have left the lock with a thread that is not here: it is not waited for long.
        locked = self._changing.acquire(timeout=_PATIENCE_SECONDS)
        try:
            context = {**self._context, **fields}
            self._context = {key: value for key, value in context.items() if value is not None}
        finally:
            if locked:
                self._changing.release()

    def correlation_values(self) -> dict[str, object]:
        """The six, `-` where not known, masked. Not to be changed."""
        return self._now_known().correlation_values

    def _now_known(self) -> Outlook:
        """The outlook for the context and the secrets of this moment."""
        outlook = self._outlook
        context = self._context
        if outlook.context is not context or outlook.writers.generation != self._secrets.generation:
            outlook = self._outlook = Outlook(self.assembler, context)
        return outlook

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
                outlook = self._now_known()
                plan, pairs = self._quickly(outlook, name, level, own, bound, fields)
                if not (plan.audit or logger.isEnabledFor(plan.level)):
                    return False
                when = self._now()
                line = self._quick_line(outlook, plan, logger.name, pairs, when)
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
        outlook: Outlook,
        name: str,
        level: int | str | None,
        own: Carried,
        bound: Carried,
        fields: dict[str, object],
    ) -> tuple[Plan, str]:
        """The plan of this shape of an event, and all its pairs but the six, in their order.

        Raises Unusual, or whatever a value raises, where the slow way has to be taken.
        """
        assembler, writers = self.assembler, outlook.writers
        _, own_pairs, own_keys = own.written(assembler, writers)
        _, bound_pairs, bound_keys = bound.written(assembler, writers)
        values = {**outlook.base, **own_pairs, **bound_pairs, **fields}
        shape = (name, level, own_keys, bound_keys, *fields, *map(type, fields.values()))
        plan = outlook.plans.get(shape)
        if plan is None:
            plan = outlook.new_plan(assembler, shape, values, fields)
        return plan, " ".join(map(call, plan.writers, plan.values(values)))

    def _quick_line(
        self, outlook: Outlook, plan: Plan, logger_name: str, pairs: str, when: float
    ) -> str:
        component = outlook.writers.component(logger_name)
        line = (
            f"{self.assembler.timestamp(when)}{plan.before_component}{component}"
            f"{plan.after_component}{outlook.correlation}{' ' if pairs else ''}{pairs}\n"
        )
        if len(line) > _SURELY_SHORT:
            raise Unusual
        return line

    def hears_alone(self, logger: logging.Logger) -> bool:
        """Is nobody else attached on the way from this logger to the root?"""
        return only_these_hear(self.handlers, logger)

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
            outlook = self._now_known()
            pairs = self._pairs(outlook, (own, bound), fields, exc_info)
            name, number, order = self._checked(name, declared, number, pairs, outlook)
            when = self._now()
            component = outlook.writers.component(logger.name)
            line = self.assembler.line(
                when, number, component, name, outlook.correlation, pairs, order
            )
            if self.hears_alone(logger):
                reached = self._write(number, line, when, audit)
                self._show(number, line)
                return reached
            return self._through_logging(logger, name, number, line, when, audit, pairs)
        except SchemaError:
            raise
        except Exception:  # noqa: BLE001 - a log call never raises
            return self.last_words(name, number)

    def _pairs(
        self,
        outlook: Outlook,
        carried: Iterable[Carried],
        fields: Mapping[str, object],
        exc_info: ExceptionInfo | None,
    ) -> dict[str, str]:
        """All pairs of a line but the six: what is carried, the exception, the call's own."""
        assembler, writers = self.assembler, outlook.writers
        pairs = dict(outlook.base)
        for one in carried:
            pairs.update(one.written(assembler, writers)[1])
        if exc_info is not None:
            pairs.update(assembler.pairs(assembler.exception_fields(exc_info), writers))
        own = assembler.pairs(fields, writers)
        # An explicit None takes a carried field away.
        for key in fields.keys() & pairs.keys() - own.keys():
            del pairs[key]
        pairs.update(own)
        return pairs

    def _checked(
        self,
        name: str,
        declared: Event | None,
        level: int,
        pairs: dict[str, str],
        outlook: Outlook,
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
        pairs.update(self.assembler.pairs({"schema_error": problem}, outlook.writers))
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
        record.taken = record.reached = False
        failed = False
        if logger.isEnabledFor(level):
            try:
                logger.handle(record)
            except Exception:  # noqa: BLE001 - somebody else's handler or filter; not our line
                failed = True
        if not record.taken and (
            failed or (audit and not would_take(self.handlers, logger, level))
        ):
            # Our handler had no chance: taken away, set to a level above, or never reached.
            record.reached = self._write(level, line, when, audit)
        return record.reached

    # -- records of `logging` -----------------------------------------------------------------

    def write_record(self, record: logging.LogRecord) -> None:
        """The file's share of a record that came through `logging`."""
        if isinstance(record, Prepared):
            record.taken = True
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
        outlook = self._now_known()
        known = record.__dict__.get(Finished.ATTRIBUTE)
        if type(known) is Finished and known.made_with is outlook:
            return known.line
        fields = extra_of(record)
        fields["msg"] = message_of(record)
        try:
            line = self._quick_record(outlook, record, fields)
        except Exception:  # noqa: BLE001 - unusual: the slow way knows what to do
            line = self._slow_record(outlook, record, fields)
        record.__dict__[Finished.ATTRIBUTE] = Finished(line, outlook)
        return line

    def _quick_record(
        self, outlook: Outlook, record: logging.LogRecord, fields: dict[str, object]
    ) -> str:
        if record.exc_info:
            raise Unusual
        bound = bound_now()
        plan, pairs = self._quickly(outlook, _UNKNOWN, record.levelno, NOTHING, bound, fields)
        return self._quick_line(outlook, plan, record.name, pairs, self._now())

    def _slow_record(
        self, outlook: Outlook, record: logging.LogRecord, fields: Mapping[str, object]
    ) -> str:
        try:
            pairs = self._pairs(outlook, (bound_now(),), fields, exception_of(record.exc_info))
            return self.assembler.line(
                self._now(),
                record.levelno,
                outlook.writers.component(record.name),
                _UNKNOWN,
                outlook.correlation,
                pairs,
                self.assembler.layout(_UNKNOWN, pairs).order,
            )
        except Exception:  # noqa: BLE001 - a log call never raises
            return self._failed_line(_UNKNOWN, record.levelno)

    # -- writing ------------------------------------------------------------------------------

    def note(self, event: str, fields: Mapping[str, object]) -> bytes:
        """A line about the log itself, for the file to write on its own account."""
        outlook = self._now_known()
        pairs = self.assembler.pairs(fields, outlook.writers)
        level = event_level(None, self.catalogue.events.get(event))
        order = self.assembler.layout(event, pairs).order
        line = self.assembler.line(
            self._now(), level, "observability.files", event, outlook.correlation, pairs, order
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
            self._now(), level, "observability", name, self._outlook.correlation, pairs, ("msg",)
        )

    def last_words(self, name: object, level: object) -> bool:
        """Rendering itself failed: say at least which event it was. The fields are not there,
        so the answer is that the line did not reach the file."""
        try:
            known = name if isinstance(name, str) and name in self.catalogue.events else _UNKNOWN
            number = level if type(level) is int else logging.WARNING
            self._write(number, self._failed_line(known, number), self._now(), True)
        except Exception:  # noqa: BLE001, S110 - nothing is left to try
            pass
        return False
