"""Everything that can be wrong with the tasks of a schedule, found in their XML."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.windows import action_rules, schema_rules, setting_rules, trigger_rules
from tradebot.deploy.windows.durations import seconds_of
from tradebot.deploy.windows.parsed import NotATask, Task, is_true, parse_task
from tradebot.deploy.windows.task import keepalive_name, task_name
from tradebot.deploy.windows.wakeups import wakeups

NOT_INSTALLED = Rule(
    "task-not-installed",
    Severity.ERROR,
    "Nothing starts the bot.",
    "tradebot schedule install windows",
)
NO_KEEPALIVE = Rule(
    "task-no-keepalive",
    Severity.WARNING,
    "Between two runs the broker's login expires, and the first run of the day exits 77.",
    "tradebot schedule install windows",
)
NOT_A_TASK = Rule(
    "task-not-xml",
    Severity.ERROR,
    "schtasks refuses it (`The task XML is malformed`), and there is no task.",
    "export it again: schtasks /query /tn NAME /xml",
)
NO_TIME_ZONES = Rule(
    "task-no-time-zones",
    Severity.ERROR,
    "Windows has no time zone database: trading hours cannot be read, and every run exits 78.",
    "install what requirements/run.txt lists, tzdata among it",
)
RULES = (
    *(NOT_INSTALLED, NO_KEEPALIVE, NOT_A_TASK, NO_TIME_ZONES),
    *schema_rules.RULES,
    *trigger_rules.RULES,
    *setting_rules.RULES,
    *action_rules.RULES,
)
_LOOKED_AT = timedelta(days=8)
_LONGEST_GAP = timedelta(minutes=20)
_SHORTEST_REFRESH = 60
"""Seconds: the broker may take its time."""


def check_tasks(
    texts: Mapping[str, str | None],
    schedule: Schedule,
    *,
    now: datetime | None = None,
    here: bool | None = None,
) -> list[Finding]:
    """What is wrong with the tasks, by their names; None stands for one that is not there.
    `here`: is this the machine that they run on? Raises nothing."""
    now = now or datetime.now(UTC)
    main, keepalive = task_name(schedule.instance), keepalive_name(schedule.instance)
    found = [*check_time_zone(schedule.hours.timezone)]
    text = texts.get(main)
    if text is None:
        found.append(NOT_INSTALLED.found(f"there is no task {main}"))
    else:
        found += _check_main(main, text, schedule, now, here)
    other = texts.get(keepalive)
    if other is not None:
        found += _check_keepalive(keepalive, other, schedule, now)
    elif schedule.needs_keepalive:
        found.append(NO_KEEPALIVE.found(f"there is no task {keepalive}"))
    return found


def check_time_zone(name: str) -> Iterator[Finding]:
    """Can this Python tell the time there?"""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        yield NO_TIME_ZONES.found(f"the time zone {name} cannot be loaded: {error}")


def _check_main(
    name: str, text: str, schedule: Schedule, now: datetime, here: bool | None
) -> Iterator[Finding]:
    task = _parsed(text)
    if isinstance(task, str):
        yield NOT_A_TASK.found(f"{name}: {task}")
        return
    yield from schema_rules.check_schema(task)
    yield from trigger_rules.check_triggers(task, schedule, now)
    yield from setting_rules.check_settings(task, schedule)
    yield from action_rules.check_actions(task, schedule, here=here)
    yield from action_rules.check_text(task)


def _check_keepalive(name: str, text: str, schedule: Schedule, now: datetime) -> Iterator[Finding]:
    task = _parsed(text)
    if isinstance(task, str):
        yield NOT_A_TASK.found(f"{name}: {task}")
        return
    yield from schema_rules.check_schema(task)
    yield from setting_rules.check_conditions(task)
    yield from action_rules.check_text(task)
    if schedule.needs_keepalive:
        yield from _check_refreshes(name, task, now)


def _check_refreshes(name: str, task: Task, now: datetime) -> Iterator[Finding]:
    """Does it refresh the login, and often enough?"""
    if not any("auth keepalive" in action.arguments for action in task.actions):
        yield NO_KEEPALIVE.found(f"{name} does not start `tradebot auth keepalive`")
    limit = seconds_of(task.setting("ExecutionTimeLimit"))
    if limit and limit < _SHORTEST_REFRESH:
        yield NO_KEEPALIVE.found(f"{name} is ended after {limit:g} s")
    if not is_true(task.setting("Enabled")):  # then there is a finding of its own
        return
    until = now + _LOOKED_AT
    starts = takewhile(lambda at: at < until, wakeups(task, now, certain=True))
    moments = [now, *starts, until]
    longest = max(after - before for before, after in pairwise(moments))
    if longest > _LONGEST_GAP:
        minutes = round(longest.total_seconds() / 60)
        yield NO_KEEPALIVE.found(f"{name} does not start for {minutes} minutes")


def _parsed(text: str) -> Task | str:
    try:
        return parse_task(text)
    except NotATask as error:
        return str(error)
