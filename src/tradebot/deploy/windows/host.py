"""Registering the tasks with this machine's Task Scheduler, and what it says of them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import Command, Plan, TextChange
from tradebot.deploy.scheduler import Status
from tradebot.deploy.windows import system
from tradebot.deploy.windows.durations import seconds_of
from tradebot.deploy.windows.parsed import DEFAULTS, NotATask, parse_task
from tradebot.deploy.windows.results import explain_result
from tradebot.deploy.windows.system import TaskInfo, exported, task_info
from tradebot.deploy.windows.task import (
    file_name,
    keepalive_name,
    render_tasks,
    task_name,
    to_text,
)
from tradebot.errors import UsageError

_Normal = tuple[str, str, tuple["_Normal", ...]]
_NOT_COMPARED = ("RegistrationInfo", "UserId", "IdleSettings", "UseUnifiedSchedulingEngine")
"""What Windows adds or writes in another way: dates, the user's number, what holds anyway."""
_DEFAULTS = {
    **DEFAULTS,
    "StopAtDurationEnd": "false",
    "RunLevel": "LeastPrivilege",
    "DisallowStartOnRemoteAppSession": "false",
}
_ELEVATED = (
    "if Windows answers that access is denied, do it in a PowerShell that was opened with `Run as "
    "administrator`: a task that runs while nobody is logged on takes that on most machines"
)


def plan_install(schedule: Schedule) -> Plan:
    """Raises UsageError anywhere but on Windows."""
    if not system.is_windows():
        _not_here(schedule)
    wanted = render_tasks(schedule)
    changes, commands = [], []
    for name, text in wanted.items():
        there = exported(name)
        if there is not None and _is_same(there, text) and _is_same_user(name, schedule.user):
            continue
        path = _file(schedule, name)
        before = None if there is None else _readable(there)
        changes.append(TextChange(f"task {name}", before, text, path, 0o600))
        create = ("schtasks", "/create", "/tn", name, "/xml", str(path), "/f")
        commands.append(Command(create))
    for name in _names(schedule):
        if name not in wanted:
            _remove(schedule, name, changes, commands)
    return Plan(tuple(changes), tuple(commands), (_ELEVATED,) if commands else ())


def plan_uninstall(schedule: Schedule) -> Plan:
    """Raises UsageError anywhere but on Windows."""
    if not system.is_windows():
        _not_here(schedule)
    changes: list[TextChange] = []
    commands: list[Command] = []
    for name in _names(schedule):
        _remove(schedule, name, changes, commands)
    return Plan(tuple(changes), tuple(commands), (_ELEVATED,) if commands else ())


def installed(schedule: Schedule) -> dict[str, str | None]:
    """The XML of each task of the schedule, None for one that is not there. Raises UsageError
    anywhere but on Windows."""
    if not system.is_windows():
        _not_here(schedule)
    return {name: exported(name) for name in _names(schedule)}


def status(schedule: Schedule) -> Status:
    """Raises UsageError anywhere but on Windows."""
    there = installed(schedule)
    name = task_name(schedule.instance)
    if there[name] is None:
        return Status(False, False, False, (("task", f"{name} is not registered"),))
    wanted = render_tasks(schedule)
    current = all(
        (found is None) == (name not in wanted) and (found is None or _is_same(found, wanted[name]))
        for name, found in there.items()
    )
    info = task_info(name)
    facts = [("task", name)]
    if info is None:
        # Without PowerShell: what the XML says of it.
        return Status(True, current, _is_enabled(there[name]), tuple(facts))
    facts += _facts(info)
    if there[keepalive_name(schedule.instance)] is not None:
        facts.append(("login", f"kept alive by {keepalive_name(schedule.instance)}"))
    return Status(True, current, info.state != "disabled", tuple(facts))


def _facts(info: TaskInfo) -> Iterator[tuple[str, str]]:
    yield "state", info.state
    yield "runs as", info.user
    for label, moment in (("next run", info.next_run), ("last run", info.last_run)):
        yield label, "none" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    yield "last result", explain_result(info.last_result)
    if info.missed:
        yield "missed starts", str(info.missed)


def _not_here(schedule: Schedule) -> NoReturn:
    name = task_name(schedule.instance)
    raise UsageError(
        "this machine has no Windows Task Scheduler. On the Windows machine, in the bot's folder "
        "and an elevated PowerShell:\n"
        "    .venv\\Scripts\\tradebot schedule install windows\n"
        "or carry the XML over: here `tradebot schedule render windows`, put the paths of the "
        "Windows machine into it, and there\n"
        f'    schtasks /create /tn "{name}" /xml "{file_name(name)}" '
        '/ru "$env:USERDOMAIN\\$env:USERNAME" /np /f\n'
        f'    schtasks /query /tn "{name}" /xml\n'
        "To remove it there:\n"
        f'    schtasks /delete /tn "{name}" /f'
    )


def _names(schedule: Schedule) -> tuple[str, str]:
    """Every name that the schedule may have."""
    return task_name(schedule.instance), keepalive_name(schedule.instance)


def _file(schedule: Schedule, task: str) -> Path:
    """What was registered stays readable, beside the journal."""
    return Path(str(schedule.program.state_dir)) / "schedule" / file_name(task)


def _remove(
    schedule: Schedule, name: str, changes: list[TextChange], commands: list[Command]
) -> None:
    there = exported(name)
    if there is None:
        return
    path = _file(schedule, name)
    changes.append(TextChange(f"task {name}", _readable(there), None, path, 0o600))
    commands.append(Command(("schtasks", "/delete", "/tn", name, "/f")))


def _readable(text: str) -> str:
    """Indented as the rendered one is; as it stands when it cannot be read."""
    try:
        root = parse_task(text).root
    except NotATask:
        return text
    return to_text(root)


def _is_enabled(text: str | None) -> bool:
    try:
        return parse_task(text or "").setting("Enabled") == "true"
    except NotATask:
        return False


def _is_same(there: str, wanted: str) -> bool:
    """Would registering `wanted` change anything?"""
    try:
        return _normal(parse_task(there).root) == _normal(parse_task(wanted).root)
    except NotATask:
        return False


def _normal(element: ET.Element) -> _Normal:
    """Without what Windows adds or leaves out, in an order of our own."""
    text = (element.text or "").strip()
    if element.tag == "LogonType" and text == "Password":
        # Somebody gave Windows the password, behind a proxy for example: that is to stay.
        text = "S4U"
    length = seconds_of(text)
    children = sorted(
        _normal(child)
        for child in element
        if child.tag not in _NOT_COMPARED and _DEFAULTS.get(child.tag) != (child.text or "").strip()
    )
    return element.tag, text if length is None else f"{length:g} s", tuple(children)


def _is_same_user(task: str, wanted: str | None) -> bool:
    """The XML has the user's number, so Windows is asked for the name."""
    if wanted is None:
        return True
    info = task_info(task)
    return info is None or _bare(info.user) == _bare(wanted)


def _bare(user: str) -> str:
    return user.rpartition("\\")[2].casefold()
