"""A logging layer that any unattended bot could use: one grammar, one redaction, one file.

It knows nothing of brokers or trading: what may be logged is declared in a Catalogue that is
handed to `setup_logging`. docs/logging.md describes the format and the rules.

What is named here is loaded when it is first asked for: a program that only reads a log needs the
grammar of a line, and none of what writes one.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradebot.observability.log_context import bind, get_logger, log_event
    from tradebot.observability.logging_config import (
        CorrelationFilter,
        Session,
        build_log_context,
        setup_logging,
        update_context,
    )
    from tradebot.observability.redaction import mask_sensitive, register_secret
    from tradebot.observability.schema import (
        BOOLEAN,
        CORE_EVENTS,
        CORE_FIELDS,
        INTEGER,
        NUMBER,
        TEXT,
        WORD,
        Catalogue,
        Event,
        Field,
        Kind,
        SchemaError,
        Treatment,
    )

__all__ = [
    "BOOLEAN",
    "CORE_EVENTS",
    "CORE_FIELDS",
    "INTEGER",
    "NUMBER",
    "TEXT",
    "WORD",
    "Catalogue",
    "CorrelationFilter",
    "Event",
    "Field",
    "Kind",
    "SchemaError",
    "Session",
    "Treatment",
    "bind",
    "build_log_context",
    "get_logger",
    "log_event",
    "mask_sensitive",
    "register_secret",
    "setup_logging",
    "update_context",
]

_ELSEWHERE = {
    "log_context": ("bind", "get_logger", "log_event"),
    "logging_config": (
        "CorrelationFilter", "Session", "build_log_context", "setup_logging", "update_context",
    ),
    "redaction": ("mask_sensitive", "register_secret"),
}  # fmt: skip
_MODULES = {name: module for module, names in _ELSEWHERE.items() for name in names}

# For the type checker a name that is not above stays an error.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = import_module(f"{__name__}.{_MODULES.get(name, 'schema')}")
        value = getattr(module, name)
        globals()[name] = value  # the next time without asking
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
