"""cron as one of the schedulers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tradebot.deploy.cron import checks, host, ours, rules, times
from tradebot.deploy.cron.machine import Machine, crontab_label
from tradebot.deploy.cron.parsed import Table
from tradebot.deploy.cron.record import remarks
from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import Plan
from tradebot.deploy.rules import Finding, Rule
from tradebot.deploy.scheduler import Remark, Scheduler, Status
from tradebot.errors import StorageError, UsageError

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """Debian's cron and cronie."""

    machine: Machine = field(default_factory=Machine)
    name: str = "cron"
    rules: tuple[Rule, ...] = rules.RULES

    def render(self, schedule: Schedule) -> Mapping[str, str]:
        title = str(self.machine.system_file(schedule)) if schedule.system else "crontab"
        return {title: host.text_of(schedule, self.machine.zone())}

    def plan_install(self, schedule: Schedule) -> Plan:
        return host.plan_install(self.machine, schedule)

    def plan_uninstall(self, schedule: Schedule) -> Plan:
        return host.plan_uninstall(self.machine, schedule)

    def status(self, schedule: Schedule) -> Status:
        zone = self.machine.zone()
        there = host.installed(self.machine, schedule)
        daemon = self.machine.daemon()
        now = datetime.now(UTC)
        active = False
        facts = [
            ("crontab", str(self._label(schedule))),
            ("cron daemon", "not running" if daemon is None else f"running, pid {daemon}"),
            ("time zone of cron", str(zone)),
        ]
        if there is not None:
            coming = next(self._starts([there], schedule, now), None)
            active = daemon is not None and coming is not None
            facts.append(("next wake-up", "none" if coming is None else f"{coming:%FT%TZ}"))
            last = [one.begin for one in self.record(schedule, now - _DAY, now)]
            facts.append(("last in cron's record", f"{max(last):%FT%TZ}" if last else "none"))
        current = there is not None and there.text == host.text_of(schedule, zone)
        return Status(there is not None, current, active, tuple(facts))

    def check(self, schedule: Schedule, *, rendered: bool = False) -> list[Finding]:
        now, zone = datetime.now(UTC), self.machine.zone()
        tables = [self._rendered(schedule)] if rendered else []
        try:
            if not rendered:
                tables = self._tables(schedule)
                host.installed(self.machine, schedule)
        except UsageError as error:
            return [rules.MARKERS.found(str(error))]
        except StorageError as error:
            return [rules.NOT_READABLE.found(str(error))]
        found = list(checks.check_tables(tables, schedule, zone, now))
        found += checks.check_folders(schedule, installed=not rendered)
        found += checks.check_env_file(schedule)
        found += self._check_machine(schedule)
        return found if rendered else [*found, *self._check_what_reads_it(schedule, tables)]

    def wakeups(
        self, schedule: Schedule, since: datetime, *, rendered: bool = False
    ) -> Iterator[datetime]:
        tables: list[Table] = []
        if not rendered:
            # What cannot be read is `check`'s to say.
            with contextlib.suppress(StorageError):
                tables = self._tables(schedule)
        if not any(ours.lines(tables, schedule)):
            tables = [self._rendered(schedule)]
        return self._starts(tables, schedule, since)

    def record(self, schedule: Schedule, since: datetime, until: datetime) -> list[Remark]:
        return remarks(self.machine, schedule, since, until)

    def _label(self, schedule: Schedule) -> Path | str:
        if schedule.system:
            return self.machine.system_file(schedule)
        return crontab_label(schedule.user)

    def _rendered(self, schedule: Schedule) -> Table:
        text = host.text_of(schedule, self.machine.zone())
        return Table(str(self._label(schedule)), text, schedule.system, schedule.user)

    def _tables(self, schedule: Schedule) -> list[Table]:
        return list(self.machine.tables(schedule))

    def _starts(
        self, tables: Sequence[Table], schedule: Schedule, since: datetime
    ) -> Iterator[datetime]:
        jobs = [(line.job, line.bot.delay) for line in ours.lines(tables, schedule)]
        return times.wakeups(jobs, since, self.machine.zone())

    def _check_machine(self, schedule: Schedule) -> Iterator[Finding]:
        if not self.machine.has_mailer():
            yield rules.NO_MAIL.found("no sendmail on this machine")
        timer = self.machine.has_timer(schedule)
        if timer is not None:
            yield rules.BESIDE_SYSTEMD.found(f"{timer} is enabled, too")

    def _check_what_reads_it(
        self, schedule: Schedule, tables: Sequence[Table]
    ) -> Iterator[Finding]:
        if self.machine.daemon() is None:
            yield rules.NO_DAEMON.found(
                "no cron or crond of root's runs here (one in a container does not count)"
            )
        for table in tables:
            if Path(table.label).parent.name == "cron.d" and any(ours.lines([table], schedule)):
                yield from checks.check_file(Path(table.label))


SCHEDULER: Scheduler = Cron()
