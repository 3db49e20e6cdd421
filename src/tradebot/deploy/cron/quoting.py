"""Words as a crontab takes them: past cron, which changes `%` and backslashes, and past the shell.

In a crontab a bare `%` ends the command, whatever quotes stand around it, and what follows becomes
its input; `\\%` is a `%`. Some daemons also make one backslash of two, some do not. So a backslash
of ours is never followed by another one: a pair of quotes that means nothing is put in between.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from tradebot.errors import UsageError

_PERCENT = re.compile(r"\\(.)|%", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quote(word: str) -> str:
    """`word` as a crontab's command writes it. Raises UsageError for what no line can hold."""
    if not word.isprintable():
        raise UsageError(
            f"{word!r}: a crontab cannot hold a line end or another unprintable character; "
            "rename the folder or the file"
        )
    # A backslash only ever stands within single quotes here, and there only ours would be doubled.
    return shlex.quote(word).replace("\\", "\\''").replace("%", "\\%")


def assignment(name: str, value: str) -> str:
    """`NAME=value` in front of a command."""
    return f"{name}={quote(value)}"


class Passed(NamedTuple):
    """What cron makes of a command before the shell reads it."""

    command: str
    is_cut: bool
    """A bare `%` ends it; `command` goes on behind that, as it was meant."""


def passed_on(command: str) -> Passed:
    """The inverse of `quote`, by the rules of Debian's cron."""
    bare = False

    def unescaped(found: re.Match[str]) -> str:
        nonlocal bare
        bare = bare or found[0] == "%"
        return found[1] if found[0] in ("\\%", "\\\\") else found[0]

    return Passed(_PERCENT.sub(unescaped, command), bare)


def is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and _NAME.fullmatch(name) is not None
