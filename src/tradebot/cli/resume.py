"""`tradebot resume`: the end of a pause, whoever began it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tradebot.cli._options import ENV_FILE
from tradebot.settings import home, load
from tradebot.wiring import journals


@click.command()
@ENV_FILE
def command(env_file: Path | None) -> int:
    """Resume trading, and forget the failures that led to a pause. Exit 1: nothing was paused."""
    settings = load(os.environ, home=home(), env_file=env_file)
    resumed = False
    for journal in journals(settings):
        with journal:
            resumed = journal.control.resume() or resumed
            click.echo(f"read {journal.path}", err=True)
    where = f"INSTANCE={settings.instance} SAXO_ENV={settings.saxo_env}"
    click.echo(f"resumed: {where}" if resumed else f"nothing was paused: {where}")
    return 0 if resumed else 1
