"""The task's XML: what schtasks takes, whatever the paths, the cadence and the encoding."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile

import pytest

from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    EXAMPLES,
    WEEKDAY_WINDOW,
    Example,
    example_schedule,
    windows_program,
)
from tradebot.deploy.model import KEEPALIVE_CADENCE, Schedule
from tradebot.deploy.windows.checks import check_tasks
from tradebot.deploy.windows.parsed import parse_task
from tradebot.deploy.windows.scheduler import SCHEDULER
from tradebot.deploy.windows.task import current_user, render_tasks
from tradebot.deploy.windows.wakeups import wakeups
from tradebot.errors import UsageError
from tradebot.scheduling.hours import HoursConfig, open_intervals
from tradebot.scheduling.slots import first_slot_after, slot_start

USER = r"WINBOX\bot"
MAIN = r"\AI-Tradebot\default"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def schedule(**changes: object) -> Schedule:
    made = example_schedule(EVERY_FIVE_MINUTES, windows_program(), user=USER)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def starts(plan: Schedule, since: datetime, length: timedelta) -> list[datetime]:
    task = parse_task(render_tasks(plan)[MAIN])
    return list(takewhile(lambda moment: moment < since + length, wakeups(task, since)))


def slots(plan: Schedule, since: datetime, until: datetime) -> list[datetime]:
    found = [slot_start(since - timedelta(microseconds=1), plan.cadence, plan.offset)]
    while found[-1] < until:
        found.append(first_slot_after(found[-1], plan.cadence, plan.offset))
    return [slot for slot in found if since <= slot < until]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
@pytest.mark.parametrize("narrow", [False, True], ids=["all day", "narrow"])
def test_the_examples_are_approved_without_a_single_finding(example: Example, narrow: bool) -> None:
    plan = example_schedule(example, windows_program(), user=USER, narrow=narrow)
    assert check_tasks(render_tasks(plan), plan, now=NOW, here=False) == []


def test_the_elements_stand_in_the_schemas_order() -> None:
    task = parse_task(render_tasks(schedule())[MAIN])
    assert [element.tag for element in task.root] == [
        *("RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"),
    ]
    [trigger] = task.triggers
    assert [e.tag for e in trigger.element] == ["Enabled", "StartBoundary", "Repetition"]
    assert trigger.text("Repetition/Duration") is None
    assert (trigger.text("StartBoundary") or "").endswith("Z")


@pytest.mark.parametrize(
    ("cadence", "offset"),
    [(60, 0), (90, 0), (300, 0), (300, 20), (720, 100), (3600, 0), (14400, 1800), (86400, 75600)],
)
def test_every_slot_of_the_day_gets_one_start(cadence: float, offset: float) -> None:
    plan = schedule(cadence=float(cadence), offset=float(offset), max_lateness=cadence / 2)
    assert starts(plan, NOW, timedelta(days=2)) == slots(plan, NOW, NOW + timedelta(days=2))


def test_a_part_of_a_second_is_rounded_up_so_that_no_run_starts_before_its_slot() -> None:
    plan = schedule(offset=20.5)
    begun = slots(plan, NOW, NOW + WEEK / 7)
    assert starts(plan, NOW, WEEK / 7) == [s + timedelta(seconds=0.5) for s in begun]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Sydney", "UTC"])
@pytest.mark.parametrize("cadence", [60.0, 300.0, 5400.0, 14400.0])
def test_narrowed_it_still_starts_for_every_slot_of_the_window(zone: str, cadence: float) -> None:
    hours = dataclasses.replace(WEEKDAY_WINDOW.hours, timezone=zone, holidays=None)
    plan = schedule(
        hours=hours, narrow=True, cadence=cadence, deadline=cadence * 0.8, max_lateness=cadence / 2
    )
    for since in (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC)):
        wanted = {
            slot
            for begin, end in open_intervals(since, since + 2 * WEEK, hours)
            for slot in slots(plan, begin, end)
        }
        found = starts(plan, since, 2 * WEEK)
        assert wanted <= set(found)
        assert len(found) < len(slots(plan, since, since + 2 * WEEK))


@pytest.mark.parametrize("offset_hours", [-12, -5, 0, 9, 14])
def test_narrowed_it_holds_whether_windows_reads_the_days_in_utc_or_in_the_machines_zone(
    offset_hours: int,
) -> None:
    """Not documented, so both must start every slot."""
    for zone in ("America/New_York", "Australia/Sydney", "UTC"):
        hours = dataclasses.replace(WEEKDAY_WINDOW.hours, timezone=zone, holidays=None)
        plan = schedule(hours=hours, narrow=True)
        task = parse_task(render_tasks(plan)[MAIN])
        began = {
            (day.weekday(), trigger.start.time())
            for trigger in task.triggers
            if trigger.start is not None
            for day in [NOW + timedelta(days=n) for n in range(7)]
            for at in [datetime.combine(day, trigger.start.time(), UTC)]
            if (at + timedelta(hours=offset_hours)).weekday() in trigger.days
        }
        for begin, end in open_intervals(NOW, NOW + WEEK, hours):
            for slot in slots(plan, begin, end):
                assert any(
                    (slot.weekday(), trigger.start.time()) in began
                    and trigger.start.time() <= slot.time()
                    and (
                        datetime.combine(slot, slot.time())
                        - datetime.combine(slot, trigger.start.time())
                    ).total_seconds()
                    <= (trigger.duration or 0)
                    for trigger in task.triggers
                    if trigger.start is not None
                ), (zone, slot)


def test_narrowed_it_keeps_the_login_alive_with_a_task_of_its_own() -> None:
    plan = example_schedule(WEEKDAY_WINDOW, windows_program(), user=USER, narrow=True)
    rendered = render_tasks(plan)
    assert list(rendered) == [MAIN, rf"{MAIN}.keepalive"]
    assert list(SCHEDULER.render(plan)) == [
        "ai-tradebot@default.xml",
        "ai-tradebot@default.keepalive.xml",
    ]
    keepalive = parse_task(rendered[rf"{MAIN}.keepalive"])
    assert keepalive.triggers[0].interval == KEEPALIVE_CADENCE
    assert keepalive.actions[0].arguments.startswith("auth keepalive")
    assert keepalive.actions[0].command.endswith("tradebot.exe")


@pytest.mark.parametrize(
    ("cadence", "said"),
    [(30.0, "once a minute at most"), (3600 / 49, "48 at most")],
)
def test_a_cadence_that_windows_cannot_keep_is_refused(cadence: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SCHEDULER.render(schedule(cadence=cadence))


def test_the_time_limit_is_behind_the_bots_own_watchdog() -> None:
    task = parse_task(render_tasks(schedule(deadline=240.0))[MAIN])
    assert task.setting("ExecutionTimeLimit") == "PT4M45S"


HOME = r"C:\Users\Jörg O'Neil & <Söhne>\my bot"


def test_any_path_survives_quoting_and_escaping() -> None:
    program = dataclasses.replace(windows_program(HOME), env_file_given=True)
    plan = schedule(program=program, dry_run=True)
    text = render_tasks(plan)[MAIN]
    [action] = parse_task(text).actions
    assert action.command == rf"{HOME}\.venv\Scripts\python.exe"
    assert action.folder == HOME
    assert action.arguments == (
        rf'"{HOME}\main.py" --single-cycle --scheduled --jitter-seconds-max=15 --dry-run '
        rf'"--env-file={HOME}\.env"'
    )


def test_it_is_the_same_xml_in_whichever_encoding_it_is_saved() -> None:
    text = render_tasks(schedule(program=windows_program(HOME)))[MAIN]
    assert text.isascii()
    assert "encoding" not in text.splitlines()[0]
    for encoding in ("ascii", "utf-8", "utf-8-sig", "utf-16", "cp1252"):
        root = ET.fromstring(text.encode(encoding))
        assert HOME in "".join(root.itertext())


@pytest.mark.parametrize("home", [r"C:\%USERNAME%\bot", r"C:\a$(Arg0)\bot", "C:\\a\x07\\bot"])
def test_what_windows_would_replace_is_refused(home: str) -> None:
    with pytest.raises(UsageError, match="a Windows task"):
        SCHEDULER.render(schedule(program=windows_program(home)))


def test_a_single_percent_sign_is_no_variable() -> None:
    assert r"C:\100% bot" in render_tasks(schedule(program=windows_program(r"C:\100% bot")))[MAIN]


def test_a_variable_of_this_shell_is_refused_with_the_way_out() -> None:
    with pytest.raises(UsageError, match=r"INSTANCE=paper into the copy.*--env-file"):
        SCHEDULER.render(schedule(variables={"INSTANCE": "paper"}))


def test_the_user_is_named_where_it_is_known() -> None:
    environ = {"USERNAME": "bot", "USERDOMAIN": "WINBOX"}
    assert current_user(environ, "win32") == USER
    assert current_user({"USERNAME": "bot"}, "win32") == "bot"
    assert current_user(environ, "linux") is None
    nobody = parse_task(render_tasks(schedule(user=None))[MAIN])
    assert nobody.principal("UserId") == ""
    assert parse_task(render_tasks(schedule())[MAIN]).principal("UserId") == USER


def test_the_same_schedule_is_the_same_text_on_every_day() -> None:
    assert render_tasks(schedule()) == render_tasks(schedule())
    assert "2024-01-01T00:00:00Z" in render_tasks(schedule())[MAIN]


def test_a_window_that_is_open_all_day_starts_nothing_twice() -> None:
    hours = HoursConfig("fixed", frozenset(range(7)), time(0), time(0))
    task = parse_task(render_tasks(schedule(hours=hours, narrow=True))[MAIN])
    [trigger] = task.triggers
    assert trigger.duration == 86400 - 300
