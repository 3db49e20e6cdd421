"""The lines that cron leaves: in the system's log files, or in its journal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_MESSAGE = r"(?P<ident>CROND?|crond?|crontab)(?:\[(?P<pid>\d+)\])?: (?P<text>.*)"
_TRADITIONAL = re.compile(rf"(?P<stamp>[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d) \S+ {_MESSAGE}")
_PRECISE = re.compile(rf"(?P<stamp>\d{{4}}-\d\d-\d\dT\S+) \S+ {_MESSAGE}")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of cron."""

    at: datetime
    """UTC."""
    pid: int | None
    text: str


def from_file(lines: Iterable[str], zone: tzinfo, until: datetime) -> Iterator[Entry]:
    """The messages of cron among a log file's lines. The old form of a time has neither year nor
    zone: it is read in `zone`, as the last such time before a day after `until`."""
    for line in lines:
        found = _PRECISE.match(line)
        if found is not None:
            at = _precise(found["stamp"])
        else:
            found = _TRADITIONAL.match(line)
            at = _traditional(found["stamp"], zone, until) if found else None
        if found is not None and at is not None:
            yield Entry(at, int(found["pid"]) if found["pid"] else None, found["text"])


def _precise(stamp: str) -> datetime | None:
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC)
    except ValueError:
        return None


def _traditional(stamp: str, zone: tzinfo, until: datetime) -> datetime | None:
    month, day, clock = stamp.split()
    latest = until + _DAY
    for year in (latest.year, latest.year - 1):
        try:
            hour, minute, second = map(int, clock.split(":"))
            number = _MONTHS.index(month) + 1
            at = datetime(year, number, int(day), hour, minute, second, tzinfo=zone)
        except ValueError:
            continue  # the 29th of February, in the other year
        if at <= latest:
            return at.astimezone(UTC)
    return None


def from_journal(text: str) -> Iterator[Entry]:
    """The messages of `journalctl -o json`: one object a line."""
    for line in text.splitlines():
        try:
            found = json.loads(line)
            at = datetime.fromtimestamp(int(found["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
            pid, message = found.get("SYSLOG_PID") or found.get("_PID"), found["MESSAGE"]
        except (ValueError, KeyError, TypeError):
            continue  # a line that was torn, or a message that is not text
        if isinstance(message, str):
            yield Entry(at, int(pid) if pid else None, message)
