"""Each way in which a task can be wrong is found, named, and said with what happens and what to do.

The rendered task breaks none of the rules; here it is broken in one place at a time, as by hand.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    example_schedule,
    windows_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, Severity, is_approved
from tradebot.deploy.windows.checks import RULES, check_tasks
from tradebot.deploy.windows.task import render_tasks

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
MAIN = r"\AI-Tradebot\default"
KEEPALIVE = rf"{MAIN}.keepalive"
USER = r"WINBOX\bot"
PLAN = example_schedule(EVERY_FIVE_MINUTES, windows_program(), user=USER)
NARROW = example_schedule(WEEKDAY_WINDOW, windows_program(), user=USER, narrow=True)
Change = Callable[[str], str]


def put(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def setting(name: str, value: str) -> Change:
    def change(text: str) -> str:
        head, settings, tail = re.split(r"(<Settings>.*</Settings>)", text, flags=re.DOTALL)
        settings, count = re.subn(rf"<{name}>.*</{name}>", f"<{name}>{value}</{name}>", settings)
        assert count == 1
        return head + settings + tail

    return change


def without(name: str) -> Change:
    def change(text: str) -> str:
        text, count = re.subn(rf"\s*<{name}>.*?</{name}>", "", text, flags=re.DOTALL)
        assert count
        return text

    return change


def after(place: str, more: str) -> Change:
    return put(place, place + more)


START = "<StartBoundary>2024-01-01T00:00:00Z</StartBoundary>"
INTERVAL = "<Interval>PT5M</Interval>"
COMMAND = r"<Command>C:\ai-tradebot\.venv\Scripts\python.exe</Command>"
REPETITION_END = "</Repetition>"

BROKEN: list[tuple[str, str, Change]] = [
    # the schema
    ("no XML", "task-not-xml", put("</Task>", "")),
    ("another root", "task-not-xml", lambda _: "<Task/>"),
    ("a document type", "task-not-xml", put("<Task ", "<!DOCTYPE Task><Task ")),
    ("an unknown setting", "task-unknown-element", after("<Settings>", "<Retry>3</Retry>")),
    ("an unknown trigger", "task-unknown-element", put("TimeTrigger", "CronTrigger")),
    ("small letters", "task-unknown-element", put("Hidden", "hidden")),
    (
        "the start after the repetition",
        "task-element-order",
        lambda text: put(REPETITION_END, REPETITION_END + START)(put(START, "")(text)),
    ),
    ("an element twice", "task-element-order", put(START, START + START)),
    ("no start", "task-missing-element", put(START, "")),
    ("no interval", "task-missing-element", put(INTERVAL, "")),
    ("no command", "task-missing-element", without("Command")),
    ("no actions", "task-missing-element", lambda t: re.sub("(?s)<Actions.*</Actions>", "", t)),
    (
        "no days in a calendar",
        "task-missing-element",
        put("TimeTrigger", "CalendarTrigger"),
    ),
    ("an interval of 30 s", "task-bad-value", put(INTERVAL, "<Interval>PT30S</Interval>")),
    ("an interval of 32 days", "task-bad-value", put(INTERVAL, "<Interval>P32D</Interval>")),
    ("an interval in words", "task-bad-value", put(INTERVAL, "<Interval>5 min</Interval>")),
    ("an empty duration", "task-bad-value", after(INTERVAL, "<Duration>PT</Duration>")),
    ("an unknown policy", "task-bad-value", setting("MultipleInstancesPolicy", "Ignore")),
    ("no date", "task-bad-value", put("2024-01-01T00:00:00Z", "midnight")),
    ("no boolean", "task-bad-value", setting("Hidden", "no")),
    ("priority 11", "task-bad-value", setting("Priority", "11")),
    ("an unknown logon", "task-bad-value", put(">S4U<", ">Service<")),
    (
        "a path that is too long",
        "task-bad-value",
        put(COMMAND, rf"<Command>C:\{'x' * 258}</Command>"),
    ),
    (
        "a duration below its interval",
        "task-duration-below-interval",
        after(INTERVAL, "<Duration>PT4M</Duration>"),
    ),
    (
        "49 triggers",
        "task-too-many-triggers",
        lambda text: re.sub(r"(?s)(<TimeTrigger>.*</TimeTrigger>)", r"\1" * 49, text),
    ),
    # when it starts
    ("local time", "task-start-not-utc", put("00:00:00Z", "00:00:00")),
    ("every ten minutes", "task-slots-missed", put(INTERVAL, "<Interval>PT10M</Interval>")),
    ("every seven minutes", "task-slots-missed", put(INTERVAL, "<Interval>PT7M</Interval>")),
    ("only once", "task-slots-missed", without("Repetition")),
    ("every minute", "task-more-starts", put(INTERVAL, "<Interval>PT1M</Interval>")),
    ("a minute behind", "task-start-off-grid", put("00:00:00Z", "00:01:00Z")),
    ("three minutes behind", "task-slots-missed", put("00:00:00Z", "00:03:00Z")),
    (
        "an end",
        "task-ends",
        after(START, "<EndBoundary>2027-01-01T00:00:00Z</EndBoundary>"),
    ),
    (
        "a repetition for a day",
        "task-repetition-ends",
        after(INTERVAL, "<Duration>P1D</Duration>"),
    ),
    (
        "a random delay",
        "task-random-delay",
        after(REPETITION_END, "<RandomDelay>PT30S</RandomDelay>"),
    ),
    (
        "a trigger that is off",
        "task-trigger-disabled",
        put(f"<Enabled>true</Enabled>\n      {START}", f"<Enabled>false</Enabled>{START}"),
    ),
    (
        "a stop when the duration is over",
        "task-stops-at-duration-end",
        lambda text: after(INTERVAL, "<Duration>PT8H</Duration>")(
            put("<StopAtDurationEnd>false", "<StopAtDurationEnd>true")(text)
        ),
    ),
    (
        "a trigger with a limit",
        "task-trigger-time-limit",
        after(REPETITION_END, "<ExecutionTimeLimit>PT1M</ExecutionTimeLimit>"),
    ),
    # how it runs
    ("a task that is off", "task-disabled", setting("Enabled", "false")),
    ("two at once", "task-overlap", setting("MultipleInstancesPolicy", "Parallel")),
    ("a queue", "task-overlap", setting("MultipleInstancesPolicy", "Queue")),
    ("the old one is stopped", "task-overlap", setting("MultipleInstancesPolicy", "StopExisting")),
    ("catching up", "task-catches-up", setting("StartWhenAvailable", "true")),
    ("a limit of a minute", "task-time-limit", setting("ExecutionTimeLimit", "PT1M")),
    ("a limit at the deadline", "task-time-limit", setting("ExecutionTimeLimit", "PT4M")),
    ("no limit", "task-no-time-limit", setting("ExecutionTimeLimit", "PT0S")),
    ("the usual limit", "task-no-time-limit", without("ExecutionTimeLimit")),
    ("not on battery", "task-stops-on-battery", setting("DisallowStartIfOnBatteries", "true")),
    ("battery left out", "task-stops-on-battery", without("StopIfGoingOnBatteries")),
    ("the usual priority", "task-priority", without("Priority")),
    ("priority 7", "task-priority", setting("Priority", "7")),
    ("only when idle", "task-waits-for-idle", setting("RunOnlyIfIdle", "true")),
    ("only with a network", "task-waits-for-network", setting("RunOnlyIfNetworkAvailable", "true")),
    ("no hard kill", "task-no-hard-kill", setting("AllowHardTerminate", "false")),
    ("waking the machine", "task-wakes-machine", setting("WakeToRun", "true")),
    (
        "restarts",
        "task-restart-on-failure",
        after(
            "<Settings>",
            "<RestartOnFailure><Interval>PT1M</Interval><Count>3</Count></RestartOnFailure>",
        ),
    ),
    ("only logged on", "task-only-while-logged-on", put(">S4U<", ">InteractiveToken<")),
    ("logon left out", "task-only-while-logged-on", without("LogonType")),
    ("a password", "task-password", put(">S4U<", ">Password<")),
    ("highest privileges", "task-elevated", put("LeastPrivilege", "HighestAvailable")),
    ("as SYSTEM", "task-elevated", put(USER, "S-1-5-18")),
    ("nobody", "task-no-user", without("UserId")),
    # what it starts
    ("another program", "task-starts-something-else", put("main.py", "other.py")),
    ("in a loop", "task-runs-forever", put(" --single-cycle", "")),
    ("without a slot", "task-not-scheduled", put(" --scheduled", "")),
    ("python from PATH", "task-relative-path", put(COMMAND, "<Command>python.exe</Command>")),
    (
        "main.py from nowhere",
        "task-relative-path",
        lambda text: without("WorkingDirectory")(put(r"C:\ai-tradebot\main.py", "main.py")(text)),
    ),
    (
        "a path of Linux",
        "task-relative-path",
        put(COMMAND, "<Command>/opt/bot/.venv/bin/python</Command>"),
    ),
    ("pythonw", "task-pythonw", put("python.exe", "pythonw.exe")),
    (
        "a shell",
        "task-shell",
        lambda text: put(
            r"C:\ai-tradebot\.venv\Scripts\python.exe", r"C:\Windows\System32\cmd.exe"
        )(put("<Arguments>", r"<Arguments>/c python ")(text)),
    ),
    ("a secret", "task-secret", after("--scheduled", " SAXO_APP_SECRET=abc")),
    ("a variable", "task-replaced-text", put(r"C:\ai-tradebot\main.py", r"%BOT%\main.py")),
    ("a parameter", "task-replaced-text", after("--scheduled", " $(Arg0)")),
]


def found_in(text: str | None, plan: Schedule = PLAN, *, here: bool = False) -> list[Finding]:
    return check_tasks({MAIN: text}, plan, now=NOW, here=here)


def names(findings: list[Finding]) -> set[str]:
    return {finding.rule.name for finding in findings}


@pytest.mark.parametrize(
    ("rule", "change"),
    [pytest.param(rule, change, id=f"{rule}: {title}") for title, rule, change in BROKEN],
)
def test_a_broken_task_is_found_out(rule: str, change: Change) -> None:
    text = render_tasks(PLAN)[MAIN]
    assert found_in(text) == []
    broken = change(text)
    assert broken != text
    found = found_in(broken)
    assert rule in names(found), found
    [finding, *_] = [f for f in found if f.rule.name == rule]
    what, happens, todo = finding.lines()
    assert what.startswith(f"{finding.rule.severity}: ")
    assert len(happens.partition(": ")[2]) > 20
    assert len(todo.partition(": ")[2]) > 10


HARMLESS: list[tuple[str, Change]] = [
    ("no working folder", without("WorkingDirectory")),
    (
        "as Windows exports it",
        lambda text: re.sub(
            r"(?s)(<Enabled>true</Enabled>)\s*(<Start.*?</StartBoundary>)\s*(<Rep.*?</Repetition>)",
            r"\3\2\1",
            text,
        ),
    ),
    ("UTF-16 by name", put('<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-16"?>')),
    ("a mark in front", lambda text: "\ufeff" + text),
    ("a limit of an hour", setting("ExecutionTimeLimit", "PT1H")),
    ("a start in another zone's time", put("00:00:00Z", "02:00:00+02:00")),
    ("a quoted command", put(COMMAND, COMMAND.replace(">C", '>"C').replace("exe<", 'exe"<'))),
    (
        "idle settings that Windows adds",
        after("<Settings>", "<IdleSettings><StopOnIdleEnd>true</StopOnIdleEnd></IdleSettings>"),
    ),
    ("the module instead of the file", put(r"C:\ai-tradebot\main.py", "-m tradebot")),
    ("a user's number", put(USER, "S-1-5-21-1-2-3-1001")),
    ("ten to midnight", put("2024-01-01T00:00:00Z", "2023-12-31T23:50:00Z")),
]


@pytest.mark.parametrize("change", [pytest.param(c, id=title) for title, c in HARMLESS])
def test_what_does_no_harm_is_not_found(change: Change) -> None:
    text = render_tasks(PLAN)[MAIN]
    changed = change(text)
    assert changed != text
    assert found_in(changed) == []


def test_a_finding_of_the_schema_says_where_and_what_may_stand_there() -> None:
    [finding] = found_in(setting("MultipleInstancesPolicy", "Ignore")(render_tasks(PLAN)[MAIN]))[:1]
    assert finding.what == "Task/Settings/MultipleInstancesPolicy says 'Ignore'"
    assert finding.remedy == "write Parallel, Queue, IgnoreNew, StopExisting"


def test_slots_without_a_start_are_named() -> None:
    changed = put(INTERVAL, "<Interval>PT10M</Interval>")(render_tasks(PLAN)[MAIN])
    [finding] = found_in(changed)
    assert finding.what.startswith("1152 of the 2304 slots in the 8 days from 2026-07-01 on")
    assert "Wed 12:05:00Z, Wed 12:15:00Z, Wed 12:25:00Z" in finding.what


def test_a_narrowed_task_in_local_time_misses_slots() -> None:
    """As on a machine in UTC; elsewhere all the more."""
    text = render_tasks(NARROW)[MAIN]
    assert "task-start-not-utc" in names(found_in(put("13:00:00Z", "13:00:00")(text), NARROW))


def test_a_window_whose_last_start_is_not_certain_is_found() -> None:
    """Eight hours from 13:00 end with the slot of 21:00, and in winter the window with 20:55."""
    text = render_tasks(NARROW)[MAIN]
    found = found_in(put("PT8H", "PT6H55M")(text), NARROW)
    [finding] = [f for f in found if f.rule.name == "task-slots-missed"]
    assert "Thu 19:55:00Z" in finding.what


def test_outside_of_the_window_nothing_is_missed_and_inside_everything() -> None:
    text = render_tasks(NARROW)[MAIN]
    wide = dataclasses.replace(NARROW, hours=EVERY_FIVE_MINUTES.hours)
    assert names(found_in(text, NARROW)) == {"task-no-keepalive"}
    assert "task-slots-missed" in names(found_in(text, wide))


def test_a_task_that_is_not_there_is_an_error() -> None:
    [finding] = found_in(None)
    assert finding.rule.name == "task-not-installed"
    assert finding.rule.severity is Severity.ERROR
    assert MAIN in finding.what


def test_the_login_task_is_missed_and_judged_too() -> None:
    texts = render_tasks(NARROW)
    without_it = {**texts, KEEPALIVE: None}
    assert names(check_tasks(without_it, NARROW, now=NOW, here=False)) == {"task-no-keepalive"}
    off = {**texts, KEEPALIVE: setting("Enabled", "false")(texts[KEEPALIVE])}
    assert names(check_tasks(off, NARROW, now=NOW, here=False)) == {"task-disabled"}
    broken = {**texts, KEEPALIVE: "nonsense"}
    assert names(check_tasks(broken, NARROW, now=NOW, here=False)) == {"task-not-xml"}


def test_a_secret_is_named_and_not_repeated() -> None:
    changed = after("--scheduled", " SAXO_APP_SECRET=hunter2hunter2")(render_tasks(PLAN)[MAIN])
    said = "\n".join(line for finding in found_in(changed) for line in finding.lines())
    assert "SAXO_APP_SECRET" in said
    assert "hunter2" not in said


def test_programs_are_looked_for_on_their_own_machine_only() -> None:
    here = [f.what for f in found_in(render_tasks(PLAN)[MAIN], here=True)]
    assert here == [
        r"C:\ai-tradebot\.venv\Scripts\python.exe is not there",
        r"C:\ai-tradebot\main.py is not there",
        r"the working directory C:\ai-tradebot is not there",
    ]


def test_the_paths_of_this_machine_are_no_paths_of_windows() -> None:
    """A task that is rendered elsewhere, to be carried over, has to be given Windows' paths."""
    program = dataclasses.replace(PLAN.program, python=Path("/opt/bot/.venv/bin/python"))
    elsewhere = dataclasses.replace(PLAN, program=program)
    assert names(found_in(render_tasks(elsewhere)[MAIN])) == {"task-relative-path"}


