"""A shell's text as the simple commands that it is made of, and what each of them waits for.

Read for advice, not to be run: what a shell would compute is left as it stands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tradebot.deploy.cron.quoting import is_assignment

_PUNCTUATION = frozenset(";|&()")
_OPERATOR = re.compile(r"&&|\|\||[;|&()]")
_ASKS = {"if": "fi", "while": "done", "until": "done", "for": "done", "case": "esac"}
_FILLERS = frozenset({"then", "do", "else", "elif", "!", "{", "}"})
_SUCCEEDS = frozenset(
    {"", "cd", "sleep", "exec", "set", "export", "umask", "ulimit", "true", ":", "echo", "printf",
     "date", "logger", "mkdir", "touch", ".", "source"}
)  # fmt: skip
"""Commands that people write in front to prepare the run, not to decide about it."""
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


def seconds_of(word: str) -> float | None:
    """`90`, `5m` as sleep(1) and timeout(1) take it; None for anything else."""
    found = _DURATION.fullmatch(word)
    return float(found[1]) * _UNITS[found[2]] if found else None


def name_of(words: list[str]) -> str:
    """The command's own name, behind its variables and without its folder."""
    rest = [word for word in words if not is_assignment(word)]
    return PurePosixPath(rest[0]).name if rest else ""


@dataclass
class Before:
    """What has happened in a line before one of its commands."""

    folder: str | None = None
    """What a `cd` went to."""
    delay: float = 0.0
    """Seconds slept."""
    odd_sleeps: int = 0
    """Sleeps of a length that only the shell knows."""
    exported: dict[str, str] = field(default_factory=dict)
    _lists: list[list[str]] = field(default_factory=lambda: [[]])
    """For each group that is open, what decides about the next command."""
    _asked: list[str] = field(default_factory=list)
    """`if`, `while` … that are open."""
    _always: list[str] = field(default_factory=list)

    @property
    def conditions(self) -> tuple[str, ...]:
        """By name only: the words may hold a secret."""
        return (*self._always, *self._asked, *(c for one in self._lists for c in one))

    def enter(self, words: list[str]) -> list[str]:
        """Note the shell's own words at the beginning; returns the command behind them."""
        while words and (words[0] in _FILLERS or words[0] in _ASKS):
            word, words = words[0], words[1:]
            if word in _ASKS:
                self._asked.append(word)
            elif word == "{":
                self._lists.append([])
            elif word == "}":
                self._close()
        if self._asked and words[:1] == [_ASKS[self._asked[-1]]]:
            self._asked.pop()
        return words

    def leave(self, words: list[str], operator: str) -> None:
        """Note what the command did, and what `operator` makes of it for the next."""
        name = name_of(words)
        if name == "cd" and len(words) == 2:
            self.folder = words[1]
        elif name == "sleep":
            self._slept(words[1:])
        elif name == "export":
            self.exported.update(_pairs(words[1:]))
        elif name == "exit":
            self._leaves_early()
        self._join(name, operator)

    def _slept(self, words: list[str]) -> None:
        length = seconds_of(words[0]) if len(words) == 1 else None
        if length is None:
            self.odd_sleeps += 1
        else:
            self.delay += length

    def _leaves_early(self) -> None:
        here = [*self._asked, *self._lists[-1]]
        # `cd FOLDER || exit` only says what to do where nothing could work anyway.
        self._always += [one for one in here or ["exit"] if one != "cd ||"]

    def _join(self, name: str, operator: str) -> None:
        if operator in ("&&", "||"):
            if operator == "||" or name not in _SUCCEEDS:
                self._lists[-1].append(f"{name} {operator}".strip())
        elif operator in (";", "&"):
            self._lists[-1].clear()
        elif operator == "(":
            self._lists.append([])
        elif operator == ")":
            self._close()

    def _close(self) -> None:
        if len(self._lists) > 1:
            self._lists.pop()


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        if is_assignment(word):
            name, _, value = word.partition("=")
            yield name, value


def steps(text: str) -> Iterator[tuple[list[str], str]]:
    """The words of each command, and the operator behind it; nothing for torn quotes."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        for token in lexer:
            if not set(token) <= _PUNCTUATION:
                words.append(token)
                continue
            for operator in _OPERATOR.findall(token):
                yield words, operator
                words = []
    except ValueError:
        return
    yield words, ""
