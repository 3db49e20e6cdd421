"""What one parsed line must be by the catalogue: every rule about events, fields and values.

Most lines repeat the fields and values of others, so both are judged once and remembered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from tradebot.logtools.linting.findings import Kind
from tradebot.observability.line import VALUE_LIMIT, LogLine, quote
from tradebot.observability.redaction import FAILED, Redactor
from tradebot.observability.schema import (
    CORRELATION,
    LEVEL_NUMBERS,
    Catalogue,
    Event,
    Field,
    Treatment,
    level_name,
)
from tradebot.observability.secret_values import SecretValues
from tradebot.observability.sensitive_names import sensitive_key
from tradebot.observability.shapes import HIDDEN

Found = tuple[Kind, str]
"""What is wrong, and with which field or event; never a value."""

OF_LIBRARIES = "log_message"
"""Its level and component are whatever the library says."""

_CUT_FROM = 200
"""Characters from which on a value of a truncated line may be one that was cut."""

_NAME_SHOWN = 48
_TEXT_SHOWN = 120
_REMEMBERED_LENGTH = 200
_REMEMBERED_VALUES = 16_384
_REMEMBERED_SHAPES = 4_096
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CHOSEN_BY_OTHERS = frozenset(("exc_type",))
"""Fields whose values come from other people's code: their pattern is for safety alone."""


