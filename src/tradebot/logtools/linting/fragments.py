"""Is a text that does not parse the beginning of a line, and what became of the rest?

A killed process or a full disk leaves the beginning of a line. Whoever writes next ends it with a
newline; only when another process wrote in between does a whole line follow on the same one.
"""

from __future__ import annotations

import re

from tradebot.observability.line import LineError, parse

_TEMPLATE = "0000-00-00T00:00:00.000Z | "
_DIGITS = str.maketrans("123456789", "000000000")
_HEAD = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
    r" \| (?:DEBUG|INFO |WARN |ERROR|FATAL) \| "
)
_LEVELS = ("DEBUG", "INFO ", "WARN ", "ERROR", "FATAL")

_ENDS = (
    *("", "a", "=a", "a=a", 'n"', '"', 'a"'),
    *("a | a=a", " | a=a", "| a=a", " a=a"),
    *("a | a | a=a", " | a | a=a", "| a | a=a", " a | a=a"),
)
"""Texts of which one makes a whole line of a beginning that goes beyond its level."""

_ESCAPE_ENDS = tuple(f'{"0" * count}"' for count in range(1, 5))


def is_beginning(text: str) -> bool:
    """Would something written behind `text` make it a line of this log?"""
    head = text[: len(_TEMPLATE)].translate(_DIGITS)
    if not text or not _TEMPLATE.startswith(head):
        return False
    rest = text[len(_TEMPLATE) :]
    if len(rest) < len("DEBUG | "):
        return any(f"{level} | ".startswith(rest) for level in _LEVELS)
    return any(_parses(text + end) for end in (*_ENDS, *_ESCAPE_ENDS))


def is_repeated(data: bytes, following: bytes) -> bool:
    """Is `data` the beginning of the line that follows, and more than a time they share?

    Two whole lines of the same millisecond, of which one has a field more, are none: what looks
    cut between two fields is judged as it stands.
    """
    if not len(_TEMPLATE) < len(data) < len(following) or not following.startswith(data):
        return False
    return following[len(data) : len(data) + 1] != b" " or not _parses(
        data.decode("utf-8", "replace")
    )


def second_line(text: str) -> int:
    """Where in `text` another line begins; 0 when none does."""
    found = _HEAD.search(text, 1)
    return found.start() if found else 0


def _parses(text: str) -> bool:
    try:
        parse(text)
    except LineError:
        return False
    return True
