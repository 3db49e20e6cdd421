"""What systemd's journal says about a time: why runs did not happen, or ended early."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import call
from tradebot.deploy.scheduler import Remark
from tradebot.deploy.systemd.manager import Manager, parse_time

# systemd's catalogue of messages: sd-messages.h.
_STARTED = "39f53479d3a045ac8e11786248231fbf"
_STOPPED = "9d1aaa27d60140bd96365438aad20286"
_EXITED = "98e322203f7a4ed290d09fe03c09fe15"
_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
_SLEEPS = "6bbd95ee977941e497c48be27c254128"
_WAKES = "8811e6df2a8e40f58a94cea26f8ebf14"

_RESULTS = {
    "timeout": "a run was killed: it took longer than TimeoutStartSec",
    "oom-kill": "a run was killed: the machine, or the unit's limit, was out of memory",
    "resources": "a run could not be started: systemd lacked a file, a user or memory for it",
    "signal": "a run was killed by a signal that was not systemd's",
    "core-dump": "a run crashed and left a core dump",
    "start-limit-hit": "systemd refused to start a run: too many had failed in a row",
    "protocol": "a run ended in a way that systemd did not expect",
}
_OWN_FAILURES = 200
"""From this exit status on it is systemd that could not start the program (203/EXEC …)."""
_FIELDS = "MESSAGE,MESSAGE_ID,UNIT,USER_UNIT,UNIT_RESULT,EXIT_CODE,EXIT_STATUS"
_STAMP = re.compile(r"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
_HIDDEN = "currently not seeing messages"
_UNREADABLE = "insufficient permissions"

Entry = Mapping[str, str]


def record(schedule: Schedule, since: datetime, until: datetime) -> list[Remark]:
    """Ascending by their beginnings. What keeps the journal from being read is a remark, too."""
    manager = Manager.of(schedule)
    entries, complaint = _journal(manager, schedule, since, until)
    found = [Remark(since, until, complaint)] if complaint else []
    found += _of_service(entries, f"{schedule.name}.service")
    found += _of_timer(manager, entries, f"{schedule.name}.timer", since, until)
    found += _asleep(entries, until)
    found += _off(manager, since, until)
    return sorted(found, key=lambda remark: remark.begin)


def _journal(
    manager: Manager, schedule: Schedule, since: datetime, until: datetime
) -> tuple[list[Entry], str]:
    """Entries about the units and about sleep; and why there may be more than these."""
    field = "UNIT" if manager.system else "USER_UNIT"
    units = [f"{field}={schedule.name}.{kind}" for kind in ("timer", "service")]
    sleep = [f"MESSAGE_ID={_SLEEPS}", f"MESSAGE_ID={_WAKES}"]
    done = call([
        "journalctl", "--no-pager", "--output=json", f"--output-fields={_FIELDS}",
        f"--since=@{since.timestamp():.0f}", f"--until=@{until.timestamp():.0f}",
        *units, "+", *sleep,
    ])  # fmt: skip
    if done.returncode == 127:
        return [], "no record: journalctl is not installed"
    entries = [_entry(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return entries, _complaint(manager, done.returncode, done.stderr.strip())


def _complaint(manager: Manager, code: int, said: str) -> str:
    """Nothing found is exit code 1, too, but then nothing is said."""
    # Of a user's own units that user sees everything, but for a machine that sleeps.
    if _UNREADABLE in said or (manager.system and _HIDDEN in said):
        return (
            "the record is not complete: this user may not read the system's journal (as root: "
            "usermod -aG systemd-journal USER)"
        )
    if "No journal files were found" in said:
        return "no record: there is no journal on this machine"
    return f"no record: journalctl: {said.splitlines()[0]}" if code and said else ""


def _entry(line: str) -> Entry:
    # A value that is not text comes as a list of numbers; none of the fields looked at does.
    return {name: value for name, value in json.loads(line).items() if isinstance(value, str)}


def _time(entry: Entry) -> datetime:
    return datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)


def _is_about(entry: Entry, unit: str) -> bool:
    return unit in (entry.get("UNIT"), entry.get("USER_UNIT"))


def _of_service(entries: list[Entry], unit: str) -> Iterator[Remark]:
    for entry in entries:
        text = _what_happened(entry) if _is_about(entry, unit) else None
        if text is not None:
            yield Remark(_time(entry), _time(entry), text)


def _what_happened(entry: Entry) -> str | None:
    kind = entry.get("MESSAGE_ID")
    if kind == _FAILED:
        return _RESULTS.get(entry.get("UNIT_RESULT", ""))
    if kind == _EXITED and entry.get("EXIT_CODE") == "exited":
        status = entry.get("EXIT_STATUS", "")
        if status.isdecimal() and int(status) >= _OWN_FAILURES:
            detail = entry.get("MESSAGE", status).rpartition("status=")[2]
            return f"a run could not be started: status={detail}"
    return None


def _of_timer(
    manager: Manager, entries: list[Entry], unit: str, since: datetime, until: datetime
) -> Iterator[Remark]:
    """The times in which the timer was stopped."""
    text = f"{unit} was stopped"
    changes = [
        (_time(entry), entry["MESSAGE_ID"] == _STARTED)
        for entry in entries
        if _is_about(entry, unit) and entry.get("MESSAGE_ID") in (_STARTED, _STOPPED)
    ]
    if not changes:
        found = manager.show(unit, "ActiveState", "InactiveEnterTimestamp", "LoadState")
        stopped = parse_time(found.get("InactiveEnterTimestamp", ""))
        if found.get("ActiveState") == "inactive" and (stopped is None or stopped <= since):
            yield Remark(since, until, f"{unit} is stopped" if stopped else f"{unit} never ran")
        return
    if changes[0][1]:
        yield Remark(since, changes[0][0], text)
    for (moment, started), (later, _) in itertools.pairwise([*changes, (until, True)]):
        if not started:
            yield Remark(moment, later, text)


def _asleep(entries: list[Entry], until: datetime) -> Iterator[Remark]:
    begin: datetime | None = None
    for entry in entries:
        if entry.get("MESSAGE_ID") == _SLEEPS:
            begin = begin or _time(entry)
        elif entry.get("MESSAGE_ID") == _WAKES and begin is not None:
            yield Remark(begin, _time(entry), "the machine was asleep")
            begin = None
    if begin is not None:
        yield Remark(begin, until, "the machine was asleep")


def _off(manager: Manager, since: datetime, until: datetime) -> Iterator[Remark]:
    """The times between two boots, and the time that the journal does not reach back to."""
    done = call(["env", "TZ=UTC", "journalctl", "--list-boots", "--no-pager"])
    stamps = ([*map(parse_time, _STAMP.findall(line))] for line in done.stdout.splitlines())
    boots = [(pair[0], pair[1]) for pair in stamps if len(pair) == 2 and pair[0] and pair[1]]
    if boots and boots[0][0] > since + timedelta(seconds=1):
        begin = min(boots[0][0], until)
        yield Remark(since, begin, "no record: the journal does not reach back to that time")
    for (_, end), (begin, _) in itertools.pairwise(boots):
        if begin > since and end < until:
            yield Remark(max(end, since), min(begin, until), "the machine was off")
