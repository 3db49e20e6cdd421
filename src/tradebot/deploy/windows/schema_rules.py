"""What the published schema of the Task Scheduler allows: schtasks refuses the rest.

Windows itself exports a trigger's elements in another order than the schema has them in, and reads
both.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence

from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.windows.durations import seconds_of
from tradebot.deploy.windows.launches import DAYS, MAX_TRIGGERS, MINUTE
from tradebot.deploy.windows.parsed import Task, moment_of

_REFUSED = "schtasks refuses the XML (`The task XML is malformed`), and there is no task."

UNKNOWN = Rule(
    "task-unknown-element",
    Severity.ERROR,
    _REFUSED,
    "remove it, or write it as `tradebot schedule render windows` does: case counts",
)
ORDER = Rule(
    "task-element-order",
    Severity.ERROR,
    _REFUSED,
    "in a trigger the order counts: Enabled, StartBoundary, EndBoundary, Repetition, "
    "ExecutionTimeLimit, RandomDelay, ScheduleBy…",
)
MISSING = Rule(
    "task-missing-element", Severity.ERROR, _REFUSED, "add it, as `schedule render` has it"
)
VALUE = Rule(
    "task-bad-value",
    Severity.ERROR,
    "schtasks refuses the XML (`incorrectly formatted or out of range`), and there is no task.",
    "write one that the schema allows",
)
SHORT_DURATION = Rule(
    "task-duration-below-interval",
    Severity.ERROR,
    "Windows refuses the trigger: a repetition cannot be shorter than its interval.",
    "make Duration longer than Interval, or leave Duration out: then it repeats for ever",
)
TOO_MANY = Rule(
    "task-too-many-triggers",
    Severity.ERROR,
    f"Windows takes {MAX_TRIGGERS} triggers in a task and refuses more.",
    "use fewer triggers that repeat, as `schedule render` does",
)
RULES = (UNKNOWN, ORDER, MISSING, VALUE, SHORT_DURATION, TOO_MANY)

POLICIES = ("Parallel", "Queue", "IgnoreNew", "StopExisting")
LOGON_TYPES = ("S4U", "Password", "InteractiveToken", "InteractiveTokenOrPassword")
_LONGEST_PATH = 260
_MAX_INTERVAL = 31 * 86400
_SCHEDULES = ("ScheduleByDay", "ScheduleByWeek", "ScheduleByMonth", "ScheduleByMonthDayOfWeek")
_IN_SCHEMA = (
    *("Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit"),
    *("RandomDelay", *_SCHEDULES),
)
_AS_EXPORTED = (
    *("Repetition", "StartBoundary", "EndBoundary", "ExecutionTimeLimit", "Enabled"),
    *("RandomDelay", *_SCHEDULES),
)
_TRIGGERS = (
    *("TimeTrigger", "CalendarTrigger", "BootTrigger", "RegistrationTrigger", "IdleTrigger"),
    *("EventTrigger", "LogonTrigger", "SessionStateChangeTrigger", "WnfStateChangeTrigger"),
)
_BOOLEANS = (
    *("AllowStartOnDemand", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries"),
    *("AllowHardTerminate", "StartWhenAvailable", "RunOnlyIfNetworkAvailable", "WakeToRun"),
    *("Enabled", "Hidden", "RunOnlyIfIdle", "UseUnifiedSchedulingEngine", "Volatile"),
    *("DisallowStartOnRemoteAppSession", "StopAtDurationEnd"),
)
_OPAQUE = (
    *("NetworkProfileName", "DeleteExpiredTaskAfter", "IdleSettings", "NetworkSettings"),
    "MaintenanceSettings",
)
"""Settings that may be there and are not looked into."""
_CHILDREN: Mapping[str, Sequence[str]] = {
    "Task": ("RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"),
    "Triggers": _TRIGGERS,
    "Repetition": ("Interval", "Duration", "StopAtDurationEnd"),
    "ScheduleByDay": ("DaysInterval",),
    "ScheduleByWeek": ("WeeksInterval", "DaysOfWeek"),
    "DaysOfWeek": DAYS,
    "Principals": ("Principal",),
    "Principal": (
        *("UserId", "LogonType", "GroupId", "DisplayName", "RunLevel"),
        *("ProcessTokenSidType", "RequiredPrivileges"),
    ),
    "Settings": (
        *_BOOLEANS[:-1],
        *_OPAQUE,
        *("RestartOnFailure", "MultipleInstancesPolicy", "ExecutionTimeLimit", "Priority"),
    ),
    "RestartOnFailure": ("Interval", "Count"),
    "Actions": ("Exec", "ComHandler", "SendEmail", "ShowMessage"),
    "Exec": ("Command", "Arguments", "WorkingDirectory"),
    "TimeTrigger": _IN_SCHEMA[:6],
    "CalendarTrigger": _IN_SCHEMA,
}
_NEEDED: Mapping[str, Sequence[str]] = {
    "Task": ("Actions",),
    "TimeTrigger": ("StartBoundary",),
    "CalendarTrigger": ("StartBoundary",),
    "Repetition": ("Interval",),
    "Exec": ("Command",),
    "RestartOnFailure": ("Interval", "Count"),
}


def _is_boolean(text: str) -> bool:
    return text in ("true", "false", "1", "0")


def _is_duration(text: str) -> bool:
    return seconds_of(text) is not None


def _is_interval(text: str) -> bool:
    return MINUTE <= (seconds_of(text) or 0) <= _MAX_INTERVAL


def _is_priority(text: str) -> bool:
    return text.isdecimal() and len(text) <= 2 and int(text) <= 10


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= 365


_VALUES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    **dict.fromkeys(_BOOLEANS, (_is_boolean, "true or false")),
    "StartBoundary": (lambda text: moment_of(text) is not None, "a time like 2024-01-01T00:00:00Z"),
    "EndBoundary": (lambda text: moment_of(text) is not None, "a time like 2024-01-01T00:00:00Z"),
    "Interval": (_is_interval, "a duration from PT1M to P31D"),
    "Duration": (lambda text: (seconds_of(text) or 0) >= MINUTE, "a duration of PT1M or more"),
    "ExecutionTimeLimit": (_is_duration, "a duration like PT5M"),
    "RandomDelay": (_is_duration, "a duration like PT30S"),
    "MultipleInstancesPolicy": (POLICIES.__contains__, ", ".join(POLICIES)),
    "LogonType": (LOGON_TYPES.__contains__, ", ".join(LOGON_TYPES)),
    "RunLevel": (("LeastPrivilege", "HighestAvailable").__contains__, "LeastPrivilege"),
    "Priority": (_is_priority, "0 to 10"),
    "DaysInterval": (_is_count, "1 to 365"),
    "WeeksInterval": (lambda text: _is_count(text) and int(text) <= 52, "1 to 52"),
    "Command": (lambda text: 1 <= len(text) <= _LONGEST_PATH, "a path of 1 to 260 characters"),
    "WorkingDirectory": (
        lambda text: len(text) <= _LONGEST_PATH,
        "a path of 260 characters at most",
    ),
}


def check_schema(task: Task) -> Iterator[Finding]:
    """Whatever schtasks would refuse."""
    yield from _check(task.root, "Task")
    if len(task.triggers) > MAX_TRIGGERS:
        yield TOO_MANY.found(f"{len(task.triggers)} triggers")
    for trigger in task.triggers:
        interval, duration = trigger.interval, trigger.duration
        if interval is not None and duration is not None and duration < interval:
            yield SHORT_DURATION.found(
                f"{trigger.kind}: Duration {trigger.text('Repetition/Duration')} with Interval "
                f"{trigger.text('Repetition/Interval')}"
            )


def _check(element: ET.Element, path: str) -> Iterator[Finding]:
    yield from _check_value(element, path)
    known = _CHILDREN.get(element.tag)
    if known is None:
        return
    names = [child.tag for child in element]
    for name in _NEEDED.get(element.tag, ()):
        if name not in names:
            yield MISSING.found(f"{path} has no {name}")
    for child in element:
        if child.tag not in known:
            yield UNKNOWN.found(f"{path}/{child.tag}")
        else:
            yield from _check(child, f"{path}/{child.tag}")
    if element.tag in ("TimeTrigger", "CalendarTrigger"):
        yield from _check_order(names, path)
    if element.tag == "CalendarTrigger" and not set(names).intersection(_SCHEDULES):
        yield MISSING.found(f"{path} has none of {', '.join(_SCHEDULES)}")


def _check_value(element: ET.Element, path: str) -> Iterator[Finding]:
    text = (element.text or "").strip()
    allowed, meant = _VALUES.get(element.tag, (None, ""))
    if allowed is not None and not allowed(text):
        yield VALUE.found(f"{path} says {text!r}", remedy=f"write {meant}")


def _check_order(names: Sequence[str], path: str) -> Iterator[Finding]:
    """In one of the two orders, and each once."""
    known = [name for name in names if name in _IN_SCHEMA]
    if not any(
        known == sorted(set(known), key=order.index) for order in (_IN_SCHEMA, _AS_EXPORTED)
    ):
        yield ORDER.found(f"{path}: {', '.join(names)}")
