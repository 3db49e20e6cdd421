"""The wall clock crosses midnight, steps and jumps while several processes write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from support.log_folder import Writers, found, names, texts, until
from support.native import WallClock, preloaded

WRITERS = [f"writer{number}" for number in range(4)]


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


@pytest.fixture
def writers(folder: Path, clock: WallClock) -> Iterator[Writers]:
    folder.mkdir()
    with Writers(folder, preloaded(clock)) as writers:
        yield writers


def start_all(writers: Writers, **session: object) -> None:
    for name in WRITERS:
        writers.start(name, session=session)
    writers.wait_for_more(50)


def short_lived(writers: Writers, *names: str, **session: object) -> None:
    """Processes that begin now, write ten lines and end."""
    for name in names:
        writers.start(name, session=session, count=10)
    for name in names:
        assert writers.running.pop(name).wait(60) == 0


def assert_every_line_is_there_once(writers: Writers, *processes: str) -> None:
    told = {text: answer for name in processes for text, answer in writers.told(name).items()}
    assert set(told.values()) == {True}
    counted = texts(writers.folder)
    assert set(counted) == set(told)
    assert set(counted.values()) == {1}


def day_of(name: str, live: str) -> str:
    """The day that a file's name claims."""
    return live if name == "bot.log" else name.removeprefix("bot.log.")[:10]


UNDER_WAY = 4
"""Lines of one writer that may be under way while another moves the file and begins the next."""


def strangers(folder: Path, live: str) -> list[tuple[str, str]]:
    """Lines that are not in the file of their day: name and timestamp."""
    return [
        (name, line.timestamp)
        for name, lines in found(folder).items()
        for line in lines
        if line.timestamp[:10] != day_of(name, live)
    ]


def old_file(folder: Path, day: str) -> None:
    path = folder / f"bot.log.{day}"
    path.write_text("", encoding="utf-8")
    then = datetime.fromisoformat(f"{day}T23:59:59+00:00").timestamp()
    os.utime(path, (then, then))


def test_midnight_passes_while_processes_write_and_begin(
    folder: Path, clock: WallClock, writers: Writers
) -> None:
    for day in ("2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01"):
        old_file(folder, day)
    clock.set_to("2026-03-02T23:59:00+00:00")
    start_all(writers, retention_days=2)
    short_lived(writers, "evening", retention_days=2)
    clock.set_to("2026-03-02T23:59:59.500+00:00")
    until((folder / "bot.log.2026-03-02").exists)
    short_lived(writers, "night1", "night2", retention_days=2)
    writers.wait_for_more(50)
    writers.stop()

    assert names(folder) == ["bot.log", "bot.log.2026-03-01", "bot.log.2026-03-02"]
    assert_every_line_is_there_once(writers, *WRITERS, "evening", "night1", "night2")
    # A line may have been under way, one for each process.
    astray = strangers(folder, "2026-03-03")
    assert len(astray) <= UNDER_WAY * len(WRITERS), astray


@pytest.mark.parametrize("hours", [-14, 1])
def test_an_ordinary_step_of_the_clock_moves_no_file(
    folder: Path, clock: WallClock, writers: Writers, hours: int
) -> None:
    clock.set_to("2026-03-02T14:00:00+00:00" if hours > 0 else "2026-03-03T00:30:00+00:00")
    start_all(writers)
    clock.move(hours * 3600)
    writers.wait_for_more(50)
    short_lived(writers, "after")
    clock.move(-hours * 3600)
    writers.wait_for_more(50)
    writers.stop()
    assert names(folder) == ["bot.log"]
    assert_every_line_is_there_once(writers, *WRITERS, "after")


@pytest.mark.parametrize("days", [366, -9000])
def test_a_clock_that_was_far_wrong_leaves_each_line_in_the_file_of_its_day(
    folder: Path, clock: WallClock, writers: Writers, days: int
) -> None:
    """And the live file goes on rotating: it does not wait for the year to come."""
    clock.set_to("2026-03-02T14:00:00+00:00")
    start_all(writers)
    clock.move(days * 86_400)
    writers.wait_for_more(50)
    short_lived(writers, "wrong")
    clock.move(-days * 86_400)
    writers.wait_for_more(50)
    short_lived(writers, "right")
    clock.set_to("2026-03-02T23:59:59.500+00:00")
    until(lambda: any(line.timestamp > "2026-03-03" for line in found(folder).get("bot.log", ())))
    writers.wait_for_more(50)
    writers.stop()

    assert_every_line_is_there_once(writers, *WRITERS, "wrong", "right")
    wrong = (date(2026, 3, 2) + timedelta(days)).isoformat()
    days_found = {day_of(name, "2026-03-03") for name in names(folder)}
    assert days_found == {"2026-03-02", "2026-03-03", wrong}
    astray = strangers(folder, "2026-03-03")
    assert len(astray) <= 3 * UNDER_WAY * len(WRITERS), astray


def test_a_file_that_a_clock_far_ahead_began_does_not_stop_the_rotation(
    folder: Path, clock: WallClock, writers: Writers
) -> None:
    """Each run lives for a moment only, as a scheduler starts them."""
    for day, moment in enumerate(("2027-06-01", "2026-03-02", "2026-03-03", "2026-03-04")):
        clock.set_to(f"{moment}T12:00:00+00:00")
        short_lived(writers, f"run{day}")
    assert names(folder) == [
        "bot.log", "bot.log.2026-03-02", "bot.log.2026-03-03", "bot.log.2027-06-01",
    ]  # fmt: skip
    assert strangers(folder, "2026-03-04") == []
    assert_every_line_is_there_once(writers, *(f"run{day}" for day in range(4)))
