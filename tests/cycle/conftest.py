"""Whatever a test of a cycle provokes, the log it leaves keeps to its grammar and catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tradebot.logtools import lint_paths


@pytest.fixture(autouse=True)
def the_log_is_without_fault(tmp_path: Path) -> Iterator[None]:
    yield
    folders = [str(folder) for folder in tmp_path.rglob("logs") if any(folder.glob("bot.log*"))]
    report = lint_paths(folders)
    assert not report.unreadable
    assert report.problems == 0, "\n".join(map(str, report.findings))
