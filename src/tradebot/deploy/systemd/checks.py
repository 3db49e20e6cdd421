"""What is wrong with a pair of units: one that is installed, by hand or not, or a rendered one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd import (
    lint,
    rules_access,
    rules_command,
    rules_options,
    rules_service,
    rules_settings,
    rules_timer,
)
from tradebot.deploy.systemd.accounts import current_user
from tradebot.deploy.systemd.host import lingers
from tradebot.deploy.systemd.installed import Pair
from tradebot.deploy.systemd.manager import Manager
from tradebot.deploy.systemd.units import KEEPALIVE

NOT_INSTALLED = Rule(
    "not-installed",
    Severity.ERROR,
    "Nothing starts the bot.",
    "tradebot schedule install systemd",
)
NOT_ENABLED = Rule(
    "timer-not-enabled",
    Severity.ERROR,
    "Nothing starts the bot now, or after the next boot.",
    "systemctl enable --now TIMER",
)
NO_LINGER = Rule(
    "user-without-linger",
    Severity.ERROR,
    "The runs end when this user logs out, and begin again when he logs in.",
    "loginctl enable-linger USER",
)
NO_KEEPALIVE = Rule(
    "keepalive-missing",
    Severity.ERROR,
    "Between two runs the login is lost: they end with exit code 77 until a person logs in.",
    "tradebot schedule install systemd; or run `tradebot auth keepalive` every 15 minutes",
)
RULES = (
    NOT_INSTALLED, NOT_ENABLED, NO_LINGER, NO_KEEPALIVE,
    *rules_timer.RULES, *rules_service.RULES, *rules_options.RULES, *rules_command.RULES,
    *rules_settings.RULES, *rules_access.RULES, *lint.RULES,
)  # fmt: skip


def check(
    schedule: Schedule, pairs: list[Pair], *, version: int, now: datetime
) -> Iterator[Finding]:
    """By the text alone, and by the files and users of this machine that it names."""
    runs = [pair for pair in pairs if not pair.is_keepalive]
    if not runs:
        yield NOT_INSTALLED.found(f"there is no {schedule.name}.timer")
        return
    for pair in pairs:
        yield from rules_timer.timer_findings(pair, version, now)
        yield from rules_service.service_findings(pair.service, version)
        yield from rules_options.condition_findings(pair.timer)
        yield from rules_options.condition_findings(pair.service)
        yield from rules_options.option_findings(pair.service)
        yield from rules_command.program_findings(
            schedule, pair.service, keepalive=pair.is_keepalive
        )
        yield from rules_access.access_findings(schedule, pair.service)
        if schedule.system:
            yield from lint.exposure_findings(pair)
    for pair in runs:
        yield from rules_timer.slot_findings(schedule, pair, now)
        yield from rules_timer.jitter_findings(schedule, pair)
        yield from rules_service.run_findings(schedule, pair.service)
        yield from rules_command.option_findings(schedule, pair.service)
        yield from rules_settings.settings_findings(schedule, pair.service)
    if schedule.needs_keepalive and len(pairs) == len(runs):
        yield NO_KEEPALIVE.found(f"there is no {KEEPALIVE}@{schedule.instance}.timer")
    yield from lint.linter_findings(pairs, system=schedule.system)


def check_host(schedule: Schedule, pairs: list[Pair]) -> Iterator[Finding]:
    """Will systemd really start them? Says nothing where systemd cannot be asked."""
    manager = Manager.of(schedule)
    if not manager.is_running():
        return
    for pair in pairs:
        name = pair.timer.name
        found = manager.show(name, "ActiveState", "UnitFileState")
        if found.get("ActiveState") != "active" or found.get("UnitFileState") != "enabled":
            yield NOT_ENABLED.found(
                f"{name} is {found.get('ActiveState')}, {found.get('UnitFileState') or 'no file'}",
                remedy=f"{' '.join(manager.systemctl)} enable --now {name}",
            )
    user = current_user()
    if not schedule.system and pairs and lingers(user) is False:
        yield NO_LINGER.found(
            f"units of the user {user}, who does not linger",
            remedy=f"loginctl enable-linger {user}",
        )
