"""The runbooks' schedules: every five minutes, a weekday window, the instruments' sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from tradebot.deploy.model import DEFAULT_JITTER, Program, Schedule
from tradebot.scheduling.deadline import SHARE_OF_CADENCE
from tradebot.scheduling.hours import HoursConfig

CADENCE = 300.0


@dataclass(frozen=True, slots=True)
class Example:
    """A schedule that a reader can follow."""

    title: str
    settings: str
    """The lines of `.env` that make it."""
    hours: HoursConfig


EVERY_FIVE_MINUTES = Example(
    "Every 5 minutes, at any time",
    "TRADING_HOURS_MODE=always\nSCHEDULE_CADENCE=5m\n",
    HoursConfig("always"),
)
WEEKDAY_WINDOW = Example(
    "Weekdays, while New York trades",
    "TRADING_HOURS_MODE=fixed\n"
    "TRADING_DAYS=mon-fri\n"
    "TRADING_START=09:30\n"
    "TRADING_END=16:00\n"
    "TIMEZONE=America/New_York\n"
    "TRADING_HOLIDAYS=XNYS\n"
    "SCHEDULE_CADENCE=5m\n",
    HoursConfig(
        "fixed", frozenset(range(5)), time(9, 30), time(16), "America/New_York", holidays="XNYS"
    ),
)
BY_INSTRUMENT = Example(
    "Each instrument while its market is open",
    "TRADING_HOURS_MODE=instrument\nSCHEDULE_CADENCE=5m\n",
    HoursConfig("instrument"),
)
EXAMPLES = (EVERY_FIVE_MINUTES, WEEKDAY_WINDOW, BY_INSTRUMENT)


def posix_program(home: str = "/opt/ai-tradebot") -> Program:
    """A clone in `home`, set up by `make`."""
    folder = PurePosixPath(home)
    return _program(folder, folder / ".venv" / "bin", "")


def windows_program(home: str = r"C:\ai-tradebot") -> Program:
    folder = PureWindowsPath(home)
    return _program(folder, folder / ".venv" / "Scripts", ".exe")


def _program(home: PurePath, scripts: PurePath, suffix: str) -> Program:
    return Program(
        python=scripts / f"python{suffix}",
        entry=(str(home / "main.py"),),
        tradebot=scripts / f"tradebot{suffix}",
        home=home,
        env_file=home / ".env",
        env_file_given=False,
        log_dir=home / "logs",
        state_dir=home / "state",
        token_file=home / "state" / "default" / "SIM" / "tokens.json",
    )


def example_schedule(
    example: Example,
    program: Program,
    *,
    narrow: bool = False,
    user: str | None = None,
    system: bool = False,
    instance: str = "default",
    cadence: float = CADENCE,
) -> Schedule:
    """The schedule that `example` makes of `program`, on SIM with a login of its own."""
    return Schedule(
        program=program,
        instance=instance,
        cadence=cadence,
        offset=0,
        max_lateness=cadence / 2,
        deadline=cadence * SHARE_OF_CADENCE,
        jitter=min(DEFAULT_JITTER, cadence / 5),
        hours=example.hours,
        narrow=narrow,
        dry_run=False,
        user=user,
        system=system,
        keeps_login=True,
    )
