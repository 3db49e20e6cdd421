"""What the rest of the program calls: `log_event`, `bind`, `get_logger`.

Before `setup_logging` and after the session's end they still work: events become masked records
of the standard `logging` module, and `log_event` answers False.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

from tradebot.observability import redaction
from tradebot.observability.assembly import Assembler, ExceptionInfo, pair_text
from tradebot.observability.recorder import RESERVED, Recorder, event_level, exception_info

active: Recorder | None = None
"""The current set-up; None before `setup_logging` and after its session was closed."""

_loggers: dict[str, logging.Logger] = {}


class _Bound:
    """Fields bound to the current context, and how they are written in the current set-up."""

    __slots__ = ("fields", "made_for", "pairs")

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields
        self.made_for: tuple[Recorder, int] | None = None
        self.pairs: dict[str, str] = {}


_bound: ContextVar[_Bound | None] = ContextVar("tradebot_bound", default=None)


@contextlib.contextmanager
def bind(**fields: object) -> Iterator[None]:
    """Put `fields` on every line logged inside the `with`, whatever module logs it.

    Bindings nest, the innermost wins, and a field given in the call wins over all. Each thread
    and task has its own; a new thread begins without.
    """
    outer = _bound.get()
    token = _bound.set(_Bound({**outer.fields, **fields} if outer else fields))
    try:
        yield
    finally:
        _bound.reset(token)


def bound_fields() -> Mapping[str, object]:
    """The fields bound right now, as they were given."""
    bound = _bound.get()
    return bound.fields if bound else {}


def bound_pairs(recorder: Recorder) -> Mapping[str, str]:
    """The bound fields, masked and written; worked out once per binding."""
    bound = _bound.get()
    if bound is None:
        return {}
    made_for = (recorder, recorder.assembler.generation)
    if bound.made_for != made_for:
        bound.pairs = recorder.pairs(bound.fields)
        bound.made_for = made_for
    return bound.pairs


class ContextAdapter(logging.LoggerAdapter[logging.Logger]):
    """A logger that puts its own fields on everything it logs.

    `getChild` and `get_logger(adapter, …)` keep the fields of their parent and add to them.
    """

    def __init__(self, logger: Any, extra: Mapping[str, object] | None = None) -> None:
        if isinstance(logger, ContextAdapter):
            extra = {**logger.context, **(extra or {})}
            logger = logger.logger
        super().__init__(logger, dict(extra or {}))

    @property
    def context(self) -> Mapping[str, object]:
        """The fields this logger adds."""
        return self.extra or {}

    def getChild(self, suffix: str, **context: object) -> ContextAdapter:  # noqa: N802 - logging's
        """The logger below this one, with this one's fields and `context`."""
        return ContextAdapter(self.logger.getChild(suffix), {**self.context, **context})

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Merge the call's `extra` over bound fields over this logger's own."""
        call = kwargs.get("extra") or {}
        merged = {**self.context, **bound_fields(), **call}
        # `logging` refuses extra fields that are called like its own attributes.
        kwargs["extra"] = {
            f"{key}_" if key in RESERVED else key: value for key, value in merged.items()
        }
        return msg, kwargs


def get_logger(
    name: str | logging.Logger | ContextAdapter | None = None, **context: object
) -> ContextAdapter:
    """A LoggerAdapter whose lines carry `context`. Without `name`: the calling module's logger.

    Given another adapter, the new one keeps its name and its fields.
    """
    if name is None:
        name = _caller(2)
    if isinstance(name, str):
        name = logging.getLogger(name)
    return ContextAdapter(name, context)


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
    own: Mapping[str, object] = {}
    if isinstance(logger, logging.LoggerAdapter):
        own = logger.extra or {}
        target = logger.logger
    else:
        target = _logger(_caller(2) if logger is None else logger)
    info = exception_info(exc_info) if exc_info else None
    recorder = active
    if recorder is None:
        return _log_without_session(event, message, level, target, info, {**own, **fields})
    bound = bound_pairs(recorder)
    if own:
        bound = {**recorder.pairs(own), **bound}
    return recorder.event(event, message, level, target, info, bound, fields)


def _logger(name: str | logging.Logger) -> logging.Logger:
    """`logging.getLogger`, without its lock for a name that was asked for before."""
    if not isinstance(name, str):
        return name
    found = _loggers.get(name)
    if found is None:
        found = _loggers[name] = logging.getLogger(name)
    return found


def _caller(depth: int) -> str:
    """The `__name__` of the module that called the caller of this function."""
    name = sys._getframe(depth).f_globals.get("__name__")
    return name if isinstance(name, str) else ""


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
        **bound_fields(),
        **(assembler.exception_fields(info) if info else {}),
        **fields,
        "msg": message,
    }
    with contextlib.suppress(Exception):
        pairs = assembler.pairs(values)
        text = " ".join([assembler.component(event), *pairs.values()])
        extra = {"event": event, "fields": {key: pair_text(pair) for key, pair in pairs.items()}}
        logger.log(event_level(level, declared), "%s", text, extra=extra)
    return False
