"""Lines once more through redaction, before anybody is shown any of them.

A log was masked when it was written. But a line may have been edited by hand, written by an older
version, or be another program's: so each field is treated by its own rule again, as if it were
logged now. What is masked already stays as it is.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterable
from decimal import Decimal

from tradebot.observability.line import LogLine, clean_component, is_event_name, render
from tradebot.observability.redaction import SECRETS, Redactor, register_secret
from tradebot.vocabulary import CATALOGUE

_REMEMBERED = 16_384
_REMEMBERED_LENGTH = 200
_UNKNOWN_EVENT = "unknown_event"


@functools.cache
def _redactor() -> Redactor:
    return Redactor(CATALOGUE, SECRETS)


def know(secrets: Iterable[str]) -> None:
    """Hide these from now on, wherever they turn up. Those of less than eight characters are
    passed over: they stand in many a word."""
    for secret in secrets:
        with contextlib.suppress(ValueError):
            register_secret(secret)
    _stays.clear()
    for remembering in (_masked_key, _masked_component, masked_event):
        remembering.cache_clear()


def masked_text(text: str) -> str:
    """Free text of unknown origin: a foreign line, the name of a file."""
    return _redactor().text(text)


def masked_value(key: str, value: str) -> str:
    """The text that the log would show for `value` under `key`."""
    pair = key, value
    if pair in _stays:
        return value
    masked = _work_out(key, value)
    if masked == value and len(value) <= _REMEMBERED_LENGTH and key == _masked_key(key):
        if len(_stays) >= _REMEMBERED:
            _stays.clear()
        _stays.add(pair)
    return masked


_stays: set[tuple[str, str]] = set()
"""Fields that nothing has to be hidden of: most lines consist of those of others."""


def masked_line(line: LogLine) -> LogLine:
    """The line as redaction lets it through; the same object where nothing had to be hidden."""
    changed = {
        key: masked
        for key, value in line.fields.items()
        if (key, value) not in _stays
        and not _is_proven(key, value)
        and ((masked := masked_value(key, value)) != value or _masked_key(key) != key)
    }
    component, event = _masked_component(line.component), masked_event(line.event)
    if not changed and component == line.component and event == line.event:
        return line
    fields = {_masked_key(key): changed.get(key, value) for key, value in line.fields.items()}
    return LogLine(line.timestamp, line.level, component, event, fields)


def masked_pair(line: LogLine, raw: bytes) -> tuple[LogLine, bytes]:
    """The line and its bytes as redaction lets them through."""
    masked = masked_line(line)
    return (line, raw) if masked is line else (masked, raw_of(masked))


def raw_of(line: LogLine) -> bytes:
    """The line as it is written, without its newline."""
    return render(line).encode("utf-8", "replace")


def _is_proven(key: str, value: str) -> bool:
    """Is it what its declaration says, and none of the secrets that are known?"""
    proof = _proof(key)
    return (
        proof is not None
        and value[:1] not in ("{", "[")
        and bool(proof(value))
        and (not SECRETS.generation or SECRETS.remove(value) == value)
    )


@functools.lru_cache(maxsize=_REMEMBERED)
def _proof(key: str) -> Callable[[str], object] | None:
    return _redactor().proof(key)


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
def masked_event(event: str) -> str:
    """The name of an event; `unknown_event` in place of one that would have to be hidden."""
    if event in CATALOGUE.events:
        return event
    masked = _redactor().key(event)
    return masked if is_event_name(masked) else _UNKNOWN_EVENT
