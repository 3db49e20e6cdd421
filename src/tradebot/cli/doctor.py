"""`tradebot doctor`: would an unattended run work here, and does the log keep its promises?"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tradebot.cli._options import ENV_FILE, OUTPUT

if TYPE_CHECKING:
    from tradebot.cli._checks import Check

EXIT_PROBLEMS = 1


@click.command()
@ENV_FILE
@OUTPUT
def command(env_file: Path | None, output: str) -> int:
    """Would an unattended run work here, and does the log keep its promises?

    Looks at settings, folders, clock, journal, login and locks, and logs a made-up secret in every
    way there is to see that none shows it. Changes nothing and uses no network.

    Exits with 0 when nothing fails (a WARN works, but look at it), with 1 when something does.
    """
    from tradebot.cli._checks import FAIL, WARN, examine
    from tradebot.settings import home, load_lenient

    settings, problems = load_lenient(os.environ, home=home(), env_file=env_file)
    file = settings.env_file or f"no file ({settings.home / '.env'} does not exist)"
    click.echo(f"read: the environment and {file}", err=True)
    checks: list[Check] = []
    for check in examine(settings, problems):
        checks.append(check)
        if output == "text":
            click.echo(_line(check))
    failed = sum(check.status == FAIL for check in checks)
    warned = sum(check.status == WARN for check in checks)
    if output == "json":
        document = {"checks": [asdict(one) for one in checks], "failed": failed, "warned": warned}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(f"{len(checks)} checks: {failed} failed, {warned} warnings")
    return EXIT_PROBLEMS if failed else 0


def _line(check: Check) -> str:
    return f"{check.status:<4}  {check.what}" + (f"  ({check.todo})" if check.todo else "")
