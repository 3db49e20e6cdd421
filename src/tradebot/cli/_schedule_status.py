"""`tradebot schedule status`: is it installed, when is the next run, how did the last one end?"""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from tradebot.cli._options import OUTPUT
from tradebot.cli._schedule_options import Wanted, schedule_options
from tradebot.errors import StorageError


@click.command()
@OUTPUT
@schedule_options
def status(wanted: Wanted, output: str) -> int:
    """Say whether the schedule is installed and active, and what it did last.

    Exits with 0 when it is active and as it would be rendered now, with 1 when not.
    """
    for problem in wanted.problems:
        click.echo(f"problem: {problem}", err=True)
    found = wanted.scheduler.status(wanted.schedule)
    facts = {
        "schedule": f"{wanted.schedule.name} by {wanted.scheduler.name}",
        "installed": _word(found.installed),
        "as rendered": _word(found.current),
        "active": _word(found.active),
        **dict(found.facts),
        **dict(_journal_facts(wanted)),
    }
    if output == "json":
        click.echo(json.dumps(facts, indent=2))
    else:
        width = max(map(len, facts))
        for name, value in facts.items():
            click.echo(f"{name:<{width}}  {value}")
    if not found.installed:
        click.echo(f"install it: {wanted.command('install')}", err=True)
    elif not found.current:
        click.echo(
            "it is not what these options and settings would be (give --dry-run, --narrow and the"
            f" like again); this shows the difference first: {wanted.command('install')}",
            err=True,
        )
    return 0 if found.installed and found.current and found.active else 1


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _journal_facts(wanted: Wanted) -> Iterator[tuple[str, str]]:
    """What the bot itself wrote down of its last run."""
    from tradebot.journal import Journal, is_there
    from tradebot.wiring import journal_path

    path = journal_path(wanted.settings)
    try:
        if not is_there(path):
            yield "last row", f"none: {path} does not exist yet"
            return
        with Journal(path, look=True) as journal:
            rows = journal.runs.latest(1)
    except StorageError as error:
        yield "last row", f"cannot be read: {error}"
        return
    for row in rows:
        outcome = row.outcome or f"in phase {row.phase}"
        told = [f"{row.started_at:%Y-%m-%dT%H:%M:%SZ}", str(outcome)]
        told += [f"reason {row.reason}"] if row.reason else []
        told += [] if row.exit_code is None else [f"exit code {row.exit_code}"]
        yield "last row", f"{', '.join(told)}, run_id {row.run_id}"
