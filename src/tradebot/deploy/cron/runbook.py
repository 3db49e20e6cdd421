"""The parts of docs/runbooks/cron.md that the model writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from tradebot.deploy.cron import rules, table
from tradebot.deploy.examples import (
    BY_INSTRUMENT,
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    Example,
    example_schedule,
    posix_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.runbooks import Blocks
from tradebot.errors import ExitCode

# Any day: no line depends on it in a zone without summer time.
_TODAY = datetime(2026, 1, 5, tzinfo=UTC)
_USER = "tradebot"
_UNDER_CRON = {
    ExitCode.OK: "Nothing. Most slots end so.",
    ExitCode.HUNG: "The bot's own watchdog ended a run that hung; its stacks are mailed.",
    ExitCode.UNRESOLVED: "Nothing: the next slot reconciles the order before it trades.",
    ExitCode.USAGE: "The line is wrong: mailed at every slot, and nothing is in the log.",
    ExitCode.UNAVAILABLE: "The next slot is the retry. If it goes on, mails go on.",
    ExitCode.SOFTWARE: "The next slot is the retry; the stack is in the log.",
    ExitCode.IOERR: "Nothing was sent. Mailed, since the log may be what is broken.",
    ExitCode.BUSY: "The last run was still going. flock exits with it too, and prints nothing.",
    ExitCode.NOPERM: "Mailed at every slot until somebody runs `tradebot auth login`.",
    ExitCode.CONFIG: "Mailed at every slot until `tradebot config check` finds nothing.",
    ExitCode.DEADLINE: "The next slot goes on where this one stopped.",
    ExitCode.TERMINATED: "The machine went down, or somebody stopped it. The next slot goes on.",
}


def lines_of(schedule: Schedule) -> str:
    """What a machine on UTC would have in its crontab."""
    user = schedule.user if schedule.system else None
    return table.rendered(schedule, UTC, _TODAY, user)


def _fenced(text: str, language: str = "") -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _settings(example: Example) -> Callable[[], str]:
    return lambda: _fenced(example.settings)


def _crontab(example: Example, *, narrow: bool = False) -> Callable[[], str]:
    return lambda: _fenced(lines_of(example_schedule(example, posix_program(), narrow=narrow)))


def _every_minute() -> str:
    return _fenced(lines_of(example_schedule(EVERY_FIVE_MINUTES, posix_program(), cadence=60)))


def _offset() -> str:
    schedule = example_schedule(EVERY_FIVE_MINUTES, posix_program())
    return _fenced(lines_of(replace(schedule, offset=20)))


def _instance() -> str:
    schedule = example_schedule(EVERY_FIVE_MINUTES, posix_program(), instance="paper")
    return _fenced(lines_of(replace(schedule, variables={"INSTANCE": "paper"})))


def _env_file() -> str:
    schedule = example_schedule(EVERY_FIVE_MINUTES, posix_program(), instance="paper")
    program = replace(schedule.program, env_file=schedule.program.home / "paper.env")
    return _fenced(lines_of(replace(schedule, program=replace(program, env_file_given=True))))


def _system() -> str:
    program = posix_program()
    schedule = example_schedule(EVERY_FIVE_MINUTES, program, user=_USER, system=True)
    return _fenced(lines_of(schedule))


def _exit_codes() -> str:
    rows = [f"| {int(code)} | {text} |" for code, text in _UNDER_CRON.items()]
    return "\n".join(["| code | what happens under cron |", "|---|---|", *rows])


def _rules() -> str:
    rows = [
        f"| `{rule.name}` | {rule.severity} | {rule.consequence} | {rule.remedy} |"
        for rule in rules.RULES
    ]
    head = ["| finding | | what happens | what to do |", "|---|---|---|---|"]
    return "\n".join([*head, *(row.replace("\\%", "\\\\%") for row in rows)])


BLOCKS: Blocks = {
    "cron-settings-always": _settings(EVERY_FIVE_MINUTES),
    "cron-settings-weekdays": _settings(WEEKDAY_WINDOW),
    "cron-settings-instrument": _settings(BY_INSTRUMENT),
    "cron-every-five-minutes": _crontab(EVERY_FIVE_MINUTES),
    "cron-every-minute": _every_minute,
    "cron-weekdays": _crontab(WEEKDAY_WINDOW, narrow=True),
    "cron-offset": _offset,
    "cron-instance": _instance,
    "cron-env-file": _env_file,
    "cron-system": _system,
    "cron-exit-codes": _exit_codes,
    "cron-findings": _rules,
}
FILES: Blocks = {}
