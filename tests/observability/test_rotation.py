"""bot.log moves away by day or by size, nothing is replaced, and old files go by the rule."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from pathlib import Path

import pytest

from support.windows import posix
from tradebot.observability import log_event, rotation, setup_logging, system_files
from tradebot.observability.line import parse
from tradebot.observability.rotation import LOCK_NAME, Policy, folder_lock

NOON = 1_765_972_800.0  # 2025-12-17T12:00:00Z
DAY = 86_400.0


class FakeTime:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK_NAME)


def messages(path: Path) -> list[str]:
    return [parse(line).fields["msg"] for line in path.read_text().splitlines()]


def say(text: str) -> None:
    assert log_event("log_message", text)


def aged(path: Path, days: float, now: float = NOON) -> None:
    os.utime(path, (now - days * DAY, now - days * DAY))


def test_at_utc_midnight_a_running_process_starts_a_new_file(folder: Path) -> None:
    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("one")
        now.now += DAY / 2 - 0.001
        say("one, late")
        now.now += 0.001
        say("two")
        now.now += 3 * DAY
        say("three")

    assert names(folder) == ["bot.log", "bot.log.2025-12-17", "bot.log.2025-12-18"]
    assert messages(folder / "bot.log.2025-12-17") == ["one", "one, late"]
    assert messages(folder / "bot.log.2025-12-18") == ["two"]
    assert messages(folder / "bot.log") == ["three"]


def test_processes_that_live_a_second_rotate_rightly(folder: Path) -> None:
    now = FakeTime()
    for day in range(3):
        for run in range(2):
            with setup_logging(folder, console=False, now=now):
                say(f"{day} {run}")
            now.now += 60
        now.now += DAY

    assert names(folder) == ["bot.log", "bot.log.2025-12-17", "bot.log.2025-12-18"]
    assert messages(folder / "bot.log.2025-12-17") == ["0 0", "0 1"]
    assert messages(folder / "bot.log") == ["2 0", "2 1"]


def test_the_first_line_that_parses_says_the_day(folder: Path) -> None:
    folder.mkdir()
    live = folder / "bot.log"
    live.write_text(
        "a torn fragment\n"
        "2025-99-99T07:12:03.214Z | INFO  | a | b | c=d\n"
        "2025-12-10T07:12:03.214Z | INFO  | a | b | c=d\n"
        "2025-12-11T07:12:03.214Z | INFO  | a | b | c=d\n",
        newline="\n",
    )
    with setup_logging(folder, console=False, now=FakeTime()):
        pass
    assert names(folder) == ["bot.log", "bot.log.2025-12-10"]


def test_without_a_line_the_modification_says_the_day(folder: Path) -> None:
    folder.mkdir()
    (folder / "bot.log").write_bytes(b"\xff\xfe no line\n")
    aged(folder / "bot.log", 2)
    with setup_logging(folder, console=False, now=FakeTime()):
        pass
    assert names(folder) == ["bot.log", "bot.log.2025-12-15"]


def test_an_empty_file_does_not_rotate(folder: Path) -> None:
    folder.mkdir()
    (folder / "bot.log").touch()
    aged(folder / "bot.log", 5)
    with setup_logging(folder, console=False, now=FakeTime()):
        pass
    assert names(folder) == ["bot.log"]


def test_when_the_clock_steps_back_nothing_rotates(folder: Path) -> None:
    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("today")
        now.now -= DAY
        say("back")
        now.now += DAY + 60
        say("again")
    now.now -= DAY
    with setup_logging(folder, console=False, now=now):
        say("a new process, a day back")
    assert names(folder) == ["bot.log"]
    assert len(messages(folder / "bot.log")) == 4


def test_a_file_begun_by_a_clock_far_ahead_moves_away_under_its_own_day(folder: Path) -> None:
    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("today")
        now.now += 300 * DAY
        say("far ahead")
        now.now -= 300 * DAY
        say("today again")
        now.now += DAY
        say("tomorrow")
    assert names(folder) == [
        "bot.log",
        "bot.log.2025-12-17",
        "bot.log.2025-12-17.2",
        "bot.log.2026-10-13",
    ]
    assert messages(folder / "bot.log.2025-12-17.2") == ["today again"]
    assert messages(folder / "bot.log.2026-10-13") == ["far ahead"]
    assert messages(folder / "bot.log") == ["tomorrow"]


def test_a_line_under_way_does_not_begin_the_next_days_file(folder: Path) -> None:
    """Else the file would be a day old at once, and would be moved again with today's lines."""
    now = FakeTime(NOON + DAY / 2 - 1.5)
    with setup_logging(folder, console=False, now=now):
        say("evening")
        # Another process is faster at midnight, and has not yet written its line.
        (folder / "bot.log").rename(folder / "bot.log.2025-12-17")
        now.now += 1.4
        say("under way")
        assert not (folder / "bot.log").exists()
        now.now += 0.2
        say("morning")
    assert messages(folder / "bot.log.2025-12-17") == ["evening", "under way"]
    assert messages(folder / "bot.log") == ["morning"]


