"""The same lines for the person or service at the terminal: stderr, from LOG_CONSOLE_LEVEL up.

Under systemd, whose journal stamps each line itself, the timestamp gives way to the priority
prefix that sd-daemon(3) describes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable

from tradebot.observability.line import SEPARATOR

Show = Callable[[int, str], None]
"""Receives a level's number and one finished line, newline included."""


def sd_priority(level: int) -> str:
    """`<6>` for INFO and so on: syslog's priorities."""
    for least, priority in (
        (logging.CRITICAL, 2),
        (logging.ERROR, 3),
        (logging.WARNING, 4),
        (logging.INFO, 6),
    ):
        if level >= least:
            return f"<{priority}>"
    return "<7>"


def under_journal() -> bool:
    """Is stderr connected to systemd's journal? JOURNAL_STREAM names its device and inode."""
    try:
        device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
        status = os.fstat(2)
        return (int(device), int(inode)) == (status.st_dev, status.st_ino)
    except (ValueError, OSError):
        return False


def stderr_console() -> Show:
    """Writes lines to stderr; a console that is gone is none of the bot's business."""
    return _show_in_journal if under_journal() else _show_on_stderr


def _show_on_stderr(level: int, line: str) -> None:
    with contextlib.suppress(Exception):
        stream = sys.stderr
        stream.write(line)
        stream.flush()


def _show_in_journal(level: int, line: str) -> None:
    _show_on_stderr(level, sd_priority(level) + line.partition(SEPARATOR)[2])
