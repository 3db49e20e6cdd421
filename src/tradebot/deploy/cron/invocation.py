"""What a crontab's command does, as far as it starts the bot: its locks, its words, its output.

Read for advice, not to be run: what a shell would compute is left as it stands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

from tradebot.deploy.cron.quoting import is_assignment, passed_on

_OPERATORS = frozenset(";|&()")
_TO_NOWHERE = re.compile(
    r"(?:&>>?\s*/dev/null|>&\s*/dev/null|2>>?\s*/dev/null|(?<!\d)1?>>?\s*/dev/null\s+2>&1)"
)
_SHELLS = frozenset({"sh", "bash", "dash"})
_HAS_C = re.compile(r"-[a-z]*c|--command")
_WRAPPERS = frozenset(
    {"env", "nice", "ionice", "timeout", "chronic", "setsid", "nohup", "exec", "time", "sudo",
     "runuser", "chrt", "taskset", "systemd-cat", "stdbuf"}
)  # fmt: skip
# Letters, then perhaps one option that takes a value, which follows at once or as the next word.
_FLOCK_OPTION = re.compile(
    r"-(?P<letters>[a-zDF]*?)(?:(?P<short>[Ew])(?P<value>.*))?"
    r"|--(?P<long>conflict-exit-code|wait|timeout)(?:=(?P<text>.*))?"
    r"|--(?P<name>[a-z-]+)"
)
_FLOCK_LONG = {"nonblock": "n", "nb": "n", "close": "o"}


@dataclass(frozen=True, slots=True)
class Lock:
    """A flock(1) around the bot."""

    file: str
    letters: frozenset[str]
    """Its short options: n (do not wait), o (close before the command) …"""
    busy_code: str | None


@dataclass(frozen=True, slots=True)
class Invocation:
    """The one simple command of a line that starts the bot."""

    shell_text: str
    is_cut: bool
    """A bare `%` ends the command before its end."""
    python: str
    entry: tuple[str, ...]
    options: tuple[str, ...]
    folder: str | None
    """What a `cd` before it goes to."""
    locks: tuple[Lock, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def output_is_lost(self) -> bool:
        return _TO_NOWHERE.search(self.shell_text) is not None

    @property
    def delay(self) -> float:
        """Seconds that a `sleep N` waits before it."""
        found = re.match(r"\s*sleep\s+(\d+)\s*(?:&&|;)", self.shell_text)
        return float(found[1]) if found else 0.0

    def option(self, name: str) -> str | None:
        """The value of `--name=VALUE` or `--name VALUE`; empty for one without a value."""
        for number, word in enumerate(self.options):
            if word == name:
                return "".join(self.options[number + 1 : number + 2])
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return None

    def path(self, word: str) -> str:
        """A path of the command, from the root if that can be told."""
        if self.folder is None or word.startswith(("/", "$", "~")):
            return word
        return str(PurePosixPath(self.folder) / word)


def invocation(command: str) -> Invocation | None:
    """The bot's start in a command as it stands in a crontab; None when it starts no bot."""
    text, is_cut = passed_on(command)
    folder: str | None = None
    for words in _simple_commands(text):
        if words[:1] == ["cd"] and len(words) == 2:
            folder = words[1]
        found = _bot(words, text, is_cut, folder)
        if found is not None:
            return found
    return None


def _simple_commands(text: str) -> Iterator[list[str]]:
    """The words of each command, without redirections' operators; nothing for torn quotes."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        for token in lexer:
            if set(token) <= _OPERATORS:
                yield words
                words = []
            else:
                words.append(token)
    except ValueError:
        return
    yield words


def _bot(words: list[str], text: str, is_cut: bool, folder: str | None) -> Invocation | None:
    variables: dict[str, str] = {}
    locks: list[Lock] = []
    wrapped = False
    while words:
        start = _entry(words)
        if start is not None:
            python, entry, options = start
            found = (tuple(locks), variables)
            return Invocation(text, is_cut, python, entry, options, folder, *found)
        name = PurePosixPath(words[0]).name
        if name == "flock":
            lock, words = _flock(words)
            locks.append(lock)
        elif name in _SHELLS:
            words = _nested(words)
        elif is_assignment(words[0]):
            name, _, variables[name] = words.pop(0).partition("=")
        elif wrapped or name in _WRAPPERS:
            # Then come its options, whatever they are.
            words, wrapped = words[1:], True
        else:
            return None
    return None


def _nested(words: Sequence[str]) -> list[str]:
    """The command that starts the bot in `sh -c 'commands'`; nothing when none does."""
    for option, text in pairwise(words):
        if _HAS_C.fullmatch(option):
            return next((inner for inner in _simple_commands(text) if _starts(inner)), [])
    return []


def _starts(words: list[str]) -> bool:
    return _bot(list(words), "", False, None) is not None


def _entry(words: Sequence[str]) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
    """Interpreter, program and options, when the words begin with the bot's start."""
    rest = tuple(_up_to_redirection(words[1:]))
    first = PurePosixPath(words[0]).name
    if first == "main.py":
        return "", (words[0],), rest
    if first == "tradebot" and rest[:1] == ("run",):
        return "", (words[0], "run"), rest[1:]
    if not first.startswith("python") or not rest:
        return None
    if rest[:2] == ("-m", "tradebot"):
        return words[0], rest[:2], rest[2:]
    if PurePosixPath(rest[0]).name == "main.py":
        return words[0], rest[:1], rest[1:]
    return None


def _up_to_redirection(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if set(word) <= set("<>&"):
            return
        yield word


def _flock(words: list[str]) -> tuple[Lock, list[str]]:
    """The lock, and the words of what runs under it."""
    letters: set[str] = set()
    code: str | None = None
    rest = words[1:]
    while rest and rest[0].startswith("-"):
        option = _FLOCK_OPTION.fullmatch(rest.pop(0))
        if option is None:
            continue
        taking = option["short"] or option["long"]
        value = option["value"] or option["text"]
        if taking and not value:
            value = rest.pop(0) if rest else ""
        code = value if taking in ("E", "conflict-exit-code") else code
        letters.update(_FLOCK_LONG.get(option["name"] or "", option["letters"] or ""))
    file = rest.pop(0) if rest else ""
    if rest and _HAS_C.fullmatch(rest[0]):
        rest = _nested(rest)
    return Lock(file, frozenset(letters), code), rest
