"""Registering a task: shown first, done once, found again however Windows writes it, taken back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from support.task_scheduler import TaskSchedulerStandIn
from support.windows import posix
from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    example_schedule,
    windows_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.windows import system
from tradebot.deploy.windows.results import explain_result
from tradebot.deploy.windows.scheduler import SCHEDULER
from tradebot.errors import StorageError, UsageError

pytestmark = posix  # the stand-in's programs are scripts

MAIN = r"\AI-Tradebot\default"
KEEPALIVE = rf"{MAIN}.keepalive"
USER = r"WINBOX\bot"


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSchedulerStandIn:
    stand_in = TaskSchedulerStandIn(tmp_path / "windows")
    monkeypatch.setenv("PATH", stand_in.path)
    monkeypatch.setattr(system, "is_windows", lambda: True)
    return stand_in


@pytest.fixture
def plan(tmp_path: Path) -> Schedule:
    return made(tmp_path)


def made(folder: Path, *, narrow: bool = False, **changes: object) -> Schedule:
    example = WEEKDAY_WINDOW if narrow else EVERY_FIVE_MINUTES
    program = dataclasses.replace(windows_program(r"C:\Jörg\bot"), state_dir=folder / "state")
    found = example_schedule(example, program, user=USER, narrow=narrow)
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


def test_it_is_shown_then_done_and_then_there_is_nothing_to_do(
    windows: TaskSchedulerStandIn, plan: Schedule, tmp_path: Path
) -> None:
    first = SCHEDULER.plan_install(plan)
    shown = "\n".join(first.show())
    file = tmp_path / "state" / "schedule" / "ai-tradebot@default.xml"
    assert f"+++ task {MAIN}" in shown
    assert "+        <Interval>PT5M</Interval>" in shown
    assert f"schtasks /create /tn '{MAIN}' /xml {file} /f" in shown
    assert "Run as administrator" in first.notes[0]
    assert windows.changes() == []
    assert not file.exists()

    assert "SUCCESS" in " ".join(first.apply())
    assert windows.registered() == [MAIN]
    assert file.read_text("utf-8") == next(iter(SCHEDULER.render(plan).values()))

    again = SCHEDULER.plan_install(plan)
    assert again.is_empty
    assert list(again.show()) == []
    assert again.notes == ()


@pytest.mark.parametrize(
    "change",
    [
        {"cadence": 600.0},
        {"deadline": 200.0},
        {"jitter": 7.0},
        {"dry_run": True},
        {"offset": 20.0},
    ],
    ids=str,
)
def test_what_changed_is_registered_anew(
    windows: TaskSchedulerStandIn, plan: Schedule, change: dict[str, object]
) -> None:
    SCHEDULER.plan_install(plan).apply()
    changed = dataclasses.replace(plan, **change)  # type: ignore[arg-type]
    update = SCHEDULER.plan_install(changed)
    removed = [line for line in update.show() if line.startswith("-") and "---" not in line]
    assert removed
    update.apply()
    assert SCHEDULER.plan_install(changed).is_empty
    assert not SCHEDULER.plan_install(plan).is_empty
    assert len(windows.changes()) == 2


def test_another_account_is_a_change(windows: TaskSchedulerStandIn, plan: Schedule) -> None:
    windows.say()
    SCHEDULER.plan_install(plan).apply()
    assert SCHEDULER.plan_install(plan).is_empty
    assert SCHEDULER.plan_install(dataclasses.replace(plan, user="BOT")).is_empty
    other = SCHEDULER.plan_install(dataclasses.replace(plan, user=r"WINBOX\other"))
    assert len(other.commands) == 1


def test_a_password_that_somebody_gave_to_windows_stays(
    windows: TaskSchedulerStandIn, plan: Schedule
) -> None:
    SCHEDULER.plan_install(plan).apply()
    [file] = windows.folder.glob("*.xml")
    file.write_text(file.read_text("utf-8").replace("S4U", "Password"), "utf-8")
    assert SCHEDULER.plan_install(plan).is_empty
    assert SCHEDULER.status(plan).current
    assert [finding.rule.name for finding in SCHEDULER.check(plan)] == ["task-password"]


def test_a_task_that_somebody_disabled_is_put_right(
    windows: TaskSchedulerStandIn, plan: Schedule
) -> None:
    SCHEDULER.plan_install(plan).apply()
    [file] = windows.folder.glob("*.xml")
    text = file.read_text("utf-8")
    head, tail = text.split("<Settings>") if "<Settings>" in text else text.split("Settings>", 1)
    file.write_text(head + "<Settings>" + tail.replace("<Enabled>true", "<Enabled>false"), "utf-8")
    assert not SCHEDULER.status(plan).active
    assert [finding.rule.name for finding in SCHEDULER.check(plan)] == ["task-disabled"]
    SCHEDULER.plan_install(plan).apply()
    assert SCHEDULER.status(plan).active
    assert SCHEDULER.check(plan) == []


def test_the_login_task_comes_and_goes_with_its_need(
    windows: TaskSchedulerStandIn, tmp_path: Path
) -> None:
    narrow = made(tmp_path, narrow=True)
    SCHEDULER.plan_install(narrow).apply()
    assert windows.registered() == [MAIN, KEEPALIVE]
    assert SCHEDULER.plan_install(narrow).is_empty
    all_day = made(tmp_path)
    SCHEDULER.plan_install(all_day).apply()
    assert windows.registered() == [MAIN]
    assert SCHEDULER.plan_install(all_day).is_empty


def test_it_is_taken_away_without_a_trace(windows: TaskSchedulerStandIn, tmp_path: Path) -> None:
    plan = made(tmp_path, narrow=True)
    assert SCHEDULER.plan_uninstall(plan).is_empty
    SCHEDULER.plan_install(plan).apply()
    away = SCHEDULER.plan_uninstall(plan)
    shown = "\n".join(away.show())
    assert f"--- task {MAIN}" in shown
    assert f"schtasks /delete /tn '{KEEPALIVE}' /f" in shown
    away.apply()
    assert windows.registered() == []
    assert list((tmp_path / "state" / "schedule").iterdir()) == []
    assert SCHEDULER.plan_uninstall(plan).is_empty


def test_other_instances_are_left_alone(windows: TaskSchedulerStandIn, tmp_path: Path) -> None:
    one, two = made(tmp_path), made(tmp_path, instance="paper")
    SCHEDULER.plan_install(one).apply()
    SCHEDULER.plan_install(two).apply()
    SCHEDULER.plan_uninstall(one).apply()
    assert windows.registered() == [r"\AI-Tradebot\paper"]


def test_a_refusal_is_said_in_windows_own_words(
    windows: TaskSchedulerStandIn, plan: Schedule, tmp_path: Path
) -> None:
    (windows.folder / "refuse").touch()
    with pytest.raises(StorageError, match="Access is denied"):
        SCHEDULER.plan_install(plan).apply()
    assert list((tmp_path / "state" / "schedule").iterdir()) == []


def test_the_status_before_and_after(windows: TaskSchedulerStandIn, plan: Schedule) -> None:
    before = SCHEDULER.status(plan)
    assert (before.installed, before.current, before.active) == (False, False, False)
    SCHEDULER.plan_install(plan).apply()
    windows.say(
        last_run="2026-07-01T12:00:00Z",
        last_result=75,
        next_run="2026-07-01T12:05:00Z",
        missed=2,
    )
    after = SCHEDULER.status(plan)
    assert (after.installed, after.current, after.active) == (True, True, True)
    assert dict(after.facts) == {
        "task": MAIN,
        "state": "ready",
        "runs as": USER,
        "next run": "2026-07-01T12:05:00Z",
        "last run": "2026-07-01T12:00:00Z",
        "last result": "75: another run held the lock: tradebot schedule lock",
        "missed starts": "2",
    }
    changed = SCHEDULER.status(dataclasses.replace(plan, cadence=600.0))
    assert (changed.installed, changed.current) == (True, False)


def test_a_task_that_never_ran_and_never_will_says_none(
    windows: TaskSchedulerStandIn, plan: Schedule
) -> None:
    SCHEDULER.plan_install(plan).apply()
    windows.say(state=1, last_run="1999-11-30T00:00:00Z", last_result=0x41303)
    status = SCHEDULER.status(plan)
    assert not status.active
    facts = dict(status.facts)
    assert (facts["state"], facts["last run"], facts["next run"]) == ("disabled", "none", "none")
    assert facts["last result"] == "0x41303: has never run yet"


@pytest.mark.parametrize("said", ["", "Windows PowerShell\n", "[1]", '{"state": 3}'])
def test_without_powershells_answer_the_xml_is_what_there_is(
    windows: TaskSchedulerStandIn, plan: Schedule, said: str
) -> None:
    SCHEDULER.plan_install(plan).apply()
    (windows.folder / "info").write_text(said, encoding="utf-8")
    status = SCHEDULER.status(plan)
    assert (status.installed, status.active, status.facts) == (True, True, (("task", MAIN),))


def test_the_status_names_the_login_task(windows: TaskSchedulerStandIn, tmp_path: Path) -> None:
    plan = made(tmp_path, narrow=True)
    SCHEDULER.plan_install(plan).apply()
    windows.say()
    assert dict(SCHEDULER.status(plan).facts)["login"] == f"kept alive by {KEEPALIVE}"


def test_a_task_that_cannot_be_read_is_replaced(
    windows: TaskSchedulerStandIn, plan: Schedule
) -> None:
    SCHEDULER.plan_install(plan).apply()
    [file] = windows.folder.glob("*.xml")
    file.write_text("<broken", encoding="utf-8")
    status = SCHEDULER.status(plan)
    assert (status.installed, status.current, status.active) == (True, False, False)
    assert [finding.rule.name for finding in SCHEDULER.check(plan)] == ["task-not-xml"]
    repair = SCHEDULER.plan_install(plan)
    assert "-<broken" in repair.show()
    repair.apply()
    assert SCHEDULER.check(plan) == []


def test_wakeups_are_those_of_what_is_installed(
    windows: TaskSchedulerStandIn, plan: Schedule
) -> None:
    since = datetime(2026, 7, 1, tzinfo=UTC)
    SCHEDULER.plan_install(dataclasses.replace(plan, cadence=600.0)).apply()
    installed = [moment.minute for moment in islice(SCHEDULER.wakeups(plan, since), 3)]
    rendered = islice(SCHEDULER.wakeups(plan, since, rendered=True), 3)
    assert installed == [0, 10, 20]
    assert [moment.minute for moment in rendered] == [0, 5, 10]
    [file] = windows.folder.glob("*.xml")
    file.write_text("<no xml", encoding="utf-8")
    assert list(SCHEDULER.wakeups(plan, since)) == []


def test_where_the_programs_are_missing_it_is_said(
    plan: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "is_windows", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match="schtasks cannot be started"):
        SCHEDULER.plan_install(plan)


@pytest.mark.parametrize(
    "asked",
    [SCHEDULER.plan_install, SCHEDULER.plan_uninstall, SCHEDULER.status, SCHEDULER.check],
    ids=["install", "uninstall", "status", "check"],
)
def test_elsewhere_it_says_how_to_carry_the_task_over(
    asked: Callable[[Schedule], object], plan: Schedule
) -> None:
    with pytest.raises(UsageError) as caught:
        asked(plan)
    said = str(caught.value)
    assert "tradebot schedule render windows" in said
    assert f'schtasks /create /tn "{MAIN}" /xml "ai-tradebot@default.xml" /ru ' in said
    assert f'schtasks /delete /tn "{MAIN}" /f' in said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "0: ran, or skipped"),
        (1, "1: hung"),
        (3, "3: ran and left an order unresolved"),
        (75, "75: another run held the lock"),
        (0x8007004B, "75: another run held the lock"),
        (-2147024821, "75: another run held the lock"),
        (78, "78: a setting is wrong"),
        (0x41301, "0x41301: running now"),
        (0x41303, "0x41303: has never run yet"),
        (0x41306, "0x41306: ended by a user or by its time limit"),
        (2, "0x2: the program or main.py is not there"),
        (0x80070002, "0x80070002: the program or main.py is not there"),
        (0x8007052E, "0x8007052e: the account's password"),
        (0x80070569, "0x80070569: the account may not log on as a batch job"),
        (0xC000013A, "0xc000013a: ended from outside"),
        (0x800710E0, "0x800710e0: not started"),
        (0x80070BAD, "0x80070bad: an error of Windows; `net helpmsg 2989`"),
        (42, "0x2a: no exit code of the bot"),
    ],
)
def test_results_are_explained(code: int, said: str) -> None:
    assert explain_result(code).startswith(said)


def test_texts_of_windows_are_read_in_any_encoding() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp850"):
        assert system.decode("<a>Jörg</a>".encode(encoding)) == "<a>Jörg</a>"
    assert json.loads(system.decode(b"\xfe\xff" + '"ü"'.encode("utf-16-be"))) == "ü"
    assert system.decode(b"") == ""
