"""What `verify` can find, and how it says it: what is there, what happens then, how to mend it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """ERROR: runs will be lost, doubled or killed. WARNING: it works, until something happens.
    NOTE: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong. `name` is stable: `timer-not-utc`."""

    name: str
    severity: Severity
    consequence: str
    """What the user would live to see."""
    remedy: str
    """What to do; may be made more precise where the rule is applied."""

    def found(self, what: str, *, remedy: str | None = None) -> Finding:
        """`what` names the place and what stands there."""
        return Finding(self, what, remedy or self.remedy)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that something breaks."""

    rule: Rule
    what: str
    remedy: str

    def lines(self) -> Iterable[str]:
        """For people, indented below the first line."""
        yield f"{self.rule.severity}: {self.what} [{self.rule.name}]"
        yield f"    what happens: {self.rule.consequence}"
        yield f"    what to do:   {self.remedy}"


def is_approved(findings: Iterable[Finding]) -> bool:
    """A schedule is approved when nothing in it is an error or a warning."""
    return all(finding.rule.severity is Severity.NOTE for finding in findings)