def test_a_name_that_is_taken_gets_a_number(folder: Path) -> None:
    folder.mkdir()
    (folder / "bot.log.2025-12-17").write_text("precious\n")
    (folder / "bot.log.2025-12-17.2").write_text("precious too\n")
    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("one")
        now.now += DAY
        say("two")
    assert (folder / "bot.log.2025-12-17").read_text() == "precious\n"
    assert (folder / "bot.log.2025-12-17.2").read_text() == "precious too\n"
    assert messages(folder / "bot.log.2025-12-17.3") == ["one"]


@posix
def test_a_move_that_was_interrupted_is_completed(folder: Path) -> None:
    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("one")
    (folder / "bot.log.2025-12-17").hardlink_to(folder / "bot.log")
    now.now += DAY
    with setup_logging(folder, console=False, now=now):
        say("two")
    assert names(folder) == ["bot.log", "bot.log.2025-12-17"]
    assert messages(folder / "bot.log") == ["two"]


@pytest.mark.parametrize("interrupted", [("bot.log", 1), ("bot.log.1", 2), ("bot.log.2", 3)])
def test_an_interrupted_move_by_size_doubles_nothing(
    folder: Path, interrupted: tuple[str, int]
) -> None:
    folder.mkdir()
    source, number = interrupted
    for existing in range(1, number):
        (folder / f"bot.log.{existing}").write_text(f"file {existing}\n" * 20)
    (folder / "bot.log").write_text("live\n" * 40)
    (folder / f"bot.log.{number}").hardlink_to(folder / source)
    before = Counter({path.stat().st_ino: path.read_text() for path in folder.iterdir()}.values())

    for _ in range(3):
        rotation.rotate_if_due(folder, Policy("size", max_bytes=50), NOON)

    after = Counter(path.read_text() for path in folder.iterdir())
    assert after == before


def test_by_size_the_newest_is_number_one_and_the_oldest_goes(folder: Path) -> None:
    with setup_logging(folder, console=False, rotation_mode="size", max_bytes=1000, backup_count=3):
        for number in range(60):
            say(f"number {number}")

    assert names(folder) == ["bot.log", "bot.log.1", "bot.log.2", "bot.log.3"]
    kept = [
        message
        for name in ("bot.log.3", "bot.log.2", "bot.log.1", "bot.log")
        for message in messages(folder / name)
    ]
    assert kept == [f"number {number}" for number in range(60 - len(kept), 60)]
    for name in names(folder)[1:]:
        assert 1000 <= (folder / name).stat().st_size < 1000 + 250


def test_by_size_nothing_is_deleted_when_the_count_is_zero(folder: Path) -> None:
    with setup_logging(folder, console=False, rotation_mode="size", max_bytes=300, backup_count=0):
        for number in range(40):
            say(f"number {number}")
    total = sum(len(messages(folder / name)) for name in names(folder))
    assert total == 40
    assert len(names(folder)) > 10


