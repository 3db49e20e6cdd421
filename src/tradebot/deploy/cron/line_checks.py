"""What one line of a crontab can have wrong, whoever wrote it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tradebot.deploy.cron import rules
from tradebot.deploy.cron.invocation import Lock
from tradebot.deploy.cron.line import Line
from tradebot.deploy.cron.parsed import Job
from tradebot.deploy.plan import call
from tradebot.settings.variables import SECRETS

if TYPE_CHECKING:
    from tradebot.deploy.rules import Finding

LONGEST = 998
"""Bytes of a command: Debian's cron has room for 1000 with its end."""
_SHELLS = frozenset({"sh", "dash", "bash", "ash", "busybox", "ksh", "mksh", "zsh"})
_SOURCES = re.compile(r"(?:^|[;&|(]|\bset -a)\s*(?:source|\.)\s+\S*\.?env\b")
_RANDOM = re.compile(r"\$\{?RANDOM|\$\(\(\s*RANDOM|\bRANDOM\b")
_SECRET_NAMES = frozenset(variable.name for variable in SECRETS)
# What the shell fetches from elsewhere does not stand in the line.
_SECRET = re.compile(rf"\b({'|'.join(sorted(_SECRET_NAMES))})=[\"']?(?![\"']|[$`]|\s|$)")
_BASH = frozenset({"bash", "ksh", "mksh", "zsh"})


Check = Callable[[Line], "Iterator[Finding]"]


def check_line(line: Line) -> Iterator[Finding]:
    """Everything that the line itself shows to be wrong."""
    for check in _CHECKS:
        yield from check(line)


def _as_cron_reads_it(line: Line) -> Iterator[Finding]:
    length = len(line.job.command.encode())
    if length > LONGEST:
        yield rules.TOO_LONG.found(f"{line.place}: the command has {length} bytes")
    if line.bot.is_cut:
        yield rules.PERCENT.found(f"{line.place}: a % without a backslash")
    # Debian's `crontab -l` shows it as two characters.
    if line.job.command.endswith(("\r", "\\r")):
        yield rules.LINE_END.found(f"{line.place}: ends in \\r, the sign of a Windows line end")
    if line.job.fields.startswith("@"):
        yield rules.WORD.found(f"{line.place}: {line.job.fields}")
    for name in ("CRON_TZ", "TZ"):
        if name in line.job.variables:
            yield rules.TIME_ZONE.found(
                f"{line.job.label}: {name}={line.job.variables[name]} above line {line.job.number}"
            )


def _shell(line: Line) -> Iterator[Finding]:
    shell = PurePosixPath(line.job.variables.get("SHELL", "/bin/sh")).name
    if shell not in _SHELLS:
        yield rules.SHELL.found(f"{line.job.label}: SHELL={line.job.variables['SHELL']}")
    if _RANDOM.search(line.bot.shell_text) and shell not in _BASH:
        yield rules.RANDOM.found(f"{line.place}: $RANDOM")
    if _SOURCES.search(line.bot.shell_text):
        yield rules.SOURCES_ENV.found(f"{line.place}: reads an env file in the shell")


def _locks(line: Line) -> Iterator[Finding]:
    if not line.bot.locks:
        yield rules.NO_FLOCK.found(f"{line.place}: no flock around the command")
    for lock in line.bot.locks:
        yield from _lock(line, lock)


def _lock(line: Line, lock: Lock) -> Iterator[Finding]:
    where = f"{line.place}: flock {lock.file}"
    if PurePosixPath(lock.file).name == "run.lock":
        yield rules.RUN_LOCK.found(where)
    if lock.letters & {"s", "u"}:
        yield rules.SHARED.found(f"{where} with -s or -u")
    if "n" not in lock.letters:
        yield rules.WAITS.found(f"{where} has no -n")
    if "o" not in lock.letters:
        yield rules.INHERITED.found(f"{where} has no -o")
    if lock.busy_code != "75":
        yield rules.BUSY_CODE.found(f"{where} has no -E 75")


