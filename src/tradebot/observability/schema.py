"""What may be logged: events, fields and how each field is treated. Declared once, then frozen.

A field's kind carries a pattern. A value that matches it completely is proven harmless by
declaration and is written as it is; every other string goes through the whole redaction. The
pattern is therefore a statement about safety, not about style: keep it narrow.
"""

from __future__ import annotations

import enum
import functools
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from tradebot.observability.line import is_event_name, is_key

CORRELATION = ("run_id", "cycle_id", "dry_run", "single_cycle", "env", "strategy")
"""On every line, in this order; `-` while not known."""

TRAILING = ("schema_error", "msg", "exc_type", "exc_msg", "stack", "truncated")
"""Always last, in this order."""

AUDIT_FAMILIES = ("startup_", "auth_", "cycle_", "execution_")
"""Events of these families, and WARN and above, are never thinned out, queued or dropped."""

LEVEL_NAMES = {
    logging.DEBUG: "DEBUG",
    logging.INFO: "INFO",
    logging.WARNING: "WARN",
    logging.ERROR: "ERROR",
    logging.CRITICAL: "FATAL",
}
LEVEL_NUMBERS = {
    **{name: number for number, name in LEVEL_NAMES.items()},
    "WARNING": logging.WARNING,
    "CRITICAL": logging.CRITICAL,
}


class SchemaError(Exception):
    """An event is unknown or lacks a required field. Raised in strict mode only."""


class Treatment(enum.Enum):
    """What happens to a field's value before it is written."""

    PUBLIC = "public"
    """Written, after every known secret and every secret's shape has been removed from it."""
    MASKED = "masked"
    """First three and last two characters from a length of twelve, else `***`."""
    SECRET = "secret"  # noqa: S105 - a treatment's name
    """Always `***`."""


@dataclass(frozen=True)
class Kind:
    """A type of field. `pattern` None means free text, which always takes the slow path."""

    name: str
    pattern: str | None = None
    url_path: bool = False
    """The value is the path of a URL: no query, and segments that may be keys are masked."""

    @functools.cached_property
    def matcher(self) -> re.Pattern[str] | None:
        """Compiled at first use: a run touches a fraction of the vocabulary."""
        return None if self.pattern is None else re.compile(self.pattern)


NO_UNIT = "–"
"""The unit of a number that counts and measures nothing: an id, a code, a number in a row."""

