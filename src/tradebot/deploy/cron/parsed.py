"""A crontab as cron reads it: its commands, and the settings that hold for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tradebot.deploy.cron import block

# Spaces may stand around the `=`; a line of five fields never looks like this.
_SETTING = re.compile(r"\s*(\"[^\"]*\"|'[^']*'|[^\s=]+)\s*=\s*(.*?)\s*")
_JOB = re.compile(r"\s*-?(@\w+|(?:[^\s@]\S*\s+){4}\S+)\s+(.*)")
_USER = re.compile(r"(\S+)\s+(.*)")


@dataclass(frozen=True, slots=True)
class Job:
    """One line that starts something."""

    label: str
    """The crontab that it stands in."""
    number: int
    """From 1."""
    fields: str
    """The five fields with one space between them, or a word such as `@daily`."""
    user: str | None
    """Who runs it; None: who looks."""
    command: str
    """As it stands there, `%` and all."""
    variables: Mapping[str, str]
    """The settings of the crontab above it."""
    instance: str | None
    """Of the markers that it stands between."""

    @property
    def place(self) -> str:
        return f"{self.label} line {self.number}"

    @property
    def hours(self) -> str:
        """The second field; empty for a word."""
        return "" if self.fields.startswith("@") else self.fields.split()[1]


@dataclass(frozen=True, slots=True)
class Table:
    """One crontab: a user's, or a file of the system's with a user in each line."""

    label: str
    text: str
    system: bool = False
    owner: str | None = None
    """Of a user's; None: who looks."""

    def jobs(self) -> Iterator[Job]:
        variables: dict[str, str] = {}
        instance: str | None = None
        for number, line in enumerate(self.text.split("\n"), start=1):
            found = block.marker(line)
            if found is not None:
                instance = found[1] if found[0] == "BEGIN" else None
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            setting = _SETTING.fullmatch(line)
            if setting is not None:
                variables[_bare(setting[1])] = _bare(setting[2])
                continue
            job = self._job(number, line, MappingProxyType(dict(variables)), instance)
            if job is not None:
                yield job

    def _job(
        self, number: int, line: str, variables: Mapping[str, str], instance: str | None
    ) -> Job | None:
        found = _JOB.fullmatch(line)
        if found is None:
            return None
        fields, command = " ".join(found[1].split()), found[2]
        user = self.owner
        if self.system:
            named = _USER.fullmatch(command)
            if named is None:
                return None
            user, command = named[1], named[2]
        return Job(self.label, number, fields, user, command, variables, instance)


def _bare(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text
