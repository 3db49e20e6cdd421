"""`tradebot run`: a cycle, with the arguments and exit codes of `main.py`."""

from __future__ import annotations

import sys

import click


@click.command(
    "run",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Trade: the same as main.py (see tradebot run --help)."""
    from tradebot.app import main

    sys.exit(main(list(arguments)))
