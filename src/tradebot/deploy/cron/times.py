"""When cron starts a line: by cronsim, which follows Debian's cron through clock changes."""

from __future__ import annotations

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
