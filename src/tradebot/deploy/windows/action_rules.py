"""What is wrong with what a task starts."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.windows.parsed import Action, Task
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
RULES = (NO_BOT, FOR_EVER, NO_SLOTS, NOT_THERE, RELATIVE, NO_CONSOLE, SHELL, SECRET, REPLACED)

_ANOTHER_SYSTEM = (
    "it is another system's path: install it on the Windows machine itself, in the bot's folder "
    "(.venv\\Scripts\\tradebot schedule install windows), or put that machine's paths into the XML"
)
_PYTHONS = re.compile(r"(pythonw?[\d.]*|pyw?)(\.exe)?", re.IGNORECASE)
_SHELLS = re.compile(r"(cmd|powershell|pwsh|wscript|cscript|bash)(\.exe)?", re.IGNORECASE)
_BOT = re.compile(r"\bmain\.py\b|-m\s+tradebot\b")
_MAIN = re.compile(r'"([^"]*main\.py)"|(\S*main\.py)')
_SECRET = re.compile(
    "|".join(rf"\b{re.escape(variable.name)}\b" for variable in SECRETS) + r"|\bbearer\s",
    re.IGNORECASE,
)
_REPLACED = re.compile(r"%[^%\s]+%|\$\(")


def check_actions(task: Task, *, here: bool | None = None) -> Iterator[Finding]:
    """`here`: is this the machine that it runs on? Then its files are looked for."""
    here = sys.platform == "win32" if here is None else here
    starters = [action for action in task.actions if _BOT.search(action.arguments)]
    if not starters:
        yield NO_BOT.found(f"Actions: {', '.join(a.command for a in task.actions) or 'none'}")
    for action in starters:
        yield from _check_words(action)
        yield from _check_program(action, here)


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


def _check_words(action: Action) -> Iterator[Finding]:
    words = action.arguments.split()
    if "--single-cycle" not in words:
        yield FOR_EVER.found(f"Arguments: {action.arguments}")
    if "--scheduled" not in words:
        yield NO_SLOTS.found(f"Arguments: {action.arguments}")


def _check_program(action: Action, here: bool) -> Iterator[Finding]:
    program = PureWindowsPath(action.command)
    if _SHELLS.fullmatch(program.name):
        yield SHELL.found(f"Command: {action.command}")
    elif _PYTHONS.fullmatch(program.name) and program.stem.lower().endswith("w"):
        yield NO_CONSOLE.found(f"Command: {action.command}")
    for path in (action.command, _main_of(action)):
        if path is None:
            continue
        if not PureWindowsPath(path).is_absolute():
            remedy = _ANOTHER_SYSTEM if path.startswith("/") else None
            yield RELATIVE.found(f"{path} is no whole path of Windows", remedy=remedy)
        elif here and not Path(path).is_file():
            yield NOT_THERE.found(f"{path} is not there")


def _main_of(action: Action) -> str | None:
    """The path of main.py, seen from the working directory as Windows sees it."""
    found = _MAIN.search(action.arguments)
    if found is None:
        return None
    return str(PureWindowsPath(action.folder) / (found[1] or found[2]))
