"""What can be wrong with what a service starts: which program, how often, with which options."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath

from tradebot.deploy.common_checks import DRY
from tradebot.deploy.model import Program, Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd.environment import after_env, env_files
from tradebot.deploy.systemd.parsed import Unit
from tradebot.settings.variables import SECRETS

NO_COMMAND = Rule(
    "command-missing",
    Severity.ERROR,
    "Each start fails with status=203/EXEC, or with Python's exit code 2, and leaves no line in "
    "bot.log.",
    "correct the path in ExecStart=, or install the schedule anew",
)
SEVERAL = Rule(
    "command-several",
    Severity.ERROR,
    "A oneshot runs them all, one after the other: a second bot, or none when the first one fails.",
    "leave one; in a drop-in an empty `ExecStart=` must stand before the new one",
)
NOT_SCHEDULED = Rule(
    "command-not-scheduled",
    Severity.ERROR,
    "Runs belong to no slot: one that starts twice or late trades twice or late.",
    "add --scheduled to ExecStart=",
)
NOT_SINGLE = Rule(
    "command-not-single-cycle",
    Severity.ERROR,
    "The bot stays and loops on its own, until systemd kills it.",
    "add --single-cycle to ExecStart=",
)
OTHER_PROGRAM = Rule(
    "command-other-program",
    Severity.WARNING,
    "What runs is not what is judged here: another bot, with settings and a state of its own, or "
    "no bot at all.",
    "verify with the bot that the unit starts, or install the schedule anew",
)
OTHER_ENV_FILE = Rule(
    "command-other-env-file",
    Severity.WARNING,
    "Runs have other settings than those that the schedule is judged by.",
    "ask for the same file: `tradebot schedule verify systemd --env-file FILE`",
)
DRY_COMMAND = Rule(
    "command-dry-run",
    Severity.WARNING,
    "Runs send no order, whatever the settings say; `verify` and `status` were asked for a "
    "schedule that does.",
    "install the schedule anew without --dry-run, or ask with --dry-run if it is meant",
)
NOT_DRY = Rule(
    "command-not-dry-run",
    Severity.WARNING,
    "Runs send orders as soon as the settings say DRY_RUN=false; `verify` and `status` were asked "
    "for a schedule that never does.",
    "install the schedule anew with --dry-run, or ask without it",
)
RULES = (
    NO_COMMAND, SEVERAL, NOT_SCHEDULED, NOT_SINGLE, OTHER_PROGRAM, OTHER_ENV_FILE, DRY_COMMAND,
    NOT_DRY,
)  # fmt: skip

ENV_FILE = "--env-file"
_WRAPPERS = frozenset({"flock", "ionice", "nice", "stdbuf", "taskset"})
"""They start the program that they are given, and end as it does."""
_PYTHON_TAKES_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_SECRETS = frozenset(variable.name for variable in SECRETS)
_SAYS_WHAT_TO_RUN = frozenset({"-c", "-m", "-"})


def option_value(words: Sequence[str], option: str) -> str | None:
    """As the bot reads its command line: the last one counts. None when it is not there."""
    found = None
    for word, following in itertools.pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        if name == option:
            found = value if equals else following
    return found


def program_findings(schedule: Schedule, service: Unit, *, keepalive: bool) -> Iterator[Finding]:
    """Is what ExecStart= names there, is it ours, and only that?"""
    commands = service.commands()
    if not commands:
        yield NO_COMMAND.found(f"{service.name}: no ExecStart=")
    if len(commands) > 1:
        yield SEVERAL.found(
            f"{service.name}: {len(commands)} commands in ExecStart=, the last is "
            f"{_shown(commands[-1].words)}"
        )
    for command in commands:
        missing = list(_missing(command.words))
        for path in missing:
            yield NO_COMMAND.found(f"{service.name}: {path} is not there or not executable")
        ours = _is_keepalive if keepalive else _is_bot
        if not missing and not ours(schedule.program, service, command.words):
            yield OTHER_PROGRAM.found(f"{service.name}: ExecStart={_shown(command.words)}")
        yield from _env_file(schedule.program, service, command.words)


def option_findings(schedule: Schedule, service: Unit) -> Iterator[Finding]:
    """For the service of a cycle: each of its commands has the options that make it one."""
    for command in service.commands():
        words = command.words
        said = f"{service.name}: ExecStart={_shown(words)}"
        if "--scheduled" not in words:
            yield NOT_SCHEDULED.found(said)
        if "--single-cycle" not in words:
            yield NOT_SINGLE.found(said)
        if "--dry-run" in words and not schedule.dry_run:
            yield DRY.found(f"{service.name}: ExecStart= has --dry-run")
            yield DRY_COMMAND.found(f"{service.name}: ExecStart= has --dry-run")
        if schedule.dry_run and "--dry-run" not in words:
            yield NOT_DRY.found(f"{service.name}: ExecStart= has no --dry-run")


def _shown(words: Sequence[str]) -> str:
    """A secret is never repeated."""
    pairs = (word.partition("=") for word in words)
    return " ".join(
        f"{name}=…" if name in _SECRETS and equals else name + equals + value
        for name, equals, value in pairs
    )


def _missing(words: Sequence[str]) -> Iterator[str]:
    """Only absolute paths can be judged."""
    started = after_env(words)[1]
    for word in dict.fromkeys((words[0], started[0])):
        program = Path(word)
        if program.is_absolute() and not (program.is_file() and os.access(program, os.X_OK)):
            yield word
    for word in _after_pythons_options(started)[:1]:
        if word.endswith(".py") and word.startswith("/") and not Path(word).is_file():
            yield word


def _is_bot(program: Program, service: Unit, words: Sequence[str]) -> bool:
    """The same words at the beginning; the file may be named otherwise (`python3`, a link)."""
    words = _unwrapped(words, lambda word: _same_python(program, word))
    if not _same_python(program, words[0]):
        return False
    rest = _after_pythons_options(words)
    if rest[:2] == ["-m", "tradebot"] or not rest:
        return bool(rest)
    entry = _absolute(service, rest[0])
    return any(_same(entry, Path(word)) for word in program.entry)


def _unwrapped(words: Sequence[str], is_own: Callable[[str], bool]) -> Sequence[str]:
    """From the bot's own program on, where something that changes nothing stands before it."""
    words = after_env(words)[1]
    if PurePath(words[0]).name in _WRAPPERS:
        own = (index for index, word in enumerate(words) if is_own(word))
        words = words[next(own, 0) :]
    return words


