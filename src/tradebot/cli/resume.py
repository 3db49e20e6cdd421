"""`tradebot resume`: the end of a pause, whoever began it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from tradebot.cli._by_hand_log import leave_line
from tradebot.cli._options import ENV_FILE
from tradebot.journal import Pause
from tradebot.settings import home, load
from tradebot.vocabulary.reasons import SkipReason
from tradebot.wiring import journals

_ANY_TIME = datetime.fromtimestamp(0, UTC)
"""A pause that is still recorded is to be told, also when its end has passed."""
_BEGUN: dict[str, str] = {
    SkipReason.BY_HAND: "by hand",
    SkipReason.CONSECUTIVE_FAILURES: "by the bot, after MAX_CONSECUTIVE_FAILURES orders failed in"
    " a row",
}


@click.command()
@ENV_FILE
def command(env_file: Path | None) -> int:
    """Resume trading, and forget the failures that led to a pause. Exit 1: nothing was paused."""
    settings = load(os.environ, home=home(), env_file=env_file)
    resumed = False
    pauses: list[Pause] = []
    for journal in journals(settings):
        with journal:
            pause = journal.control.paused(_ANY_TIME)
            resumed = journal.control.resume() or resumed
            if pause is not None and pause not in pauses:
                pauses.append(pause)
            click.echo(f"read {journal.path}", err=True)
    for pause in pauses:
        click.echo(f"it had been paused {_in_words(pause)}", err=True)
        leave_line(settings, "trading_resumed", reason=pause.reason, until=pause.until)
    where = f"INSTANCE={settings.instance} SAXO_ENV={settings.saxo_env}"
    click.echo(f"resumed: {where}" if resumed else f"nothing was paused: {where}")
    return 0 if resumed else 1


def _in_words(pause: Pause) -> str:
    begun = _BEGUN.get(pause.reason, pause.reason)
    until = "resumed" if pause.until is None else f"{pause.until:%Y-%m-%dT%H:%M:%SZ}"
    return f"{begun}, until {until}"
