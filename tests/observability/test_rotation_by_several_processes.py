"""Several processes write and rotate at once: nothing is lost, torn or doubled."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(("mode", "count"), [("size", 1500), ("time", 400)])
def test_several_processes_lose_tear_and_double_nothing(
    folder: Path, mode: str, count: int
) -> None:
    writers = [start(WRITER, str(folder), f"writer{n}", mode, str(count)) for n in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4

    found = Counter(message for name in names(folder) for message in messages(folder / name))
    assert set(found.values()) == {1}
    assert set(found) == {f"writer{n} {number}" for n in range(4) for number in range(count)}
    assert len(names(folder)) == 2 if mode == "time" else len(names(folder)) > 50


def test_a_killed_process_leaves_whole_lines_and_a_working_folder(folder: Path) -> None:
    writer = start(WRITER, str(folder), "writer", "size", "1000000")
    until((folder / "bot.log.5").exists)
    writer.send_signal(signal.SIGKILL)
    writer.wait(60)

    with setup_logging(
        folder, console=False, rotation_mode="size", max_bytes=20_000, backup_count=0
    ):
        say("afterwards")
    found = Counter(message for name in names(folder) for message in messages(folder / name))
    numbers = sorted(int(message.split()[1]) for message in found if message != "afterwards")
    assert set(found.values()) == {1}
    assert numbers == list(range(len(numbers)))


def until(happens: Callable[[], bool]) -> None:
    while not happens():
        time.sleep(0.005)
