"""With a person at a terminal: steps while it runs, decisions and orders at the end."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from support.program import ROOT, environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX pseudo-terminal")


def run_on_terminal(folder: Path, *arguments: str, **more: str) -> tuple[int, str]:
    """Run on a pseudo-terminal; the exit code and everything that was shown."""
    import pty

    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        command = [sys.executable, str(ROOT / "main.py"), *arguments]
        os.execve(sys.executable, command, environment(folder, **{"TERM": "xterm", **more}))
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(master)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_the_first_run(tmp_path: Path) -> None:
    code, shown = run_on_terminal(tmp_path, "--single-cycle", NO_COLOR="1")
    assert code == 0
    assert "reading prices …" in shown
    summary = shown.replace("\r", "").rpartition("\x1b[K")[2]
    assert re.search(r"MSFT:xnas +BUY +10 +The fast average crossed above", summary)
    assert re.search(r"EURUSD +HOLD +The averages did not cross", summary)
    [reference] = set(re.findall(r"ATB-\d{8}-\d{4}-[A-Z2-7]{10}", summary))
    assert re.search(rf"{reference}  BUY 10 MSFT:xnas: filled at [\d.]+, order \d+", summary)
    assert f"grep -h {reference} logs/bot.log*" in summary
    assert "| INFO " not in shown


def test_the_command_in_the_summary_traces_the_order(tmp_path: Path) -> None:
    _, shown = run_on_terminal(tmp_path, "--single-cycle", NO_COLOR="1")
    [command] = re.findall(r"grep -h \S+ \S+", shown)
    with os.popen(f"cd {tmp_path} && {command}") as pipe:
        events = [line.split(" | ")[3] for line in pipe]
    assert events[0] == "execution_intent_created"
    assert events[-1] == "execution_completed"


def test_colour_unless_told_otherwise(tmp_path: Path) -> None:
    _, shown = run_on_terminal(tmp_path, "--single-cycle")
    assert "\x1b[32mBUY \x1b[0m" in shown


def test_a_dumb_terminal_gets_plain_text(tmp_path: Path) -> None:
    _, shown = run_on_terminal(tmp_path, "--single-cycle", TERM="dumb")
    assert "\x1b" not in shown
    assert "MSFT:xnas" in shown


def test_a_path_with_spaces_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    _, shown = run_on_terminal(
        tmp_path, "--single-cycle", LOG_DIR=str(folder), STATE_DIR=str(folder / "state")
    )
    assert "'a b/bot.log'*" in shown


def test_whoever_asks_for_the_log_lines_gets_them(tmp_path: Path) -> None:
    _, shown = run_on_terminal(tmp_path, "--single-cycle", LOG_CONSOLE_LEVEL="INFO")
    assert "| execution_completed |" in shown


def test_a_skip_and_an_error_are_shown(tmp_path: Path) -> None:
    code, shown = run_on_terminal(
        tmp_path,
        "--single-cycle",
        TRADING_HOURS_MODE="fixed",
        TRADING_DAYS="mon",
        TRADING_START="00:00",
        TRADING_END="00:01",
        NO_COLOR="1",
    )
    assert code == 0
    assert "Skipped: " in shown
    code, shown = run_on_terminal(tmp_path, "--single-cycle", SAXO_ENV="MARS")
    assert code == 78
    assert "SAXO_ENV" in shown
