"""Each of the three runbooks has what a person needs who schedules the bot, and shows it as it is.

Whether a person who follows one ends with a schedule that is approved is shown by following it, in
tests/schedulers; for Windows, as far as it can be tried here, in test_windows_runbook.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.program import ROOT
from tradebot.deploy.examples import EXAMPLES, Example

FOLDER = ROOT / "docs" / "runbooks"
PAGES = {
    name: (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    for name in ("systemd", "cron", "windows-task-scheduler")
}
SERVICE = (FOLDER / "systemd-ai-tradebot.service").read_text(encoding="utf-8")
TIMER = (FOLDER / "systemd-ai-tradebot.timer").read_text(encoding="utf-8")
page = pytest.mark.parametrize("name", list(PAGES))


def test_what_is_generated_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tradebot.deploy.runbooks", "--check", str(FOLDER)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_noticed_and_written_anew(tmp_path: Path) -> None:
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    timer = tmp_path / "systemd-ai-tradebot.timer"
    timer.write_text(TIMER.replace("UTC", "Europe/London"), encoding="utf-8")
    command = [sys.executable, "-m", "tradebot.deploy.runbooks"]
    stale = subprocess.run([*command, "--check", str(tmp_path)], capture_output=True, text=True)
    assert (stale.returncode, "systemd-ai-tradebot.timer" in stale.stderr) == (1, True)
    subprocess.run([*command, "--write", str(tmp_path)], check=True)
    assert timer.read_text(encoding="utf-8") == TIMER


@page
def test_one_cycle_per_invocation(name: str) -> None:
    assert "main.py --single-cycle --scheduled" in PAGES[name]


@page
def test_overlap_is_prevented_twice(name: str) -> None:
    text = PAGES[name]
    assert "cycle_skip_overlap" in text
    belt = {
        "systemd": "never starts a service that is still running",
        "cron": "flock -n -o -E 75",
        "windows-task-scheduler": "<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
    }
    assert belt[name] in text


@page
def test_there_is_one_jitter_and_it_is_recommended(name: str) -> None:
    text = PAGES[name]
    assert re.search("(?i)jitter", text)
    if name == "systemd":
        assert "RandomizedDelaySec=15" in text
        assert "--jitter-seconds-max=0" in text
    else:
        assert "--jitter-seconds-max=15" in text


@page
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.hours.mode)
def test_each_mode_of_trading_hours_has_its_example(name: str, example: Example) -> None:
    for line in example.settings.splitlines():
        assert line in PAGES[name]


@page
@pytest.mark.parametrize(
    "topic",
    [
        r"\.env\b",
        r"UTC",
        r"(?i)clock change",
        r"bot\.log",
        r"schedule missed",
        r"schedule verify",
        r"schedule install",
        r"schedule uninstall",
        r"git pull",
        r"tradebot pause",
        r"(?i)exit code",
        r"(?m)^\|.*\b124\b",
        r"auth (login|keepalive)",
    ],
)
def test_nothing_that_is_needed_is_missing(name: str, topic: str) -> None:
    assert re.search(topic, PAGES[name])


def test_the_service_is_as_the_specification_wants_it() -> None:
    for line in (
        "Type=oneshot",
        "EnvironmentFile=/etc/ai-tradebot/%i.env",
        "Restart=on-failure",
        "RestartPreventExitStatus=64 77 78 124",
        "SuccessExitStatus=3 75 143",
        "StartLimitIntervalSec=0",
        "StandardError=journal",
    ):
        assert line in SERVICE.splitlines()
    assert "LoadCredential=SAXO_APP_SECRET:" in SERVICE


def test_the_timer_is_as_the_specification_wants_it() -> None:
    for line in (
        "OnCalendar=*-*-* *:00/5:00 UTC",
        "RandomizedDelaySec=15s",
        "AccuracySec=1s",
        "Persistent=false",
    ):
        assert line in TIMER.splitlines()


def test_cron_has_an_example_for_every_minute_and_one_for_weekdays() -> None:
    lines = re.findall(r"(?m)^(\S+ \* \* \* \S+) .*flock.*main\.py", PAGES["cron"])
    assert "* * * * *" in lines
    assert "*/5 * * * *" in lines
    assert any(line.endswith(" 1-5") for line in lines)


def test_windows_repeats_every_x_minutes_for_y_hours() -> None:
    text = PAGES["windows-task-scheduler"]
    assert "<Interval>PT5M</Interval>" in text
    assert re.search(r"<Duration>PT\d+H", text)
    assert "setx" in text
