"""`tradebot schedule missed`: what became of each slot, and what the scheduler says of the gaps."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from tradebot.cli import EXIT_USAGE
from tradebot.cli._options import ENV_FILE
from tradebot.cli._times import moment

_BY_DEFAULT = timedelta(days=1)


@click.command()
@click.option("--since", type=moment, metavar="TIME", help="Slots from then on. Default: -1d.")
@click.option("--until", type=moment, metavar="TIME", help="… and before then. Default: now.")
@click.option("--all-hours", is_flag=True, help="Also slots outside trading hours.")
@click.option(
    "--output",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="For people; one JSON document; one JSON object per line.",
)
@ENV_FILE
def missed(
    since: datetime | None,
    until: datetime | None,
    all_hours: bool,
    output: str,
    env_file: Path | None,
) -> int:
    """Compare the slots in which runs should have started with the runs on record.

    Reads the journals of this instance's real and dry runs, and for slots in which nobody started
    the bot the scheduler's own record. Only slots within trading hours count; in mode
    `instrument`, whose past sessions nobody keeps, all do. Changes nothing.

    Exits with 0 when every slot was run or skipped on purpose, with 1 when one was missed
    (no-wakeup, killed, failed, late or busy), with 2 when nothing can be judged.
    """
    from tradebot.cli._missed_report import render
    from tradebot.cli._missed_search import search, settings_for_slots
    from tradebot.cli._orders_desk import new_clock

    now = new_clock().now()
    begin, end = since or now - _BY_DEFAULT, until or now
    if begin >= end:
        raise click.UsageError(f"--since {begin:%FT%TZ} is not before --until {end:%FT%TZ}")
    settings, problems = settings_for_slots(env_file)
    found = search(settings, begin, end, now, all_hours=all_hours)
    if problems:
        found.notes.append(
            f"the settings have {problems} other problems, with which every run fails: see "
            "`tradebot config check`"
        )
    found.look_at_the_scheduler(settings, env_file)
    for line in found.read:
        click.echo(f"read {line}", err=True)
    for line in render(found, output):
        click.echo(line)
    for note in found.notes if output != "json" else ():
        click.echo(f"note: {note}", err=True)
    if not found.history:
        click.echo("nothing was judged: that is not the same as nothing missed", err=True)
        return EXIT_USAGE
    return int(found.is_missing_any)
