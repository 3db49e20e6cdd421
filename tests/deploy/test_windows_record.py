"""What Windows' own records say of a time, from the XML of its events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.task_scheduler import TaskSchedulerStandIn
from support.windows import posix
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, windows_program
from tradebot.deploy.windows import system
from tradebot.deploy.windows.record import HISTORY, SYSTEM, machine_remarks, remarks_of
from tradebot.deploy.windows.scheduler import SCHEDULER

pytestmark = posix  # the stand-in's programs are scripts

PLAN = example_schedule(EVERY_FIVE_MINUTES, windows_program())
TASK = r"\AI-Tradebot\default"
SINCE = datetime(2026, 7, 1, 12, tzinfo=UTC)
UNTIL = datetime(2026, 7, 1, 13, tzinfo=UTC)


def event(
    number: int,
    time: str = "2026-07-01T12:05:00.1234567Z",
    source: str = "Microsoft-Windows-TaskScheduler",
    **data: str,
) -> str:
    values = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='{source}'/><EventID>{number}</EventID><Level>4</Level>"
        f"<TimeCreated SystemTime='{time}'/><Computer>WINBOX</Computer></System>"
        f"<EventData>{values}</EventData></Event>"
    )


def events(*each: str) -> str:
    return f"<Events>{''.join(each)}</Events>"


def said(number: int, **data: str) -> str:
    [remark] = remarks_of(events(event(number, TaskName=TASK, **data)), TASK)
    assert remark.begin == remark.end == datetime(2026, 7, 1, 12, 5, 0, 123456, tzinfo=UTC)
    return remark.text


@pytest.mark.parametrize(
    ("number", "data", "text"),
    [
        (107, {}, "triggered by the clock (event 107)"),
        (100, {"UserContext": "bot"}, "started (event 100)"),
        (102, {}, "ended (event 102)"),
        (101, {"ResultCode": "2147943785"}, "could not be started: 0x80070569: the account may"),
        (203, {"ResultCode": "2147942402"}, "the program could not be started: 0x80070002: the"),
        (201, {"ResultCode": "2147942475"}, "the program ended with 75: another run held"),
        (201, {"ResultCode": "0"}, "the program ended with 0: ran, or skipped"),
        (322, {}, "not started: the run before it was still running (event 322)"),
        (329, {}, "stopped: its time limit was over (event 329)"),
        (153, {}, "a start was missed: the machine slept"),
        (142, {"UserName": "eve"}, "the task was disabled by eve (event 142)"),
        (141, {}, "the task was deleted by ? (event 141)"),
        (202, {"ResultCode": "odd"}, "the program failed: odd"),
    ],
)
def test_events_become_words(number: int, data: dict[str, str], text: str) -> None:
    assert said(number, **data).startswith(text)


def test_other_tasks_and_other_events_are_left_out() -> None:
    text = events(
        event(107, TaskName=r"\AI-Tradebot\paper"),
        event(107),
        event(999, TaskName=TASK),
        event(107, time="yesterday", TaskName=TASK),
        event(107, TaskName=TASK.upper()),
    )
    assert len(list(remarks_of(text, TASK))) == 1


@pytest.mark.parametrize("text", ["", "Access is denied.", "<Events>", "<!DOCTYPE x><Events/>"])
def test_what_is_no_record_is_none(text: str) -> None:
    assert list(remarks_of(text, TASK)) == []
    assert list(machine_remarks(text)) == []


def test_sleep_and_shutdowns_are_told() -> None:
    sleep = {
        "SleepTime": "2026-07-01T12:10:00.500000000Z",
        "WakeTime": "2026-07-01T12:50:00.250000000Z",
    }
    text = events(
        event(1, source="Microsoft-Windows-Power-Troubleshooter", **sleep),
        event(1, source="Microsoft-Windows-Power-Troubleshooter"),
        event(1, source="Another"),
        event(6006, source="EventLog"),
        event(6005, source="EventLog"),
        event(6008, source="EventLog"),
    )
    asleep, *rest = machine_remarks(text)
    assert (asleep.begin.minute, asleep.end.minute, asleep.text) == (
        *(10, 50),
        "the machine was asleep",
    )
    assert [remark.text for remark in rest] == [
        "the machine was shut down",
        "the machine was started",
        "the machine had gone down without a shutdown",
    ]


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSchedulerStandIn:
    stand_in = TaskSchedulerStandIn(tmp_path / "windows")
    monkeypatch.setenv("PATH", stand_in.path)
    monkeypatch.setattr(system, "is_windows", lambda: True)
    return stand_in


def test_both_records_are_asked_for_the_time_and_told_in_order(
    windows: TaskSchedulerStandIn,
) -> None:
    windows.write_events(HISTORY, events(event(322, TaskName=TASK), event(107, TaskName=TASK)))
    windows.write_events(
        SYSTEM, events(event(6006, "2026-07-01T12:01:00.0000000Z", source="EventLog"))
    )
    remarks = SCHEDULER.record(PLAN, SINCE, UNTIL)
    assert [remark.text.partition(" (")[0] for remark in remarks] == [
        "the machine was shut down",
        "not started: the run before it was still running",
        "triggered by the clock",
    ]
    queries = (windows.folder / "queries").read_text("utf-8")
    assert "@SystemTime>='2026-07-01T12:00:00.000Z'" in queries
    assert "@SystemTime<='2026-07-01T13:00:00.000Z'" in queries
    assert "EventID=329" in queries


def test_a_history_that_is_off_says_how_to_turn_it_on(windows: TaskSchedulerStandIn) -> None:
    (windows.folder / "history-off").touch()
    [remark] = SCHEDULER.record(PLAN, SINCE, UNTIL)
    assert (remark.begin, remark.end) == (SINCE, UNTIL)
    assert f"wevtutil sl {HISTORY} /e:true" in remark.text


def test_elsewhere_there_is_no_record() -> None:
    assert SCHEDULER.record(PLAN, SINCE, UNTIL) == []