TEXT = Kind("text")
INTEGER = Kind("integer", r"-?[0-9]{1,19}")
BOOLEAN = Kind("true or false", r"true|false")
NUMBER = Kind("number", r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?(?:[eE][+-]?[0-9]{1,3})?")
WORD = Kind("code word", r"[a-z]{1,24}[0-9]{0,3}(?:_(?:[a-z]{1,24}|[0-9]{1,4})){0,11}")
UUID = Kind("UUID", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CAMEL_NAME = Kind(
    "name",
    r"(?:[A-Z]{1,6}[0-9]{0,3}|[A-Za-z][a-z]{1,23})(?:[A-Z]{1,2}[a-z]{1,23}){0,9}[0-9]{0,4}",
)


@dataclass(frozen=True, slots=True)
class Field:
    """One registered field. A name that ends in `*` stands for all names with that beginning."""

    name: str
    kind: Kind
    meaning: str
    treatment: Treatment = Treatment.PUBLIC
    max_length: int | None = None
    """Characters kept, counted after masking; None for the limit of every value."""
    unit: str | None = None
    """Of a number: what it counts, or is measured in; NO_UNIT for an id or code."""


@dataclass(frozen=True, slots=True)
class Event:
    """One registered event. `level` is a number of the standard `logging` module."""

    name: str
    level: int
    meaning: str
    next_step: str
    """What an operator does about it, in plain words."""
    required: tuple[str, ...] = ()
    """Fields that must be there besides the six correlation fields."""
    optional: tuple[str, ...] = ()

    @property
    def audit(self) -> bool:
        """Must it be in the file before the caller goes on, whatever LOG_LEVEL says?"""
        return self.level >= logging.WARNING or self.name.startswith(AUDIT_FAMILIES)


_T = TypeVar("_T", Event, Field)


def _correlation_fields() -> tuple[Field, ...]:
    return (
        Field("run_id", UUID, "this invocation of the program"),
        Field(
            "cycle_id",
            INTEGER,
            "the trading cycle; grows from run to run, gaps are normal",
            unit=NO_UNIT,
        ),
        Field("dry_run", BOOLEAN, "true: nothing that changes the account can be sent"),
        Field("single_cycle", BOOLEAN, "true: one cycle, then exit"),
        Field("env", Kind("environment", r"[A-Z]{2,12}"), "LOCAL, SIM or LIVE"),
        Field(
            "strategy",
            Kind(
                "name/version", r"[A-Za-z][A-Za-z_.:]{0,62}[0-9]{0,3}(?:/[0-9]{1,4}(?:\.[0-9]+)*)?"
            ),
            "the strategy's name and version",
        ),
    )


def _trailing_fields() -> tuple[Field, ...]:
    return (
        Field("schema_error", TEXT, "this line breaks its own declaration: a bug to report"),
        Field("msg", TEXT, "free text for people; the event is what scripts should look for"),
        Field("exc_type", CAMEL_NAME, "the exception's class"),
        Field("exc_msg", TEXT, "the exception's text"),
        Field("stack", TEXT, "the traceback, without local variables, newlines written as \\n"),
        Field("truncated", BOOLEAN, "true: a value or the line was longer than allowed and cut"),
    )


CORE_FIELDS = (
    *_correlation_fields(),
    Field("count", INTEGER, "how many", unit="lines"),
    Field("total_mb", NUMBER, "size of all log files together", unit="MB"),
    Field("limit_mb", NUMBER, "LOG_MAX_TOTAL_MB", unit="MB"),
    Field("phase", WORD, "how far it had come"),
    *_trailing_fields(),
)

CORE_EVENTS = (
    Event(
        "unexpected_exception",
        logging.ERROR,
        "Something failed in a way nobody foresaw; stack holds where.",
        "Read exc_type and exc_msg. If the same line comes back, report it with its stack.",
        optional=("phase",),
    ),
    Event(
        "log_message",
        logging.INFO,
        "A line from a library, or from code that does not use events.",
        "Usually nothing; msg says what it is about.",
    ),
    Event(
        "log_lines_lost",
        logging.WARNING,
        "Lines could not be written for a while (disk full, I/O error) or were dropped at the "
        "size limit; writing works again now.",
        "Look at free space and at the disk. The journal still knows every order: compare it "
        "for the time before this line.",
        required=("count",),
    ),
    Event(
        "log_size_limit",
        logging.WARNING,
        "The log files come close to LOG_MAX_TOTAL_MB; at the limit, INFO lines that are not "
        "part of the audit trail are dropped.",
        "Raise LOG_MAX_TOTAL_MB, lower LOG_RETENTION_DAYS, or move old files away.",
        required=("total_mb", "limit_mb"),
    ),
)


class Catalogue:
    """Every event and field that may be used. Checked when built, constant afterwards.

    The core's events and fields are part of every catalogue: the log itself uses them. A field
    may be declared anew (what `env` looks like is the bot's affair), an event of the core may not.
    The order of `fields` is the order in a line, the trailing ones apart; fields of the core that
    are not among them follow. `harmless` are patterns of texts (ids, references) that look random
    and are not secret, wherever they appear.
    Raises ValueError when a name cannot stand in a line or is declared twice, when an event names
    an unknown field, and when one declares an event of the core as something else.
    """

    def __init__(
        self,
        events: Iterable[Event] = (),
        fields: Iterable[Field] = (),
        harmless: Iterable[str] = (),
    ) -> None:
        self.events = _with_core(events, CORE_EVENTS)
        self.fields = _with_core(fields, CORE_FIELDS)
        self.harmless = tuple(harmless)
        self._families = tuple(
            (name[:-1], field) for name, field in self.fields.items() if name.endswith("*")
        )
        self._rank = {name: rank for rank, name in enumerate(self.fields)}
        last = len(self._rank)
        self._unknown_rank = last
        self._rank.update({name: last + 1 + i for i, name in enumerate(TRAILING)})
        for field in self.fields.values():
            if not is_key(field.name.removesuffix("*")):
                raise ValueError(f"the field name {field.name!r} cannot stand in a line")
        for core in CORE_EVENTS:
            if self.events[core.name] != core:
                raise ValueError(f"the event {core.name} is the log's own: give yours another name")
        for event in self.events.values():
            self._check(event)

    def _check(self, event: Event) -> None:
        if not is_event_name(event.name):
            raise ValueError(
                f"the event name {event.name!r} cannot stand in a line: use lower case, digits, _"
            )
        for name in (*event.required, *event.optional):
            if self.field(name) is None:
                raise ValueError(f"event {event.name} names the unregistered field {name}")

    def field(self, name: str) -> Field | None:
        """The declaration of `name`, also as a member of a family such as `rate_limit_reset_*`."""
        found = self.fields.get(name)
        if found is None:
            for beginning, field in self._families:
                if name.startswith(beginning):
                    return field
        return found

    def rank(self, name: str) -> int:
        """The place of a field in the line; unregistered fields share one, before `msg`."""
        found = self._rank.get(name)
        if found is None:
            field = self.field(name)
            return self._unknown_rank if field is None else self._rank[field.name]
        return found


def _with_core(declared: Iterable[_T], core: Iterable[_T]) -> dict[str, _T]:
    found: dict[str, _T] = {}
    for one in declared:
        if one.name in found:
            raise ValueError(f"{one.name} is declared twice")
        found[one.name] = one
    for one in core:
        found.setdefault(one.name, one)
    return found


def level_number(level: int | str) -> int:
    """`"INFO"`, `"WARN"`, `"FATAL"` … or a number. Raises ValueError for another word."""
    if isinstance(level, int):
        return level
    try:
        return LEVEL_NUMBERS[level.upper()]
    except KeyError:
        raise ValueError(
            f"{level!r} is not a log level: use one of {', '.join(LEVEL_NUMBERS)}"
        ) from None


@functools.cache
def level_name(number: int) -> str:
    """The nearest of the five names at or below `number`; DEBUG for anything lower."""
    for known in sorted(LEVEL_NAMES, reverse=True):
        if number >= known:
            return LEVEL_NAMES[known]
    return "DEBUG"


@functools.cache
def padded_level(number: int) -> str:
    """The level's name as it stands in a line: five characters wide."""
    return f"{level_name(number):<5}"