def test_a_full_file_rotates_at_the_next_start(folder: Path) -> None:
    folder.mkdir()
    (folder / "bot.log").write_text("x" * 2000 + "\n")
    with setup_logging(folder, console=False, rotation_mode="size", max_bytes=1000):
        say("fresh")
    assert messages(folder / "bot.log") == ["fresh"]


@posix
def test_a_line_for_a_file_that_is_gone_goes_to_the_live_one(folder: Path) -> None:
    """Another process rotated and deleted the file while this one was idle."""
    now = FakeTime()
    with setup_logging(
        folder, console=False, rotation_mode="size", max_bytes=250, backup_count=1, now=now
    ):
        say("x" * 3)
        (folder / "bot.log").unlink()
        (folder / "bot.log").touch()
        say("for the live file")
    assert "for the live file" in messages(folder / "bot.log")


@posix
def test_a_file_that_somebody_moved_is_followed_within_a_second(folder: Path) -> None:
    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("one")
        (folder / "bot.log").rename(folder / "moved")
        now.now += 1.1
        say("one more for the moved file")
        now.now += 0.1
        say("two")
        assert messages(folder / "moved") == ["one", "one more for the moved file"]
        (folder / "moved").unlink()
        (folder / "bot.log").unlink()
        (folder / LOCK_NAME).unlink()
        folder.rmdir()
        now.now += 1.1
        say("three")
    assert messages(folder / "bot.log") == ["three"]


@posix
def test_retention_needs_name_age_and_number(folder: Path) -> None:
    folder.mkdir()
    for age in range(1, 12):
        path = folder / f"bot.log.{rotation.day_of(NOON - age * DAY)}"
        path.write_text("x\n")
        aged(path, age - 1)
    fresh_copy = folder / "bot.log.2020-01-01"
    fresh_copy.write_text("old by its name alone\n")
    strangers = ["bot.log.bak", "bot.log.2020-01-01.gz", "notes.2020-01-01", "bot.log.1"]
    for name in strangers:
        (folder / name).write_text("not ours\n")
        aged(folder / name, 999)
    (folder / "bot.log.2019-01-01").mkdir()
    (folder / "bot.log.2019-01-02").symlink_to(folder / "notes.2020-01-01")

    with setup_logging(folder, console=False, retention_days=5, now=FakeTime()):
        pass

    left = names(folder)
    assert [name for name in left if name.startswith("bot.log.2025")] == [
        f"bot.log.{rotation.day_of(NOON - age * DAY)}" for age in range(6, 0, -1)
    ]
    assert {fresh_copy.name, *strangers, "bot.log.2019-01-01", "bot.log.2019-01-02"} <= set(left)


def test_a_file_that_is_young_by_its_name_stays(folder: Path) -> None:
    folder.mkdir()
    day = rotation.day_of(NOON - DAY)
    for name in (f"bot.log.{day}", *(f"bot.log.{day}.{number}" for number in range(2, 8))):
        (folder / name).write_text("x\n")
        aged(folder / name, 99)
    with setup_logging(folder, console=False, retention_days=2, now=FakeTime()):
        pass
    assert len(names(folder)) == 1 + 7


def test_a_long_pause_deletes_nothing_but_what_is_too_many(folder: Path) -> None:
    folder.mkdir()
    for age in range(400, 406):
        path = folder / f"bot.log.{rotation.day_of(NOON - age * DAY)}"
        path.write_text("x\n")
        aged(path, age)
    with setup_logging(folder, console=False, retention_days=5, now=FakeTime()):
        pass
    assert len(names(folder)) == 1 + 5


def test_retention_of_zero_days_keeps_everything(folder: Path) -> None:
    folder.mkdir()
    (folder / "bot.log.2001-01-01").write_text("x\n")
    aged(folder / "bot.log.2001-01-01", 9000)
    with setup_logging(folder, console=False, retention_days=0, now=FakeTime()):
        pass
    assert "bot.log.2001-01-01" in names(folder)