class LineRules:
    """Judges lines by one catalogue. `words` are the documented words of a field."""

    def __init__(
        self, catalogue: Catalogue, words: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        self._catalogue = catalogue
        self._words = words or {}
        # No secret is registered: what is looked for is what the rules alone would hide.
        self._redactor = Redactor(catalogue, SecretValues())
        self._shapes: dict[tuple[str, ...], tuple[Found, ...]] = {}
        self._values: dict[tuple[str, str], tuple[str, tuple[Found, ...]]] = {}

    def judge(self, line: LogLine, text: str) -> list[Found]:
        """Everything that is wrong with a line; `text` is its part with the fields."""
        found: list[Found] = []
        shape = self._judge_shape(line)
        if shape:
            found += self._forgiven(shape, line)
        event = self._catalogue.events.get(line.event)
        if event is not None and line.event != OF_LIBRARIES:
            found += self._judge_head(line, event)
        pairs = []
        for key, value in line.fields.items():
            written, wrong = self._values.get((key, value)) or self._judge_value(key, value)
            pairs.append(written)
            if wrong:
                found += self._forgiven(wrong, line)
        if " ".join(pairs) != text and not _as_written(text, line.fields):
            found.append((Kind.NOT_AS_WRITTEN, "the fields are not written as the log writes them"))
        if line.fields.get("execution_outcome") == "SUCCESS" and "failure_reason" in line.fields:
            found.append((Kind.FAILURE_REASON, "there is one although the outcome is SUCCESS"))
        return found

    def shown(self, name: str) -> str:
        """A name as a finding may repeat it: it may be anything, too."""
        return self._redactor.key(name)[:_NAME_SHOWN]

    def told(self, problem: str) -> str:
        """What the parser says about a text; it names keys."""
        return (self._redactor.field("", problem) or "")[:_TEXT_SHOWN]

    # -- the shape: event, keys, order ----------------------------------------------------------

    def _judge_head(self, line: LogLine, event: Event) -> Iterator[Found]:
        if line.component.startswith("tradebot."):
            yield Kind.COMPONENT, "the component begins with `tradebot.`"
        if LEVEL_NUMBERS[line.level] < event.level:
            yield (
                Kind.LEVEL_LOWERED,
                f"{self.shown(line.event)} is {line.level}, declared as {level_name(event.level)}",
            )

    def _judge_shape(self, line: LogLine) -> tuple[Found, ...]:
        shape = (line.event, *line.fields)
        known = self._shapes.get(shape)
        if known is None:
            known = tuple(self._work_out_shape(line))
            if len(self._shapes) >= _REMEMBERED_SHAPES:
                self._shapes.clear()
            self._shapes[shape] = known
        return known

    def _work_out_shape(self, line: LogLine) -> Iterator[Found]:
        keys = tuple(line.fields)
        event = self._catalogue.events.get(line.event)
        if event is None:
            yield Kind.UNKNOWN_EVENT, f"the event {self.shown(line.event)} is not declared"
        if keys[: len(CORRELATION)] != CORRELATION:
            lacking = [name for name in CORRELATION if name not in line.fields]
            what = f"without {', '.join(lacking)}" if lacking else "not first, or in another order"
            yield Kind.CORRELATION, f"the six correlation fields: {what}"
        others = [key for key in keys if key not in CORRELATION]
        ranks = [self._catalogue.rank(key) for key in others]
        for index in range(1, len(ranks)):
            if ranks[index] < ranks[index - 1]:
                yield (
                    Kind.FIELD_ORDER,
                    f"{self.shown(others[index])} stands behind {self.shown(others[index - 1])}",
                )
                break
        for name in () if event is None else event.required:
            if name not in line.fields:
                yield Kind.MISSING_FIELD, f"{line.event} lacks {name}"
        for key in others:
            if self._catalogue.field(key) is None:
                yield Kind.UNKNOWN_FIELD, f"the field {self.shown(key)} is not declared"
        if "schema_error" in line.fields:
            yield Kind.SCHEMA_ERROR, f"{self.shown(line.event)} says schema_error"

    # -- values ---------------------------------------------------------------------------------

    def _judge_value(self, key: str, value: str) -> tuple[str, tuple[Found, ...]]:
        """The pair as the log writes it, and what is wrong with it."""
        written = value if value in ("true", "false") else quote(value)
        judged = f"{key}={written}", tuple(self._work_out_value(key, value, written))
        if len(value) <= _REMEMBERED_LENGTH:
            if len(self._values) >= _REMEMBERED_VALUES:
                self._values.clear()
            self._values[key, value] = judged
        return judged

    def _work_out_value(self, key: str, value: str, written: str) -> Iterator[Found]:
        shown = self.shown(key)
        if key in CORRELATION and value == "-":
            return
        if len(written) * 4 > VALUE_LIMIT and len(written.encode()) > VALUE_LIMIT:
            yield Kind.TOO_LONG, f"{shown} has more than {VALUE_LIMIT} bytes"
        if FAILED in value:
            yield Kind.REDACTION_FAILED, f"the redaction of {shown} failed"
            return
        field = self._catalogue.field(key)
        if not self._stays(key, value, field):
            yield self._leak(key, value, field)
        elif field is not None:
            yield from self._judge_type(shown, value, field)
        words = self._words.get(key)
        if words is not None and value not in words and HIDDEN not in value:
            yield Kind.FAILURE_REASON, f"{shown} is not one of the documented words"

    def _stays(self, key: str, value: str, field: Field | None) -> bool:
        """Would redaction leave the value alone, whichever type it had when it was logged?"""
        if self._redactor.field(key, value) == value:
            return True
        if not self._redactor.key_is_public(key):
            return False
        if field is not None and field.kind.pattern is not None:
            return False
        if _NUMBER.fullmatch(value):
            return True
        return value[0] in "{[" and self._redactor.field(key, _nested(value)) == value

    def _leak(self, key: str, value: str, field: Field | None) -> Found:
        shown = self.shown(key)
        if field is None and sensitive_key(key):
            return Kind.UNMASKED, f"{shown} is not masked, and its name speaks of a secret"
        if field is not None and field.treatment is not Treatment.PUBLIC:
            return Kind.UNMASKED, f"{shown} is declared as {field.treatment.value} and is not"
        if field is not None and len(value) == field.max_length:
            return Kind.CUT_VALUE, f"{shown} is as long as it may be"
        return Kind.DOUBTFUL_VALUE, f"{shown} holds what redaction would hide"

    @staticmethod
    def _judge_type(shown: str, value: str, field: Field) -> Iterator[Found]:
        matcher = field.kind.matcher
        if (
            matcher is None
            or field.treatment is not Treatment.PUBLIC
            or field.name in _CHOSEN_BY_OTHERS
            or matcher.fullmatch(value)
        ):
            return
        if HIDDEN not in value:
            yield Kind.WRONG_TYPE, f"{shown} is not of the declared type: {field.kind.name}"
        elif not field.kind.url_path:
            yield Kind.MASKED_VALUE, f"{shown} is masked, declared as: {field.kind.name}"

    @staticmethod
    def _forgiven(found: tuple[Found, ...], line: LogLine) -> Iterator[Found]:
        """A line that says it was cut may lack fields, and end its values anywhere."""
        if line.fields.get("truncated") != "true":
            yield from found
            return
        cut = any(len(value) >= _CUT_FROM for value in line.fields.values())
        for kind, what in found:
            if kind is Kind.MISSING_FIELD:
                yield Kind.CUT_AWAY, what
            elif kind is Kind.DOUBTFUL_VALUE and cut:
                yield Kind.CUT_VALUE, what
            else:
                yield kind, what


def _nested(text: str) -> object:
    """A nested value as it was before it was written; the text itself when it was none."""
    try:
        value: object = json.loads(text, parse_int=Decimal, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        return text
    return value


def _as_written(text: str, fields: Mapping[str, str]) -> bool:
    """Are these pairs written as the log writes them, one after the other?

    Only the strings true and false have two forms: bare they were booleans.
    """
    position = 0
    for key, value in fields.items():
        for form in (quote(value), value if value in ("true", "false") else None):
            if form is not None and text.startswith(f"{key}={form}", position):
                position += len(key) + len(form) + 2
                break
        else:
            return False
    return position == len(text) + 1
