"""Which lines of the machine's crontabs start this bot, ours or written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradebot.deploy.cron.invocation import Invocation, invocation
from tradebot.deploy.cron.line_checks import Line
from tradebot.deploy.cron.parsed import Job, Table
from tradebot.deploy.model import Schedule


def lines(tables: Iterable[Table], schedule: Schedule) -> Iterator[Line]:
    """The lines that run a cycle of the schedule's bot."""
    for table in tables:
        for job in table.jobs():
            bot = invocation(job.command)
            if bot is not None and _is_ours(job, bot, schedule):
                yield Line(job, bot)


def keeps_login(tables: Iterable[Table], schedule: Schedule) -> bool:
    """Is there a line that refreshes the login between the runs?"""
    return any(
        "auth keepalive" in job.command and job.instance in (None, schedule.instance)
        for table in tables
        for job in table.jobs()
    )


def _is_ours(job: Job, bot: Invocation, schedule: Schedule) -> bool:
    """By the markers around it, else by what the line itself says, in this order: the instance,
    the env file, the program."""
    if job.instance is not None:
        return job.instance == schedule.instance
    named = bot.variables.get("INSTANCE", job.variables.get("INSTANCE"))
    if named is not None:
        return named == schedule.instance
    program = schedule.program
    env_file = bot.option("--env-file")
    if env_file is not None or program.env_file_given:
        return env_file == str(program.env_file)
    entry = bot.path(bot.entry[0])
    return entry in program.entry or not entry.endswith("main.py") or not entry.startswith("/")
