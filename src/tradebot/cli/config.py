"""`tradebot config`: are the settings right, and which of them count?"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from tradebot.cli._options import ENV_FILE, OUTPUT
from tradebot.errors import SettingsError
from tradebot.settings import Settings, home, load_lenient
from tradebot.settings.render import Row, show_rows
from tradebot.strategies.registry import load_strategy


@click.group()
def command() -> None:
    """Check and show the settings."""


@command.command()
@ENV_FILE
def check(env_file: Path | None) -> int:
    """Find every mistake in the settings, at once.

    Exits with 0 when there is none, with 1 when there are, each on a line of its own. Warnings do
    not count as mistakes.
    """
    settings, problems = _read(env_file)
    _say_what_was_read(settings)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}")
    for problem in problems:
        click.echo(f"problem: {problem}")
    if not problems:
        mode = "dry run" if settings.dry_run else "orders are sent"
        click.echo(f"the settings are fine: SAXO_ENV={settings.saxo_env}, {mode}")
    return 1 if problems else 0


@command.command()
@ENV_FILE
@OUTPUT
def show(env_file: Path | None, output: str) -> int:
    """Show every variable's value and where it came from; secrets are masked."""
    settings, problems = _read(env_file)
    _say_what_was_read(settings)
    for problem in problems:
        click.echo(f"problem: {problem}", err=True)
    rows = show_rows(settings)
    if output == "json":
        click.echo(json.dumps(_document(settings, rows, problems), indent=2))
    else:
        for row in rows:
            value = "(not set)" if row.value is None else row.value
            click.echo(f"{row.name:<25} {row.origin:<12} {value}")
    return 1 if problems else 0


def _read(env_file: Path | None) -> tuple[Settings, tuple[str, ...]]:
    """The settings as far as they can be used, and everything that is wrong with them."""
    settings, problems = load_lenient(os.environ, home=home(), env_file=env_file)
    try:
        load_strategy(settings.strategy_name, settings.strategy_params, folder=settings.home)
    except SettingsError as error:
        problems += tuple(problem for problem in error.problems if problem not in problems)
    return settings, problems


def _say_what_was_read(settings: Settings) -> None:
    file = settings.env_file or f"no file ({settings.home / '.env'} does not exist)"
    click.echo(f"read: the environment and {file}", err=True)


def _document(settings: Settings, rows: list[Row], problems: tuple[str, ...]) -> dict[str, object]:
    return {
        "home": str(settings.home),
        "env_file": None if settings.env_file is None else str(settings.env_file),
        "fingerprint": settings.fingerprint(),
        "settings": [
            {"name": row.name, "value": row.value, "origin": row.origin, "secret": row.secret}
            for row in rows
        ],
        "warnings": list(settings.warnings),
        "problems": list(problems),
    }
