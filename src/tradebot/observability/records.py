"""What is in a record of the standard `logging` module, and what of it becomes a field."""

from __future__ import annotations

import logging
import sys

from tradebot.observability.assembly import ExceptionInfo
from tradebot.observability.redaction import FAILED
from tradebot.observability.schema import CORRELATION

RESERVED = frozenset(
    (*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "event", "fields")
)
"""Attributes of a LogRecord that are not fields."""

_NOT_EXTRA = RESERVED | frozenset(CORRELATION)


class Finished:
    """A record's line, kept on the record for the next handler. `made_with` is whose it is: only
    an object of ours is believed, and only by whoever made it, with what is known now."""

    ATTRIBUTE = "_finished_line"
    __slots__ = ("line", "made_with")

    def __init__(self, line: str, made_with: object) -> None:
        self.line = line
        self.made_with = made_with


class Prepared(logging.LogRecord):
    """An event on its way through `logging`: already masked, already one line.

    `event` is its name and `fields` its masked fields, for handlers and filters of others.
    """

    event: str
    fields: dict[str, str]
    line: str
    audit: bool
    taken: bool
    reached: bool


def extra_of(record: logging.LogRecord) -> dict[str, object]:
    """What the caller gave as `extra=`, in the caller's order."""
    attributes = vars(record)
    extra = attributes.keys() - _NOT_EXTRA
    if not extra:
        return {}
    return {
        key: value
        for key, value in attributes.items()
        if key in extra and type(value) is not Finished
    }


def message_of(record: logging.LogRecord) -> str:
    """The text of a record. Never raises, whatever its arguments are."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - the arguments do not fit the text, or their __str__ raised
        return f"{record.msg if isinstance(record.msg, str) else FAILED} {FAILED}"


def text_of(message: object, arguments: tuple[object, ...]) -> str:
    """The text of a message and its arguments as `logging` puts them together. Never raises."""
    if not arguments and type(message) is str:
        return message
    return message_of(logging.LogRecord("", 0, "", 0, message, arguments, None))


def exception_of(info: object) -> ExceptionInfo | None:
    """A record's `exc_info`, when there is an exception in it."""
    return info if isinstance(info, tuple) and len(info) == 3 and info[0] is not None else None


def exception_info(
    exc_info: BaseException | ExceptionInfo | bool | None,
) -> ExceptionInfo | None:
    """What `exc_info=` accepts in `logging`: True, an exception, or a triple."""
    if isinstance(exc_info, BaseException):  # which may be false in itself
        return type(exc_info), exc_info, exc_info.__traceback__
    if not exc_info:
        return None
    return exception_of(exc_info if isinstance(exc_info, tuple) else sys.exc_info())
