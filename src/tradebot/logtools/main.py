"""The command line of `tradebot logs` and of scripts/log_tools.py: one and the same.

It is argparse and not the other commands' click, so that a copied folder of logs can be read on a
machine that has nothing but Python.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, NoReturn

from tradebot.logtools.commands import COMMANDS
from tradebot.logtools.desk import UNREADABLE, Desk, Surroundings, UsageProblem, wants_colour
from tradebot.logtools.reading.sources import Unreadable
from tradebot.logtools.telling.table import harmless

EXIT_USAGE = 2
_TIME_OPTIONS = ("--since", "--until", "--at")
_BEFORE_NOW = re.compile(r"-[0-9]")


def main(arguments: Sequence[str], surroundings: Surroundings) -> int:
    """Carry out one command line and return its exit code.

    Raises SystemExit for `--help` and wrong use, as argparse does; BrokenPipeError when the reader
    of stdout has gone; OSError when stdout cannot be written.
    """
    _open_what_is_closed()
    if not arguments or arguments[0] in ("-h", "--help"):
        _help(surroundings.program)
        return 0 if arguments else EXIT_USAGE
    name = arguments[0]
    if name not in COMMANDS:
        return _unknown(name, surroundings.program)
    module = importlib.import_module(f"tradebot.logtools.commands.{name}")
    parser = _parser(name, module, surroundings.program)
    options = parser.parse_intermixed_args(list(_joined(arguments[1:])))
    try:
        code: int = module.run(options, _desk(options, surroundings))
        return code
    except UsageProblem as problem:
        parser.error(str(problem))
    except Unreadable as problem:
        sys.stderr.write(f"{surroundings.program}: cannot be read: {harmless(str(problem))}\n")
        return UNREADABLE


def _open_what_is_closed() -> None:
    """What whoever started us has closed, nobody reads: it leads nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - to the end
            setattr(sys, name, nowhere)


def _joined(arguments: Sequence[str]) -> Iterator[str]:
    """`--since -2h` as `--since=-2h`: argparse would take the time for an option."""
    waiting = ""
    for argument in arguments:
        if waiting and _BEFORE_NOW.match(argument):
            yield f"{waiting}={argument}"
            waiting = ""
            continue
        if waiting:
            yield waiting
        waiting = argument if argument in _TIME_OPTIONS else ""
        if not waiting:
            yield argument
    if waiting:
        yield waiting


class _Help(argparse.RawDescriptionHelpFormatter):
    """As wide as the terminal. argparse would load half of what Python has for archives to learn
    that, for each option, whether help is wanted or not."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"width": _columns() - 2, **options})


class _Parser(argparse.ArgumentParser):
    """Repeats what was typed, and no escape sequence in it, to the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(harmless(message))


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:  # no terminal
        return 80


def _parser(name: str, module: ModuleType, program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"{program} {name}",
        description=module.__doc__,
        formatter_class=_Help,
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