def _after_pythons_options(words: Sequence[str]) -> list[str]:
    """Without the program and options such as -u; those that say what to run are not among them."""
    rest = list(words[1:])
    while rest and rest[0].startswith("-") and rest[0] not in _SAYS_WHAT_TO_RUN:
        del rest[: 2 if rest[0] in _PYTHON_TAKES_VALUE else 1]
    return rest


def _is_keepalive(program: Program, service: Unit, words: Sequence[str]) -> bool:
    words = _unwrapped(words, lambda word: _same_tradebot(program, word))
    return _same_tradebot(program, words[0]) and [*words[1:3]] == ["auth", "keepalive"]


def _same_tradebot(program: Program, word: str) -> bool:
    there, ours = Path(word), Path(program.tradebot)
    return there.name == ours.name and (_same(there.parent, ours.parent) or _same(there, ours))


def _same_python(program: Program, word: str) -> bool:
    """The folder decides: it is the venv's, and all its pythons are one."""
    there, ours = Path(word), Path(program.python)
    named = there.name.startswith("python") or there.name == ours.name
    return named and _same(there.parent, ours.parent)


def _env_file(program: Program, service: Unit, words: Sequence[str]) -> Iterator[Finding]:
    said = option_value(words, ENV_FILE)
    expected = None if program.env_file is None else Path(program.env_file)
    if said is not None:
        if expected is None or not _same(_absolute(service, said), expected):
            yield OTHER_ENV_FILE.found(
                f"{service.name}: ExecStart= has {ENV_FILE}={said}, asked was for "
                f"{expected or 'none'}"
            )
    elif program.env_file_given and not _is_named(service, expected):
        yield OTHER_ENV_FILE.found(f"{service.name}: nothing in it names {expected}")


def _is_named(service: Unit, file: Path | None) -> bool:
    return file is not None and any(_same(path, file) for path, _ in env_files(service))


def _absolute(service: Unit, path: str) -> Path:
    """As seen from where the command starts."""
    folder = service.text("Service", "WorkingDirectory") or ("~" if service.is_users else "/")
    return Path(folder.removeprefix("-"), path).expanduser()


def _same(one: Path, other: Path) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)
