"""What a service's environment will be, as far as this process may read it."""

from __future__ import annotations

import glob
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from tradebot.deploy.model import Schedule
from tradebot.deploy.systemd.parsed import Unit
from tradebot.settings.env_file import read_env_file


def own_variables(service: Unit) -> Mapping[str, str]:
    """What stands in the unit itself."""
    pairs = (word.partition("=") for word in service.words("Service", "Environment"))
    return {name: value for name, equals, value in pairs if equals}


def after_env(words: Sequence[str]) -> tuple[Mapping[str, str], Sequence[str]]:
    """Of `env NAME=VALUE … PROGRAM …`: what is set, and the command from PROGRAM on. Any other
    command, also one with options of env's own, is left as it is."""
    if not words or PurePath(words[0]).name != "env":
        return {}, words
    pairs = [word.partition("=") for word in itertools.takewhile(_is_assignment, words[1:])]
    rest = words[1 + len(pairs) :]
    if not rest or rest[0].startswith("-"):
        return {}, words
    return {name: value for name, _, value in pairs}, rest


def _is_assignment(word: str) -> bool:
    return re.match(r"[A-Za-z_]\w*=", word) is not None


def command_variables(service: Unit) -> Mapping[str, str]:
    """What the command itself sets, by means of `env`: nothing else overrules it."""
    return after_env(service.command())[0]


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
    over the unit, the command over both, and as the bot has it, all win over its own file."""
    merged: dict[str, str] = {}
    if schedule.program.env_file is not None:
        merged.update(file_variables(Path(schedule.program.env_file)))
    merged.update(own_variables(service))
    for path, _ in env_files(service):
        merged.update(file_variables(path))
    merged.update(command_variables(service))
    return merged
