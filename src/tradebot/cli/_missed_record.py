"""What the scheduler and the machine themselves say of times in which nobody started the bot."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.scheduler import Scheduler, scheduler, usual_name
from tradebot.errors import TradebotError
from tradebot.scheduling.lock_holders import boot_time
from tradebot.settings import Settings

Span = tuple[datetime, datetime]
_MOST = 40
_ELSEWHERE = {
    "systemd": "journalctl -u '{name}.*' --since … (as root; with --user for a user's own units)",
    "cron": "journalctl -t CRON --since …, or grep CRON /var/log/syslog",
    "windows": "Event Viewer, Applications and Services Logs, Microsoft, Windows, TaskScheduler, "
    "Operational",
}


def scheduler_record(settings: Settings, env_file: Path | None, spans: Sequence[Span]) -> list[str]:
    """Lines for people about `spans`, which ascend; what cannot be read is said, and where else to
    look. Raises nothing that a scheduler can cause."""
    program = Program.of(settings, env_file_given=env_file is not None)
    lines: list[str] = []
    for name, schedule in _installed(settings, program):
        lines += _of_scheduler(scheduler(name), schedule, spans)
    return [*lines, *_of_machine(spans)]


def _installed(settings: Settings, program: Program) -> list[tuple[str, Schedule]]:
    """Each place where the schedule is; the usual one if it is nowhere."""
    names = ("windows",) if sys.platform == "win32" else ("systemd", "cron")
    choices = [
        (name, Schedule.of(settings, program, system=system))
        for name in names
        for system in (False, True)
    ]
    found = [choice for choice in choices if _is_there(*choice)]
    return found or [(usual_name(), Schedule.of(settings, program))]


def _is_there(name: str, schedule: Schedule) -> bool:
    try:
        return scheduler(name).status(schedule).installed
    except TradebotError:
        return False  # nobody to ask: then it started no run either


def _of_scheduler(asked: Scheduler, schedule: Schedule, spans: Sequence[Span]) -> Iterator[str]:
    elsewhere = _ELSEWHERE[asked.name].format(name=schedule.name)
    try:
        remarks = asked.record(schedule, spans[0][0], spans[-1][1])
    except TradebotError as error:
        yield f"{asked.name}: its record cannot be read: {error}; look yourself: {elsewhere}"
        return
    told = [r for r in remarks if any(r.begin <= end and r.end >= begin for begin, end in spans)]
    for remark in told[:_MOST]:
        when = f"{remark.begin:%FT%TZ}"
        if remark.end > remark.begin:
            when += f" – {remark.end:%FT%TZ}"
        yield f"{asked.name}: {when}: {remark.text}"
    if len(told) > _MOST:
        yield f"{asked.name}: … and {len(told) - _MOST} more: {elsewhere}"
    if not told:
        yield f"{asked.name}: its record says nothing of these times; look yourself: {elsewhere}"


def _of_machine(spans: Sequence[Span]) -> Iterator[str]:
    """Only Linux tells without help."""
    if sys.platform != "linux":
        return
    started = boot_time()
    if started is None:
        return
    booted = datetime.fromtimestamp(started, UTC)
    if any(begin <= booted <= end for begin, end in spans):
        yield f"the machine was started at {booted:%FT%TZ}: before, it was off or restarting"
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    if asleep > 1 and booted < spans[-1][1]:
        yield f"since {booted:%FT%TZ} the machine was asleep for {asleep:.0f} s altogether"
