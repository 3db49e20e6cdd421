"""What the model writes into docs/runbooks/windows-task-scheduler.md."""

from __future__ import annotations

from collections.abc import Callable

from tradebot.deploy.examples import (
    BY_INSTRUMENT,
    EVERY_FIVE_MINUTES,
    WEEKDAY_WINDOW,
    Example,
    example_schedule,
    windows_program,
)
from tradebot.deploy.rules import Severity
from tradebot.deploy.runbooks import Blocks
from tradebot.deploy.windows.checks import RULES
from tradebot.deploy.windows.durations import duration_text
from tradebot.deploy.windows.parsed import parse_task
from tradebot.deploy.windows.results import explain_result
from tradebot.deploy.windows.task import render_tasks
from tradebot.errors import ExitCode

USER = r"WINBOX\bot"
_RESULTS = (
    *(0x41300, 0x41301, 0x41302, 0x41303, 0x41306, 0x8004131F, 0x80070002, 0x80070005),
    *(0x8007010B, 0x8007052E, 0x80070569, 0x800710E0, 0xC000013A),
)
_WHAT_FOLLOWS = {
    ExitCode.OK: "nothing",
    ExitCode.HUNG: "the next slot runs, and finds what was left behind",
    ExitCode.UNRESOLVED: "the next slot asks the broker again",
    ExitCode.USAGE: "every slot fails alike until it is mended",
    ExitCode.UNAVAILABLE: "the next slot tries again",
    ExitCode.SOFTWARE: "the next slot tries again",
    ExitCode.IOERR: "the next slot tries again",
    ExitCode.BUSY: "nothing: the other run has the slot",
    ExitCode.NOPERM: "every slot fails alike until somebody logs in",
    ExitCode.CONFIG: "every slot fails alike until it is mended",
    ExitCode.DEADLINE: "the next slot runs",
    ExitCode.TERMINATED: "the next slot runs",
}


def _rendered(example: Example, *, narrow: bool = False) -> Callable[[], str]:
    def make() -> str:
        plan = example_schedule(example, windows_program(), user=USER, narrow=narrow)
        parts = [f"```xml\n{text}```\n" for text in render_tasks(plan).values()]
        return "\n".join(parts)

    return make


def _settings_of(example: Example) -> Callable[[], str]:
    return lambda: f"```ini\n{example.settings}```\n"


def _fields() -> str:
    """What to enter, in the window's own words."""
    plan = example_schedule(EVERY_FIVE_MINUTES, windows_program(), user=USER)
    [text] = render_tasks(plan).values()
    [action] = parse_task(text).actions
    limit = duration_text(plan.kill_after)
    rows = (
        ("General", "Name", "`default` (the instance), in a new folder `AI-Tradebot`"),
        ("General", "When running the task, use …", f"the bot's account, here `{USER}`"),
        ("General", "Run whether user is logged on or not", "chosen"),
        ("General", "Do not store password", "ticked"),
        ("General", "Run with highest privileges", "not ticked"),
        ("General", "Configure for", "Windows 10 (or the newest there is)"),
        ("Triggers, New…", "Begin the task", "On a schedule"),
        ("Triggers, New…", "Settings", "One time, a day that has passed, `00:00:00`"),
        ("Triggers, New…", "Synchronize across time zones", "ticked (the time is then UTC's)"),
        ("Triggers, New…", "Repeat task every", "`5 minutes`, as SCHEDULE_CADENCE"),
        ("Triggers, New…", "for a duration of", "Indefinitely"),
        ("Triggers, New…", "Delay task for up to (random delay)", "not ticked"),
        ("Triggers, New…", "Stop task if it runs longer than", "not ticked"),
        ("Triggers, New…", "Expire", "not ticked"),
        ("Triggers, New…", "Enabled", "ticked"),
        ("Actions, New…", "Action", "Start a program"),
        ("Actions, New…", "Program/script", f"`{action.command}`"),
        ("Actions, New…", "Add arguments", f"`{action.arguments}`"),
        ("Actions, New…", "Start in", f"`{action.folder}`, without quotation marks"),
        ("Conditions", "Start the task only if the computer is idle", "not ticked"),
        ("Conditions", "Start the task only if the computer is on AC power", "not ticked"),
        ("Conditions", "Stop if the computer switches to battery power", "not ticked"),
        ("Conditions", "Wake the computer to run this task", "not ticked"),
        ("Conditions", "Start only if the following network connection …", "not ticked"),
        ("Settings", "Allow task to be run on demand", "ticked"),
        ("Settings", "Run task as soon as possible after a scheduled start …", "not ticked"),
        ("Settings", "If the task fails, restart every", "not ticked"),
        ("Settings", "Stop the task if it runs longer than", f"`5 minutes` (rendered: {limit})"),
        ("Settings", "If the running task does not end when requested, force …", "ticked"),
        ("Settings", "If the task is not scheduled to run again, delete …", "not ticked"),
        ("Settings", "If the task is already running", "Do not start a new instance"),
    )
    lines = ["| Tab | Field | Enter |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {a} | {b} | {c} |" for a, b, c in rows)])


def _results() -> str:
    lines = ["| Last Run Result | what it means |", "|---|---|"]
    for code in _RESULTS:
        number, _, meaning = explain_result(code).partition(": ")
        lines.append(f"| `{number}` | {meaning} |")
    return "\n".join(lines)


def _exit_codes() -> str:
    lines = ["| Last Run Result | in the history | what happened | what happens next |"]
    lines.append("|---|---|---|---|")
    for code in ExitCode:
        meaning = explain_result(code).partition(": ")[2]
        shown = f"`{code.value:#x}` ({code.value})"
        seen = f"`{code.value + 0x80070000 if code else 0}`"
        lines.append(f"| {shown} | {seen} | {meaning} | {_WHAT_FOLLOWS[code]} |")
    return "\n".join(lines)


def _rules() -> str:
    lines = ["| Rule | what happens | what to do |", "|---|---|---|"]
    for severity in Severity:
        for rule in RULES:
            if rule.severity is severity:
                name = f"`{rule.name}` ({severity})"
                lines.append(f"| {name} | {rule.consequence} | {rule.remedy} |".replace("\n", " "))
    return "\n".join(lines)


BLOCKS: Blocks = {
    "windows-always": _rendered(EVERY_FIVE_MINUTES),
    "windows-always-settings": _settings_of(EVERY_FIVE_MINUTES),
    "windows-window-settings": _settings_of(WEEKDAY_WINDOW),
    "windows-window-narrow": _rendered(WEEKDAY_WINDOW, narrow=True),
    "windows-instrument-settings": _settings_of(BY_INSTRUMENT),
    "windows-fields": _fields,
    "windows-results": _results,
    "windows-exit-codes": _exit_codes,
    "windows-rules": _rules,
}
FILES: Blocks = {}
