"""Does the login live from one start to the next?"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime

from tradebot.deploy.login_gap import LONGEST, login_gap
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd.installed import Pair
from tradebot.deploy.systemd.rules_command import program_findings
from tradebot.deploy.systemd.rules_settings import OF_LOGIN, settings_findings
from tradebot.deploy.systemd.units import KEEPALIVE, seconds
from tradebot.deploy.systemd.wakeups import wakeups

LOGIN_GAP = Rule(
    "login-gap",
    Severity.ERROR,
    "The login ends in between: runs end with exit code 77 until a person logs in.",
    "tradebot schedule install systemd; or run `tradebot auth keepalive` every 15 minutes",
)
RULES = (LOGIN_GAP,)


def keepalive_findings(schedule: Schedule, pair: Pair) -> Iterator[Finding]:
    """Does it refresh this login, and not another or none?"""
    yield from program_findings(schedule, pair.service, keepalive=True)
    yield from settings_findings(schedule, pair.service, OF_LOGIN)


def login_findings(
    schedule: Schedule, runs: Sequence[Pair], keepalives: Sequence[Pair], now: datetime
) -> Iterator[Finding]:
    """By what the timers really do. `keepalives` are those that refresh this login."""
    if not schedule.keeps_login:
        return
    # A start that may be put off for longer than that keeps nothing alive.
    steady = [pair for pair in (*runs, *keepalives) if _spread(pair) <= LONGEST.total_seconds()]
    gap = login_gap(heapq.merge(*(wakeups(pair.timer, now) for pair in steady)), now)
    if gap is None:
        return
    if not keepalives:
        also = f"no {KEEPALIVE}@{schedule.instance}.timer that refreshes this login"
    elif keepalives[0] not in steady:
        also = (
            f"{keepalives[0].timer.name} has RandomizedDelaySec={seconds(_spread(keepalives[0]))}"
        )
    else:
        also = f"{keepalives[0].timer.name} does not start"
    yield LOGIN_GAP.found(f"{gap} without a run, and {also}")


def _spread(pair: Pair) -> float:
    return pair.timer.span("Timer", "RandomizedDelaySec") or 0.0
