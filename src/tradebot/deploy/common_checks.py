"""What can be wrong with a schedule whichever scheduler has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.scheduling.hours import open_intervals
from tradebot.scheduling.slots import slot_start
from tradebot.settings import Settings

SETTINGS_INVALID = Rule(
    "settings-invalid",
    Severity.ERROR,
    "every run ends with exit code 78 and trades nothing",
    "correct it, then `tradebot config check`",
)
SETTINGS_ODD = Rule(
    "settings-odd",
    Severity.NOTE,
    "it works, but may not be what is meant",
    "correct it, or leave it if it is meant",
)
ONLY_IN_THIS_SHELL = Rule(
    "only-in-this-shell",
    Severity.WARNING,
    "the scheduler starts runs without this shell's variables: they will not see it",
    "write it into the env file, or unset it",
)
DEADLINE_OVER_CADENCE = Rule(
    "deadline-over-cadence",
    Severity.WARNING,
    "a slow run is still going when the next one is due: that slot is lost as busy",
    "set CYCLE_DEADLINE_SECONDS below SCHEDULE_CADENCE, or leave it out (80 % of the cadence)",
)
LATENESS_OVER_CADENCE = Rule(
    "lateness-over-cadence",
    Severity.WARNING,
    "no start can be that late in its slot, so nothing is ever skipped as late",
    "set SCHEDULE_MAX_LATENESS below SCHEDULE_CADENCE, or leave it out (half the cadence)",
)
NO_SLOT_IN_WINDOW = Rule(
    "no-slot-in-window",
    Severity.ERROR,
    "no run ever starts while trading is allowed: the bot never trades",
    "make the window longer, the cadence shorter, or move the slots with SCHEDULE_OFFSET_SECONDS",
)
TOKEN_BY_HAND = Rule(
    "token-by-hand",
    Severity.WARNING,
    "a token from the developer portal lasts 24 hours; then every run ends with exit code 77",
    "use SAXO_AUTH_MODE=oauth or pkce, which renew themselves",
)
DRY = Rule(
    "dry-run",
    Severity.NOTE,
    "runs decide and precheck, and send no order",
    "when you are content with the log: DRY_RUN=false, or install without --dry-run",
)
RULES = (
    SETTINGS_INVALID,
    SETTINGS_ODD,
    ONLY_IN_THIS_SHELL,
    DEADLINE_OVER_CADENCE,
    LATENESS_OVER_CADENCE,
    NO_SLOT_IN_WINDOW,
    TOKEN_BY_HAND,
    DRY,
)
_LOOKED_AT = timedelta(days=28)


def check_settings(
    settings: Settings, problems: Sequence[str], only_here: Sequence[str]
) -> Iterator[Finding]:
    """`problems` as from `load_lenient`; `only_here`: names set in this process's environment that
    a scheduler's run would not get."""
    for problem in problems:
        yield SETTINGS_INVALID.found(problem)
    for warning in settings.warnings:
        yield SETTINGS_ODD.found(warning)
    for name in only_here:
        yield ONLY_IN_THIS_SHELL.found(f"{name} is set in this shell and ignored here")
    if settings.saxo_env != "LOCAL" and settings.saxo_auth_mode == "manual":
        yield TOKEN_BY_HAND.found("SAXO_AUTH_MODE=manual")


def check_times(schedule: Schedule, now: datetime) -> Iterator[Finding]:
    """Do cadence, deadline, lateness and window fit each other?"""
    cadence = f"SCHEDULE_CADENCE is {schedule.cadence:g} s"
    if schedule.deadline > schedule.cadence:
        yield DEADLINE_OVER_CADENCE.found(
            f"CYCLE_DEADLINE_SECONDS is {schedule.deadline:g} s, {cadence}"
        )
    if schedule.max_lateness >= schedule.cadence:
        yield LATENESS_OVER_CADENCE.found(
            f"SCHEDULE_MAX_LATENESS is {schedule.max_lateness:g} s, {cadence}"
        )
    if schedule.hours.mode == "fixed" and not _has_slot(schedule, now):
        yield NO_SLOT_IN_WINDOW.found(
            f"in {_LOOKED_AT.days} days no slot begins in TRADING_START … TRADING_END; {cadence}"
        )
    if schedule.dry_run:
        yield DRY.found("the command has --dry-run")


def _has_slot(schedule: Schedule, now: datetime) -> bool:
    """Does any slot of the coming weeks begin while the window is open?"""
    step = timedelta(microseconds=1)
    for begin, end in open_intervals(now, now + _LOOKED_AT, schedule.hours):
        last = slot_start(end - step, schedule.cadence, schedule.offset)
        if last >= begin:
            return True
    return False
