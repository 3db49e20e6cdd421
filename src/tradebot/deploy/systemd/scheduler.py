"""systemd as a scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import Plan
from tradebot.deploy.rules import Finding, Rule
from tradebot.deploy.scheduler import Remark, Scheduler, Status
from tradebot.deploy.systemd import checks, host, record, units
from tradebot.deploy.systemd.installed import installed_pairs, rendered_pairs
from tradebot.deploy.systemd.version import systemd_version
from tradebot.deploy.systemd.wakeups import wakeups


class Systemd:
    """Units of the machine, or of one user."""

    @property
    def name(self) -> str:
        return "systemd"

    @property
    def rules(self) -> tuple[Rule, ...]:
        return checks.RULES

    def render(self, schedule: Schedule) -> Mapping[str, str]:
        return units.render(schedule)

    def plan_install(self, schedule: Schedule) -> Plan:
        return host.plan_install(schedule)

    def plan_uninstall(self, schedule: Schedule) -> Plan:
        return host.plan_uninstall(schedule)

    def status(self, schedule: Schedule) -> Status:
        return host.status(schedule)

    def check(self, schedule: Schedule, *, rendered: bool = False) -> list[Finding]:
        pairs = rendered_pairs(schedule) if rendered else installed_pairs(schedule)
        # Where there is no systemd the units are for another machine, which has a recent one.
        version = systemd_version() or 999
        found = list(checks.check(schedule, pairs, version=version, now=datetime.now(UTC)))
        if not rendered:
            found += checks.check_host(schedule, pairs)
        return found

    def wakeups(
        self, schedule: Schedule, since: datetime, *, rendered: bool = False
    ) -> Iterator[datetime]:
        found = [] if rendered else installed_pairs(schedule)
        pairs = [pair for pair in found if not pair.is_keepalive] or rendered_pairs(schedule)
        yield from wakeups(pairs[0].timer, since)

    def record(self, schedule: Schedule, since: datetime, until: datetime) -> list[Remark]:
        return record.record(schedule, since, until)


SCHEDULER: Scheduler = Systemd()
