"""The command line of `tradebot logs` and of scripts/log_tools.py: one and the same.

It is argparse and not the other commands' click, so that a copied folder of logs can be read on a
machine that has nothing but Python.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from tradebot.logtools.commands import COMMANDS
from tradebot.logtools.desk import UNREADABLE, Desk, Surroundings, UsageProblem, wants_colour
from tradebot.logtools.sources import Unreadable

EXIT_USAGE = 2


def main(arguments: Sequence[str], surroundings: Surroundings) -> int:
    """Carry out one command line and return its exit code.

    Raises SystemExit for `--help` and wrong use, as argparse does; BrokenPipeError when the reader
    of stdout has gone; OSError when stdout cannot be written.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        _help(surroundings.program)
        return 0 if arguments else EXIT_USAGE
    name = arguments[0]
    if name not in COMMANDS:
        return _unknown(name, surroundings.program)
    module = importlib.import_module(f"tradebot.logtools.commands.{name}")
    parser = _parser(name, module, surroundings.program)
    options = parser.parse_args(arguments[1:])
    try:
        code: int = module.run(options, _desk(options, surroundings))
        return code
    except UsageProblem as problem:
        parser.error(str(problem))
    except Unreadable as problem:
        sys.stderr.write(f"{surroundings.program}: cannot be read: {problem}\n")
        return UNREADABLE


def _parser(name: str, module: ModuleType, program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program} {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.arguments(parser)
    return parser


def _desk(options: argparse.Namespace, surroundings: Surroundings) -> Desk:
    desk = Desk(
        surroundings,
        logs=getattr(options, "logs", ()),
        env_file=getattr(options, "env_file", None),
        journal=getattr(options, "journal", None),
        output=getattr(options, "output", "text"),
        colour=wants_colour(sys.stdout.isatty),
    )
    if getattr(options, "local", False):
        desk.zone = None
    return desk


def _help(program: str) -> None:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())
    sys.stdout.write(
        f"usage: {program} COMMAND …\n\nRead the log back.\n\n{rows}\n\n"
        f"`{program} COMMAND --help` says more about each. Every command reads LOG_DIR, or what "
        "--logs names.\n"
    )


def _unknown(name: str, program: str) -> int:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    sys.stderr.write(
        f"{program}: there is no command {name!r}.{hint} `{program} --help` lists them.\n"
    )
    return EXIT_USAGE
