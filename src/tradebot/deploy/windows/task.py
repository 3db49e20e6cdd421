"""The task as XML, which `schtasks /create /xml` registers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath

from tradebot.deploy.model import KEEPALIVE_CADENCE, Schedule
from tradebot.deploy.windows.durations import duration_text
from tradebot.deploy.windows.launches import DAYS, Launch, launches
from tradebot.errors import UsageError

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
FOLDER = "\\AI-Tradebot"
KEEPALIVE_LIMIT = 300
"""Seconds that one refresh of the login may take."""
_FIRST_MONDAY = "2024-01-01"
"""A Monday long past: only the time of day counts, and the same text is made every time."""
_PRIORITY = "5"
"""Normal. The default, 7, is below normal for processor, disk and memory alike."""
_EXPANDED = re.compile(r"%[^%\s]+%|\$\(")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def keepalive_name(instance: str) -> str:
    # An instance's name has no dot, so this is no other instance's.
    return f"{FOLDER}\\{instance}.keepalive"


def task_name(instance: str) -> str:
    return f"{FOLDER}\\{instance}"


def file_name(task: str) -> str:
    r"""`ai-tradebot@paper.xml` for the task `\AI-Tradebot\paper`."""
    return f"ai-tradebot@{task.removeprefix(FOLDER)[1:]}.xml"


def render(schedule: Schedule) -> Mapping[str, str]:
    """File name to text. Raises UsageError for what a task cannot express."""
    return {file_name(name): text for name, text in render_tasks(schedule).items()}


def render_tasks(schedule: Schedule) -> Mapping[str, str]:
    """The same by the tasks' names.

    Plain ASCII, and the declaration names no encoding: so it is the same XML whether it is saved
    as UTF-16, as PowerShell's `>` does, as UTF-8 or in the machine's own code page. schtasks takes
    no UTF-8 that says so.
    """
    if schedule.variables:
        words = " ".join(f"{name}={value}" for name, value in schedule.variables.items())
        raise UsageError(
            f"{words} is set for this command only, and a Windows task has no variables of its "
            f"own: copy .env, write {words} into the copy, and give it with --env-file instead"
        )
    return {name: to_text(tree) for name, tree in _tasks(schedule).items()}


def to_text(tree: ET.Element) -> str:
    """The XML as it is written to files."""
    ET.indent(tree)
    body = ET.tostring(tree, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return f'<?xml version="1.0"?>\n{body}\n'


def _tasks(schedule: Schedule) -> Mapping[str, ET.Element]:
    home = schedule.program.home
    user = schedule.user or current_user()
    tasks = {
        task_name(schedule.instance): _task(
            f"AI-Tradebot, instance {schedule.instance}: one run for every slot",
            launches(schedule, datetime.now(UTC)),
            schedule.command(jitter=schedule.jitter),
            home,
            user,
            schedule.kill_after,
        )
    }
    if schedule.needs_keepalive:
        tasks[keepalive_name(schedule.instance)] = _task(
            f"AI-Tradebot, instance {schedule.instance}: keeps the broker's login alive",
            (Launch(0, KEEPALIVE_CADENCE),),
            schedule.keepalive_command(),
            home,
            user,
            KEEPALIVE_LIMIT,
        )
    return tasks


def current_user(
    environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> str | None:
    """Who runs this, as `DOMAIN\\name`; None where that is no user of Windows."""
    name, domain = environ.get("USERNAME"), environ.get("USERDOMAIN")
    if platform != "win32" or not name:
        return None
    return f"{domain}\\{name}" if domain else name


def _task(
    description: str,
    triggers: Sequence[Launch],
    command: Sequence[str],
    home: PurePath,
    user: str | None,
    limit: float,
) -> ET.Element:
    task = ET.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    _add(task, "RegistrationInfo", {"Description": description})
    into = ET.SubElement(task, "Triggers")
    for launch in triggers:
        _add_trigger(into, launch)
    principal = ET.SubElement(ET.SubElement(task, "Principals"), "Principal", {"id": "Author"})
    if user is not None:
        ET.SubElement(principal, "UserId").text = _plain(user)
    # Runs whether or not somebody is logged on, without a window, and stores no password.
    ET.SubElement(principal, "LogonType").text = "S4U"
    ET.SubElement(principal, "RunLevel").text = "LeastPrivilege"
    _add(task, "Settings", _settings(limit))
    actions = ET.SubElement(task, "Actions", {"Context": "Author"})
    _add(
        actions,
        "Exec",
        {
            "Command": _argument(command[0]),
            "Arguments": _argument(subprocess.list2cmdline(command[1:])),
            "WorkingDirectory": _argument(str(home)),
        },
    )
    return task


def _settings(limit: float) -> Mapping[str, str]:
    return {
        "MultipleInstancesPolicy": "IgnoreNew",
        "DisallowStartIfOnBatteries": "false",
        "StopIfGoingOnBatteries": "false",
        "AllowHardTerminate": "true",
        # A slot that is over is not traded late: the next one is a few minutes away.
        "StartWhenAvailable": "false",
        # Without a network the bot says so, in its log and with exit code 69.
        "RunOnlyIfNetworkAvailable": "false",
        "AllowStartOnDemand": "true",
        "Enabled": "true",
        "Hidden": "false",
        "RunOnlyIfIdle": "false",
        # Woken every few minutes it would not sleep, and not be reliable either.
        "WakeToRun": "false",
        "ExecutionTimeLimit": duration_text(limit),
        "Priority": _PRIORITY,
    }


def _add_trigger(into: ET.Element, launch: Launch) -> None:
    """The order of a trigger's elements is part of the schema."""
    minutes, seconds = divmod(launch.first, 60)
    hours, minutes = divmod(minutes, 60)
    kind = "TimeTrigger" if launch.days is None else "CalendarTrigger"
    trigger = ET.SubElement(into, kind)
    ET.SubElement(trigger, "Enabled").text = "true"
    start = f"{_FIRST_MONDAY}T{hours:02}:{minutes:02}:{seconds:02}Z"
    ET.SubElement(trigger, "StartBoundary").text = start
    if launch.interval is not None:
        repetition = {"Interval": duration_text(launch.interval)}
        if launch.duration is not None:
            repetition["Duration"] = duration_text(launch.duration)
        repetition["StopAtDurationEnd"] = "false"
        _add(trigger, "Repetition", repetition)
    if launch.days is not None:
        week = ET.SubElement(trigger, "ScheduleByWeek")
        days = ET.SubElement(week, "DaysOfWeek")
        for day in sorted(launch.days):
            ET.SubElement(days, DAYS[day])
        ET.SubElement(week, "WeeksInterval").text = "1"


def _add(into: ET.Element, name: str, children: Mapping[str, str]) -> None:
    parent = ET.SubElement(into, name)
    for child, text in children.items():
        ET.SubElement(parent, child).text = _plain(text)


def _argument(text: str) -> str:
    """Raises UsageError for what the Task Scheduler would replace before it starts the program."""
    if _EXPANDED.search(text):
        raise UsageError(
            f"{text!r} cannot stand in a Windows task, which replaces %NAME% and $(…) in it and "
            "knows no way to write them as they are: use a path without them"
        )
    return text


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise UsageError(f"{text!r} holds a control character, which a Windows task cannot")
    return text
