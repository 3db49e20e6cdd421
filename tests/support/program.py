"""The program as a scheduler starts it: a process, an environment, an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a process gets: folders of the test's own, and nothing of this machine's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SAXO_", "LOG_", "TRADING_", "SCHEDULE"))
    }
    return {
        **kept,
        "LOG_DIR": str(folder / "logs"),
        "STATE_DIR": str(folder / "state"),
        **more,
    }


def unmeasured() -> dict[str, str]:
    """This process's environment, and in it nothing that starts a measurement of coverage.

    For a process that gives up its rights, or whose signal handlers may come while a lock of the
    tracer is held: there the measurement changes what is looked at.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"))
    }


def run_bot(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`python main.py …`, until it ends."""
    return run([sys.executable, str(ROOT / "main.py"), *arguments], folder, **more)


def run(command: Sequence[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment(folder, **more),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def start_bot(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """`python main.py …`, left running; end it."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        env=environment(folder, **more),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def log_text(folder: Path) -> str:
    path = folder / "logs" / "bot.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""
