"""What Windows wrote down: starts and failures of the task, sleep, shutdowns."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tradebot.deploy.model import Schedule
from tradebot.deploy.scheduler import Remark
from tradebot.deploy.windows import system
from tradebot.deploy.windows.results import explain_result
from tradebot.deploy.windows.system import ask, decode
from tradebot.deploy.windows.task import task_name

HISTORY = "Microsoft-Windows-TaskScheduler/Operational"
SYSTEM = "System"
_NAMESPACE = "{http://schemas.microsoft.com/win/2004/08/events/event}"
_EVENTS = {
    100: "started",
    101: "could not be started: {ResultCode}",
    102: "ended",
    103: "the program could not be started: {ResultCode}",
    107: "triggered by the clock",
    108: "triggered by an event",
    110: "started by hand by {UserContext}",
    111: "ended by a user or by its time limit",
    114: "a missed start was made up for",
    119: "triggered by a log-on",
    140: "the task was changed by {UserName}",
    141: "the task was deleted by {UserName}",
    142: "the task was disabled by {UserName}",
    153: "a start was missed: the machine slept, was off or was too busy",
    201: "the program ended with {ResultCode}",
    202: "the program failed: {ResultCode}",
    203: "the program could not be started: {ResultCode}",
    322: "not started: the run before it was still running",
    323: "the run was stopped for a new one",
    324: "put into the queue: the run before it was still running",
    326: "not started: the machine is on battery",
    327: "stopped: the machine went to battery",
    328: "stopped: the machine is no longer idle",
    329: "stopped: its time limit was over",
    332: "not started: nobody was logged on",
}
"""By the number; what stands in braces is the event's own data."""
_MACHINE = {
    ("EventLog", 6005): "the machine was started",
    ("EventLog", 6006): "the machine was shut down",
    ("EventLog", 6008): "the machine had gone down without a shutdown",
}
_SLEEP = ("Microsoft-Windows-Power-Troubleshooter", 1)
_MOST = 5000
"""Events read at most, the latest ones."""


def record(schedule: Schedule, since: datetime, until: datetime) -> list[Remark]:
    """What the history and the system log say of this time; nothing anywhere but on Windows."""
    if not system.is_windows():
        return []
    name = task_name(schedule.instance)
    remarks = [*_history_off(since, until)]
    remarks += remarks_of(_query(HISTORY, _wanted(_EVENTS), since, until), name)
    of_machine = _wanted([1, *(number for _, number in _MACHINE)])
    remarks += machine_remarks(_query(SYSTEM, of_machine, since, until))
    return sorted(remarks, key=lambda remark: remark.begin)


def remarks_of(events: str, task: str) -> Iterator[Remark]:
    """What the Task Scheduler's events (XML) say of this task."""
    for number, _, moment, data in _read(events):
        if data.get("TaskName", "").casefold() != task.casefold() or number not in _EVENTS:
            continue
        values = {**data, "ResultCode": _result(data.get("ResultCode", ""))}
        text = _EVENTS[number].format_map(_Known(values))
        yield Remark(moment, moment, f"{text} (event {number})")


def machine_remarks(events: str) -> Iterator[Remark]:
    """What the system's events (XML) say of the machine: asleep, off, on again."""
    for number, source, moment, data in _read(events):
        if (source, number) == _SLEEP:
            asleep, awake = _moment(data.get("SleepTime")), _moment(data.get("WakeTime"))
            if asleep is not None and awake is not None:
                yield Remark(asleep, awake, "the machine was asleep")
        elif (source, number) in _MACHINE:
            yield Remark(moment, moment, _MACHINE[source, number])


class _Known(dict[str, str]):
    """What an event does not say is `?`."""

    def __missing__(self, key: str) -> str:
        return "?"


def _result(text: str) -> str:
    try:
        return explain_result(int(text, 0))
    except ValueError:
        return text


def _read(events: str) -> Iterator[tuple[int, str, datetime, Mapping[str, str]]]:
    """Number, source, time and data of each event that has them."""
    if "<!DOCTYPE" in events or "<" not in events:
        return
    try:
        root = ET.fromstring(events[events.index("<") :])  # noqa: S314 - no document type, no entity
    except ET.ParseError:
        return
    for event in root.iter(f"{_NAMESPACE}Event"):
        head = event.find(f"{_NAMESPACE}System")
        if head is None:
            continue
        number = head.findtext(f"{_NAMESPACE}EventID", "")
        source, created = (head.find(f"{_NAMESPACE}{n}") for n in ("Provider", "TimeCreated"))
        moment = _moment(None if created is None else created.get("SystemTime"))
        if moment is not None and number.isdecimal():
            name = "" if source is None else source.get("Name", "")
            yield int(number), name, moment, _data(event)


def _data(event: ET.Element) -> Mapping[str, str]:
    found = event.iter(f"{_NAMESPACE}Data")
    return {data.get("Name", ""): (data.text or "").strip() for data in found}


def _moment(text: str | None) -> datetime | None:
    """Windows writes seven digits after the point, and nine for sleep."""
    head, _, rest = (text or "").partition(".")
    fraction = rest.rstrip("Z")[:6]
    try:
        whole = datetime.fromisoformat(head.rstrip("Z")).replace(tzinfo=UTC)
        return whole + timedelta(microseconds=int(fraction.ljust(6, "0") or "0"))
    except ValueError:
        return None


def _wanted(numbers: Mapping[int, str] | list[int]) -> str:
    return " or ".join(f"EventID={number}" for number in numbers)


def _query(channel: str, wanted: str, since: datetime, until: datetime) -> str:
    begin, end = (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z") for moment in (since, until)
    )
    span = f"TimeCreated[@SystemTime>='{begin}' and @SystemTime<='{end}']"
    done = ask(
        *("wevtutil", "qe", channel, f"/q:*[System[({wanted}) and {span}]]"),
        *("/f:xml", "/e:Events", "/uni:true", "/rd:true", f"/c:{_MOST}"),
    )
    return decode(done.stdout) if done.returncode == 0 else ""


def _history_off(since: datetime, until: datetime) -> Iterator[Remark]:
    """It is off when Windows is new, and then there is no record at all."""
    said = decode(ask("wevtutil", "gl", HISTORY).stdout)
    if "enabled: false" in said:
        advice = f"wevtutil sl {HISTORY} /e:true"
        yield Remark(since, until, f"the Task Scheduler's history is off; to turn it on: {advice}")
