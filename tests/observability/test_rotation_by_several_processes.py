"""Several processes write and rotate at once: nothing is lost, torn or doubled."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.log_folder import Writers, lines_of, texts, until
from support.native import WallClock, preloaded
from support.windows import not_under_wine
from tradebot.observability import log_event, setup_logging
from tradebot.observability.line import parse
from tradebot.observability.rotation import LOCK_NAME


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK_NAME)


def messages(path: Path) -> list[str]:
    return [parse(line).fields["msg"] for line in path.read_text().splitlines()]


def say(text: str) -> None:
    assert log_event("log_message", text)


WRITER = """
    import sys, time
    from tradebot.observability import log_event, setup_logging
    folder, name, mode, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    begin = time.time()
    start = 1765972800.0 + 43200 - 0.2   # a fifth of a second before midnight
    now = lambda: start + (time.time() - begin)
    with setup_logging(folder, console=False, rotation_mode=mode, max_bytes=20_000,
                       backup_count=0, now=now if mode == "time" else time.time):
        for number in range(count):
            if not log_event("log_message", f"{name} {number}", padding="filled " * 20):
                sys.exit(3)
            if mode == "time":
                time.sleep(0.001)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), *arguments])


def end(*writers: subprocess.Popen[bytes]) -> None:
    for writer in writers:
        writer.kill()
        writer.wait(60)


@not_under_wine
@pytest.mark.parametrize(("mode", "count"), [("size", 1500), ("time", 400)])
def test_several_processes_lose_tear_and_double_nothing(
    folder: Path, mode: str, count: int
) -> None:
    writers = [start(WRITER, str(folder), f"writer{n}", mode, str(count)) for n in range(4)]
    try:
        assert [writer.wait(60) for writer in writers] == [0] * 4
    finally:
        end(*writers)

    found = Counter(message for name in names(folder) for message in messages(folder / name))
    assert set(found.values()) == {1}
    assert set(found) == {f"writer{n} {number}" for n in range(4) for number in range(count)}
    assert len(names(folder)) == 2 if mode == "time" else len(names(folder)) > 50


def test_a_killed_process_leaves_whole_lines_and_a_working_folder(folder: Path) -> None:
    writer = start(WRITER, str(folder), "writer", "size", "1000000")
    try:
        until((folder / "bot.log.5").exists)
    finally:
        end(writer)

    with setup_logging(
        folder, console=False, rotation_mode="size", max_bytes=20_000, backup_count=0
    ):
        say("afterwards")
    found = Counter(message for name in names(folder) for message in messages(folder / name))
    numbers = sorted(int(message.split()[1]) for message in found if message != "afterwards")
    assert set(found.values()) == {1}
    assert numbers == list(range(len(numbers)))


def ended_in_between(folder: Path) -> Iterator[str]:
    """What a process that was killed left half done, if it did."""
    chain = sorted(folder.glob("bot.log*"))
    by_inode = Counter(path.stat().st_ino for path in chain)
    return (path.name for path in chain if by_inode[path.stat().st_ino] > 1)


@pytest.mark.parametrize("mode", ["size", "time"])
def test_killed_in_the_midst_of_writing_and_rotating(
    folder: Path, tmp_path: Path, mode: str
) -> None:
    """Whatever call came back is in the files, once; of a killed process, one line more at most."""
    folder.mkdir()
    clock = WallClock(tmp_path)
    clock.set_to("2026-03-02T12:00:00+00:00")
    session = {"rotation_mode": mode, "max_bytes": 3000, "backup_count": 0, "retention_days": 0}
    killed = []
    with Writers(folder, preloaded(clock)) as writers:
        for name in ("a", "b", "c"):
            writers.start(name, session=session)
        for generation in range(4):
            writers.wait_for_more(40)
            clock.move(86_400 if mode == "time" else 0)
            victim = next(iter(writers.running))
            writers.wait_for_more(5)
            writers.kill(victim)
            killed.append(victim)
            writers.start(f"again{generation}", session=session)
        writers.wait_for_more(20)
        writers.stop()
    with setup_logging(folder, console=False, rotation_mode=mode, max_bytes=3000, backup_count=0):
        pass  # completes a move that was interrupted

    assert list(ended_in_between(folder)) == []
    told = {
        text
        for path in tmp_path.glob("*.told")
        for text, reached in writers.told(path.stem).items()
        if reached
    }
    counted = texts(folder)
    assert set(counted.values()) == {1}
    assert told <= set(counted)
    assert len(told) > 500
    surplus = Counter(text.split()[0] for text in set(counted) - told)
    assert set(surplus) <= set(killed)
    assert set(surplus.values()) <= {1}
    assert len(names(folder)) >= (5 if mode == "time" else 20)


@not_under_wine
def test_the_limit_of_all_files_together_is_kept_by_several_processes(folder: Path) -> None:
    """They write twice as much as may be there, as fast as they can."""
    folder.mkdir()
    limit = 1_000_000
    many = {"pause": 0, "count": 1500, "audit_every": 10**9, "padding": "filled " * 40}
    with Writers(folder) as writers:
        for name in ("a", "b", "c", "d"):
            writers.start(name, session={"max_total_mb": limit / 1_000_000}, **many)
        writers.stop_when_done()
    total = sum(path.stat().st_size for path in folder.iterdir())
    assert total > 0.9 * limit
    # Each may write so much before it measures again.
    assert total < limit + 4 * 65_536
    lines = lines_of(folder / "bot.log")
    answers = [reached for name in "abcd" for reached in writers.told(name).values()]
    said = sum(int(line.fields["count"]) for line in lines if line.event == "log_lines_lost")
    assert answers.count(False) == said > 1000
