"""What a crontab's command does, as far as it starts the bot: its locks, its words, its output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import PurePosixPath

from tradebot.deploy.cron.quoting import is_assignment, passed_on
from tradebot.deploy.cron.steps import Before, seconds_of, steps

_TO_NOWHERE = re.compile(
    r"(?:&>>?\s*/dev/null|>&\s*/dev/null|2>>?\s*/dev/null|(?<!\d)1?>>?\s*/dev/null\s+2>&1)"
)
_SHELLS = frozenset({"sh", "bash", "dash"})
_HAS_C = re.compile(r"-[a-z]*c|--command")
_WRAPPERS = frozenset(
    {"env", "nice", "ionice", "chronic", "setsid", "nohup", "exec", "time", "sudo", "runuser",
     "chrt", "taskset", "systemd-cat", "stdbuf"}
)  # fmt: skip
# Letters, then perhaps one option that takes a value, which follows at once or as the next word.
_FLOCK_OPTION = re.compile(
    r"-(?P<letters>[a-zDF]*?)(?:(?P<short>[Ew])(?P<value>.*))?"
    r"|--(?P<long>conflict-exit-code|wait|timeout)(?:=(?P<text>.*))?"
    r"|--(?P<name>[a-z-]+)"
)
_FLOCK_LONG = {"nonblock": "n", "nb": "n", "close": "o", "shared": "s", "unlock": "u"}


@dataclass(frozen=True, slots=True)
class Lock:
    """A flock(1) around the bot."""

    file: str
    letters: frozenset[str]
    """Its short options: n (do not wait), o (close before the command) …"""
    busy_code: str | None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One simple command of a line that starts the bot."""

    shell_text: str
    is_cut: bool
    """A bare `%` ends the command before its end."""
    python: str = ""
    entry: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    folder: str | None = None
    """What a `cd` before it goes to."""
    locks: tuple[Lock, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[float, ...] = ()
    """Seconds after which a timeout(1) around it ends it."""
    delay: float = 0.0
    """Seconds that a `sleep N` waits before it."""
    odd_sleeps: int = 0
    conditions: tuple[str, ...] = ()
    """What decides whether it runs at all: `test &&`."""

    @property
    def output_is_lost(self) -> bool:
        return _TO_NOWHERE.search(self.shell_text) is not None

    def option(self, name: str) -> str | None:
        """The value of `--name=VALUE` or `--name VALUE`, the last one counting; empty for one
        without a value."""
        found = None
        for number, word in enumerate(self.options):
            if word == name:
                found = "".join(self.options[number + 1 : number + 2])
            elif word.startswith(f"{name}="):
                found = word.partition("=")[2]
        return found

    def path(self, word: str) -> str:
        """A path of the command, from the root if that can be told."""
        if self.folder is None or word.startswith(("/", "$", "~")):
            return word
        return str(PurePosixPath(self.folder) / word)


def invocations(command: str) -> tuple[Invocation, ...]:
    """The bot's starts in a command as it stands in a crontab."""
    text, is_cut = passed_on(command)
    return tuple(_within(text, Invocation(text, is_cut)))


def _within(text: str, around: Invocation) -> Iterator[Invocation]:
    """The starts in a shell's text, with everything that stands around it."""
    before = Before()
    for raw, operator in steps(text):
        words = before.enter(raw)
        yield from _starts(words, _behind(before, around))
        before.leave(words, operator)


def _behind(before: Before, around: Invocation) -> Invocation:
    return replace(
        around,
        folder=around.folder if before.folder is None else around.path(before.folder),
        variables={**around.variables, **before.exported},
        delay=around.delay + before.delay,
        odd_sleeps=around.odd_sleeps + before.odd_sleeps,
        conditions=(*around.conditions, *before.conditions),
    )


def _starts(words: list[str], around: Invocation) -> Iterator[Invocation]:
    wrapped = False
    while words:
        start = _entry(words)
        if start is not None:
            python, entry, options = start
            yield replace(around, python=python, entry=entry, options=options)
            return
        name = PurePosixPath(words[0]).name
        if name in _SHELLS:
            yield from _nested(words, around)
            return
        if name == "flock":
            lock, words = _flock(words)
            around = replace(around, locks=(*around.locks, lock))
        elif is_assignment(words[0]):
            variable, _, value = words[0].partition("=")
            around, words = _with_variable(around, variable, value), words[1:]
        elif name == "timeout":
            around, words = replace(around, limits=(*around.limits, *_limit(words))), words[1:]
            wrapped = True
        elif wrapped or name in _WRAPPERS:
            # Then come its options, whatever they are.
            words, wrapped = words[1:], True
        else:
            return


def _with_variable(around: Invocation, name: str, value: str) -> Invocation:
    return replace(around, variables={**around.variables, name: value})


def _nested(words: Sequence[str], around: Invocation) -> Iterator[Invocation]:
    """The starts in `sh -c 'commands'`."""
    for option, text in pairwise(words):
        if _HAS_C.fullmatch(option):
            yield from _within(text, around)
            return


def _limit(words: Sequence[str]) -> Iterator[float]:
    """Of `timeout -k 10 -s KILL 285 …`; none for 0, which means never."""
    rest = iter(words[1:])
    for word in rest:
        if word in ("-k", "-s", "--kill-after", "--signal"):
            next(rest, "")
        elif not word.startswith("-"):
            length = seconds_of(word)
            if length:
                yield length
            return


def _entry(words: Sequence[str]) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
    """Interpreter, program and options, when the words begin with the bot's start."""
    rest = tuple(_up_to_redirection(words[1:]))
    first = PurePosixPath(words[0]).name
    if first == "main.py":
        return "", (words[0],), rest
    if first == "tradebot" and rest[:1] == ("run",):
        return "", (words[0], "run"), rest[1:]
    if not first.startswith("python"):
        return None
    rest = _past_pythons_own(rest)
    if rest[:2] == ("-m", "tradebot"):
        return words[0], rest[:2], rest[2:]
    if rest and PurePosixPath(rest[0]).name == "main.py":
        return words[0], rest[:1], rest[1:]
    return None


def _past_pythons_own(words: tuple[str, ...]) -> tuple[str, ...]:
    while words and words[0].startswith("-") and words[0] not in ("-m", "-c"):
        words = words[2 if words[0] in ("-X", "-W") else 1 :]
    return words


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
        rest = ["sh", *rest]
    return Lock(file, frozenset(letters), code), rest
