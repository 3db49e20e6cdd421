"""Lines once more through redaction, before any of them leaves this machine in a file.

A log was masked when it was written. But a line may have been edited by hand, written by an older
version, or be another program's: so each field is treated by its own rule again, as if it were
logged now. What is masked already stays as it is.
"""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from decimal import Decimal

from tradebot.logtools.entries import Entry
from tradebot.observability.line import LogLine, clean_component, is_event_name, render
from tradebot.observability.redaction import SECRETS, Redactor
from tradebot.vocabulary import CATALOGUE

_REMEMBERED = 16_384
_REMEMBERED_LENGTH = 200
_UNKNOWN_EVENT = "unknown_event"


@functools.cache
def _redactor() -> Redactor:
    return Redactor(CATALOGUE, SECRETS)


def masked_text(text: str) -> str:
    """Free text of unknown origin: a foreign line, the name of a file."""
    return _redactor().text(text)


def masked_value(key: str, value: str) -> str:
    """The text that the log would show for `value` under `key`; never empty for one that is not."""
    if len(value) > _REMEMBERED_LENGTH:
        return _work_out(key, value)
    return _remembered(key, value)


def masked_entry(entry: Entry) -> Entry:
    """The entry as redaction lets it through: line and raw bytes. Its place stays the same."""
    line = entry.line
    fields: dict[str, str] = {}
    for key, value in line.fields.items():
        fields[_masked_key(key)] = masked_value(key, value) if value else value
    masked = LogLine(
        line.timestamp,
        line.level,
        _masked_component(line.component),
        _masked_event(line.event),
        fields,
    )
    if masked == line:
        return entry
    return replace(entry, line=masked, raw=render(masked).encode("utf-8", "replace"))


@functools.lru_cache(maxsize=_REMEMBERED)
def _remembered(key: str, value: str) -> str:
    return _work_out(key, value)


def _work_out(key: str, value: str) -> str:
    redactor = _redactor()
    masked = redactor.field(key, value) or ""
    if masked == value or value[:1] not in ("{", "["):
        return masked
    # It was a nested value when it was logged, and each leaf has its own rule.
    nested = _nested(value)
    return masked if nested is None else redactor.field(key, nested) or ""


def _nested(text: str) -> object | None:
    try:
        value: object = json.loads(text, parse_int=Decimal, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return value


@functools.lru_cache(maxsize=_REMEMBERED)
def _masked_key(key: str) -> str:
    return _redactor().key(key)


@functools.lru_cache(maxsize=_REMEMBERED)
def _masked_component(component: str) -> str:
    return clean_component(_redactor().field("component", component) or "")


@functools.lru_cache(maxsize=_REMEMBERED)
def _masked_event(event: str) -> str:
    if event in CATALOGUE.events:
        return event
    masked = _redactor().key(event)
    return masked if is_event_name(masked) else _UNKNOWN_EVENT
