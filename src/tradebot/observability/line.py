"""One log line, both ways: `parse(render(x)) == x`. The whole grammar is here.

    2025-12-17T07:12:03.214Z | INFO  | execution.trade_executor | cycle_begin | run_id=… key="…"

One ASCII space between pairs. A value is bare when it consists of harmless ASCII characters and
is not the string null, true or false; otherwise it is double-quoted with JSON escapes only. This
is the subset on which the common logfmt readers agree. No input makes two lines out of one:
whatever `str.isprintable` rejects is escaped.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

VALUE_LIMIT = 8 * 1024
"""Bytes of one value as written, quotes and escapes included."""

LINE_LIMIT = 16 * 1024
"""Bytes of one line, its newline included."""

KEY_LIMIT = 64
SEPARATOR = " | "

_LITERALS = frozenset(("null", "true", "false"))
_BARE = re.compile(r"[A-Za-z0-9_.:/@%+*,~#-]+")
_NOT_BARE = re.compile(r"[^A-Za-z0-9_.:/@%+*,~#-]")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NOT_KEY = re.compile(r"[^A-Za-z0-9_.]")
_PAIR = re.compile(
    rf"([A-Za-z_][A-Za-z0-9_.]{{0,{KEY_LIMIT - 1}}})="
    # Atomic, so that a line of any length is read in one pass and without memory for it.
    r'(?:"((?!")[^"\\]*+(?>(?:\\.[^"\\]*+)*))"|([A-Za-z0-9_.:/@%+*,~#-]++))(?: |\Z)'
)
_NEVER_RAW = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that end a line somewhere or have no encoding. What else is not printable depends on
the Python that asks, and a line is read by other Pythons than the one that wrote it."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNESCAPES = {
    '"': '"', "\\": "\\", "/": "/", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f",
}  # fmt: skip
_TIMESTAMP = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)\.[0-9]{3}Z"
)
_LEVELS = {
    "DEBUG": "DEBUG", "INFO ": "INFO", "WARN ": "WARN", "ERROR": "ERROR", "FATAL": "FATAL",
}  # fmt: skip
_PADDED = {name: padded for padded, name in _LEVELS.items()}
_EVENT = re.compile(r"[a-z][a-z0-9_]*")


class LineError(ValueError):
    """A text is not a line of this log; the message says where it departs from the grammar."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line taken apart. `fields` maps keys to text, in the order of the line."""

    timestamp: str
    """UTC with milliseconds, `2025-12-17T07:12:03.214Z`."""
    level: str
    """DEBUG, INFO, WARN, ERROR or FATAL, without padding."""
    component: str
    event: str
    fields: dict[str, str]


def render(line: LogLine) -> str:
    """The physical line, without its newline. Keys are rewritten where they must be.

    Empty values are left out; keys that become equal by rewriting get `_2`, `_3` …
    Raises LineError when timestamp, level, component or event cannot be written.
    """
    if not _TIMESTAMP.fullmatch(line.timestamp):
        raise LineError(f"not a UTC timestamp with milliseconds: {line.timestamp!r}")
    if line.level not in _PADDED:
        raise LineError(f"not a level: {line.level!r}")
    if not _BARE.fullmatch(line.component):
        raise LineError(f"not a component: {line.component!r}")
    if not _EVENT.fullmatch(line.event):
        raise LineError(f"not an event: {line.event!r}")
    taken: set[str] = set()
    pairs = []
    for name, value in line.fields.items():
        if value:
            key = unique_key(clean_key(name), taken)
            taken.add(key)
            pairs.append(f"{key}={quote(value)}")
    head = (line.timestamp, _PADDED[line.level], line.component, line.event)
    return SEPARATOR.join((*head, " ".join(pairs)))


def parse(text: str) -> LogLine:
    """Take one physical line apart. One newline at its end is ignored.

    Raises LineError, and nothing else, for a text that is no line of this log. Only how a value
    is quoted may differ from what `render` would write: quotes and escapes of JSON that it does
    not need are read.
    """
    text = text.removesuffix("\n")
    wrong = None if text.isprintable() else _NEVER_RAW.search(text)
    if wrong is not None:
        raise LineError(f"the character U+{ord(wrong[0]):04X} at {wrong.start()} is not escaped")
    parts = text.split(SEPARATOR, 4)
    if len(parts) != 5:
        raise LineError("not five parts separated by ' | '")
    timestamp, level, component, event, rest = parts
    if not _TIMESTAMP.fullmatch(timestamp):
        raise LineError("the first part is not a UTC timestamp with milliseconds")
    if level not in _LEVELS:
        raise LineError("the second part is not a level padded to five characters")
    if not _BARE.fullmatch(component):
        raise LineError("the third part is not a component")
    if not _EVENT.fullmatch(event):
        raise LineError("the fourth part is not an event")
    return LogLine(timestamp, _LEVELS[level], component, event, _parse_pairs(rest))


