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
    rules_login,
    rules_options,
    rules_service,
    rules_settings,
    rules_timer,
)
from tradebot.deploy.systemd.accounts import current_user
from tradebot.deploy.systemd.host import lingers
from tradebot.deploy.systemd.installed import Pair
from tradebot.deploy.systemd.manager import Manager
from tradebot.errors import StorageError

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
NOT_ASKED = Rule(
    "systemd-not-asked",
    Severity.WARNING,
    "Only the files were judged: whether the timer runs, and will after the next boot, is unknown.",
    "ask where systemd answers: as the user whose units they are, logged in (ssh, or `machinectl "
    "shell USER@`); for units of the whole machine as root, with --system",
)
RULES = (
    NOT_INSTALLED, NOT_ENABLED, NO_LINGER, NOT_ASKED, *rules_login.RULES,
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
        yield from rules_access.access_findings(schedule, pair.service)
        if schedule.system:
            yield from lint.exposure_findings(pair)
    for pair in runs:
        yield from rules_timer.slot_findings(schedule, pair, now)
        yield from rules_timer.jitter_findings(schedule, pair)
        yield from rules_service.run_findings(schedule, pair.service)
        yield from rules_command.program_findings(schedule, pair.service, keepalive=False)
        yield from rules_command.option_findings(schedule, pair.service)
        yield from rules_settings.settings_findings(schedule, pair.service)
    keepalives = []
    for pair in pairs:
        if pair.is_keepalive:
            wrong = list(rules_login.keepalive_findings(schedule, pair))
            yield from wrong
            if not wrong:
                keepalives.append(pair)
    yield from rules_login.login_findings(schedule, runs, keepalives, now)
    yield from lint.linter_findings(pairs, system=schedule.system)


def check_host(schedule: Schedule, pairs: list[Pair]) -> Iterator[Finding]:
    """Will systemd really start them? By the files alone where systemd cannot be asked."""
    if not pairs:
        return
    manager = Manager.of(schedule)
    try:
        manager.require()
    except StorageError as error:
        yield NOT_ASKED.found(str(error).partition("; ")[0])
        yield from _without_links(manager, pairs)
    else:
        yield from _inactive(manager, pairs)
    user = current_user()
    if not schedule.system and lingers(user) is False:
        yield NO_LINGER.found(
            f"units of the user {user}, who does not linger",
            remedy=f"loginctl enable-linger {user}",
        )


def _inactive(manager: Manager, pairs: list[Pair]) -> Iterator[Finding]:
    for pair in pairs:
        name = pair.timer.name
        found = manager.show(name, "ActiveState", "UnitFileState")
        if found.get("ActiveState") != "active" or found.get("UnitFileState") != "enabled":
            yield NOT_ENABLED.found(
                f"{name} is {found.get('ActiveState')}, {found.get('UnitFileState') or 'no file'}",
                remedy=f"{' '.join(manager.systemctl)} enable --now {name}",
            )


def _without_links(manager: Manager, pairs: list[Pair]) -> Iterator[Finding]:
    """What is enabled has a link in the folder of what wants it."""
    for pair in pairs:
        name = pair.timer.name
        links = (link for folder in manager.folders() for link in folder.glob(f"*.wants/{name}"))
        if next(links, None) is None:
            yield NOT_ENABLED.found(
                f"{name}: {manager.folder}/timers.target.wants has no link to it",
                remedy=f"{' '.join(manager.systemctl)} enable --now {name}",
            )
