"""Many first starts in the same moment: every one of them gets a usable journal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from tradebot.journal import Journal
gate = Path(sys.argv[1])
while not gate.exists():
    time.sleep(0.001)
for number in range(40):
    with Journal(Path(sys.argv[2]) / str(number) / "journal.db") as journal:
        journal.runs.begin(sys.argv[3], pid=1, at=datetime.now(UTC), slot=None)
"""


def test_first_starts_in_the_same_moment(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(gate), str(tmp_path), f"run-{number}"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    gate.write_text("", encoding="utf-8")
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors
