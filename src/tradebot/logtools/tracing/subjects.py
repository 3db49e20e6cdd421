"""What a person asks for by an id, however it was pasted: an order, a run, or lines by a field."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from tradebot.logtools.reading.entries import Entry
from tradebot.observability.line import is_key, quote

REFERENCE = "external_reference"
ORDER_ID = "order_id"
RUN_ID = "run_id"

_REFERENCE = re.compile(r"(?<![A-Z0-9-])ATB-[A-Z0-9](?:[A-Z0-9-]{0,44}[A-Z0-9])?", re.IGNORECASE)
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MOST_DIGITS = 20
_EDGES = " \t\r\n\"'`“”‘’«»,;:|()[]{}<>"
EXPECTED = (
    "an external reference (ATB-20251217-0712-ABCDEFGHIJ), an order id (digits), a run id, or "
    "FIELD=VALUE such as cycle_id=42"
)


class Kind(enum.Enum):
    """What an id names."""

    REFERENCE = "external reference"
    ORDER = "order id"
    RUN = "run"
    FIELD = "field"


_KIND_OF_FIELD = {REFERENCE: Kind.REFERENCE, ORDER_ID: Kind.ORDER, RUN_ID: Kind.RUN}
_FIELDS = {
    Kind.REFERENCE: (REFERENCE,),
    Kind.ORDER: (ORDER_ID,),
    # A run that was killed has its last word in another one's line. Of the same form are the ids
    # of requests, ours and the broker's.
    Kind.RUN: (RUN_ID, "killed_run_id", "request_id", "saxo_request_id"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One id that was asked for."""

    kind: Kind
    value: str
    fields: tuple[str, ...]
    """The fields that make a line one of its lines when they have this value."""

    @property
    def name(self) -> str:
        """For people: `order 5001234567`, `run 9f…`, `cycle_id=42`."""
        match self.kind:
            case Kind.REFERENCE:
                return self.value
            case Kind.ORDER:
                return f"order {self.value}"
            case Kind.RUN:
                return f"run {self.value}"
        return f"{self.fields[0]}={quote(self.value)}"

    @property
    def needle(self) -> bytes:
        """What such a line holds."""
        if self.kind in (Kind.FIELD, Kind.ORDER):  # digits alone are all over the log
            return f"{self.fields[0]}={quote(self.value)}".encode()
        return self.value.encode()

    def owns(self, entry: Entry) -> bool:
        """Is this one of its own lines?"""
        fields = entry.line.fields
        return any(fields.get(name) == self.value for name in self.fields)


def subject_of(text: str) -> Subject | None:
    """What was meant by `text`, quotes and other leavings of a paste apart; None for no id."""
    plain = text.strip(_EDGES)
    name, value = "", plain
    before, equals, behind = plain.partition("=")
    if equals and is_key(before.rstrip()):
        name, value = before.rstrip(), behind.strip(_EDGES)
    kind = _KIND_OF_FIELD.get(name)
    if kind is not None or not name:
        found = _by_its_looks(value)
        return found if kind is None or (found is not None and found.kind is kind) else None
    if not value:
        return None
    return Subject(Kind.FIELD, value, (name,))


def _by_its_looks(value: str) -> Subject | None:
    if found := _REFERENCE.search(value):
        return Subject(Kind.REFERENCE, found[0].upper(), _FIELDS[Kind.REFERENCE])
    if value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS:
        return Subject(Kind.ORDER, value, _FIELDS[Kind.ORDER])
    if found := re.search(_UUID, value, re.IGNORECASE):
        return Subject(Kind.RUN, found[0].lower(), _FIELDS[Kind.RUN])
    return None


def mentions(entry: Entry, subject: Subject) -> bool:
    """Does the line speak of it without being its own, in a message for example?"""
    needle = subject.needle
    found = entry.raw.find(needle)
    while found >= 0:
        around = entry.raw[max(0, found - 1) : found] + entry.raw[found + len(needle) :][:1]
        if not any(byte == 45 or bytes((byte,)).isalnum() for byte in around):
            return not subject.owns(entry)
        found = entry.raw.find(needle, found + 1)
    return False
