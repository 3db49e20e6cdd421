"""Whatever the program makes below STATE_DIR is for its owner; what a person made is left alone."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from support.program import run_bot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")


def open_to_others(folder: Path) -> list[str]:
    return [
        str(path.relative_to(folder.parent))
        for path in (folder, *folder.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]


def test_whatever_a_run_makes_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ended = run_bot(tmp_path, "--single-cycle", STATE_DIR=str(tmp_path / "new" / "state"))
    finally:
        os.umask(before)
    assert ended.returncode == 0, ended.stderr
    made = {path.name for path in (tmp_path / "new").rglob("*")}
    assert {"journal.db", "cycle_id", "cache", "simulator.db", "tokens.json", "run.lock"} <= made
    assert open_to_others(tmp_path / "new") == []


def test_a_folder_that_a_person_opened_stays_open(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o750)
    assert run_bot(tmp_path, "--single-cycle").returncode == 0
    assert stat.S_IMODE(state.stat().st_mode) == 0o750
    assert open_to_others(state) == ["state"]