def test_retention_is_checked_when_the_day_changes(folder: Path) -> None:
    now = FakeTime()
    with setup_logging(folder, console=False, retention_days=2, now=now):
        for day in range(5):
            say(f"day {day}")
            for path in folder.glob("bot.log.*"):
                aged(path, 99, now.now)
            now.now += DAY
        say("end")
    assert names(folder) == ["bot.log", "bot.log.2025-12-20", "bot.log.2025-12-21"]


def test_the_total_limit_warns_and_then_spares_the_audit_trail(folder: Path) -> None:
    folder.mkdir()
    ballast = folder / "bot.log.2025-12-16"
    ballast.write_bytes(b"x" * 950_000)
    now = FakeTime()
    with setup_logging(folder, console=False, max_total_mb=1, now=now):
        say("still room")
        ballast.write_bytes(b"x" * 1_100_000)
        now.now += 2
        assert log_event("log_message", "dropped") is False
        assert log_event("log_message", "a warning", level="WARN") is True
        ballast.unlink()
        now.now += 2
        say("room again")
    events = [(line.event, line.fields.get("count")) for line in
              map(parse, (folder / "bot.log").read_text().splitlines())]  # fmt: skip
    assert events == [
        ("log_size_limit", None),
        ("log_message", None),
        ("log_message", None),
        ("log_lines_lost", "1"),
        ("log_message", None),
    ]


def test_a_rotation_that_cannot_get_the_lock_writes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_files, "_LOCK_PATIENCE_SECONDS", 0.1)
    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("one")
        now.now += DAY
        with folder_lock(folder) as held:
            assert held
            say("two, in the old file")
            with setup_logging(folder, console=False, now=now):
                say("three: no lock at the start either")
        now.now += 2
    with setup_logging(folder, console=False, now=now):
        say("four")
    assert names(folder) == ["bot.log", "bot.log.2025-12-17"]
    assert messages(folder / "bot.log") == ["four"]


def test_a_lock_that_stays_busy_is_not_waited_for_with_every_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_files, "_LOCK_PATIENCE_SECONDS", 0.1)
    waits = []

    def counted(of: Path) -> contextlib.AbstractContextManager[bool]:
        waits.append(of)
        return folder_lock(of)

    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("one")
        now.now += DAY
        monkeypatch.setattr(rotation, "folder_lock", counted)
        with folder_lock(folder) as held:
            assert held
            for _ in range(10):
                say("in the old file")
                now.now += 1.2
        assert len(waits) == 1
        now.now += 30
        say("in the new one")
    assert names(folder) == ["bot.log", "bot.log.2025-12-17"]
    assert messages(folder / "bot.log") == ["in the new one"]


def test_without_hard_links_a_free_name_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    folder.mkdir()
    (folder / "bot.log.2025-12-17").write_text("precious\n")
    now = FakeTime()
    with setup_logging(folder, console=False, now=now):
        say("one")
        now.now += DAY
        say("two")
    assert (folder / "bot.log.2025-12-17").read_text() == "precious\n"
    assert messages(folder / "bot.log.2025-12-17.2") == ["one"]


def test_a_policy_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match="neither time nor size"):
        Policy("weekly")
    with pytest.raises(ValueError, match="max_bytes"):
        Policy("size", max_bytes=0)


def test_files_that_another_process_takes_away_meanwhile_are_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with setup_logging(folder, console=False):
        say("kept")
    gone = [folder / "bot.log.2020-01-01", folder / "bot.log.2020-01-02"]
    real = rotation._regular_files
    monkeypatch.setattr(rotation, "_regular_files", lambda of: [*real(of), *gone])
    assert rotation.total_bytes(folder) == (folder / "bot.log").stat().st_size
    with setup_logging(folder, console=False, max_total_mb=1, retention_days=1):
        say("again")
    assert messages(folder / "bot.log") == ["kept", "again"]
