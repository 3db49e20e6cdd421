"""Which lines of the machine's crontabs start this bot, ours or written by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tradebot.deploy.cron.invocation import invocations
from tradebot.deploy.cron.line import Line
from tradebot.deploy.cron.parsed import Job, Table
from tradebot.deploy.model import Program, Schedule


def lines(tables: Iterable[Table], schedule: Schedule) -> Iterator[Line]:
    """The lines that run a cycle of the schedule's bot: one that starts it twice comes twice."""
    for table in tables:
        for job in table.jobs():
            for bot in invocations(job.command):
                line = Line(job, bot)
                if _is_ours(line, schedule):
                    yield line


def keepalives(tables: Iterable[Table], schedule: Schedule) -> Iterator[Job]:
    """The lines that refresh the bot's login between its runs."""
    for table in tables:
        for job in table.jobs():
            if job.instance in (None, schedule.instance) and _refreshes(job, schedule.program):
                yield job


def _refreshes(job: Job, program: Program) -> bool:
    """Is it `tradebot auth keepalive`, with the bot's env file where it names one?"""
    try:
        words = shlex.split(job.command.replace("\\%", "%"))
    except ValueError:
        return False
    for before, auth, keepalive in zip(words, words[1:], words[2:], strict=False):
        if (auth, keepalive) == ("auth", "keepalive") and PurePosixPath(before).stem == "tradebot":
            named = [word for word in words if word.startswith("--env-file=")]
            return not named or named[-1] == f"--env-file={program.env_file}"
    return False


def _is_ours(line: Line, schedule: Schedule) -> bool:
    """By the markers around it, else by what the line itself says, in this order: the instance,
    the env file, the program."""
    job, bot, program = line.job, line.bot, schedule.program
    if job.instance is not None:
        return job.instance == schedule.instance
    named = bot.variables.get("INSTANCE")
    if named is not None:
        return named == schedule.instance
    # A setting above holds for every line below, also for those that start something else.
    if job.variables.get("INSTANCE", schedule.instance) != schedule.instance:
        return False
    env_file = bot.option("--env-file")
    if env_file is not None or program.env_file_given:
        return env_file is not None and line.full(env_file) == str(program.env_file)
    return line.starts(program)
