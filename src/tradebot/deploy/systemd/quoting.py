"""Words as systemd reads them in a unit file, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tradebot.errors import UsageError

_PLAIN = re.compile(r"[A-Za-z0-9_./:@+,=-]+")
_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f]')
_REFUSED = re.compile(r"""["'\\\x00-\x1f\x7f]""")
_GLOB = re.compile(r"([*?\[\\])")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "s": " ", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WORD = re.compile(r"""(?:[^ \t\r\n"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+""", re.DOTALL)
_PIECE = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|((?:[^"'\\]|\\.)+)""", re.DOTALL)


def percent(text: str) -> str:
    """For a value that is read as a whole: only specifiers must be kept from being expanded."""
    return text.replace("%", "%%")


def word(text: str) -> str:
    """One word of a list, such as a path in ReadWritePaths= or NAME=value in Environment=."""
    text = percent(text)
    if _PLAIN.fullmatch(text.replace("%", "")):
        return text
    return '"' + _NEEDS_ESCAPE.sub(_escaped, text) + '"'


def command_line(words: Iterable[str]) -> str:
    """The value of ExecStart=: these very words, whatever is in them. Raises UsageError for a
    program that systemd refuses to start, however it is written."""
    program, *arguments = words
    if _REFUSED.search(program):
        raise UsageError(f"systemd starts no program with quotes or backslashes: {program}")
    if any("$" in text for text in (program, *arguments)):
        # The prefix switches variables off. `$$` would not do: in the path it is not undone.
        program = f":{program}"
    return " ".join(map(word, (program, *arguments)))


def env_file(path: str) -> str:
    """The value of EnvironmentFile=, which is a glob pattern."""
    return percent(_GLOB.sub(r"\\\1", path))


def split(text: str) -> list[str]:
    """The words of a value, unquoted; specifiers are left as they are."""
    return [_unquoted(found[0]) for found in _WORD.finditer(text)]


def split_commands(text: str) -> list[list[str]]:
    """The commands of one value of ExecStart=, as words: a bare `;` stands between two."""
    found: list[list[str]] = [[]]
    for match in _WORD.finditer(text):
        if match[0] == ";":
            found.append([])
        else:
            found[-1].append(_unquoted(match[0]))
    return [words for words in found if words]


def expand(text: str, specifiers: Mapping[str, str]) -> str:
    """`text` with `%i` and the like replaced; an unknown one stays."""
    known = {"%": "%", **specifiers}
    return re.sub(r"%(.)", lambda found: known.get(found[1], found[0]), text)


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    return f"\\{text}" if text in '"\\' else f"\\x{ord(text):02x}"


def _unquoted(text: str) -> str:
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    for found in _PIECE.finditer(text):
        double, single, bare = found.groups()
        piece = next(part for part in (double, single, bare) if part is not None)
        yield _ESCAPE.sub(_meant, piece)


def _meant(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _CONTROLS.get(found[2], found[2])
