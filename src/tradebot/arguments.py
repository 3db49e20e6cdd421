"""The command line of a run. Small on purpose: everything else is a setting."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tradebot import __version__
from tradebot.errors import UsageError
from tradebot.settings import Settings

EPILOG = """\
exit codes: 0 ran, or skipped with a recorded reason; 3 ran and left an order unresolved;
64 usage; 69 broker or market data unavailable; 70 a bug; 74 log or journal not writable;
75 another run holds the lock; 77 login lost; 78 bad configuration; 124 own deadline;
143 terminated; 1 hung, ended by its own watchdog. Settings are environment variables:
see tradebot config show, or .env.example.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line asks for."""

    single_cycle: bool = False
    dry_run: bool = False
    scheduled: bool = False
    jitter_seconds_max: float | None = None
    env_file: Path | None = None
    given: tuple[str, ...] = ()
    """The command line as it was, for the log."""

    def applied_to(self, settings: Settings) -> Settings:
        """The settings with what the command line overrides."""
        if self.jitter_seconds_max is None:
            return settings
        return dataclasses.replace(settings, scheduler_jitter_seconds=self.jitter_seconds_max)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\nTry: {self.prog} --help")


def parse_arguments(argv: Sequence[str], prog: str = "main.py") -> Arguments:
    """Raises UsageError for a command line that cannot be understood."""
    parser = _Parser(
        prog=prog,
        description="Trade: one cycle, or one every CYCLE_INTERVAL_SECONDS until stopped.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--single-cycle", action="store_true", help="run one cycle and exit (for schedulers)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="send no order; can only turn DRY_RUN on, not off"
    )
    parser.add_argument(
        "--scheduled",
        action="store_true",
        help="started by a scheduler: the run belongs to a slot of SCHEDULE_CADENCE",
    )
    parser.add_argument(
        "--jitter-seconds-max",
        type=_seconds,
        metavar="SECONDS",
        help="instead of SCHEDULER_JITTER_SECONDS",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="read this file instead of the .env in the bot's own folder",
    )
    parser.add_argument("--version", action="version", version=f"AI-Tradebot {__version__}")
    return Arguments(**vars(parser.parse_args(argv)), given=tuple(argv))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"expected 0 to 3600 seconds, not {text!r}")
    return seconds
