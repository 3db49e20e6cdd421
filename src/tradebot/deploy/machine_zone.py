"""The time zone of this machine, by name where one can be found: only a name knows what comes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def machine_zone() -> tzinfo:
    """From TZ, /etc/timezone or /etc/localtime; else today's offset, which knows no changes."""
    for name in _names():
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return datetime.now(UTC).astimezone().tzinfo or UTC


def _names() -> Iterator[str]:
    """What the system says, the strongest first; empty or wrong names are skipped later."""
    yield os.environ.get("TZ", "").removeprefix(":")
    with contextlib.suppress(OSError):  # only Debian and its kin have it
        yield Path("/etc/timezone").read_text(encoding="utf-8").strip()
    yield str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
