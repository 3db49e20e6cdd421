"""What an action's command line starts, as Windows splits it into words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PureWindowsPath

from tradebot.deploy.windows.parsed import Action

_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_PYTHONS = re.compile(r"(pythonw?[\d.]*|pyw?)(\.exe)?", re.IGNORECASE)
_TRADEBOT = re.compile(r"tradebot(\.exe)?", re.IGNORECASE)
_SHELLS = re.compile(r"(cmd|powershell|pwsh|wscript|cscript|bash)(\.exe)?", re.IGNORECASE)
_WITH_A_VALUE = ("-X", "-W")


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the bot. Paths as they stand there."""

    action: Action
    python: str
    """The interpreter, or tradebot.exe."""
    main: str | None
    """The path of main.py; None for the module."""
    options: tuple[str, ...]

    def option(self, name: str) -> str | None:
        """The value of the last `--name=VALUE` or `--name VALUE`; empty for one without."""
        found = None
        for number, word in enumerate(self.options):
            if word == name:
                found = "".join(self.options[number + 1 : number + 2])
            elif word.startswith(f"{name}="):
                found = word.partition("=")[2]
        return found

    def path(self, word: str) -> str:
        """Seen from the working directory, as Windows sees it."""
        return str(PureWindowsPath(self.action.folder) / word)


def is_python(command: str) -> bool:
    return _PYTHONS.fullmatch(PureWindowsPath(command).name) is not None


def is_shell(command: str) -> bool:
    return _SHELLS.fullmatch(PureWindowsPath(command).name) is not None


def starts_of(action: Action) -> Iterator[Start]:
    """Each start of the bot in this action: several only behind a shell."""
    words = words_of(action.arguments)
    if not is_shell(action.command):
        start = _start(action, action.command, words)
        if start is not None:
            yield start
        return
    # What a shell makes of its words is not followed: each command in them is looked at.
    words = words_of(action.arguments.replace('"', " ").replace("'", " "))
    for number, word in enumerate(words):
        start = _start(action, word, words[number + 1 :])
        if start is not None:
            yield start


def words_of(text: str) -> tuple[str, ...]:
    return tuple(word.replace('"', "") for word in _WORD.findall(text))


def _start(action: Action, command: str, words: tuple[str, ...]) -> Start | None:
    if _TRADEBOT.fullmatch(PureWindowsPath(command).name):
        return Start(action, command, None, words[1:]) if words[:1] == ("run",) else None
    if not is_python(command):
        return None
    words = _past_pythons_own(words)
    if words[:2] == ("-m", "tradebot"):
        return Start(action, command, None, words[2:])
    if words and PureWindowsPath(words[0]).name.lower() == "main.py":
        return Start(action, command, words[0], words[1:])
    return None


def _past_pythons_own(words: tuple[str, ...]) -> tuple[str, ...]:
    while words and words[0].startswith("-") and words[0] not in ("-m", "-c"):
        words = words[2 if words[0] in _WITH_A_VALUE else 1 :]
    return words
