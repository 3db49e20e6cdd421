"""Unit files as systemd reads them: the fragment, then its drop-ins, the last word counting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

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
_ALSO_SETS = {
    ("Service", "TimeoutSec"): (("Service", "TimeoutStartSec"), ("Service", "TimeoutStopSec")),
    ("Unit", "StartLimitInterval"): (("Unit", "StartLimitIntervalSec"),),
    ("Service", "StartLimitInterval"): (("Unit", "StartLimitIntervalSec"),),
    ("Service", "StartLimitBurst"): (("Unit", "StartLimitBurst"),),
    ("Service", "MemoryLimit"): (("Service", "MemoryMax"),),
}
"""Older and shorter names that systemd still takes: whichever is said last counts."""
_STATUS_NAMES = {
    "SUCCESS": 0, "FAILURE": 1, "INVALIDARGUMENT": 2, "NOTIMPLEMENTED": 3, "NOPERMISSION": 4,
    "NOTINSTALLED": 5, "NOTCONFIGURED": 6, "NOTRUNNING": 7, "USAGE": 64, "DATAERR": 65,
    "NOINPUT": 66, "NOUSER": 67, "NOHOST": 68, "UNAVAILABLE": 69, "SOFTWARE": 70, "OSERR": 71,
    "OSFILE": 72, "CANTCREAT": 73, "IOERR": 74, "TEMPFAIL": 75, "PROTOCOL": 76, "NOPERM": 77,
    "CONFIG": 78, "CHDIR": 200, "EXEC": 203, "USER": 217, "NAMESPACE": 226, "STATE_DIRECTORY": 238,
    "LOGS_DIRECTORY": 240, "CREDENTIALS": 243,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """What ExecStart= starts."""

    marks: str
    """systemd's own, before the program: `-` ignores how it ends."""
    words: tuple[str, ...]
    """The program and its arguments, unquoted, with the specifiers expanded."""


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
            for other in _ALSO_SETS.get((section, option), ()):
                values[other] = (value,) if value else ()
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

    def commands(self) -> list[Command]:
        """All of ExecStart=, one after the other, as a oneshot runs them."""
        return [
            self._command(words)
            for line in self.all("Service", "ExecStart")
            for words in quoting.split_commands(line)
        ]

    def command(self) -> list[str]:
        """The words of the first command; empty when there is none."""
        return next((list(command.words) for command in self.commands()), [])

    def _command(self, words: list[str]) -> Command:
        marks = words[0][: len(words[0]) - len(words[0].lstrip(_PREFIXES))]
        program, arguments = words[0].lstrip(_PREFIXES), words[1:]
        if "@" in marks:
            # The name that the program is to see of itself.
            arguments = arguments[1:]
        if ":" not in marks:
            arguments = [word.replace("$$", "$") for word in arguments]
        return Command(marks, tuple(self.expanded(word) for word in (program, *arguments)))

    @property
    def is_users(self) -> bool:
        """Is it one of a user's own manager, rather than of the machine's?"""
        return "/systemd/user/" in self.origin

    @property
    def specifiers(self) -> Mapping[str, str]:
        """Those that can be known without asking the manager; `%h` is its own user's home."""
        stem = self.name.rpartition(".")[0]
        prefix, _, instance = stem.partition("@")
        plain = instance.replace("-", "/")
        home = str(Path.home()) if self.is_users else "/root"
        return {"n": self.name, "N": stem, "p": prefix, "i": instance, "I": plain, "h": home}


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
    names = (_STATUS_NAMES.get(word, word) for word in words)
    return {int(name) for name in names if isinstance(name, int) or name.isdecimal()}


def parse_size(text: str) -> float | None:
    """`500M` in bytes, `infinity` as inf; None when it is neither, such as a share of the whole."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGTPE]?)B?", text.strip())
    if found is None:
        return float("inf") if text.strip() == "infinity" else None
    return float(found[1]) * 1024.0 ** " KMGTPE".index(found[2] or " ")


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
