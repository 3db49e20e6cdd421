r"""The grammar of `.env`: what a POSIX shell, systemd's EnvironmentFile= and the bot read alike.

    # a comment                   (also after spaces; must not end in a backslash)
    NAME=word                     letters, digits and _ . / : @ % + , = -
    NAME='any text'               everything but a single quote and control characters
    NAME="any text"               likewise, with \" \\ \$ \` written with a backslash
    NAME=                         empty: the default counts

Everything else is refused, because at least two of the three read it differently: `export`,
comments after a value, unquoted spaces or `~`, `$`, several quoted parts, values over several
lines. Problems name the line and never repeat what is on it: it may hold a secret.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BARE = r"[A-Za-z0-9_./:@%+,=-]*"
_SINGLE = r"'(?P<single>[^']*)'"
_DOUBLE = r'"(?P<double>(?:[^"\\$`]|\\["\\$`])*)"'
_ASSIGNMENT = re.compile(
    rf"[ \t]*(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?:(?P<bare>{_BARE})|{_SINGLE}|{_DOUBLE})[ \t]*"
)
_BARE_ONLY = re.compile(_BARE)
_NAME_ONLY = re.compile(r"[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*")
_NAME_MEANT = re.compile(r"^\ufeff?[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
_ESCAPE = re.compile(r'\\(["\\$`])')
_MUST_ESCAPE = re.compile(r'(["\\$`])')


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a file says: values and line numbers by name; what is wrong; what is only odd."""

    values: Mapping[str, str]
    lines: Mapping[str, int]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()
    """Names whose assignment was refused, where one could be made out."""


EMPTY = EnvFile({}, {})


def read_env_file(path: Path) -> EnvFile:
    """Read and parse one file. Raises OSError when it cannot be read."""
    if path.exists() and not path.is_file():
        # A pipe would be waited for without end.
        raise OSError(errno.EINVAL, "it is not a file", str(path))
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return EnvFile({}, {}, (f"{path.name} line {line}: not UTF-8; save the file as UTF-8",))
    # Windows has neither a shell nor systemd to disagree with, but editors that write these.
    return parse_env(text, path.name, windows=os.name == "nt")


def parse_env(text: str, name: str = ".env", *, windows: bool = False) -> EnvFile:
    """Parse the text of a file called `name`.

    `windows` accepts a byte order mark and CR LF line ends; elsewhere they are refused.
    """
    if windows:
        text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    warnings: list[str] = []
    refused: set[str] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"{name} line {number}"
        complaint = _complaint(line)
        if complaint is not None:
            problems.append(f"{where}: {complaint}")
            refused.update(_NAME_MEANT.findall(line)[:1])
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if match is None:
            continue
        key = match["name"]
        if key in lines:
            warnings.append(f"{where}: {key} is set again; line {lines[key]} has no effect")
        values[key], lines[key] = _value(match), number
    return EnvFile(values, lines, tuple(problems), tuple(warnings), frozenset(refused))


def _value(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return _ESCAPE.sub(r"\1", match["double"])
    return match["single"] if match["single"] is not None else match["bare"]


def _complaint(line: str) -> str | None:
    """What is wrong with a line, in words that do not repeat it; None when nothing is."""
    stripped = line.strip(" \t")
    if stripped.startswith("\ufeff"):
        return "a byte order mark; save the file as UTF-8 without one"
    if stripped.endswith("\r"):
        return "the line ends in CR LF; save the file with LF line ends"
    if not stripped.replace("\t", "").isprintable():
        return "a control or other unprintable character; remove it"
    if stripped.startswith("#"):
        # Some versions of systemd let a comment go on in the next line then.
        return "a comment must not end in a backslash" if line.endswith("\\") else None
    if not stripped or _is_accepted(line):
        return None
    return _why_not(stripped)


def _is_accepted(line: str) -> bool:
    return _ASSIGNMENT.fullmatch(line) is not None and "\t" not in line.strip(" \t")


def _why_not(line: str) -> str:
    """Explain a line that is neither empty, nor a comment, nor an accepted assignment."""
    if line.startswith(";"):
        return "a comment begins with # (a shell would run what follows a ;)"
    name, equals, value = line.partition("=")
    if name.lstrip().startswith("export "):
        return "leave out `export` (systemd does not know it)"
    if not equals:
        return "not of the form NAME=value; comments begin with #"
    if _NAME_ONLY.fullmatch(name) is None:
        return "the name must be letters, digits and _, and not begin with a digit"
    if name != name.rstrip() or value != value.lstrip():
        return f"{name.strip()}: no spaces around ="
    return f"{name}: {_why_not_value(value)}"


def _why_not_value(value: str) -> str:
    if value.startswith('"'):
        return (
            'after the opening " there must be one closing " and nothing more; write \\" \\\\ \\$ '
            "\\` for these characters (or put the value in single quotes)"
        )
    if value.startswith("'"):
        return "after the opening ' there must be one closing ' and nothing more, on the same line"
    if " #" in value or "\t#" in value:
        return "no comment after a value: put it on a line of its own"
    return "put the value in single quotes (it has a space or another special character)"


def quote_value(value: str) -> str:
    """A value as this grammar writes it. Raises ValueError for what it cannot hold."""
    if not value.isprintable():
        raise ValueError("a .env file cannot hold control or unprintable characters")
    if _BARE_ONLY.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = _MUST_ESCAPE.sub(r"\\\1", value)
    return f'"{escaped}"'
