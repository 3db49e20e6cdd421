"""How an event is written down: levels under the names the log uses, fields as one text."""

from __future__ import annotations

import logging

from tradebot.observability.schema import Event

DEBUG, INFO, WARN, ERROR, FATAL = (
    logging.DEBUG,
    logging.INFO,
    logging.WARNING,
    logging.ERROR,
    logging.CRITICAL,
)

NOTHING_TO_DO = "Nothing: this is the normal course."


def event(
    name: str,
    level: int,
    meaning: str,
    next_step: str = NOTHING_TO_DO,
    required: str = "",
    optional: str = "",
) -> Event:
    """One declaration; `required` and `optional` are field names separated by spaces."""
    return Event(name, level, meaning, next_step, tuple(required.split()), tuple(optional.split()))
