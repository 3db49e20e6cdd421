"""Another process that takes a lock as a run does, and holds it until its stdin ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_HOLD = """
import os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tradebot.scheduling.run_lock import RunLock

lock = RunLock(Path(sys.argv[1]))
lock.acquire(run_id="their-run", phase="execute"{more})
{then}
os.write(1, b"held\\n")  # in one piece: a child may write at the same time
sys.stdin.readline()
lock.release()
"""


class LockHolder:
    """`more` goes into the call of `acquire`, `then` is done once the lock is held."""

    def __init__(self, path: Path, then: str = "", more: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _HOLD.format(then=then, more=more), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self.process.pid
        self.said = self.next_line()

    def next_line(self) -> str:
        """What it says next on its stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def __enter__(self) -> LockHolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
