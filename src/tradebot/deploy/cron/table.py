"""The schedule as lines of a crontab."""

from __future__ import annotations

from datetime import datetime, tzinfo
from pathlib import PurePath

from tradebot.deploy.cron import block, fields
from tradebot.deploy.cron.quoting import assignment, quote
from tradebot.deploy.model import KEEPALIVE_CADENCE, Schedule

FLOCK = "/usr/bin/flock"
BUSY = 75
"""What flock exits with when another run has the lock: the same as the bot itself."""
LOCK_NAME = "cron.lock"
CONSOLE_LEVEL = "ERROR"
"""cron mails whatever a command prints. The log file still has everything."""


def lock_file(schedule: Schedule) -> PurePath:
    """The lock of the lines themselves. Never the bot's `run.lock`: the bot takes that one itself,
    and would find it held by its own line."""
    return schedule.program.state_dir / schedule.instance / LOCK_NAME


def keepalive_lock_file(schedule: Schedule) -> PurePath:
    """Of its own: a refresh must not make a run stand back."""
    return lock_file(schedule).with_name("cron-keepalive.lock")


def file_name(schedule: Schedule) -> str:
    """The system form's name in /etc/cron.d, where cron reads no file with a `.` or `@` in it."""
    return schedule.name.replace("@", "-")


def rendered(schedule: Schedule, zone: tzinfo, now: datetime, user: str | None = None) -> str:
    """The whole block with its markers, ending in a newline; `user` for the system form.

    Raises UsageError for a cadence that cron cannot keep and paths that no crontab can hold.
    """
    lines = [block.begin(schedule.instance), *_lines(schedule, zone, now, user)]
    return "".join(f"{line}\n" for line in [*lines, block.end(schedule.instance)])


def _lines(schedule: Schedule, zone: tzinfo, now: datetime, user: str | None) -> list[str]:
    cadence, offset = schedule.cadence, schedule.offset
    minutes, hours = fields.time_fields(cadence, offset, zone, now)
    words = [minutes, hours, "*", "*", fields.day_field(schedule, zone, now)]
    who = [] if user is None else [user]
    wait = fields.seconds_after(cadence, offset)
    sleep = [f"sleep {wait} &&"] if wait else []
    found = [" ".join([*words, *who, *sleep, run_command(schedule)])]
    if schedule.needs_keepalive:
        every = fields.time_fields(KEEPALIVE_CADENCE, 0, zone, now)
        found.append(" ".join([*every, "* * *", *who, keepalive_command(schedule)]))
    return found


def run_command(schedule: Schedule) -> str:
    """The bot's command behind flock, as a crontab writes it."""
    return _locked(schedule, lock_file(schedule), schedule.command(jitter=schedule.jitter))


def keepalive_command(schedule: Schedule) -> str:
    return _locked(schedule, keepalive_lock_file(schedule), schedule.keepalive_command())


def _locked(schedule: Schedule, lock: PurePath, command: tuple[str, ...]) -> str:
    """`-n`: stand back at once instead of queueing up. `-o`: what the run starts does not inherit
    the lock and outlive it. `-E`: told apart from a run that failed."""
    variables = {**schedule.variables, "LOG_CONSOLE_LEVEL": CONSOLE_LEVEL}
    return " ".join(
        [
            *(assignment(name, value) for name, value in variables.items()),
            f"{FLOCK} -n -o -E {BUSY}",
            *map(quote, (str(lock), *command)),
        ]
    )
