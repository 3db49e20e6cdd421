"""The Windows Task Scheduler, as the rest of the room sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import Plan
from tradebot.deploy.rules import Finding, Rule
from tradebot.deploy.scheduler import Remark, Scheduler, Status
from tradebot.deploy.windows import host, system, task


class WindowsTaskScheduler:
    name = "windows"

    @property
    def rules(self) -> tuple[Rule, ...]:
        from tradebot.deploy.windows.checks import RULES

        return RULES

    def render(self, schedule: Schedule) -> Mapping[str, str]:
        return task.render(schedule)

    def plan_install(self, schedule: Schedule) -> Plan:
        return host.plan_install(schedule)

    def plan_uninstall(self, schedule: Schedule) -> Plan:
        return host.plan_uninstall(schedule)

    def status(self, schedule: Schedule) -> Status:
        return host.status(schedule)

    def check(self, schedule: Schedule, *, rendered: bool = False) -> list[Finding]:
        from tradebot.deploy.windows.checks import check_tasks

        texts = task.render_tasks(schedule) if rendered else host.installed(schedule)
        return check_tasks(texts, schedule)

    def wakeups(
        self, schedule: Schedule, since: datetime, *, rendered: bool = False
    ) -> Iterator[datetime]:
        from tradebot.deploy.windows.parsed import NotATask, parse_task
        from tradebot.deploy.windows.wakeups import wakeups

        name = task.task_name(schedule.instance)
        there = None if rendered or not system.is_windows() else host.installed(schedule)[name]
        try:
            found = parse_task(there or task.render_tasks(schedule)[name])
        except NotATask:  # `check` says what is wrong with it; it starts nothing
            return iter(())
        return wakeups(found, since)

    def record(self, schedule: Schedule, since: datetime, until: datetime) -> list[Remark]:
        from tradebot.deploy.windows.record import record

        return record(schedule, since, until)


SCHEDULER: Scheduler = WindowsTaskScheduler()
