"""A line as columns: flat, with the names and types that the vocabulary declares.

`ts`, `level`, `component` and `event` come first. A field that has one of these names itself is
called `level_2` and so on, so that no value is lost and no name is there twice.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Mapping, Sequence

from tradebot.logtools.desk import UsageProblem
from tradebot.observability.line import LogLine, is_key, quote, unique_key
from tradebot.observability.schema import BOOLEAN, INTEGER, NUMBER
from tradebot.vocabulary import CATALOGUE
from tradebot.vocabulary.fields import TIME

HEAD = ("ts", "level", "component", "event")
MORE = "more"
"""The column for what has none of its own, as one JSON object."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LARGEST_INTEGER = 2**63 - 1


@functools.cache
def declared_fields() -> tuple[str, ...]:
    """Every declared field that has one name, in the order of a line."""
    return tuple(name for name in CATALOGUE.fields if not name.endswith("*"))


@functools.lru_cache(maxsize=4096)
def type_of(name: str) -> str:
    """`integer`, `number`, `boolean`, `time` or `text`: what the vocabulary says of a field."""
    if name == "ts":
        return "time"
    field = None if name in HEAD else CATALOGUE.field(name)
    if field is None:
        return "text"
    known = {INTEGER: "integer", NUMBER: "number", BOOLEAN: "boolean", TIME: "time"}
    return known.get(field.kind, "text")


def names_of(text: str | None) -> tuple[str, ...] | None:
    """The fields named in `--fields A,B`; None when it was not given. Raises UsageProblem."""
    if text is None:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    wrong = [name for name in names if not is_key(name)]
    if wrong:
        raise UsageProblem(
            f"--fields: {wrong[0]!r} is no field's name; write for example reason,msg"
        )
    return names


def flat(
    line: LogLine, names: Sequence[str] | None = None, *, with_head: bool = False
) -> dict[str, str]:
    """A line's head and fields by their columns' names, as text; with `names` only those, in that
    order, and what comes first on each line if `with_head`."""
    row = {
        "ts": line.timestamp,
        "level": line.level,
        "component": line.component,
        "event": line.event,
    }
    if line.fields.keys().isdisjoint(HEAD):
        row |= line.fields
    else:
        taken = set(HEAD) | line.fields.keys()
        for name, value in line.fields.items():
            row[unique_key(name, taken) if name in HEAD else name] = value
    if names is None:
        return row
    if with_head:
        names = (*HEAD, *names)
    return {name: row[name] for name in names if name in row}


def pair_value(name: str, value: str) -> str:
    """A value as it stands in a line, behind `name=`."""
    if value in ("true", "false") and type_of(name) == "boolean":
        return value
    return quote(value)


def json_line(row: Mapping[str, str]) -> str:
    """One JSON object. Numbers are written as they are in the log, digit by digit."""
    return "{" + ", ".join(f"{_key(name)}: {_json(name, row[name])}" for name in row) + "}"


@functools.lru_cache(maxsize=1024)
def _key(name: str) -> str:
    return json.dumps(name)


def _json(name: str, value: str) -> str:
    kind = type_of(name)
    if kind == "boolean" and value in ("true", "false"):
        return value
    if kind in ("integer", "number") and is_number(value, whole=kind == "integer"):
        return value
    return json.dumps(value, ensure_ascii=False)


def is_number(text: str, *, whole: bool) -> bool:
    """Is this a number that every JSON reader takes: finite, and of 64 bits if it is whole?"""
    if not _JSON_NUMBER.fullmatch(text):
        return False
    if whole:
        return text.lstrip("-").isdecimal() and abs(int(text)) <= _LARGEST_INTEGER
    return math.isfinite(float(text))
