"""Where the `tradebot` command begins.

Asking the log costs a fraction of a second, and loading the other commands' library would take a
third of it: `tradebot logs …` goes straight to the log's own command line.
"""

from __future__ import annotations

import gc
import sys
from functools import partial
from typing import NoReturn

LOGS = "logs"


def main() -> NoReturn:
    """Carry out this process's command line and exit."""
    name, *rest = sys.argv[1:] or [""]
    if name == LOGS:
        # What is loaded stays: to look through it for rubbish takes a twentieth of a short answer.
        gc.set_threshold(100_000, 50, 50)
        from tradebot.command_end import end_with
        from tradebot.logtools.main import main as logs
        from tradebot.own_log import OwnLog

        end_with(partial(logs, rest, OwnLog()))
    from tradebot.cli import main as commands

    sys.exit(commands())
