"""What a person did, in the bot's own log: beside a running bot, and only as far as possible."""

from __future__ import annotations

import uuid
from typing import Any

import click

from tradebot.errors import StorageError
from tradebot.log_setup import open_log
from tradebot.observability import log_event
from tradebot.settings import Settings

BY_HAND = "by_hand"


def leave_line(settings: Settings, event: str, **fields: Any) -> None:
    """Log one event. Where the log cannot be written, say so on stderr and go on.

    What the person wanted is done already: it must not fail for want of a log. It holds for dry
    and for real runs, so the line claims neither.
    """
    try:
        with open_log(settings, str(uuid.uuid4()), single_cycle=False, console=False) as session:
            session.update_context(dry_run=None)
            if log_event(event, who=BY_HAND, **fields):
                return
        why = f"the log in {settings.log_dir} did not take the line"
    except StorageError as error:
        why = str(error)
    click.echo(f"tradebot: done, but the log does not say so: {why}", err=True)
