"""`tradebot schedule lock`: who holds the bot's locks, and is that as it should be?"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tradebot.cli import EXIT_USAGE
from tradebot.cli._options import ENV_FILE, OUTPUT

if TYPE_CHECKING:
    from tradebot.scheduling.lock_state import LockState


@click.command()
@OUTPUT
@ENV_FILE
def lock(output: str, env_file: Path | None) -> int:
    """Say who holds the lock of this instance, and those of this user's accounts.

    Looking disturbs no run. Exits with 0 when a lock is free (also when a killed run left its
    record: the next run clears it up) or held by a run within its time; with 1 when something is
    wrong, and says what to do: a run that hangs or stands still, a process that inherited the
    lock, a lock file that was removed; with 2 when a lock cannot be read.
    """
    from tradebot.scheduling.lock_state import State, look
    from tradebot.settings import home, load_lenient
    from tradebot.settings.home import user_state_folder
    from tradebot.wiring import lock_path

    # A lock is held whatever else is wrong with the settings.
    settings, problems = load_lenient(os.environ, home=home(), env_file=env_file)
    for problem in problems:
        click.echo(f"tradebot: {problem}", err=True)
    accounts = sorted((user_state_folder(os.environ) / "locks").glob("account-*.lock"))
    states = [look(path) for path in (lock_path(settings), *accounts)]
    if output == "json":
        click.echo(json.dumps({"locks": [_facts(state) for state in states]}, indent=2))
    else:
        _tell(states)
    if any(state.state is State.UNREADABLE for state in states):
        return EXIT_USAGE
    return int(any(state.is_wrong for state in states))


def _tell(states: Sequence[LockState]) -> None:
    """The lock of this instance; of the accounts' locks each that is not simply free."""
    from tradebot.scheduling.lock_state import State

    for number, state in enumerate(states):
        if number == 0 or state.state is not State.FREE:
            _tell_one(state)
    free = sum(state.state is State.FREE for state in states[1:])
    if free:
        click.echo(f"{states[1].path.parent}: {free} free lock{'s' * (free > 1)} of accounts")


def _tell_one(state: LockState) -> None:
    click.echo(f"{state.path}: {state.state}")
    click.echo(f"  {state.text}")
    if state.age is not None and state.holder is not None:
        click.echo(f"  since {state.holder.since}, for {round(state.age.total_seconds())} s")
    if state.killed is not None:
        click.echo(f"  kept for the next run, which recovers it: {state.killed}")
    if state.advice:
        click.echo(f"  what to do: {state.advice}")


def _facts(state: LockState) -> dict[str, object]:
    return {
        "path": str(state.path),
        "state": str(state.state),
        "wrong": state.is_wrong,
        "text": state.text,
        "what_to_do": state.advice or None,
        "holder": _record(state.holder),
        "killed": _record(state.killed),
        "age_seconds": None if state.age is None else round(state.age.total_seconds()),
        "processes": [
            {"pid": one.pid, "command": one.command, "process_state": one.state or None}
            for one in state.processes
        ],
    }


def _record(holder: object) -> dict[str, object] | None:
    import dataclasses

    if holder is None:
        return None
    record = dataclasses.asdict(holder)  # type: ignore[call-overload]
    return {key: None if value == "-" else value for key, value in record.items() if key != "birth"}
