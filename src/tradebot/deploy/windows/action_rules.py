"""What is wrong with what a task starts."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath, PureWindowsPath

from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.windows.parsed import Task
from tradebot.deploy.windows.starts import Start, is_python, is_shell, starts_of
from tradebot.settings.variables import SECRETS

NO_BOT = Rule(
    "task-starts-something-else",
    Severity.ERROR,
    "Nothing in it starts the bot.",
    "start python.exe with main.py, as `tradebot schedule render windows` prints it",
)
FOR_EVER = Rule(
    "task-runs-forever",
    Severity.ERROR,
    "Without --single-cycle the bot trades in a loop of its own until the time limit kills it, "
    "and every start in between is ignored.",
    "add --single-cycle to the arguments",
)
NO_SLOTS = Rule(
    "task-not-scheduled",
    Severity.ERROR,
    "Without --scheduled a run belongs to no slot: a second start in the same slot trades a second "
    "time, and a missed one is not noticed.",
    "add --scheduled to the arguments",
)
NOT_THERE = Rule(
    "task-program-missing",
    Severity.ERROR,
    "Every start fails (0x80070002, or exit code 2) before the bot can log anything.",
    "install it there, or install the schedule again from where it is",
)
RELATIVE = Rule(
    "task-relative-path",
    Severity.ERROR,
    "A task starts in C:\\Windows\\System32 with a PATH of its own: the program is not found, or "
    "another Python is.",
    "write whole paths, with the drive",
)
NO_CONSOLE = Rule(
    "task-pythonw",
    Severity.WARNING,
    "pythonw.exe has no error output: what goes wrong before the log is open is seen nowhere.",
    "use python.exe; with LogonType S4U it opens no window",
)
SHELL = Rule(
    "task-shell",
    Severity.WARNING,
    "Windows watches the shell: the bot's exit code may be lost, and a kill may leave it running.",
    "make python.exe the Command itself; settings belong into the env file",
)
SECRET = Rule(
    "task-secret",
    Severity.ERROR,
    "Everybody who may list tasks or processes on this machine reads it, and it is in every "
    "exported copy.",
    "move it into the env file, readable by its user only, and have the secret replaced",
)
REPLACED = Rule(
    "task-replaced-text",
    Severity.ERROR,
    "The Task Scheduler replaces %NAME% and $(…) before the start; what then stands there depends "
    "on the account it runs as.",
    "write the path out in full, without a variable",
)
SECOND = Rule(
    "task-second-start",
    Severity.ERROR,
    "Windows runs the actions one after the other, each time: the later ones start late, or beside "
    "the slots.",
    "keep one action",
)
OTHER_ACTION = Rule(
    "task-other-action",
    Severity.WARNING,
    "It runs in every slot as well, in the same time limit: while it lasts the bot waits, or the "
    "next slots are left out.",
    "give it a task of its own",
)
DRY_RUN = Rule(
    "task-dry-run",
    Severity.WARNING,
    "Runs decide and precheck, and never send an order.",
    "tradebot schedule install windows, without --dry-run; where it is meant: verify --dry-run",
)
OTHER_PROGRAM = Rule(
    "task-other-program",
    Severity.WARNING,
    "Another copy of the bot runs, of its own version and with its own .env and journal.",
    "tradebot schedule install windows, or verify with that copy's own tradebot.exe",
)
SETTINGS_DIFFER = Rule(
    "task-settings-differ",
    Severity.WARNING,
    "Its runs follow that; what verify, status and missed say is about other settings.",
    "install it again with the same options, or verify with the task's",
)
RULES = (
    *(NO_BOT, FOR_EVER, NO_SLOTS, NOT_THERE, RELATIVE, NO_CONSOLE, SHELL, SECRET, REPLACED),
    *(SECOND, OTHER_ACTION, DRY_RUN, OTHER_PROGRAM, SETTINGS_DIFFER),
)

_ANOTHER_SYSTEM = (
    "it is another system's path: install it on the Windows machine itself, in the bot's folder "
    "(.venv\\Scripts\\tradebot schedule install windows), or put that machine's paths into the XML"
)
_SECRET = re.compile(
    "|".join(rf"\b{re.escape(variable.name)}\b" for variable in SECRETS) + r"|\bbearer\s",
    re.IGNORECASE,
)
_REPLACED = re.compile(r"%[^%\s]+%|\$\(")


def check_actions(task: Task, schedule: Schedule, *, here: bool | None = None) -> Iterator[Finding]:
    """`here`: is this the machine that it runs on? Then its files are looked for."""
    here = sys.platform == "win32" if here is None else here
    actions = [(action, list(starts_of(action))) for action in task.actions]
    found = [start for _, starts in actions for start in starts]
    if not found:
        yield NO_BOT.found(f"Actions: {', '.join(a.command for a in task.actions) or 'none'}")
    elif len(found) > 1:
        yield SECOND.found(f"Actions: the bot is started {len(found)} times")
    others = [action.command for action, starts in actions if not starts]
    for name in [*others, *task.other_actions] if found else []:
        yield OTHER_ACTION.found(f"Actions: {name}")
    for start in found:
        yield from _check_options(start, schedule)
        yield from _check_program(start, here)
        yield from _check_copy(start, schedule)


def check_text(task: Task) -> Iterator[Finding]:
    """What holds for every task of the schedule, the login's one as well."""
    for action in task.actions:
        text = f"{action.command} {action.arguments}"
        found = _SECRET.search(text)
        if found is not None:
            # Its name, not its value.
            yield SECRET.found(f"Exec: the arguments hold {found[0].strip()}")
        elif _REPLACED.search(f"{text} {action.folder}"):
            yield REPLACED.found(f"Exec: {text}")


