"""Reads the log back where the bot is not installed: Python 3.11 and a copied folder are enough.

    python3 scripts/log_tools.py trace ATB-20251217-0712-ABCDEFGHIJ --logs copied/
    python3 scripts/log_tools.py --help

The commands are those of `tradebot logs`, and so is the code. Here nothing is known of the bot's
settings: the log is the current folder unless --logs names another, and the journal is asked only
when --journal names it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

if sys.version_info < (3, 11):
    sys.exit("log_tools.py needs Python 3.11 or newer; this is " + sys.version.split()[0])

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))


def run(arguments: Sequence[str]) -> NoReturn:
    """Carry out one command line and exit."""
    from tradebot.command_end import end_with
    from tradebot.logtools.desk import Copied
    from tradebot.logtools.main import main

    end_with(lambda: main(arguments, Copied()))


if __name__ == "__main__":
    run(sys.argv[1:])