def _paths(line: Line) -> Iterator[Finding]:
    bot = line.bot
    files = [bot.python, bot.option("--env-file") or "", *(lock.file for lock in bot.locks)]
    if bot.entry[0] != "-m":
        files.append(bot.entry[0])
    for file in files:
        if file and not bot.path(file).startswith(("/", "$", "~")):
            yield rules.RELATIVE.found(f"{line.place}: {file}")


def _programs(line: Line) -> Iterator[Finding]:
    bot = line.bot
    names = [bot.python, "" if bot.entry[0] == "-m" else bot.entry[0]]
    files = [Path(line.full(name)) for name in names if bot.path(name).startswith(("/", "~", "$"))]
    if bot.locks and "/usr/bin/flock" in bot.shell_text:
        files.append(Path("/usr/bin/flock"))
    # One with another variable in it is the shell's to find.
    missing = [file for file in files if file.is_absolute() and not os.path.isfile(file)]  # noqa: PTH113
    for file in missing:
        yield rules.MISSING.found(f"{line.place}: {file} is not there")


def check_packages(line: Line) -> Iterator[Finding]:
    """Can the line's interpreter start the bot? It is asked, as the user who runs the line."""
    bot = line.bot
    python = line.full(bot.python)
    if not bot.python or not bot.path(bot.python).startswith(("/", "~", "$HOME", "${HOME}")):
        return
    # `--version` is answered only after everything that a run needs was imported.
    entry = [line.full(word) if word.endswith(".py") else word for word in bot.entry]
    if not all(os.path.isfile(word) for word in (python, *entry) if word.startswith("/")):  # noqa: PTH113
        return
    # Never as root what belongs to somebody else: whoever writes the line would be root.
    done = call([python, *entry, "--version"], user=line.job.user)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        yield rules.WRONG_PYTHON.found(f"{line.place}: {python}: {said[0] if said else 'fails'}")


def _options(line: Line) -> Iterator[Finding]:
    if line.bot.option("--scheduled") is None:
        yield rules.NOT_SCHEDULED.found(f"{line.place}: no --scheduled")
    if line.bot.option("--single-cycle") is None:
        yield rules.NOT_SINGLE.found(f"{line.place}: no --single-cycle")


def _waits(line: Line) -> Iterator[Finding]:
    if line.bot.odd_sleeps and line.bot.option("--jitter-seconds-max") not in (None, "0"):
        yield rules.DOUBLE_JITTER.found(f"{line.place}: a sleep and --jitter-seconds-max")


def _conditions(line: Line) -> Iterator[Finding]:
    if line.bot.conditions:
        named = " ".join(line.bot.conditions)
        yield rules.CONDITION.found(f"{line.place}: `{named}` stands before the bot")


def check_secrets(jobs: Iterable[Job]) -> Iterator[Finding]:
    """Names only: what `verify` prints may go to a log."""
    for job in jobs:
        for name in sorted(set(_SECRET.findall(job.command))):
            yield rules.SECRET.found(f"{job.place}: {name}")
        for name, value in job.variables.items():
            if value and name in _SECRET_NAMES:
                yield rules.SECRET.found(f"{job.label}: {name}= above line {job.number}")


def _output(line: Line) -> Iterator[Finding]:
    if line.bot.output_is_lost:
        yield rules.OUTPUT_LOST.found(f"{line.place}: the output goes to /dev/null")
    elif line.job.variables.get("MAILTO") == "" and not _is_kept(line):
        yield rules.OUTPUT_LOST.found(f'{line.job.label}: MAILTO="" above line {line.job.number}')


def _is_kept(line: Line) -> bool:
    """Does the output go to a file, or on to another program?"""
    return re.search(r"[>|]", line.bot.shell_text) is not None


def _no_kill(line: Line) -> Iterator[Finding]:
    if not line.bot.limits:
        yield rules.NO_KILL.found(f"{line.place}: no time-out but the bot's own")


_CHECKS: tuple[Check, ...] = (
    _as_cron_reads_it,
    _shell,
    _locks,
    _paths,
    _programs,
    _options,
    _waits,
    _conditions,
    _output,
    _no_kill,
)
