"""Does the login live from one refresh to the next? Whichever scheduler starts them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise, takewhile

from tradebot.deploy.model import LONGEST_LOGIN_GAP

HORIZON = timedelta(days=8)
"""A week, and what follows its last window."""
LONGEST = timedelta(seconds=LONGEST_LOGIN_GAP)


@dataclass(frozen=True, slots=True)
class LoginGap:
    """A time in which nothing refreshes the login."""

    begin: datetime
    length: timedelta

    def __str__(self) -> str:
        """`910 minutes from 2026-07-01T20:55Z on`."""
        minutes = round(self.length.total_seconds() / 60)
        return f"{minutes} minutes from {self.begin:%Y-%m-%dT%H:%MZ} on"


def login_gap(
    wakeups: Iterable[datetime], now: datetime, horizon: timedelta = HORIZON
) -> LoginGap | None:
    """The longest gap between `now` and `horizon` later, of several the first; None when a login
    may be left alone for that long. `wakeups`: all that refresh the login, ascending, aware; may
    be endless."""
    until = now + horizon
    moments = [now, *takewhile(lambda moment: moment < until, wakeups), until]
    gaps = (LoginGap(before, after - before) for before, after in pairwise(moments))
    longest = max(gaps, key=lambda gap: gap.length)
    return longest if longest.length > LONGEST else None
