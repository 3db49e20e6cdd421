"""The quick way of an event: its order, its writers and its declaration, worked out once.

Lines of one kind are logged again and again with the same keys and the same types of values. For
each such shape a plan is kept; what then remains is to fetch the values, call their writers and
join. A plan decides nothing that the slow way (`recorder`) does not decide alike, and gives up
whenever something is unusual.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from tradebot.observability.assembly import Assembler
from tradebot.observability.line import SEPARATOR
from tradebot.observability.schema import CORRELATION, Event, level_number, padded_level
from tradebot.observability.writers import Writer, Writers


class Unusual(Exception):
    """The quick way does not go here."""


class Plan:
    """How events of one shape are written. `values` picks what `writers` turn into pairs."""

    __slots__ = ("after_component", "audit", "before_component", "level", "values", "writers")

    def __init__(
        self,
        event: Event,
        level: int,
        values: Callable[[Mapping[str, Any]], tuple[Any, ...]],
        writers: tuple[Writer, ...],
    ) -> None:
        self.level = level
        self.audit = event.audit or level >= logging.WARNING
        self.before_component = f"{SEPARATOR}{padded_level(level)}{SEPARATOR}"
        self.after_component = f"{SEPARATOR}{event.name}{SEPARATOR}"
        self.values = values
        self.writers = writers


def make_plan(
    assembler: Assembler,
    writers: Writers,
    name: str,
    level: int | str | None,
    values: Mapping[str, object],
    fields: Mapping[str, object],
) -> Plan:
    """The plan of the event `name` with these `fields`, and whatever else is in `values` as
    finished pairs.

    Raises Unusual when the event is unknown or lacks a required field.
    """
    event = assembler.redactor.catalogue.events.get(name)
    if event is None:
        raise Unusual
    # An explicit None takes a carried field away; the six always win.
    dropped = {key for key, value in fields.items() if value is None or key in CORRELATION}
    present = [key for key in values if key not in dropped]
    if any(key not in (*present, *CORRELATION) for key in event.required):
        raise Unusual
    order = sorted(present, key=assembler.redactor.catalogue.rank)
    write = (writers.of(key, type(fields[key])) if key in fields else str for key in order)
    return Plan(event, event_level(level, event), _getter(order), tuple(write))


def _getter(keys: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """The values of these keys as a tuple, also of one key or of none."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda values: tuple([values[key] for key in keys])


def event_level(level: int | str | None, declared: Event | None) -> int:
    """The level of one call: its own, else the declared one; WARN for a level nobody knows."""
    if level is not None:
        try:
            return level_number(level)
        except Exception:  # noqa: BLE001 - whatever it is, it is no level
            return logging.WARNING
    return logging.INFO if declared is None else declared.level
