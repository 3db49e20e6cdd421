"""What is wrong with the crontabs that start this bot, and with the machine that reads them."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import takewhile
from pathlib import Path

from tradebot.deploy.cron import ours, rules, table, times
from tradebot.deploy.cron.accounts import account_of, may_read, may_write
from tradebot.deploy.cron.comparison import check_against
from tradebot.deploy.cron.fields import time_fields
from tradebot.deploy.cron.line import Line
from tradebot.deploy.cron.line_checks import check_line, check_secrets
from tradebot.deploy.cron.parsed import Table
from tradebot.deploy.login_gap import login_gap
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding
from tradebot.scheduling.hours import open_intervals
from tradebot.scheduling.local_time import clock_changes
from tradebot.scheduling.slots import first_slot_after, is_late, slot_start

_WEEK = timedelta(days=8)
_YEAR = timedelta(days=371)
_HOUR = timedelta(hours=1)
_SHOWN = 3


def check_tables(
    tables: Sequence[Table], schedule: Schedule, zone: tzinfo, now: datetime
) -> Iterator[Finding]:
    """The crontabs' text, read by a daemon in `zone`. Nothing but these texts is judged here."""
    # What a line does twice is said once.
    yield from dict.fromkeys(_table_findings(tables, schedule, zone, now))


def _table_findings(
    tables: Sequence[Table], schedule: Schedule, zone: tzinfo, now: datetime
) -> Iterator[Finding]:
    found = list(ours.lines(tables, schedule))
    yield from check_secrets([*(line.job for line in found), *ours.keepalives(tables, schedule)])
    if not found:
        yield rules.NOT_INSTALLED.found(f"no crontab starts {schedule.name}")
        return
    for line in found:
        yield from check_line(line)
        yield from check_against(line, schedule)
        yield from _fixed_hours(line, zone, now)
        yield from _minutes(line, schedule, zone, now)
    for one in tables:
        if one.text and not one.text.endswith("\n") and any(ours.lines([one], schedule)):
            yield rules.FINAL_NEWLINE.found(f"{one.label}: the last line has no end")
    yield from _one_start(found)
    yield from _slots(found, schedule, zone, now)
    yield from _login(found, tables, schedule, zone, now)


def _one_start(found: Sequence[Line]) -> Iterator[Finding]:
    """One line of all crontabs starts the bot, and once."""
    counts = Counter(line.place for line in found)
    for place, count in counts.items():
        if count > 1:
            yield rules.SECOND.found(f"{place}: starts the bot {count} times")
    if len(counts) > 1:
        yield rules.TWO_LINES.found(", ".join(counts))