def _check_options(start: Start, schedule: Schedule) -> Iterator[Finding]:
    program = schedule.program
    said = f"Arguments: {' '.join(start.options)}"
    if start.option("--single-cycle") is None:
        yield FOR_EVER.found(said)
    if start.option("--scheduled") is None:
        yield NO_SLOTS.found(said)
    dry = start.option("--dry-run") is not None
    if dry and not schedule.dry_run:
        yield DRY_RUN.found(said)
    elif schedule.dry_run and not dry:
        yield SETTINGS_DIFFER.found("Arguments: no --dry-run, which was asked for")
    env_file = start.option("--env-file")
    if env_file is not None and not _same(start.path(env_file), program.env_file):
        yield SETTINGS_DIFFER.found(f"Arguments: --env-file={env_file}")
    elif env_file is None and program.env_file_given:
        yield SETTINGS_DIFFER.found(f"Arguments: no --env-file={program.env_file}")


def _check_program(start: Start, here: bool) -> Iterator[Finding]:
    command = start.action.command
    if is_shell(command):
        yield SHELL.found(f"Command: {command}")
    elif is_python(start.python) and PureWindowsPath(start.python).stem.lower().endswith("w"):
        yield NO_CONSOLE.found(f"Command: {command}")
    for path in (command, None if start.main is None else start.path(start.main)):
        if path is None:
            continue
        if not PureWindowsPath(path).is_absolute():
            remedy = _ANOTHER_SYSTEM if path.startswith("/") else None
            yield RELATIVE.found(f"{path} is no whole path of Windows", remedy=remedy)
        elif here and not Path(path).is_file():
            yield NOT_THERE.found(f"{path} is not there")
    folder = start.action.folder
    if here and folder and not Path(folder).is_dir():
        yield NOT_THERE.found(f"the working directory {folder} is not there")


def _check_copy(start: Start, schedule: Schedule) -> Iterator[Finding]:
    """The interpreter's folder tells a copy of the bot without main.py from another."""
    program = schedule.program
    if start.main is not None and program.entry[0] != "-m":
        mine, theirs = program.entry[0], start.path(start.main)
    else:
        mine = str(program.python.parent)
        theirs = str(PureWindowsPath(start.path(start.python)).parent)
    # A relative path is a finding of its own.
    if PureWindowsPath(theirs).is_absolute() and not _same(theirs, mine):
        yield OTHER_PROGRAM.found(f"it starts {theirs}, and this bot is {mine}")


def _same(one: str, other: PurePath | str | None) -> bool:
    """By name: case and the direction of slashes do not count."""
    return other is not None and PureWindowsPath(one) == PureWindowsPath(str(other))
