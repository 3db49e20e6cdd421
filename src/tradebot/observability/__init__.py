"""A logging layer that any unattended bot could use: one grammar, one redaction, one file.

It knows nothing of brokers or trading: what may be logged is declared in a Catalogue that is
handed to `setup_logging`. docs/logging.md describes the format and the rules.
"""

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
