"""A new user's first question to the demo log is answered by one command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.program import ROOT, environment
from tradebot.logtools import lint_paths
from tradebot.observability.line import LogLine, parse


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder, and what was printed."""
    folder = tmp_path_factory.mktemp("somewhere") / "demo"
    done = made(folder)
    assert done.returncode == 0, done.stderr
    yield folder, done.stdout


def made(folder: Path) -> subprocess.CompletedProcess[str]:
    return command("scripts/demo_log.py", str(folder), folder=folder.parent)


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A script of the clone, as a new user runs it."""
    script, *rest = arguments
    return subprocess.run(
        [sys.executable, str(ROOT / script), *rest],
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def lines(demo: tuple[Path, str], event: str) -> list[LogLine]:
    found = []
    for path in sorted((demo[0] / "logs").glob("bot.log*")):
        found += [parse(text) for text in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in found if line.event == event]


@pytest.mark.parametrize(
    "question", [("why",), ("orders", "--failed")], ids=["why", "orders --failed"]
)
def test_the_reason_of_the_failed_order_takes_one_command(
    demo: tuple[Path, str], question: tuple[str, ...]
) -> None:
    logs = str(demo[0] / "logs")
    done = command("scripts/log_tools.py", *question, "--logs", logs, folder=demo[0].parent)
    assert done.returncode == 0, done.stderr
    assert "insufficient_cash" in done.stdout
    assert "Not enough cash or margin." in done.stdout
    assert "Add money, or lower the quantity in WATCHLIST_JSON." in " ".join(done.stdout.split())


def test_there_is_one_of_everything(demo: tuple[Path, str]) -> None:
    outcomes = [line.fields["execution_outcome"] for line in lines(demo, "execution_completed")]
    assert outcomes.count("RECONCILIATION_NEEDED") == 1
    assert outcomes.count("FAILED") == 1
    assert outcomes.count("SUCCESS") == 4
    [missed] = lines(demo, "schedule_runs_missed")
    assert missed.fields["reason"] == "no_wakeup"
    nights = {line.fields["reason"] for line in lines(demo, "cycle_skip_outside_trading_hours")}
    assert nights == {"after_close", "before_open"}


def test_the_log_is_as_the_bot_writes_it(demo: tuple[Path, str]) -> None:
    report = lint_paths([str(demo[0] / "logs")])
    assert report.lines > 300
    assert report.problems == 0, "\n".join(map(str, report.findings))


def test_the_commands_that_it_prints_work(demo: tuple[Path, str]) -> None:
    printed = [text.split()[2:] for text in demo[1].splitlines() if "tradebot logs " in text]
    assert len(printed) == 4
    for arguments in printed:
        done = command("scripts/log_tools.py", *arguments, folder=demo[0].parent)
        assert (done.returncode, bool(done.stdout)) == (0, True), arguments


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = made(tmp_path)
    assert done.returncode == 1
    assert "not made by this script" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
