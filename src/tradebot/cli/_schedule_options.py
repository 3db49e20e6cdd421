"""The options of the commands that render, install and verify, and the schedule they mean."""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tradebot.cli._options import ENV_FILE
from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.scheduler import NAMES, Scheduler, scheduler, usual_name
from tradebot.errors import SettingsError, UsageError
from tradebot.settings import Settings, load_lenient
from tradebot.settings.home import clone_root, home, user_state_folder
from tradebot.settings.variables import BY_NAME

_MOVES_THE_HOME = () if clone_root() else ("XDG_STATE_HOME",)
"""An installed copy has its `.env` there; a scheduler knows nothing of it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for: a schedule, for a scheduler, and what its settings say."""

    schedule: Schedule
    scheduler: Scheduler
    settings: Settings
    problems: tuple[str, ...]
    only_here: tuple[str, ...]
    """Variables of this shell that a scheduler's run will not get."""
    options: tuple[str, ...]
    """The scheduler and the options, for a command that is to mean the same schedule."""

    def command(self, verb: str) -> str:
        """`tradebot schedule VERB …` for this very schedule, as it can be typed."""
        return shlex.join(("tradebot", "schedule", verb, *self.options))


def schedule_options(command: Callable[..., int]) -> Callable[..., int]:
    """Adds the options, and hands the command one `wanted` instead of them."""

    @click.argument("name", metavar="[systemd|cron|windows]", required=False, default=None)
    @click.option(
        "--system", is_flag=True, help="For the whole machine (as root), not for this user alone."
    )
    @click.option("--user", metavar="NAME", help="The account that runs the bot; with --system.")
    @click.option("--instance", metavar="NAME", help="Instead of the env file's INSTANCE.")
    @click.option(
        "--narrow",
        is_flag=True,
        help="Start runs only around the trading window (TRADING_HOURS_MODE=fixed), and keep the "
        "login alive in between; default: all day, and the bot skips.",
    )
    @click.option(
        "--dry-run", is_flag=True, help="Scheduled runs send no order, whatever .env says."
    )
    @ENV_FILE
    @functools.wraps(command)
    def with_wanted(**options: Any) -> int:
        mine = ("name", "system", "user", "instance", "narrow", "dry_run", "env_file")
        wanted = _wanted(**{key: options.pop(key) for key in mine})
        return command(wanted=wanted, **options)

    return with_wanted


def _wanted(
    name: str | None,
    system: bool,
    user: str | None,
    instance: str | None,
    narrow: bool,
    dry_run: bool,
    env_file: Path | None,
) -> Wanted:
    name = _scheduler_name(name)
    if user is not None and not system:
        raise UsageError("--user NAME is for --system; without it the schedule is your own")
    if system and user is None and name != "windows":
        raise UsageError("--system needs --user NAME: the account that runs the bot, like tradebot")
    environ = _environment(instance)
    settings, problems = load_lenient(
        environ, home=_home(environ, user), env_file=env_file, dry_run_flag=dry_run
    )
    if any(_hides_the_instance(problem) for problem in problems):
        raise SettingsError(problems)
    if narrow and settings.trading_hours_mode != "fixed":
        raise UsageError("--narrow needs TRADING_HOURS_MODE=fixed: only that mode has a window")
    schedule = Schedule.of(
        settings,
        Program.of(settings, env_file_given=env_file is not None),
        narrow=narrow,
        dry_run=dry_run,
        user=user,
        system=system,
    )
    only_here = tuple(
        variable
        for variable in (*BY_NAME, *_MOVES_THE_HOME)
        if variable in os.environ and variable not in environ and os.environ[variable]
    )
    options = (name, *_typed(system, user, instance, narrow, dry_run, env_file))
    return Wanted(schedule, scheduler(name), settings, problems, only_here, options)


def _hides_the_instance(problem: str) -> bool:
    """Could it be another instance's schedule than the one that is meant?

    A value that cannot be used counts as its default, and a file or a line that cannot be read may
    have named one.
    """
    variable = problem.partition(" ")[0].rstrip(":")
    return variable in ("INSTANCE", "STATE_DIR") or variable not in BY_NAME


def _typed(
    system: bool,
    user: str | None,
    instance: str | None,
    narrow: bool,
    dry_run: bool,
    env_file: Path | None,
) -> Iterator[str]:
    """The options as they were given."""
    flags = {"--system": system, "--narrow": narrow, "--dry-run": dry_run}
    values = {"--user": user, "--instance": instance, "--env-file": env_file}
    yield from (name for name, given in flags.items() if given)
    for name, value in values.items():
        if value is not None:
            yield from (name, str(value))


def _scheduler_name(name: str | None) -> str:
    name = name or usual_name()
    if name not in NAMES:
        raise UsageError(f"there is no scheduler {name!r}; known: {', '.join(NAMES)}")
    return name


def _environment(instance: str | None) -> Mapping[str, str]:
    """What a run gets from its scheduler: none of this shell's settings, but the instance."""
    kept = {name: os.environ[name] for name in ("LOCALAPPDATA",) if name in os.environ}
    instance = instance or os.environ.get("INSTANCE")
    return {**kept, "INSTANCE": instance} if instance else kept


def _home(environ: Mapping[str, str], user: str | None) -> Path:
    """The bot's folder as the user who will run it sees it."""
    if clone_root() is not None or user is None or os.name == "nt":
        return home(environ)
    import pwd

    try:
        folder = Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        raise UsageError(f"--user {user}: there is no such user on this machine") from None
    return user_state_folder(environ, user=folder)
