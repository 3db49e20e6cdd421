"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

ENV_FILE = click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="Read this file instead of the .env in the bot's own folder.",
)
OUTPUT = click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)
