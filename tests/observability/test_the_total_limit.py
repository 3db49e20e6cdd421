"""LOG_MAX_TOTAL_MB: what counts, what is said about it and how often, and what is dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradebot.observability import log_event, rotation, setup_logging
from tradebot.observability.line import LogLine, parse


def lines(folder: Path) -> list[LogLine]:
    return [parse(line) for line in (folder / "bot.log").read_text("utf-8").splitlines()]


@pytest.fixture
def ballast(folder: Path) -> Path:
    """A rotated file, to be filled."""
    folder.mkdir()
    return folder / "bot.log.2025-12-16"


def test_the_limit_is_spoken_of_again_when_the_files_grow_again(
    folder: Path, ballast: Path
) -> None:
    now = [1_765_972_800.0]
    with setup_logging(folder, console=False, max_total_mb=1, now=lambda: now[0]):
        for size in (950_000, 960_000, 1000, 950_000):
            ballast.write_bytes(b"x" * size)
            now[0] += 2
            log_event("log_message", "x")
    assert [line.event for line in lines(folder)].count("log_size_limit") == 2


def test_what_waits_in_the_queue_is_dropped_beyond_the_limit_too(
    folder: Path, ballast: Path
) -> None:
    ballast.write_bytes(b"x" * 1_100_000)
    with setup_logging(folder, console=False, max_total_mb=1, queue=True):
        log_event("log_message", "dropped")
        log_event("log_message", "kept", level="WARN")
    said = [line.fields.get("msg") for line in lines(folder)]
    assert "kept" in said
    assert "dropped" not in said


def test_other_peoples_files_do_not_count(folder: Path, ballast: Path) -> None:
    ballast.write_bytes(b"x" * 1000)
    (folder / "somebody-elses.log").write_bytes(b"x" * 2_000_000)
    assert rotation.total_bytes(folder) == 1000
    with setup_logging(folder, console=False, max_total_mb=1):
        log_event("log_message", "there is room")
    assert [line.event for line in lines(folder)] == ["log_message"]
