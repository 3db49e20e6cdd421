"""A command whose output is closed or full has still done its work, and says what it can."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.program import run

TRADEBOT = f"'{sys.executable}' -c 'from tradebot.cli import main; main()'"
posix = pytest.mark.skipif(os.name == "nt", reason="a POSIX shell's redirections")


@posix
@pytest.mark.parametrize(
    ("arguments", "code"), [("config check", 0), ("pause", 0), ("--version", 0), ("--help", 0)]
)
def test_closed_stdout(tmp_path: Path, arguments: str, code: int) -> None:
    done = run(["sh", "-c", f"{TRADEBOT} {arguments} >&-"], tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", ["config show", "--help"])
def test_a_full_disk(tmp_path: Path, arguments: str) -> None:
    done = run(["sh", "-c", f"{TRADEBOT} {arguments} >/dev/full"], tmp_path)
    assert done.returncode == 2
    assert "output cannot be written: No space left" in done.stderr
    assert "Traceback" not in done.stderr
