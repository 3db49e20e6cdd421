"""What every command is given: where the logs are, whom to answer, and how."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Protocol

from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.folder import LogFile, log_of, missing_days
from tradebot.logtools.reading.times import moment_of
from tradebot.logtools.telling.table import harmless

FOUND = 0
NOTHING = 1
UNREADABLE = 2

_COLOURS = {"DEBUG": "2", "INFO": "32", "WARN": "33", "ERROR": "31", "FATAL": "1;31", "bold": "1"}


class Surroundings(Protocol):
    """What only the bot's own installation knows. A copied folder of logs has none of it."""

    program: str
    """How the person called us, for messages: `tradebot logs`."""

    def log_dir(self, env_file: str | None) -> str:
        """Where the logs are when nobody says. Raises UsageProblem when nobody can know."""
        ...

    def journals(self, env_file: str | None) -> Sequence[str]:
        """The files of the journals that may know an order; () when there are none."""
        ...

    def settings(self, env_file: str | None) -> Sequence[tuple[str, str, str]]:
        """Variable, value (masked) and where it came from; () when there are none."""
        ...

    def secrets(self, env_file: str | None) -> Sequence[str]:
        """Every secret that is known, so that none is given away; () when none is."""
        ...


class Copied:
    """A folder of logs on a machine without the bot: nothing else is known.

    The log is the current folder unless another is named.
    """

    program = "log_tools.py"

    def log_dir(self, env_file: str | None) -> str:
        return "."

    def journals(self, env_file: str | None) -> Sequence[str]:
        return ()

    def settings(self, env_file: str | None) -> Sequence[tuple[str, str, str]]:
        return ()

    def secrets(self, env_file: str | None) -> Sequence[str]:
        return ()


class UsageProblem(Exception):
    """The command cannot be carried out as it was typed; the message says what to type instead."""


@dataclass
class Desk:
    """One call of a command."""

    surroundings: Surroundings
    logs: Sequence[str] = ()
    """Files and folders a person named; () for the bot's own folder."""
    env_file: str | None = None
    journal: str | None = None
    """The journal a person named."""
    output: str = "text"
    zone: tzinfo | None = UTC
    """How times are read and shown; None is the machine's own zone."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    colour: bool = False
    notes: Notes = field(default_factory=Notes)

    def files(self) -> list[LogFile]:
        """The log's files, the oldest first. Raises Unreadable when there are none."""
        return log_of(self.logs or (self.surroundings.log_dir(self.env_file),))

    def journals(self) -> Sequence[str]:
        """The journals to ask: the named one, or the bot's own when its own log is read."""
        if self.journal is not None:
            return (self.journal,)
        return () if self.logs else self.surroundings.journals(self.env_file)

    # -- answering ------------------------------------------------------------------------------

    def say(self, *lines: str) -> None:
        """Data, on stdout."""
        for line in lines:
            sys.stdout.write(line + "\n")

    def say_raw(self, line: bytes) -> None:
        """A line as it is in the file, on stdout."""
        sys.stdout.flush()
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    def say_json(self, value: object) -> None:
        """One document, or one line of `jsonl`."""
        indent = 2 if self.output == "json" else None
        self.say(json.dumps(value, indent=indent, ensure_ascii=False))

    def note(self, *lines: str) -> None:
        """What is not data: on stderr, so that it is in nobody's way. It may repeat what was typed,
        and the names of files."""
        sys.stdout.flush()
        for line in lines:
            sys.stderr.write(harmless(line) + "\n")

    def paint(self, text: str, how: str) -> str:
        """Text in the colour of a level, or bold; as it is where there are no colours."""
        code = _COLOURS.get(how)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def shown_time(self, timestamp: str) -> str:
        """A timestamp for people: in UTC as it is, else in the zone asked for, with its offset."""
        if self.zone is UTC:
            return timestamp
        try:
            local = moment_of(timestamp).astimezone(self.zone)
        except (ValueError, OverflowError):  # a time that never was, or has no other zone
            return timestamp
        return local.isoformat(timespec="milliseconds")

    def tell_what_was_read(self, files: Iterable[LogFile]) -> None:
        """Which files an answer rests on, which days are not there, and what could not be read.

        So that "not found" is never mistaken for "did not happen".
        """
        for line in reading_notes(list(files), self.notes):
            self.note(line)


def reading_notes(files: Sequence[LogFile], notes: Notes) -> list[str]:
    """What was read, in lines for people."""
    closed = [file for file in files if _never_opened(file, notes)]
    read = [file for file in files if file.path in notes.read and file not in closed]
    size = sum(notes.read.values())
    lines = [f"read: {_names(read)} ({_megabytes(size)})" if read else "read: nothing"]
    unread = len(files) - len(read) - len(closed)
    if unread:
        lines.append(f"not read: {unread} other file{'s' * (unread != 1)} of this log")
    gaps = missing_days(files)
    if gaps:
        lines.append(f"missing: no file has anything of {_days([str(day) for day in gaps])}")
    for what, count in notes.odd.items():
        lines.append(f"skipped: {count} {what} line{'s' * (count != 1)} (tradebot logs lint)")
    lines += [f"cannot be read: {problem}" for problem in notes.unreadable]
    return lines


def _never_opened(file: LogFile, notes: Notes) -> bool:
    """Of a file that is told to be unreadable nothing was read, not even that it is empty."""
    return notes.is_unreadable(file) and not notes.read.get(file.path)


def _names(files: Sequence[LogFile]) -> str:
    if len(files) <= 3:
        return ", ".join(file.name for file in files)
    return f"{len(files)} files, {files[0].name} to {files[-1].name}"


def _days(days: Sequence[str]) -> str:
    if len(days) <= 5:
        return ", ".join(days)
    return f"{len(days)} days between {days[0]} and {days[-1]}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size} bytes"


def wants_colour(stream_is_terminal: Callable[[], bool]) -> bool:
    """Colours only on a terminal that has them, and never against the person's wish."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream_is_terminal()
