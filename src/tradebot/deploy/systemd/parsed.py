"""Unit files as systemd reads them: the fragment, then its drop-ins, the last word counting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tradebot.deploy.systemd import quoting

_UNITS = {
    "us": 1e-6, "usec": 1e-6, "µs": 1e-6,
    "ms": 1e-3, "msec": 1e-3,
    "": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0,
    "w": 604800.0, "week": 604800.0, "weeks": 604800.0,
}  # fmt: skip
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zµ]*)")
_TRUE = frozenset({"1", "yes", "y", "true", "t", "on"})
_BLANK = " \t\r"
_PREFIXES = "@-:+!|"


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit says, drop-ins included."""

    name: str
    """`ai-tradebot@paper.timer`."""
    origin: str
    """The path of its file, or `rendered`."""
    values: Mapping[tuple[str, str], tuple[str, ...]]
    """(section, option) to what was assigned since the last empty assignment."""

    @classmethod
    def of(cls, name: str, text: str, origin: str) -> Unit:
        values: dict[tuple[str, str], tuple[str, ...]] = {}
        for section, option, value in _assignments(text):
            before = values.get((section, option), ())
            values[section, option] = (*before, value) if value else ()
        return cls(name, origin, values)

    def all(self, section: str, option: str) -> tuple[str, ...]:
        """Every value of an option that adds up, such as OnCalendar=."""
        return self.values.get((section, option), ())

    def last(self, section: str, option: str) -> str | None:
        """The value of an option that can only have one; None when it is not set."""
        found = self.all(section, option)
        return found[-1] if found else None

    def is_true(self, section: str, option: str) -> bool:
        return (self.last(section, option) or "").lower() in _TRUE

    def span(self, section: str, option: str) -> float | None:
        """In seconds; None when it is not set or not a time span."""
        text = self.last(section, option)
        return None if text is None else parse_span(text)

    def words(self, section: str, option: str) -> list[str]:
        """The words of all values, unquoted and with the specifiers expanded."""
        return [
            self.expanded(word)
            for value in self.all(section, option)
            for word in quoting.split(value)
        ]

    def expanded(self, value: str) -> str:
        return quoting.expand(value, self.specifiers)

    def text(self, section: str, option: str) -> str | None:
        """The last value, taken as a whole, with the specifiers expanded."""
        value = self.last(section, option)
        return None if value is None else self.expanded(value)

    def command(self) -> list[str]:
        """The first command of ExecStart=, without systemd's own marks before the program."""
        lines = self.all("Service", "ExecStart")
        words = quoting.split(lines[0]) if lines else []
        if not words:
            return []
        marks = words[0][: len(words[0]) - len(words[0].lstrip(_PREFIXES))]
        words[0] = words[0].lstrip(_PREFIXES)
        if ":" not in marks:
            words[1:] = [word.replace("$$", "$") for word in words[1:]]
        return [self.expanded(word) for word in words]

    @property
    def specifiers(self) -> Mapping[str, str]:
        """Those that do not depend on the manager."""
        stem = self.name.rpartition(".")[0]
        prefix, _, instance = stem.partition("@")
        plain = instance.replace("-", "/")
        return {"n": self.name, "N": stem, "p": prefix, "i": instance, "I": plain}


def parse_span(text: str) -> float | None:
    """`5min 20s` in seconds, `infinity` as inf; None when it is neither."""
    if text.strip() == "infinity":
        return float("inf")
    total, end = 0.0, 0
    while end < len(text.rstrip()):
        found = _SPAN.match(text, end)
        if found is None or found[2] not in _UNITS:
            return None
        total += float(found[1]) * _UNITS[found[2]]
        end = found.end()
    return total if end else None


def parse_codes(words: Iterable[str]) -> set[int]:
    """The numbers of an exit status list; names of signals are left out."""
    return {int(word) for word in words if word.isdecimal()}


def _assignments(text: str) -> Iterator[tuple[str, str, str]]:
    section = ""
    for line in _joined(text):
        if line.startswith("["):
            section = line.strip("[]")
            continue
        option, equals, value = line.partition("=")
        if equals:
            yield section, option.strip(_BLANK), value.strip(_BLANK)


def _joined(text: str) -> Iterator[str]:
    """Lines without comments; one that ends in a backslash goes on in the next."""
    open_line = ""
    for raw in text.split("\n"):
        line = raw.strip(_BLANK)
        if line.startswith(("#", ";")) or (not line and not open_line):
            continue
        if line.endswith("\\"):
            open_line += line[:-1] + " "
            continue
        yield open_line + line
        open_line = ""
    if open_line:
        yield open_line
