"""Nothing is declared without what a reader of the log needs to know about it."""

from __future__ import annotations

import logging
import re

import pytest

from tradebot.observability.schema import (
    CORRELATION,
    INTEGER,
    NO_UNIT,
    NUMBER,
    Event,
    Field,
    Treatment,
)
from tradebot.vocabulary import CATALOGUE
from tradebot.vocabulary.events import EVENTS
from tradebot.vocabulary.fields import FIELDS

LEVELS = {logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL}
UNITS = {
    NO_UNIT, "ms", "s", "MB", "`currency`", "instrument's currency", "shares; FX: currency units",
    "bars", "decisions", "differences", "disclaimers", "instruments", "intents", "lines", "orders",
    "reads", "requests", "rows", "settings", "slots",
}  # fmt: skip
"""A new unit is named here, so that the same thing is not called by two names."""

UNIT_IN_NAME = {"_seconds": "s", "_ms": "ms", "_mb": "MB"}
_SENTENCES = re.compile(r"(?:[A-Z`][^\n]*|[a-z]\w*[=:, _][^\n]*)[.?]")


def is_number(field: Field) -> bool:
    return field.kind in (INTEGER, NUMBER)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_an_event_has_a_level_a_meaning_and_a_next_step_in_sentences(event: Event) -> None:
    assert event.level in LEVELS
    assert _SENTENCES.fullmatch(event.meaning), event.meaning
    assert _SENTENCES.fullmatch(event.next_step), event.next_step
    if event.level >= logging.WARNING:
        assert not event.next_step.startswith("Nothing: "), "whoever is woken up must be told more"
    for name in (*event.required, *event.optional):
        assert CATALOGUE.field(name) is not None
        assert name not in CORRELATION, "each line has it"


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_field_has_a_type_a_treatment_a_meaning_and_a_number_its_unit(field: Field) -> None:
    assert field.kind.name
    assert isinstance(field.treatment, Treatment)
    assert len(field.meaning) >= 5 or field.meaning in ("why", "which")
    assert field.meaning == field.meaning.strip()
    assert not field.meaning.endswith("."), "a phrase in a table"
    if is_number(field):
        assert field.unit in UNITS, f"say what {field.name} counts, or NO_UNIT if it is an id"
    else:
        assert field.unit is None
    for ending, unit in UNIT_IN_NAME.items():
        if field.name.endswith(ending):
            assert field.unit == unit


def test_every_number_there_is_was_looked_at() -> None:
    numbers = [field.name for field in FIELDS if is_number(field)]
    assert len(numbers) >= 45
    assert {"latency_ms", "quantity", "exit_code", "count", "rate_limit_reset_*"} <= set(numbers)
