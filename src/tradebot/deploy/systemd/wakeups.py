"""When a timer starts its service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tradebot.deploy.systemd.parsed import Unit

_UTC = re.compile(r"(?<=\s)UTC$", re.IGNORECASE)


def calendar(timer: Unit) -> tuple[str, ...]:
    """The values of OnCalendar=."""
    return timer.all("Timer", "OnCalendar")


def wakeups(timer: Unit, since: datetime, lines: Sequence[str] | None = None) -> Iterator[datetime]:
    """The moments from `since` on, UTC, without jitter; by `lines` instead of all of its own.
    Lines that systemd could not read either start nothing, and neither do monotonic timers."""
    from oncalendar import OnCalendar, OnCalendarError

    readable = []
    # The one at `since` counts, and what is looked for lies after the beginning.
    start = since.astimezone(UTC).replace(microsecond=0) - timedelta(seconds=1)
    for line in calendar(timer) if lines is None else lines:
        # systemd takes this one zone in any letters; the library does not.
        known = _UTC.sub("UTC", line)
        try:
            OnCalendar(known, start)
        except OnCalendarError:
            continue
        readable.append(known)
    if not readable:
        return
    for moment in OnCalendar("\n".join(readable), start):
        if moment >= since:
            yield moment
