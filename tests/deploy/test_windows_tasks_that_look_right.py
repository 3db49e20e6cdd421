"""Tasks that start the bot in time and are wrong all the same; and good ones written otherwise."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PureWindowsPath

import pytest

from deploy.test_windows_rules import BROKEN as BROKEN_ONCE
from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    EXAMPLES,
    WEEKDAY_WINDOW,
    example_schedule,
    windows_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Finding, is_approved
from tradebot.deploy.windows.checks import RULES, check_tasks
from tradebot.deploy.windows.scheduler import SCHEDULER
from tradebot.deploy.windows.task import keepalive_name, render_tasks, task_name

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
MAIN, KEEPALIVE = task_name("default"), keepalive_name("default")
USER = r"WINBOX\bot"
PLAN = example_schedule(EVERY_FIVE_MINUTES, windows_program(), user=USER)
NARROW = example_schedule(WEEKDAY_WINDOW, windows_program(), user=USER, narrow=True)
PYTHON = r"C:\ai-tradebot\.venv\Scripts\python.exe"
PROGRAM = r"C:\ai-tradebot\main.py"
Change = Callable[[str], str]


def put(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def setting(name: str, value: str) -> Change:
    """Set, whether it is there or not."""

    def change(text: str) -> str:
        head, settings, tail = re.split(r"(<Settings>.*</Settings>)", text, flags=re.DOTALL)
        settings = re.sub(rf"\s*<{name}>.*?</{name}>", "", settings, flags=re.DOTALL)
        return head + settings.replace("<Settings>", f"<Settings><{name}>{value}</{name}>") + tail

    return change


def trigger(kind: str, inner: str = "<Enabled>true</Enabled>") -> Change:
    """One more."""
    return put("</Triggers>", f"<{kind}>{inner}</{kind}></Triggers>")


def action(command: str, arguments: str) -> Change:
    """One more."""
    inner = f"<Command>{command}</Command><Arguments>{arguments}</Arguments>"
    return put("</Actions>", f"<Exec>{inner}</Exec></Actions>")


def started_at(moment: str, repetition: str = "") -> str:
    return f"<StartBoundary>{moment}</StartBoundary>{repetition}"


def with_arguments(text: str) -> Change:
    return lambda whole: re.sub(
        "<Arguments>.*</Arguments>", lambda _: f"<Arguments>{text}</Arguments>", whole
    )


EVERY_FIVE = "<Repetition><Interval>PT5M</Interval></Repetition>"
DAILY = "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>"

BROKEN: list[tuple[str, Change]] = [
    # what it starts
    ("task-second-start", action(PYTHON, f"{PROGRAM} --single-cycle")),
    ("task-not-scheduled", action(PYTHON, f"{PROGRAM} --single-cycle")),
    ("task-second-start", lambda text: re.sub(r"(?s)(<Exec>.*</Exec>)", r"\1\1", text)),
    ("task-second-start", action(r"C:\ai-tradebot\.venv\Scripts\tradebot.exe", "run --scheduled")),
    (
        "task-second-start",
        lambda text: put(f"<Command>{PYTHON}", "<Command>C:\\Windows\\System32\\cmd.exe")(
            with_arguments(f'/c "{PYTHON} {PROGRAM} --scheduled &amp; {PYTHON} {PROGRAM}"')(text)
        ),
    ),
    ("task-other-action", action(r"C:\backup.exe", "/all")),
    ("task-other-action", put("</Actions>", "<SendEmail/></Actions>")),
    ("task-starts-something-else", put(PYTHON, r"C:\Windows\notepad.exe")),
    ("task-starts-something-else", put(PROGRAM, rf"C:\other.py {PROGRAM}")),
    ("task-starts-something-else", put(PROGRAM, f"-c &quot;{PROGRAM}&quot;")),
    ("task-not-scheduled", put("--scheduled", "&quot;--scheduled x&quot;")),
    ("task-dry-run", put("--scheduled", "--scheduled --dry-run")),
    ("task-other-program", put(PROGRAM, r"C:\another\main.py")),
    ("task-other-program", put(PROGRAM, r"..\another\main.py")),
    (
        "task-other-program",
        lambda text: put(PROGRAM, "-m tradebot")(put(PYTHON, r"C:\Python311\python.exe")(text)),
    ),
    ("task-settings-differ", put("</Arguments>", r" --env-file=C:\other.env</Arguments>")),
    ("task-settings-differ", put("</Arguments>", r" --env-file C:\other.env</Arguments>")),
    # when it starts
    (
        "task-more-starts",
        trigger("TimeTrigger", started_at("2024-01-01T00:02:00Z", EVERY_FIVE)),
    ),
    ("task-more-starts", trigger("CalendarTrigger", started_at("2024-01-01T10:02:00Z") + DAILY)),
    ("task-slots-missed", put("2024-01-01T00", "2027-07-01T00")),
    (
        "task-ends",
        put("2024-01-01T00:00:00Z</StartBoundary>", "2024-01-01T00:00:00Z</StartBoundary>"
            "<EndBoundary>2026-07-02T00:00:00Z</EndBoundary>"),
    ),
    ("task-trigger-disabled", put("<Enabled>true", "<Enabled>false")),
    *(
        ("task-trigger-without-time", trigger(kind))
        for kind in ("LogonTrigger", "BootTrigger", "IdleTrigger", "RegistrationTrigger",
                     "SessionStateChangeTrigger", "EventTrigger")
    ),
    # how it runs
    ("task-time-limit", setting("ExecutionTimeLimit", "PT5S")),
    ("task-deletes-itself", setting("DeleteExpiredTaskAfter", "PT0S")),
    ("task-waits-for-network", setting("RunOnlyIfNetworkAvailable", "true")),
    ("task-waits-for-idle", setting("RunOnlyIfIdle", "1")),
    ("task-maintenance", setting("MaintenanceSettings", "<Period>P1D</Period>")),
    ("task-volatile", setting("Volatile", "true")),
    ("task-not-remote", setting("DisallowStartOnRemoteAppSession", "true")),
    ("task-priority", setting("Priority", "10")),
    ("task-priority-high", setting("Priority", "0")),
    *(("task-overlap", setting("MultipleInstancesPolicy", policy))
      for policy in ("Parallel", "Queue", "StopExisting")),
]  # fmt: skip
NOTED: list[tuple[str, Change]] = [("task-hidden", setting("Hidden", "true"))]
BROKEN_LOGIN: list[Change] = [
    put("auth keepalive", "auth status"),
    put("PT15M", "PT30M"),
    setting("ExecutionTimeLimit", "PT5S"),
    put("2024-01-01T00", "2027-07-01T00"),
    put("<Enabled>true", "<Enabled>false"),
]


def found_in(text: str, plan: Schedule = PLAN) -> list[Finding]:
    return check_tasks({MAIN: text}, plan, now=NOW, here=False)


def title(part: str | Change) -> str:
    return part if isinstance(part, str) else "change"


def names(findings: list[Finding]) -> set[str]:
    return {finding.rule.name for finding in findings}


@pytest.mark.parametrize(("rule", "change"), BROKEN, ids=title)
def test_a_task_that_looks_right_is_found_out(rule: str, change: Change) -> None:
    text = render_tasks(PLAN)[MAIN]
    found = found_in(change(text))
    assert rule in names(found), found
    assert not is_approved(found)


@pytest.mark.parametrize(("rule", "change"), NOTED, ids=title)
def test_what_is_only_odd_is_noted(rule: str, change: Change) -> None:
    found = found_in(change(render_tasks(PLAN)[MAIN]))
    assert names(found) == {rule}
    assert is_approved(found)


GOOD: list[Change] = [
    put(PROGRAM, f"-u -X utf8 {PROGRAM}"),
    put(PROGRAM, "main.py"),
    put(PROGRAM, f"&quot;{PROGRAM}&quot;"),
    put(PROGRAM, "c:/AI-Tradebot/MAIN.PY"),
    lambda text: put(PYTHON, r"C:\ai-tradebot\.venv\Scripts\tradebot.exe")(
        put(PROGRAM, "run")(text)
    ),
    put("--scheduled", r"--scheduled --env-file=C:\ai-tradebot\.env"),
    put("--scheduled", r"--scheduled --env-file &quot;C:\AI-Tradebot\.ENV&quot;"),
    put("--scheduled", "--scheduled --jitter-seconds-max=0"),
    setting("Priority", "6"),
    setting("Priority", "4"),
    setting("Volatile", "false"),
    setting("ExecutionTimeLimit", "PT10M"),
    trigger("TimeTrigger", started_at("2024-01-01T00:05:00Z", EVERY_FIVE)),
]


@pytest.mark.parametrize("change", GOOD, ids=title)
def test_a_good_task_written_otherwise_is_approved(change: Change) -> None:
    text = render_tasks(PLAN)[MAIN]
    assert change(text) != text
    assert found_in(change(text)) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(("cadence", "offset"), [(60, 0), (300, 19.5), (480, 40), (3600, 600)])
def test_what_is_rendered_breaks_no_rule(
    example: object, narrow: bool, cadence: float, offset: float
) -> None:
    plan = example_schedule(
        example,  # type: ignore[arg-type]
        windows_program(),
        user=USER,
        narrow=narrow,
        cadence=float(cadence),
    )
    plan = dataclasses.replace(plan, offset=float(offset), dry_run=narrow)
    assert check_tasks(render_tasks(plan), plan, now=NOW, here=False) == []


@pytest.mark.parametrize("change", BROKEN_LOGIN, ids=title)
def test_a_login_task_that_does_not_keep_the_login_is_found_out(change: Change) -> None:
    texts = render_tasks(NARROW)
    assert check_tasks(texts, NARROW, now=NOW, here=False) == []
    broken = {**texts, KEEPALIVE: change(texts[KEEPALIVE])}
    assert "task-no-keepalive" in names(check_tasks(broken, NARROW, now=NOW, here=False))


def test_a_dry_run_and_an_env_file_that_are_asked_about_are_missed_where_they_lack() -> None:
    dry = dataclasses.replace(PLAN, dry_run=True)
    assert found_in(render_tasks(dry)[MAIN], dry) == []
    assert names(found_in(render_tasks(PLAN)[MAIN], dry)) == {"task-settings-differ"}
    file = PureWindowsPath(r"C:\bots\my paper.env")
    program = dataclasses.replace(PLAN.program, env_file=file, env_file_given=True)
    named = dataclasses.replace(PLAN, program=program)
    assert found_in(render_tasks(named)[MAIN], named) == []
    assert names(found_in(render_tasks(PLAN)[MAIN], named)) == {"task-settings-differ"}


def test_every_rule_has_a_task_that_breaks_it() -> None:
    seen = {rule for _, rule, _ in BROKEN_ONCE} | {rule for rule, _ in (*BROKEN, *NOTED)}
    elsewhere = {
        "task-not-installed",
        "task-no-keepalive",
        "task-no-time-zones",
        "task-program-missing",
    }
    assert seen | elsewhere == {rule.name for rule in RULES}
    assert len(RULES) == len({rule.name for rule in RULES})
    assert SCHEDULER.rules == RULES
