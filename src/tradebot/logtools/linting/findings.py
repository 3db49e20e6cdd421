"""What can be wrong with a log, in one table, and the report in which it is told.

A finding names its place and what to do, and never repeats a value: what is wrong with a line may
be that it holds a secret.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field

KEPT_PER_KIND = 10


class Severity(enum.StrEnum):
    """How a finding counts."""

    PROBLEM = "problem"
    """A promise of the log is broken."""
    NOTE = "note"
    """Worth knowing, and in order."""


class Kind(enum.Enum):
    """Each thing that can be found, and what to do about it."""

    severity: Severity
    advice: str

    def __init__(self, word: str, severity: Severity, advice: str) -> None:
        self._value_ = word
        self.severity = severity
        self.advice = advice

    # The physical line.
    NOT_UTF8 = (
        "not_utf8", Severity.PROBLEM,
        "the file was damaged, or another program writes to it",
    )  # fmt: skip
    NO_NEWLINE = (
        "no_newline", Severity.PROBLEM,
        "a run writes it right now, or was killed while writing: read again",
    )  # fmt: skip
    TOO_LONG = (
        "too_long", Severity.PROBLEM,
        "the log cuts what is longer: another program wrote this",
    )  # fmt: skip
    BLANK_LINE = (
        "blank_line", Severity.NOTE,
        "nothing is lost: two processes ended the same fragment",
    )  # fmt: skip
    FRAGMENT = (
        "fragment", Severity.PROBLEM,
        "the rest of it is lost: the process was killed or the disk was full at that time; the "
        "journal still knows every order",
    )  # fmt: skip
    REPEATED_FRAGMENT = (
        "repeated_fragment", Severity.NOTE,
        "nothing is lost: the whole line follows",
    )  # fmt: skip
    NOT_A_LINE = (
        "not_a_line", Severity.PROBLEM,
        "another program wrote this, or it was edited",
    )  # fmt: skip
    NOT_AS_WRITTEN = (
        "not_as_written", Severity.PROBLEM,
        "the log quotes only what it must, in one way: this was edited or written by others",
    )  # fmt: skip
    # Head and correlation.
    TIMESTAMP = (
        "timestamp", Severity.PROBLEM,
        "no clock writes this: the line was edited",
    )  # fmt: skip
    TIME_BACKWARDS = (
        "time_backwards", Severity.NOTE,
        "the clock was set back, a process was frozen between making and writing a line, or files "
        "were joined",
    )  # fmt: skip
    COMPONENT = (
        "component", Severity.PROBLEM,
        "the log writes the module's name without the leading `tradebot.`",
    )  # fmt: skip
    UNKNOWN_EVENT = (
        "unknown_event", Severity.PROBLEM,
        "declare it in the vocabulary; a log of another version or bot has another vocabulary",
    )  # fmt: skip
    LEVEL_LOWERED = (
        "level_lowered", Severity.PROBLEM,
        "a call may raise an event's level but not lower it: correct the call",
    )  # fmt: skip
    CORRELATION = (
        "correlation", Severity.PROBLEM,
        "every line begins with the six fields: it cannot be attributed to its run",
    )  # fmt: skip
    # Fields.
    FIELD_ORDER = (
        "field_order", Severity.PROBLEM,
        "the fields stand in the order of docs/logging.md: edited, or of another version",
    )  # fmt: skip
    MISSING_FIELD = (
        "missing_field", Severity.PROBLEM,
        "give the event what it requires, or declare the field as optional",
    )  # fmt: skip
    CUT_AWAY = (
        "cut_away", Severity.NOTE,
        "the line was too long and lost it: log less in one line",
    )  # fmt: skip
    UNKNOWN_FIELD = (
        "unknown_field", Severity.NOTE,
        "declare it if it stays: what nobody declared is masked when in doubt",
    )  # fmt: skip
    SCHEMA_ERROR = (
        "schema_error", Severity.PROBLEM,
        "a bug: the line says itself what it lacks; report it",
    )  # fmt: skip
    WRONG_TYPE = (
        "wrong_type", Severity.PROBLEM,
        "log what the field is declared to hold, or widen its pattern in the vocabulary",
    )  # fmt: skip
    MASKED_VALUE = (
        "masked_value", Severity.NOTE,
        "it was not what its declaration says, and so it was masked",
    )  # fmt: skip
    FAILURE_REASON = (
        "failure_reason", Severity.PROBLEM,
        "use a word of docs/reasons.md, and none on SUCCESS",
    )  # fmt: skip
    # Secrets.
    UNMASKED = (
        "unmasked", Severity.PROBLEM,
        "it may be a secret: keep the file to yourself, renew the key or token, report it",
    )  # fmt: skip
    DOUBTFUL_VALUE = (
        "doubtful_value", Severity.PROBLEM,
        "the log would have masked it: it may hold a secret; keep the file to yourself, report it",
    )  # fmt: skip
    REDACTION_FAILED = (
        "redaction_failed", Severity.PROBLEM,
        "a bug, though nothing leaked; report it",
    )  # fmt: skip
    CUT_VALUE = (
        "cut_value", Severity.NOTE,
        "it was cut after masking, so whether it is masked as it should be cannot be told",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in one line. `line` counts from 1."""

    file: str
    line: int
    kind: Kind
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind.value}: {self.what} ({self.kind.advice})"

    def as_dict(self) -> dict[str, object]:
        return {
            "file": self.file,
            "line": self.line,
            "kind": self.kind.value,
            "severity": self.kind.severity.value,
            "what": self.what,
            "advice": self.kind.advice,
        }


@dataclass(slots=True)
class FileRead:
    """How much of a file was read, uncompressed."""

    name: str
    lines: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Report:
    """What was read and what was found. Of each kind the first `kept` findings are here."""

    kept: int = KEPT_PER_KIND
    files: list[FileRead] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    """Every finding, also those that were not kept."""
    unreadable: list[str] = field(default_factory=list)
    """What could not be read or not to its end, and why."""

    def add(self, file: str, line: int, kind: Kind, what: str) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= self.kept:
            self.findings.append(Finding(file, line, kind, what))

    @property
    def lines(self) -> int:
        return sum(file.lines for file in self.files)

    @property
    def problems(self) -> int:
        """How many problems there are; notes do not count."""
        return self._count(Severity.PROBLEM)

    @property
    def notes(self) -> int:
        return self._count(Severity.NOTE)

    def _count(self, severity: Severity) -> int:
        return sum(number for kind, number in self.counts.items() if kind.severity is severity)
