"""What the system's own records say: which starts cron made, which failed, when it was off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tradebot.deploy.cron import table
from tradebot.deploy.cron.machine import Machine
from tradebot.deploy.cron.quoting import quote
from tradebot.deploy.cron.syslog_lines import Entry, from_file, from_journal
from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import call
from tradebot.deploy.scheduler import Remark

_FILES = ("syslog", "syslog.1", "cron", "cron.1", "cron.log", "cron.log.1")
_LARGEST = 32 * 1024 * 1024
"""Bytes read from the end of each file."""
_STARTED = re.compile(r"\([^)]*\) CMD \((?:\[\d+\] )?(?P<command>.*)\)")
_FAILED = re.compile(r"\(CRON\) error \(grandchild #(?P<pid>\d+) failed with (?P<how>[^)]*)\)")
_DAEMON = re.compile(r"\(CRON\) (?:STARTUP|INFO \(pidfile)")
_BAD = re.compile(r"(?i)error|bad |missing newline|insecure mode|failed|unauthorized|orphan")
_BOOT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_SEEN_DOWN = timedelta(minutes=1)


def remarks(machine: Machine, schedule: Schedule, since: datetime, until: datetime) -> list[Remark]:
    """What is known of this time, in its order; nothing where there is no record."""
    entries = sorted(_entries(machine, since, until), key=lambda entry: entry.at)
    found = [
        *_about(schedule, [entry for entry in entries if since <= entry.at < until]),
        *_switched_off(machine, since, until),
    ]
    return sorted(found, key=lambda remark: remark.begin)


def _entries(machine: Machine, since: datetime, until: datetime) -> Iterator[Entry]:
    zone = machine.zone()
    for name in _FILES:
        yield from from_file(_tail(machine.root / "var/log" / name), zone, until)
    if machine.root == Path("/"):
        yield from _journal(since, until)


def _tail(path: Path) -> list[str]:
    """The last lines of a log file; nothing when it is not there or not to be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LARGEST))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def _journal(since: datetime, until: datetime) -> Iterator[Entry]:
    idents = ("CRON", "CROND", "cron", "crond", "crontab")
    done = call(
        [
            "journalctl",
            *(f"--identifier={name}" for name in idents),
            f"--since=@{since.timestamp():.0f}",
            f"--until=@{until.timestamp():.0f}",
            "--output=json",
            "--no-pager",
            "--quiet",
        ]
    )
    if done.returncode == 0:
        yield from from_journal(done.stdout)


def _about(schedule: Schedule, entries: list[Entry]) -> Iterator[Remark]:
    """The messages that matter to the schedule. The same one may stand in a file and in the
    journal: it is given once."""
    ours: set[int | None] = set()
    said: set[tuple[int, int | None, str]] = set()
    for entry in entries:
        key = (int(entry.at.timestamp()), entry.pid, entry.text)
        if key in said:
            continue
        said.add(key)
        text = _text(entry, schedule, ours)
        if text is not None:
            yield Remark(entry.at, entry.at, text)


def _text(entry: Entry, schedule: Schedule, ours: set[int | None]) -> str | None:
    started = _STARTED.search(entry.text)
    if started is not None:
        if not _is_ours(started["command"], schedule):
            return None
        ours.add(entry.pid)
        return f"cron started it (pid {entry.pid})"
    failed = _FAILED.search(entry.text)
    if failed is not None:
        mine = int(failed["pid"]) in ours
        return f"cron: pid {failed['pid']} failed with {failed['how']}" if mine else None
    if _DAEMON.search(entry.text):
        return "the cron daemon was started"
    return f"cron says: {entry.text}" if _BAD.search(entry.text) else None


def _is_ours(command: str, schedule: Schedule) -> bool:
    """By its lock, which names the instance; a line without one of ours by its program."""
    if table.LOCK_NAME in command:
        return _names(command, str(table.lock_file(schedule)))
    return any(
        word.endswith("main.py") and _names(command, word) for word in schedule.program.entry
    )


def _names(command: str, path: str) -> bool:
    """cron notes a command as it stands in the crontab, and some only what the shell gets."""
    written = quote(path)
    return any(form in command for form in (path, written, written.replace("\\%", "%")))


def _switched_off(machine: Machine, since: datetime, until: datetime) -> Iterator[Remark]:
    """Between the end of each time that the machine was up and the beginning of the next."""
    for (_, down), (up, _) in pairwise(_times_up(machine)):
        begin, end = max(down, since), min(up, until)
        if begin < end and up - down > _SEEN_DOWN:
            yield Remark(begin, end, "the machine was off")


def _times_up(machine: Machine) -> list[tuple[datetime, datetime]]:
    """From the journal's boots, else from the system's book of logins."""
    found: list[tuple[datetime, datetime]] = []
    if machine.root == Path("/"):
        done = call(["journalctl", "--list-boots", "--utc", "--no-pager", "--quiet"])
        found = list(_stretches(done.stdout if done.returncode == 0 else ""))
    if found:
        return found
    wtmp = machine.root / "var/log/wtmp"
    asked = ["last", "--system", "--time-format=iso", "--file", str(wtmp), "reboot"]
    done = call(asked)
    return sorted(_logged(done.stdout if done.returncode == 0 else ""))


def _stretches(text: str) -> Iterator[tuple[datetime, datetime]]:
    """First and last entry of each boot, oldest first."""
    for line in text.splitlines():
        times = [datetime.fromisoformat(f"{stamp}+00:00") for stamp in _BOOT.findall(line)]
        if len(times) == 2:
            yield times[0], times[1]


def _logged(text: str) -> Iterator[tuple[datetime, datetime]]:
    """`reboot system boot KERNEL BEGIN - END (how long)`; without an end it runs, or crashed."""
    for line in text.splitlines():
        times = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", line)
        if line.startswith("reboot") and times:
            begin, end = (datetime.fromisoformat(stamp) for stamp in (times[0], times[-1]))
            if len(times) == 1:
                end = datetime.max.replace(tzinfo=UTC)
            yield begin.astimezone(UTC), end.astimezone(UTC) if len(times) > 1 else end