def _parse_pairs(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _PAIR.match(text, position)
        if found is None:
            raise LineError(f"no key=value pair at character {position} of the fields")
        key, quoted, bare = found.groups()
        if key in fields:
            raise LineError(f"the key {key} is there twice")
        fields[key] = bare if quoted is None else unescape(quoted)
        position = found.end()
    if text.endswith(" "):
        raise LineError("a space after the last pair")
    return fields


def is_bare(text: str) -> bool:
    """May this value stand without quotes?"""
    return text not in _LITERALS and _BARE.fullmatch(text) is not None


def quote(text: str) -> str:
    """A value as it is written: bare where possible, else double-quoted."""
    return text if is_bare(text) else f'"{escape(text)}"'


def escape(text: str) -> str:
    """JSON escapes for quotes, backslashes and everything that is not printable."""
    if text.isprintable():
        if "\\" in text:
            text = text.replace("\\", "\\\\")
        return text.replace('"', '\\"') if '"' in text else text
    return "".join(map(_escape_character, text))


def _escape_character(character: str) -> str:
    short = _SHORT_ESCAPES.get(character)
    if short is not None:
        return short
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0xD800 or 0xE000 <= code < 0x10000:
        return f"\\u{code:04x}"
    if code < 0xE000:
        return "\N{REPLACEMENT CHARACTER}"  # a lone surrogate has no encoding
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def unescape(text: str) -> str:
    """The inverse of `escape`. Raises LineError for an escape that JSON does not have."""
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_unescape_one, text)
    if _SURROGATE.search(plain):
        # Pairs become one character; what is left alone cannot be shown.
        plain = plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return plain


def _unescape_one(found: re.Match[str]) -> str:
    what = found[1]
    if what in _UNESCAPES:
        return _UNESCAPES[what]
    if len(what) == 5:
        return chr(int(what[1:], 16))
    raise LineError(f"unknown escape \\{what}")


def is_key(text: str) -> bool:
    """May this stand before the `=` as it is?"""
    return len(text) <= KEY_LIMIT and _KEY.fullmatch(text) is not None


def is_event_name(text: str) -> bool:
    """May this stand as the fourth part of a line?"""
    return _EVENT.fullmatch(text) is not None


def clean_key(key: str) -> str:
    """A key as it is written: `[A-Za-z_][A-Za-z0-9_.]*`, at most KEY_LIMIT characters."""
    if is_key(key):
        return key
    key = _NOT_KEY.sub("_", key[:KEY_LIMIT])
    return key if key and (key[0].isalpha() or key[0] == "_") else f"_{key[: KEY_LIMIT - 1]}"


def unique_key(key: str, taken: set[str]) -> str:
    """`key`, or the first of `key_2`, `key_3` … that is not taken; cut to stay a key."""
    unique, number = key, 1
    while unique in taken:
        number += 1
        unique = f"{key[: KEY_LIMIT - 1 - len(str(number))]}_{number}"
    return unique


def clean_component(name: str) -> str:
    """A logger's name as the component of a line; `root` for the root logger."""
    return _NOT_BARE.sub("_", name[:128]) or "root"


def cut(text: str, limit: int = VALUE_LIMIT, *, keep_end: bool = False) -> str:
    """The longest beginning (or end) of `text` that is written in about `limit` bytes at most."""
    size = _written_size(text)
    while text and size > limit:
        keep = min(len(text) - 1, len(text) * limit // size)
        text = text[len(text) - keep :] if keep_end else text[:keep]
        size = _written_size(text)
    return text


def _written_size(text: str) -> int:
    return len(quote(text).encode())


class TimestampWriter:
    """Epoch seconds to the first part of a line. Remembers the second it wrote last."""

    def __init__(self) -> None:
        self._last: tuple[int, str] = (0, "1970-01-01T00:00:00.")
        # Fetching a text is three times as fast as formatting a number.
        self._thousandths = tuple([f"{number:03d}Z" for number in range(1000)])

    def write(self, when: float) -> str:
        second, text = self._last
        part = when - second
        if not 0.0 <= part < 1.0:
            second = int(when // 1)
            text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
            # One tuple, so that a thread never pairs one second with another one's text.
            self._last = (second, text)
            part = when - second
        return text + self._thousandths[int(part * 1000)]
