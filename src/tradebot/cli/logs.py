"""`tradebot logs`: the log, read back. What may be typed behind it is `tradebot.logtools`' own.

Typed at a prompt, `tradebot.entry` answers it without this module; both do the same.
"""

from __future__ import annotations

import click

from tradebot.logtools.main import main
from tradebot.own_log import OwnLog


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Read the log back."""
    return main(arguments, OwnLog())
