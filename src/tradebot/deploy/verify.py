"""Everything that is wrong with one schedule: the settings, the times, the scheduler's own part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from tradebot.deploy.clock_changes import clock_change_findings
from tradebot.deploy.common_checks import check_settings, check_times
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Severity
from tradebot.deploy.scheduler import Scheduler
from tradebot.settings import Settings

_ORDER = tuple(Severity)


def verify(
    schedule: Schedule,
    scheduler: Scheduler,
    *,
    settings: Settings,
    problems: Sequence[str],
    only_here: Sequence[str],
    now: datetime,
    zone: tzinfo,
    rendered: bool = False,
) -> list[Finding]:
    """Worst first. `zone` is the machine's own; `rendered`: judge what would be installed."""
    found = [*check_settings(settings, problems, only_here), *check_times(schedule, now)]
    found += scheduler.check(schedule, rendered=rendered)
    found += clock_change_findings(
        schedule,
        lambda since: scheduler.wakeups(schedule, since, rendered=rendered),
        zone,
        now,
    )
    return sorted(found, key=lambda finding: _ORDER.index(finding.rule.severity))
