"""What the rest of the program calls: `log_event`, `bind`, `get_logger`.

Before `setup_logging` and after the session's end they still work: events become masked records
of the standard `logging` module, and `log_event` answers False.
"""

from __future__ import annotations

import contextlib
import logging
import operator
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

from tradebot.observability import redaction
from tradebot.observability.assembly import Assembler, ExceptionInfo, pair_texts
from tradebot.observability.carried import NOTHING, Carried, bind, bound_now
from tradebot.observability.plans import event_level
from tradebot.observability.recorder import Recorder
from tradebot.observability.records import RESERVED, exception_info, text_of
from tradebot.observability.schema import SchemaError

__all__ = ["ContextAdapter", "active", "bind", "get_logger", "log_event"]

active: Recorder | None = None
"""The current set-up; None before `setup_logging` and after its session was closed."""

_QUICK = frozenset(("extra",))
"""What a record may be given without being needed as a record."""

_loggers: dict[object, logging.Logger] = {}


class ContextAdapter(logging.LoggerAdapter[logging.Logger]):
    """A logger that puts its own fields on everything it logs.

    `getChild` and `get_logger(adapter, …)` keep the fields of their parent and add to them.
    """

    def __init__(self, logger: Any, extra: Mapping[str, object] | None = None) -> None:
        logger, outer = _unwrapped(logger)
        super().__init__(logger, {**outer, **(extra or {})})
        self._carried = NOTHING
        self._seen: Mapping[str, object] = {}

    @property
    def context(self) -> Mapping[str, object]:
        """The fields this logger adds."""
        return self.extra or {}

    @property
    def carried(self) -> Carried:
        """The same, as the recorder takes them."""
        context = self.context
        if not context:
            return NOTHING
        # By identity: 1 and True are equal, and written differently.
        if self._seen.keys() != context.keys() or not all(
            map(operator.is_, self._seen.values(), context.values())
        ):
            self._seen = dict(context)
            self._carried = Carried(_without_reserved(context))
        return self._carried

    def getChild(self, suffix: str, **context: object) -> ContextAdapter:  # noqa: N802 - logging's
        """The logger below this one, with this one's fields and `context`."""
        return ContextAdapter(self.logger.getChild(suffix), {**self.context, **context})

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """As `logging` does it, but without a record where only our session would see it."""
        recorder = active
        if recorder is None or not kwargs.keys() <= _QUICK or not recorder.hears_alone(self.logger):
            # One frame more than `logging` knows of lies between its caller and the record.
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            super().log(level, msg, *args, **kwargs)
        elif self.logger.isEnabledFor(level):
            try:
                extra = _without_reserved(kwargs.get("extra") or {})
                text = text_of(msg, args)
                recorder.message(level, text, self.logger, self.carried, bound_now(), extra)
            except Exception:  # noqa: BLE001 - a log call never raises
                recorder.last_words("log_message", level)

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Merge the call's `extra` over this logger's own fields."""
        call = kwargs.get("extra") or {}
        merged = {**self.context, **bound_now().fields, **call}
        kwargs["extra"] = _without_reserved(merged)
        return msg, kwargs


def _without_reserved(fields: Mapping[str, object]) -> dict[str, object]:
    """`logging` refuses extra fields that are called like its own attributes."""
    if RESERVED.isdisjoint(fields):
        return dict(fields)
    return {f"{key}_" if key in RESERVED else key: value for key, value in fields.items()}


def get_logger(
    name: str | logging.Logger | logging.LoggerAdapter[Any] | None = None, **context: object
) -> ContextAdapter:
    """A LoggerAdapter whose lines carry `context`. Without `name`: the calling module's logger.

    Given another adapter, the new one keeps its name and its fields.
    """
    if name is None:
        name = _logger(sys._getframe(1).f_globals.get("__name__"))
    return ContextAdapter(logging.getLogger(name) if isinstance(name, str) else name, context)


def log_event(
    event: str,
    message: str = "",
    /,
    *,
    level: int | str | None = None,
    logger: str | logging.Logger | logging.LoggerAdapter[Any] | None = None,
    exc_info: BaseException | ExceptionInfo | bool | None = None,
    **fields: object,
) -> bool:
    """Log an event of the vocabulary. True only when its whole line reached the file.

    `message` is free text for people (`msg`). A field that is None is left out. `level` changes
    the event's own; `logger` names another component than the calling module; `exc_info` adds
    `exc_type`, `exc_msg` and `stack`. An audit event (startup_, auth_, cycle_, execution_, or
    WARN and above) is written whatever LOG_LEVEL says.
    Raises SchemaError in strict mode, and nothing else.
    """
    try:
        own = NOTHING
        if logger is None:
            target = _logger(sys._getframe(1).f_globals.get("__name__"))
        elif isinstance(logger, ContextAdapter):
            own, target = logger.carried, logger.logger
        else:
            plain, outer = _unwrapped(logger)
            own, target = Carried(outer), _logger(plain)
        info = None if exc_info is None else exception_info(exc_info)
        recorder = active
        if recorder is None:
            outer = {**own.fields, **fields}
            return _log_without_session(event, message, level, target, info, outer)
        return recorder.event(event, message, level, target, info, own, bound_now(), fields)
    except SchemaError:
        raise
    except Exception:  # noqa: BLE001 - a log call never raises
        return False if active is None else active.last_words(event, level)


def _unwrapped(logger: Any) -> tuple[Any, dict[str, object]]:
    """What adapters of whatever kind were put around, and the fields they add together."""
    fields: dict[str, object] = {}
    while isinstance(logger, logging.LoggerAdapter):
        fields = {**(logger.extra or {}), **fields}
        logger = logger.logger
    return logger, fields


def _logger(name: object) -> logging.Logger:
    """`logging.getLogger`, without its lock for a name that was asked for before."""
    if isinstance(name, logging.Logger):
        return name
    found = _loggers.get(name)
    if found is None:
        found = _loggers[name] = logging.getLogger(name if isinstance(name, str) else "")
    return found


def _log_without_session(
    event: str,
    message: str,
    level: int | str | None,
    logger: logging.Logger,
    info: ExceptionInfo | None,
    fields: Mapping[str, object],
) -> bool:
    """Hand the masked event to `logging`, for tests and for whoever set it up himself."""
    assembler = Assembler(redaction.current())
    declared = assembler.redactor.catalogue.events.get(event)
    values = {
        **bound_now().fields,
        **(assembler.exception_fields(info) if info else {}),
        **fields,
        "msg": message,
    }
    with contextlib.suppress(Exception):
        pairs = assembler.pairs(values)
        name = assembler.writers.component(event)
        text = " ".join([name, *pairs.values()])
        extra = {"event": name, "fields": pair_texts(pairs)}
        logger.log(event_level(level, declared), "%s", text, extra=extra)
    return False
