"""What each scheduler can do with a schedule; one object per scheduler, loaded when asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import Plan
from tradebot.deploy.rules import Finding, Rule

NAMES = ("systemd", "cron", "windows")


@dataclass(frozen=True, slots=True)
class Status:
    """What a scheduler says of one schedule."""

    installed: bool
    current: bool
    """Is what is installed what would be rendered now?"""
    active: bool
    """Will it start runs?"""
    facts: tuple[tuple[str, str], ...] = ()
    """Name and value, in the order to show: `next run`, `last run`, `last result` …; times are
    UTC, RFC 3339."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the scheduler's own record says happened, or what keeps it from being read."""

    begin: datetime
    end: datetime
    """The same as `begin` for a point in time."""
    text: str


class Scheduler(Protocol):
    """Raises StorageError where the system refuses, UsageError where it cannot be done at all
    (a cadence of 30 seconds by cron)."""

    @property
    def name(self) -> str:
        """One of NAMES."""
        ...

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule that `check` can find broken, for the documentation."""
        ...

    def render(self, schedule: Schedule) -> Mapping[str, str]:
        """File name to text, in the order to print them."""
        ...

    def plan_install(self, schedule: Schedule) -> Plan:
        """What would change so that the schedule is installed and active. Empty when it is."""
        ...

    def plan_uninstall(self, schedule: Schedule) -> Plan:
        """What would change so that nothing of it is left. Empty when nothing is there."""
        ...

    def status(self, schedule: Schedule) -> Status: ...

    def check(self, schedule: Schedule, *, rendered: bool = False) -> list[Finding]:
        """What is wrong with what is installed, also where it was written by hand; with
        `rendered`, with what would be installed."""
        ...

    def wakeups(
        self, schedule: Schedule, since: datetime, *, rendered: bool = False
    ) -> Iterator[datetime]:
        """When it would start runs from `since` (aware) on, ascending, UTC, jitter apart: of
        what is installed, else (or with `rendered`) of what would be. May be endless."""
        ...

    def record(self, schedule: Schedule, since: datetime, until: datetime) -> list[Remark]:
        """What the system's own record says about this time: stopped timers, a machine that was
        off, runs that were killed. Empty where there is no record."""
        ...


def scheduler(name: str) -> Scheduler:
    """By one of NAMES: the object `SCHEDULER` of `tradebot.deploy.NAME.scheduler`."""
    module = importlib.import_module(f"tradebot.deploy.{name}.scheduler")
    found: Scheduler = module.SCHEDULER
    return found


def usual_name(platform: str = sys.platform) -> str:
    """The scheduler of this machine: systemd where it runs, else cron; on Windows its own."""
    if platform == "win32":
        return "windows"
    from pathlib import Path

    return "systemd" if Path("/run/systemd/system").is_dir() else "cron"
