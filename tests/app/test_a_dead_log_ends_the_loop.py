"""A loop whose log takes no line any more ends, instead of going on with nobody to tell."""

from __future__ import annotations

import errno
from pathlib import Path

from support.native import LogDisk
from support.program import start_bot


def test_no_second_cycle_begins(tmp_path: Path) -> None:
    disk = LogDisk(tmp_path)
    disk.obey(error=errno.EIO)
    bot = start_bot(tmp_path, CYCLE_INTERVAL_SECONDS="1", **disk.environment)
    shown = []
    try:
        assert bot.stderr is not None
        for line in bot.stderr:
            shown.append(line)
            if " cycle_id=2 " in line:
                break
        else:
            bot.wait(60)
    finally:
        bot.kill()
        bot.communicate(timeout=60)
    assert not any(" cycle_id=2 " in line for line in shown)
    assert bot.returncode == 74
    assert "| cycle_end |" in shown[-1]
    assert " exit_code=74 " in shown[-1]
