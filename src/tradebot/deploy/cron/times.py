"""When cron starts a line: by cronsim, which follows Debian's cron through clock changes."""

from __future__ import annotations

import functools
import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from tradebot.deploy.cron.parsed import Job

_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MICROSECOND = timedelta(microseconds=1)


def starts(fields: str, since: datetime, zone: tzinfo) -> Iterator[datetime]:
    """When a daemon in `zone` starts a line with these fields, from `since` (aware) on, UTC.

    Nothing for `@reboot` and for fields that cron refuses. May be endless.
    """
    return iter(_walk(fields, since, zone))


class _Walk:
    """Several rules walk the same way through years of minutes: each step is taken once."""

    def __init__(self, stream: Iterator[datetime]) -> None:
        self._stream = stream
        self._known: list[datetime] = []

    def __iter__(self) -> Iterator[datetime]:
        position = 0
        while True:
            while position < len(self._known):
                yield self._known[position]
                position += 1
            moment = next(self._stream, None)
            if moment is None:
                return
            self._known.append(moment)


@functools.lru_cache(maxsize=16)
def _walk(fields: str, since: datetime, zone: tzinfo) -> _Walk:
    return _Walk(_simulated(fields, since, zone))


def _simulated(fields: str, since: datetime, zone: tzinfo) -> Iterator[datetime]:
    from cronsim import CronSim, CronSimError

    try:
        found = CronSim(_WORDS.get(fields, fields), (since - _MICROSECOND).astimezone(zone))
        for moment in found:
            moment_utc = moment.astimezone(UTC)
            if moment_utc >= since:
                yield moment_utc
    except CronSimError:
        return


def wakeups(jobs: Sequence[tuple[Job, float]], since: datetime, zone: tzinfo) -> Iterator[datetime]:
    """When any of the jobs starts, each so many seconds after its minute; ascending, UTC."""
    streams: Iterable[Iterator[datetime]] = (
        _delayed(starts(job.fields, since - timedelta(seconds=delay), zone), delay)
        for job, delay in jobs
    )
    return heapq.merge(*streams)


def _delayed(stream: Iterator[datetime], seconds: float) -> Iterator[datetime]:
    return (moment + timedelta(seconds=seconds) for moment in stream)
