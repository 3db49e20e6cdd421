"""`tradebot pause`: no new orders until resumed; runs still reconcile and keep the login alive."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from tradebot.cli._by_hand_log import leave_line
from tradebot.cli._options import ENV_FILE
from tradebot.errors import UsageError
from tradebot.settings import home, load
from tradebot.settings.parsing import duration
from tradebot.vocabulary.reasons import SkipReason
from tradebot.wiring import journals

_LONGEST_SECONDS = 366 * 86400


@click.command()
@click.option(
    "--until",
    "end",
    metavar="TIME",
    help="When to go on: 2026-03-02T14:00Z, or in how long: 90m, 2h. Default: until resumed.",
)
@ENV_FILE
def command(end: str | None, env_file: Path | None) -> int:
    """Pause trading: runs start, look after earlier orders, and send nothing new.

    A pause without an end is not shortened: exit 1, and it stays as it was.
    """
    settings = load(os.environ, home=home(), env_file=env_file)
    now = datetime.now(UTC)
    until = None if end is None else _moment(end, now)
    kept = False
    for journal in journals(settings):
        with journal:
            before = journal.control.paused(now)
            if until is not None and before is not None and before.until is None:
                # A pause that has an end would be the end of the one that has none.
                click.echo(f"kept: {journal.path} is paused until `tradebot resume`", err=True)
                kept = True
                continue
            journal.control.pause(SkipReason.BY_HAND, until=until)
            click.echo(f"recorded in {journal.path}", err=True)
    if kept:
        click.echo("paused until `tradebot resume`, as before: resume first, then pause --until")
        return 1
    leave_line(settings, "trading_paused", reason=SkipReason.BY_HAND, until=until)
    when = "until `tradebot resume`" if until is None else f"until {until:%Y-%m-%dT%H:%M:%SZ}"
    click.echo(f"paused {when}: INSTANCE={settings.instance} SAXO_ENV={settings.saxo_env}")
    return 0


def _moment(text: str, now: datetime) -> datetime:
    """A point in time after `now`, from a time or a duration."""
    try:
        moment = now + timedelta(seconds=duration(maximum=_LONGEST_SECONDS).parse(text))
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(
                f"--until {text!r}: expected a time such as 2026-03-02T14:00Z, or 90m, 2h"
            ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment <= now:
        raise UsageError(f"--until {text!r} is not in the future")
    return moment
