"""What is to be scheduled, whichever scheduler does it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from tradebot.scheduling.deadline import HANG_GRACE_SECONDS, SHARE_OF_CADENCE
from tradebot.scheduling.hours import HoursConfig
from tradebot.scheduling.jitter import MAX_SHARE

if TYPE_CHECKING:
    from tradebot.settings import Settings

DEFAULT_JITTER = 15.0
"""Seconds, unless SCHEDULER_JITTER_SECONDS is set: 50 bots then make 4 starts a second, not 50."""
KILL_MARGIN = 15.0
"""Seconds that the bot's own watchdog has to write its stacks before the scheduler kills it."""
KEEPALIVE_CADENCE = 900
"""Seconds. A refresh token lives for 40 minutes (SIM): two tries fit in."""
LONGEST_LOGIN_GAP = 1200
"""Seconds between runs up to which each run finds the login still alive, one of them missed."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, and where it reads and writes. Absolute paths of the target machine."""

    python: PurePath
    """The interpreter that has the bot's packages."""
    entry: tuple[str, ...]
    """Its arguments up to the program: `(/opt/ai-tradebot/main.py,)` or `(-m, tradebot)`."""
    tradebot: PurePath
    """The operator's command."""
    home: PurePath
    env_file: PurePath | None
    env_file_given: bool
    """Named with --env-file rather than found in `home`: then the bot must be told, too."""
    log_dir: PurePath
    state_dir: PurePath
    token_file: PurePath

    @classmethod
    def of(cls, settings: Settings, *, env_file_given: bool = False) -> Program:
        """The program that is running now, with the folders of `settings`."""
        from tradebot.settings.home import clone_root

        root = clone_root()
        # Not resolved: a venv's python is a link, and what it links to lacks the packages.
        python = Path(sys.executable)
        return cls(
            python=python,
            entry=("-m", "tradebot") if root is None else (str(root / "main.py"),),
            tradebot=python.with_name("tradebot" + python.suffix),
            home=settings.home,
            env_file=settings.env_file,
            env_file_given=env_file_given,
            log_dir=settings.log_dir,
            state_dir=settings.state_dir,
            token_file=settings.saxo_token_file,
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """One instance's schedule. Durations are in seconds.

    What the bot itself decides by (cadence, offset, window) comes from its settings and is never
    repeated on its command line: there is one place to change it, and `verify` compares.
    """

    program: Program
    instance: str
    cadence: float
    offset: float
    max_lateness: float
    deadline: float
    """The run's own, from the slot's beginning (from its start, if CYCLE_DEADLINE_SECONDS)."""
    jitter: float
    hours: HoursConfig
    narrow: bool
    """Wake up only around the trading window instead of all day long."""
    dry_run: bool
    """Add --dry-run to the command, whatever the settings say."""
    user: str | None
    """Who runs it; None: whoever installs it."""
    system: bool
    """For the whole machine (root installs it) instead of for one user."""
    keeps_login: bool
    """Has a login that is lost when nobody refreshes it."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Settings that stand in the schedule itself rather than in the env file."""

    @classmethod
    def of(
        cls,
        settings: Settings,
        program: Program,
        *,
        narrow: bool = False,
        dry_run: bool = False,
        user: str | None = None,
        system: bool = False,
    ) -> Schedule:
        cadence = settings.schedule_cadence
        jitter = settings.scheduler_jitter_seconds
        if settings.origins.get("SCHEDULER_JITTER_SECONDS", "default") == "default":
            jitter = DEFAULT_JITTER
        # The instance decides about folders and references: a shell's variable would be lost.
        named = settings.origins.get("INSTANCE") == "environment"
        return cls(
            program=program,
            instance=settings.instance,
            cadence=cadence,
            offset=settings.schedule_offset_seconds,
            max_lateness=settings.schedule_max_lateness,
            deadline=settings.cycle_deadline_seconds or cadence * SHARE_OF_CADENCE,
            jitter=min(jitter, cadence * MAX_SHARE),
            hours=HoursConfig.of(settings),
            narrow=narrow,
            dry_run=dry_run,
            user=user,
            system=system,
            keeps_login=settings.saxo_env != "LOCAL" and settings.saxo_auth_mode != "manual",
            variables={"INSTANCE": settings.instance} if named else {},
        )

    @property
    def name(self) -> str:
        """`ai-tradebot@paper`: the unit's, the crontab block's and the task's name."""
        return f"ai-tradebot@{self.instance}"

    @property
    def kill_after(self) -> float:
        """Seconds from a run's start to the scheduler's kill: behind the bot's own watchdog."""
        return self.deadline + HANG_GRACE_SECONDS + KILL_MARGIN

    @property
    def restart_delay(self) -> float:
        """Seconds from a failure to the second try, which must still be in time for its slot."""
        in_time = (self.max_lateness - self.jitter) / 2
        return max(1.0, min(30.0, self.cadence / 10, in_time))

    @property
    def needs_keepalive(self) -> bool:
        """Would the login be lost between two runs?"""
        return self.keeps_login and (self.narrow or self.cadence > LONGEST_LOGIN_GAP)

    def command(self, *, jitter: float, guarded: bool = False) -> tuple[str, ...]:
        """The bot's command line. `jitter` is 0 where the scheduler itself spreads the starts;
        `guarded`: the scheduler itself starts nothing without the env file."""
        program = self.program
        words = [str(program.python), *program.entry, "--single-cycle", "--scheduled"]
        words += [f"--jitter-seconds-max={jitter:g}"]
        if self.dry_run:
            words.append("--dry-run")
        return (*words, *self._env_file_option(guarded))

    def keepalive_command(self, *, guarded: bool = False) -> tuple[str, ...]:
        return (str(self.program.tradebot), "auth", "keepalive", *self._env_file_option(guarded))

    def _env_file_option(self, guarded: bool) -> tuple[str, ...]:
        """Named also where the bot would find it by itself: without its settings it would run with
        the simulator, and report success."""
        program = self.program
        if program.env_file is None or (guarded and not program.env_file_given):
            return ()
        return (f"--env-file={program.env_file}",)
