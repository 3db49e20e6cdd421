"""What a service's environment will be, as far as this process may read it."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from pathlib import Path

from tradebot.deploy.model import Schedule
from tradebot.deploy.systemd.parsed import Unit
from tradebot.settings.env_file import read_env_file


def own_variables(service: Unit) -> Mapping[str, str]:
    """What stands in the unit itself."""
    pairs = (word.partition("=") for word in service.words("Service", "Environment"))
    return {name: value for name, equals, value in pairs if equals}


def env_files(service: Unit) -> Iterator[tuple[Path, bool]]:
    """Each file of EnvironmentFile=, and whether it must be there."""
    for value in service.all("Service", "EnvironmentFile"):
        required = not value.startswith("-")
        pattern = service.expanded(value.removeprefix("-"))
        found = [Path(path) for path in sorted(glob.glob(pattern))]  # noqa: PTH207 - a pattern
        for path in found or [Path(pattern)]:
            yield path, required


def file_variables(path: Path) -> Mapping[str, str]:
    """Empty where the file cannot be read: another rule says so."""
    try:
        return read_env_file(path).values
    except OSError:
        return {}


def environment(schedule: Schedule, service: Unit) -> Mapping[str, str]:
    """All variables that the bot will find, its own file included. As systemd has it, files win
    over the unit, and as the bot has it, both win over its own file."""
    merged: dict[str, str] = {}
    if schedule.program.env_file is not None:
        merged.update(file_variables(Path(schedule.program.env_file)))
    merged.update(own_variables(service))
    for path, _ in env_files(service):
        merged.update(file_variables(path))
    return merged
