"""The format of the log for lnav (https://lnav.org), a viewer for the terminal: with it lnav knows
levels, times and fields, follows one order by its reference, and answers SQL.

Without an option the format is printed. Exits with 1 when there is nothing to remove, and with 2
when it cannot be written or removed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tradebot.logtools.desk import FOUND, NOTHING, UNREADABLE, Desk
from tradebot.logtools.lnav.format import format_file
from tradebot.logtools.lnav.install import LnavFolderProblem, install, uninstall


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `lnav`."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--install", action="store_true", help="write it where your lnav looks for formats"
    )
    what.add_argument("--uninstall", action="store_true", help="remove it from there")


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Print, install or remove the format."""
    if not (options.install or options.uninstall):
        desk.say(format_file().rstrip("\n"))
        return FOUND
    try:
        done = [install(Path.home())] if options.install else uninstall(Path.home())
    except LnavFolderProblem as problem:
        desk.note(str(problem))
        return UNREADABLE
    desk.say(*(one.text for one in done))
    if not done:
        desk.note("the format is in none of lnav's folders")
    return FOUND if done else NOTHING
