"""`tradebot logs`: the log, read back. What may be typed behind it is `tradebot.logtools`' own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from tradebot.logtools.main import main


class BotsOwn:
    """The log, the journals and the settings of this installation."""

    program = "tradebot logs"

    def log_dir(self, env_file: str | None) -> str:
        from tradebot.settings import home, load_lenient

        # A log is to be read also where the settings are wrong.
        settings, _ = load_lenient(os.environ, home=home(), env_file=_path(env_file))
        return str(settings.log_dir)

    def journals(self, env_file: str | None) -> Sequence[str]:
        from tradebot.journal.files import path_of
        from tradebot.settings import home, load_lenient

        settings, _ = load_lenient(os.environ, home=home(), env_file=_path(env_file))
        paths = [path_of(settings.state_path, dry_run=dry_run) for dry_run in (False, True)]
        return [str(path) for path in paths if os.access(path, os.R_OK)]

    def settings(self, env_file: str | None) -> Sequence[tuple[str, str, str]]:
        from tradebot.settings import home, load_lenient
        from tradebot.settings.render import show_rows

        settings, _ = load_lenient(os.environ, home=home(), env_file=_path(env_file))
        return [
            (row.name, "" if row.value is None else row.value, row.origin)
            for row in show_rows(settings)
        ]


def _path(env_file: str | None) -> Path | None:
    return None if env_file is None else Path(env_file)


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Read the log back."""
    return main(arguments, BotsOwn())
