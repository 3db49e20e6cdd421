"""What a line says against the schedule that is asked about: other settings, program or time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tradebot.deploy.cron import rules
from tradebot.deploy.cron.line import Line
from tradebot.deploy.cron.line_checks import check_packages
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding
from tradebot.scheduling.deadline import HANG_GRACE_SECONDS
from tradebot.settings import load_lenient
from tradebot.settings.variables import BY_NAME


def check_against(line: Line, schedule: Schedule) -> Iterator[Finding]:
    """May start the line's program, if it is the schedule's own, to see whether it can."""
    yield from _program(line, schedule)
    yield from _options(line, schedule)
    yield from _variables(line, schedule)
    needed = schedule.deadline + HANG_GRACE_SECONDS
    if line.bot.limits and min(line.bot.limits) < needed:
        yield rules.SHORT_LIMIT.found(
            f"{line.place}: timeout {min(line.bot.limits):g}, and the bot's own watchdog acts "
            f"after {needed:g} s"
        )


def _program(line: Line, schedule: Schedule) -> Iterator[Finding]:
    if line.starts(schedule.program):
        yield from check_packages(line)
        return
    # A stranger's program is not started, not even to be asked for its version.
    word = line.bot.entry[0] if line.bot.entry[0] != "-m" else line.bot.python
    ours = schedule.program.entry[0] if word.endswith("main.py") else schedule.program.python.parent
    yield rules.OTHER_PROGRAM.found(f"{line.place}: {line.full(word)}, and this bot is {ours}")


def _options(line: Line, schedule: Schedule) -> Iterator[Finding]:
    bot, program = line.bot, schedule.program
    dry = bot.option("--dry-run") is not None
    if dry and not schedule.dry_run:
        yield rules.DRY_RUN.found(f"{line.place}: --dry-run")
    elif schedule.dry_run and not dry:
        yield rules.SETTINGS_DIFFER.found(f"{line.place}: no --dry-run, which was asked for")
    env_file = bot.option("--env-file")
    if env_file is not None and line.full(env_file) != str(program.env_file):
        yield rules.SETTINGS_DIFFER.found(f"{line.place}: --env-file={env_file}")
    elif env_file is None and program.env_file_given:
        yield rules.SETTINGS_DIFFER.found(f"{line.place}: no --env-file={program.env_file}")


def _variables(line: Line, schedule: Schedule) -> Iterator[Finding]:
    for name, where in _given(line).items():
        value = line.bot.variables.get(name, line.job.variables.get(name, ""))
        if _differs(schedule, name, value):
            yield rules.SETTINGS_DIFFER.found(f"{where}: {name}={value}")


def _given(line: Line) -> Mapping[str, str]:
    """The bot's settings that are not taken from its env file, and where they stand."""
    above = dict.fromkeys(line.job.variables, f"{line.job.label}, above line {line.job.number}")
    found = {**above, **dict.fromkeys(line.bot.variables, line.place)}
    # How much is logged is nobody's to compare; a secret has a rule of its own.
    return {
        name: where
        for name, where in found.items()
        if name in BY_NAME
        and not BY_NAME[name].secret
        and (name == "LOG_DIR" or not name.startswith("LOG_"))
    }


def _differs(schedule: Schedule, name: str, value: str) -> bool:
    """Would the bot have another value by the variable than without it?"""
    if name == "INSTANCE":
        return value != schedule.instance
    if name == "DRY_RUN" and schedule.dry_run:
        return False
    program = schedule.program
    home = Path(program.home)
    env_file = Path(program.env_file) if program.env_file_given and program.env_file else None
    without, problems = load_lenient({}, home=home, env_file=env_file)
    found, more = load_lenient({name: value}, home=home, env_file=env_file)
    attribute = BY_NAME[name].attribute
    changed = bool(getattr(without, attribute) != getattr(found, attribute))
    return changed or len(more) > len(problems)
