"""The edges of the rotation: whose day it is, what is full, what is a log file, which are kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.windows import posix
from tradebot.observability import log_event, rotation, setup_logging
from tradebot.observability.rotation import LOCK_NAME, Policy, delete_old, rotate_if_due

NOON = 1_765_972_800.0  # 2025-12-17T12:00:00Z
DAY = 86_400.0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK_NAME)


def rotated(folder: Path, *days: str) -> None:
    """Files as old as can be by their modification."""
    for day in days:
        path = folder / f"bot.log.{day}"
        path.write_text("x\n", encoding="utf-8")
        os.utime(path, (0, 0))


@pytest.fixture
def in_kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@posix
@pytest.mark.usefixtures("in_kolkata")
def test_days_are_utc_wherever_the_machine_is(folder: Path) -> None:
    assert time.localtime(NOON).tm_hour == 17
    now = [NOON + DAY / 2 - 600]
    with setup_logging(folder, console=False, now=lambda: now[0]):
        log_event("log_message", "evening")
        now[0] += 1200
        log_event("log_message", "morning")
    assert names(folder) == ["bot.log", "bot.log.2025-12-17"]
    assert rotation.day_of(NOON + 10 * 3600) == "2025-12-17"


def test_a_long_fragment_before_the_first_line_does_not_hide_its_day(folder: Path) -> None:
    folder.mkdir()
    line = "2025-12-10T07:12:03.214Z | INFO  | a | b | c=d\n"
    (folder / "bot.log").write_bytes(f"{'x' * 10_000}\n{line}".encode())
    rotate_if_due(folder, Policy(), NOON)
    assert names(folder) == ["bot.log.2025-12-10"]


def test_a_file_that_is_exactly_full_moves(folder: Path) -> None:
    with setup_logging(folder, console=False, rotation_mode="size", max_bytes=10**6):
        log_event("log_message", "x")
    size = (folder / "bot.log").stat().st_size
    (folder / "bot.log").unlink()
    with setup_logging(folder, console=False, rotation_mode="size", max_bytes=size):
        log_event("log_message", "x")
        assert names(folder) == ["bot.log", "bot.log.1"]


@posix
def test_a_live_file_that_is_a_link_does_not_move(folder: Path) -> None:
    folder.mkdir()
    (folder / "elsewhere").write_text("x\n" * 100, encoding="utf-8")
    (folder / "bot.log").symlink_to(folder / "elsewhere")
    rotate_if_due(folder, Policy("size", max_bytes=10), NOON)
    assert (folder / "bot.log").is_symlink()


@posix
def test_a_move_that_is_refused_half_way_is_undone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under two names, every line of it would be found twice."""
    folder.mkdir()
    live = folder / "bot.log"
    live.write_text("x\n", encoding="utf-8")
    unlink = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self == live:
            raise PermissionError(1, "append-only")
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        rotate_if_due(folder, Policy("size", max_bytes=1), NOON)
    assert names(folder) == ["bot.log"]


def test_of_one_days_files_the_highest_number_is_the_newest(folder: Path) -> None:
    folder.mkdir()
    rotated(folder, "2020-01-01", *(f"2020-01-01.{number}" for number in range(2, 12)))
    delete_old(folder, Policy(retention_days=3), NOON)
    assert names(folder) == [f"bot.log.2020-01-01.{number}" for number in (10, 11, 9)]


def test_a_file_of_the_very_day_that_the_retention_reaches_stays(folder: Path) -> None:
    folder.mkdir()
    rotated(folder, "2025-12-14", "2025-12-15", "2025-12-16", "2025-12-17")
    delete_old(folder, Policy(retention_days=2), NOON)
    assert names(folder) == [f"bot.log.2025-12-{day}" for day in (15, 16, 17)]
