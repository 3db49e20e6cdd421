"""A task's XML, read: what Windows exports, what was rendered, or what somebody wrote by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from tradebot.deploy.windows.durations import seconds_of
from tradebot.deploy.windows.launches import DAYS
from tradebot.deploy.windows.task import NAMESPACE

DEFAULTS = {
    "AllowStartOnDemand": "true",
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "true",
    "StopIfGoingOnBatteries": "true",
    "AllowHardTerminate": "true",
    "StartWhenAvailable": "false",
    "RunOnlyIfNetworkAvailable": "false",
    "WakeToRun": "false",
    "Enabled": "true",
    "Hidden": "false",
    "RunOnlyIfIdle": "false",
    "Volatile": "false",
    "DisallowStartOnRemoteAppSession": "false",
    "ExecutionTimeLimit": "P3D",
    "Priority": "7",
}
"""What the schema says of a setting that is left out."""

_YEARS = (1970, 9000)


class NotATask(Exception):
    """The text cannot be read as a task; the message says why."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger; texts as they stand there, None where there is none."""

    kind: str
    element: ET.Element

    def text(self, path: str) -> str | None:
        return text_of(self.element, path)

    @property
    def enabled(self) -> bool:
        return is_true(self.text("Enabled") or "true")

    @property
    def start(self) -> datetime | None:
        """Aware when it names a zone."""
        return moment_of(self.text("StartBoundary"))

    @property
    def interval(self) -> float | None:
        return seconds_of(self.text("Repetition/Interval") or "")

    @property
    def duration(self) -> float | None:
        return seconds_of(self.text("Repetition/Duration") or "")

    @property
    def days(self) -> frozenset[int]:
        found = self.element.find("ScheduleByWeek/DaysOfWeek")
        names = () if found is None else tuple(day.tag for day in found)
        return frozenset(number for number, name in enumerate(DAYS) if name in names)


@dataclass(frozen=True, slots=True)
class Action:
    """A program to start."""

    command: str
    arguments: str
    folder: str


@dataclass(frozen=True, slots=True)
class Task:
    root: ET.Element
    """Its tags are without the namespace."""

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        return tuple(Trigger(found.tag, found) for found in self._children("Triggers"))

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(
            Action(
                (text_of(found, "Command") or "").strip('"'),
                text_of(found, "Arguments") or "",
                text_of(found, "WorkingDirectory") or "",
            )
            for found in self._children("Actions")
            if found.tag == "Exec"
        )

    @property
    def other_actions(self) -> tuple[str, ...]:
        """What it does that starts no program: `SendEmail`."""
        return tuple(found.tag for found in self._children("Actions") if found.tag != "Exec")

    def setting(self, name: str) -> str:
        """As it stands there, else what the schema says of one that is left out."""
        return text_of(self.root, f"Settings/{name}") or DEFAULTS[name]

    def principal(self, name: str) -> str:
        """Empty when it is not there."""
        return text_of(self.root, f"Principals/Principal/{name}") or ""

    def _children(self, name: str) -> Iterator[ET.Element]:
        found = self.root.find(name)
        return iter(()) if found is None else iter(found)


def parse_task(text: str) -> Task:
    """Raises NotATask."""
    text = text.lstrip("\ufeff \r\n\t")
    if "<!DOCTYPE" in text:
        raise NotATask("it has a document type, which a task has not")
    if text.startswith("<?xml"):
        # The text is decoded already; what it was encoded in no longer matters.
        text = text.partition("?>")[2]
    try:
        root = ET.fromstring(text)  # noqa: S314 - nothing is expanded: document types are refused
    except ET.ParseError as error:
        raise NotATask(f"it is not well-formed XML: {error}") from error
    if root.tag != f"{{{NAMESPACE}}}Task":
        raise NotATask(f'its root is not <Task xmlns="{NAMESPACE}">')
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    return Task(root)


def text_of(element: ET.Element, path: str) -> str | None:
    found = element.find(path)
    return None if found is None else (found.text or "").strip()


def is_true(text: str) -> bool:
    return text.strip() in ("true", "1")


def moment_of(text: str | None) -> datetime | None:
    """UTC when it names a zone; None when it is no date and time of our age."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if not _YEARS[0] <= found.year <= _YEARS[1]:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else found