def _fixed_hours(line: Line, zone: tzinfo, now: datetime) -> Iterator[Finding]:
    hours = line.job.hours
    if not hours or hours.startswith("*"):
        return
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = times.starts(f"0 {hours} * * *", midnight, UTC)
    named = {at.hour for at in takewhile(lambda at: at < midnight + 24 * _HOUR, starts)}
    for change in clock_changes(zone, now, now + _YEAR):
        first, last = sorted((change.before, change.after))
        odd = {(first + n * _HOUR).hour for n in range(-(-(last - first) // _HOUR))}
        if named & odd:
            yield rules.FIXED_HOURS.found(
                f"{line.place}: hours {hours}, and on {first:%Y-%m-%d} clocks go from "
                f"{change.before:%H:%M} to {change.after:%H:%M}"
            )
            return


def _minutes(line: Line, schedule: Schedule, zone: tzinfo, now: datetime) -> Iterator[Finding]:
    """Starts at minutes at which no slot begins."""
    if line.job.fields.startswith("@") or schedule.cadence % 60:
        return
    wanted = _values(time_fields(schedule.cadence, schedule.offset, zone, now)[0], now)
    extra = _values(line.job.fields.split()[0], now) - wanted
    if extra:
        yield rules.CADENCE.found(
            f"{line.place}: starts at minute {min(extra)} too, and SCHEDULE_CADENCE is "
            f"{schedule.cadence:g} s"
        )


def _values(minutes: str, now: datetime) -> set[int]:
    """The minutes of an hour that a field names."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    found = times.starts(f"{minutes} * * * *", hour, UTC)
    return {at.minute for at in takewhile(lambda at: at < hour + _HOUR, found)}


def _slots(
    found: Sequence[Line], schedule: Schedule, zone: tzinfo, now: datetime
) -> Iterator[Finding]:
    """A week of slots in which the bot would trade: does each have a start in time?"""
    cadence, offset = schedule.cadence, schedule.offset
    since, until = first_slot_after(now, cadence, offset), now + _WEEK
    jobs = [(line.job, line.bot.delay) for line in found]
    started = {
        slot_start(at, cadence, offset)
        for at in takewhile(lambda at: at < until, times.wakeups(jobs, since, zone))
        if not is_late(at, slot_start(at, cadence, offset), schedule.max_lateness)
    }
    missing = [slot for slot in _wanted(schedule, since, until) if slot not in started]
    if missing:
        named = ", ".join(f"{slot:%Y-%m-%dT%H:%M:%SZ}" for slot in missing[:_SHOWN])
        more = "" if len(missing) <= _SHOWN else " …"
        yield rules.SLOTS_MISSED.found(
            f"{len(missing)} slots in the coming {_WEEK.days} days have no start: {named}{more}"
        )


def _wanted(schedule: Schedule, since: datetime, until: datetime) -> Iterator[datetime]:
    """The slots that begin while the window is open; every slot where there is no window."""
    step = timedelta(seconds=schedule.cadence)
    if schedule.hours.mode == "fixed":
        stretches = list(open_intervals(since, until, schedule.hours))
    else:
        stretches = [(since, until)]
    for begin, end in stretches:
        slot = first_slot_after(
            begin - timedelta(microseconds=1), schedule.cadence, schedule.offset
        )
        while slot < end:
            yield slot
            slot += step


def _login(
    found: Sequence[Line], tables: Sequence[Table], schedule: Schedule, zone: tzinfo, now: datetime
) -> Iterator[Finding]:
    if not schedule.keeps_login:
        return
    jobs = [line.job for line in found] + list(ours.keepalives(tables, schedule))
    gap = login_gap(times.wakeups([(job, 0.0) for job in jobs], now, zone), now)
    if gap is not None:
        yield rules.LOGIN_LOST.found(f"{gap}: no run, and no line for `tradebot auth keepalive`")


def check_file(path: Path) -> Iterator[Finding]:
    """Would cron read this file of /etc/cron.d at all? By Debian's rules, the strictest."""
    name = path.name
    if not all(ch.isascii() and (ch.isalnum() or ch in "-_") for ch in name):
        yield rules.FILE_IGNORED.found(f"{path}: only letters, digits, - and _ may be in the name")
    about = path.stat()
    if about.st_uid != 0:
        yield rules.FILE_IGNORED.found(f"{path}: does not belong to root")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield rules.FILE_IGNORED.found(f"{path}: others than root may write it (chmod 644)")


def check_folders(schedule: Schedule, *, installed: bool) -> Iterator[Finding]:
    """May the bot's user write where it must? `installed`: flock's folder must exist by now."""
    program = schedule.program
    account = account_of(schedule.user)
    if account is None:
        yield rules.NOT_WRITABLE.found(f"there is no user {schedule.user} on this machine")
        return
    lock = Path(table.lock_file(schedule)).parent
    if installed and not os.path.isdir(lock):  # noqa: PTH112 - never raises
        yield rules.NOT_WRITABLE.found(f"{lock} is not there, and flock does not make it")
    folders = {program.log_dir, program.state_dir, program.token_file.parent}
    for folder in sorted(map(Path, folders)):
        # os.path never raises where this user may not look.
        there = next(one for one in (folder, *folder.parents) if os.path.exists(one))  # noqa: PTH110
        if not may_write(account, there):
            yield rules.NOT_WRITABLE.found(
                f"{folder}: {schedule.user or 'the user'} cannot write in {there}"
            )


def check_env_file(schedule: Schedule) -> Iterator[Finding]:
    """Is it read by the bot's user, and by nobody else?"""
    if schedule.program.env_file is None:
        return
    path = Path(schedule.program.env_file)
    if not os.path.exists(path):  # noqa: PTH110
        return
    mode = f"{path}: mode {stat.S_IMODE(path.stat().st_mode):04o}"
    if path.stat().st_mode & stat.S_IRWXO:
        yield rules.ENV_READABLE.found(mode)
    account = account_of(schedule.user)
    if account is not None and not may_read(account, path):
        yield rules.ENV_UNREADABLE.found(f"{mode}, not for {schedule.user or 'the user'}")
