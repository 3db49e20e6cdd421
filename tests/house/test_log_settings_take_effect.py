"""The log's variables, from the environment of a process to the files in its folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from support.program import log_text, run_bot
from tradebot.settings import load

DAY = 86_400
LINE = "{day}T12:00:00.000Z | INFO  | app | log_message | run_id=-"


def rotated(folder: Path, days: list[int]) -> None:
    """Rotated files of so many days ago, as old as their names say."""
    (folder / "logs").mkdir(exist_ok=True)
    for ago in days:
        when = time.time() - ago * DAY
        day = time.strftime("%Y-%m-%d", time.gmtime(when))
        path = folder / "logs" / f"bot.log.{day}"
        path.write_text(LINE.format(day=day) + "\n", encoding="utf-8")
        os.utime(path, (when, when))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "logs").glob("bot.log*"))


def test_the_defaults(tmp_path: Path) -> None:
    settings = load({}, home=tmp_path)
    assert settings.log_dir == tmp_path / "logs"
    assert (settings.log_level, settings.log_console_level) == ("INFO", "INFO")
    assert (settings.log_rotation_mode, settings.log_retention_days) == ("time", 30)
    assert (settings.log_max_bytes, settings.log_backup_count) == (10_485_760, 5)
    assert settings.log_queue is False


def test_yesterdays_file_is_rotated_and_thirty_are_kept_by_default(tmp_path: Path) -> None:
    rotated(tmp_path, list(range(2, 41)))
    yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - DAY))
    live = tmp_path / "logs" / "bot.log"
    live.write_text(LINE.format(day=yesterday) + "\n", encoding="utf-8")
    assert run_bot(tmp_path, "--single-cycle").returncode == 0
    found = names(tmp_path)
    assert f"bot.log.{yesterday}" in found
    assert yesterday not in log_text(tmp_path)
    assert len(found) - 1 in (30, 31)  # midnight may have passed meanwhile
    oldest = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 29 * DAY))
    assert f"bot.log.{oldest}" in found


def test_a_shorter_retention_keeps_less(tmp_path: Path) -> None:
    rotated(tmp_path, [2, 3, 4, 5, 6])
    assert run_bot(tmp_path, "--single-cycle", LOG_RETENTION_DAYS="2").returncode == 0
    assert len(names(tmp_path)) == 3


def test_by_size_so_many_files_are_kept(tmp_path: Path) -> None:
    more = {"LOG_ROTATION_MODE": "size", "LOG_MAX_BYTES": "1000", "LOG_BACKUP_COUNT": "3"}
    assert run_bot(tmp_path, "--single-cycle", **more).returncode == 0
    assert names(tmp_path)[-3:] == ["bot.log.1", "bot.log.2", "bot.log.3"]
    for number in "123":
        size = (tmp_path / "logs" / f"bot.log.{number}").stat().st_size
        assert 1000 <= size < 3000


def test_the_folder_and_the_level(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    run_bot(tmp_path, "--single-cycle", LOG_DIR=str(elsewhere), LOG_LEVEL="DEBUG")
    assert "| http_request |" in (elsewhere / "bot.log").read_text(encoding="utf-8")
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_through_a_queue_the_same_lines_arrive_in_the_same_order(
    tmp_path: Path, level: str
) -> None:
    events = []
    for queue in ("false", "true"):
        folder = tmp_path / queue
        folder.mkdir()
        assert run_bot(folder, "--single-cycle", LOG_QUEUE=queue, LOG_LEVEL=level).returncode == 0
        events.append([line.split(" | ")[3] for line in log_text(folder).splitlines()])
    assert events[0] == events[1]
    assert "cycle_end" in events[0]