NASTY = ["", "0", "PT0S", "-1", "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59Z", "9" * 5000]
NASTY += ["PT0.001S", f"P{'9' * 30}D", "1999-01-01T00:00:00Z"]


@pytest.mark.parametrize("value", NASTY, ids=lambda value: value[:12] or "nothing")
def test_nothing_that_can_stand_there_breaks_the_check(value: str) -> None:
    text = render_tasks(NARROW)[MAIN]
    places = re.findall(r"<(\w+)>([^<\n]+)</", text)
    assert len(places) > 20
    for name, old in places:
        changed = text.replace(f"<{name}>{old}</{name}>", f"<{name}>{value}</{name}>", 1)
        for finding in found_in(changed, NARROW):
            assert finding.rule in RULES


def test_without_time_zones_it_is_said() -> None:
    """As on a Windows without the package tzdata."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, zoneinfo\n"
            "sys.modules['tzdata'] = None\n"
            "zoneinfo.reset_tzpath(())\n"
            "from tradebot.deploy.windows.checks import check_time_zone\n"
            "for name in ('Europe/Zurich', '../x'):\n"
            "    for finding in check_time_zone(name): print(finding.rule.name, finding.what)\n",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == ["task-no-time-zones"] * 2


def test_only_notes_leave_it_approved() -> None:
    text = render_tasks(PLAN)[MAIN]
    assert is_approved(found_in(put(">S4U<", ">Password<")(text)))
    assert not is_approved(found_in(put(">S4U<", ">InteractiveToken<")(text)))
