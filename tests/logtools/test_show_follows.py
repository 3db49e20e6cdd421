"""`logs show -f`: every line once, whatever becomes of the files, until nobody reads any more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.log_folder import Writers, until
from support.log_lines import line
from support.windows import not_under_wine
from tradebot.logtools.reading import following
from tradebot.logtools.reading.folder import log_of
from tradebot.logtools.reading.following import Follower

SCRIPT = Path(__file__).parents[2] / "scripts" / "log_tools.py"


def said(follower: Follower) -> list[str]:
    """What one round brings, without newlines."""
    return [row.raw.decode() for row in follower.poll()]


def numbered(number: int) -> str:
    return line(f"msg=n{number}", time=f"2025-12-17T07:12:03.{number:03d}Z")


def append(path: Path, *texts: str) -> None:
    with path.open("a") as file:
        file.write("".join(texts))


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return tmp_path / "bot.log"


@pytest.fixture
def follower(live: Path) -> Iterator[Follower]:
    append(live, numbered(0))
    with closing(Follower([str(live.parent)])) as one:
        yield one


def lines(*numbers: int) -> list[str]:
    return [numbered(number).rstrip("\n") for number in numbers]


def test_what_was_there_is_not_told_and_what_comes_is(follower: Follower, live: Path) -> None:
    assert said(follower) == []
    append(live, numbered(1), numbered(2))
    assert said(follower) == lines(1, 2)
    assert said(follower) == []


def test_a_part_of_a_line_is_waited_for(live: Path) -> None:
    append(live, numbered(0)[:60])
    with closing(Follower([str(live.parent)])) as follower:
        assert said(follower) == []
        append(live, numbered(0)[60:], numbered(1)[:70])
        assert said(follower) == lines(0)
        append(live, numbered(1)[70:-1])
        assert said(follower) == []
        append(live, "\n")
        assert said(follower) == lines(1)


def test_nothing_is_lost_over_two_rotations_within_a_round(follower: Follower, live: Path) -> None:
    append(live, numbered(1))
    live.rename(live.with_name("bot.log.2"))
    append(live, numbered(2))
    live.rename(live.with_name("bot.log.1"))
    append(live, numbered(3))
    assert said(follower) == lines(1, 2, 3)
    assert said(follower) == []


def test_who_has_not_noticed_a_rotation_is_heard_too(follower: Follower, live: Path) -> None:
    with live.open("a") as late:
        live.rename(live.with_name("bot.log.2025-12-17"))
        append(live, numbered(2))
        assert said(follower) == lines(2)
        late.write(numbered(1))
        late.flush()
        assert said(follower) == lines(1)


def test_a_file_that_is_emptied_in_place_begins_anew(follower: Follower, live: Path) -> None:
    append(live, numbered(1))
    assert said(follower) == lines(1)
    live.write_text("")
    assert said(follower) == []
    append(live, numbered(2))
    assert said(follower) == lines(2)


def test_a_file_that_is_emptied_and_has_grown_beyond_what_was_read_begins_anew(
    follower: Follower, live: Path
) -> None:
    append(live, numbered(1))
    assert said(follower) == lines(1)
    live.write_text("".join(map(numbered, range(2, 9))))
    assert said(follower) == lines(*range(2, 9))
    append(live, numbered(9))
    assert said(follower) == lines(9)


def test_a_new_file_is_never_taken_for_a_removed_one(follower: Follower, live: Path) -> None:
    """File systems give the number of a removed file to the next one."""
    for number in range(1, 30):
        live.unlink()
        append(live, numbered(0), numbered(number))
        assert said(follower) == lines(0, number)


def test_a_name_that_a_look_misses_is_not_told_again(
    follower: Follower, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who lists a folder while a file is renamed may see neither of its names."""
    append(live, numbered(1))
    assert said(follower) == lines(1)
    with monkeypatch.context() as patch:
        patch.setattr(following, "log_files", lambda _: [])
        assert said(follower) == []
    append(live, numbered(2))
    assert said(follower) == lines(2)


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    with closing(Follower([str(folder)])) as follower:
        assert said(follower) == []
        folder.mkdir()
        assert said(follower) == []
        append(folder / "bot.log", numbered(1))
        assert said(follower) == lines(1)


def test_of_many_old_files_only_the_newest_are_kept_open(
    tmp_path: Path, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_HELD", 3)
    for number in range(9, 0, -1):
        append(tmp_path / f"bot.log.{number}", numbered(number))
    append(live, numbered(0))
    with closing(Follower([str(tmp_path)])) as follower:
        for number in range(9, 0, -1):
            (tmp_path / f"bot.log.{number}").rename(tmp_path / f"bot.log.{number + 1}")
        live.rename(tmp_path / "bot.log.1")
        append(live, numbered(10))
        assert said(follower) == lines(10)
        assert said(follower) == []
        assert len(follower._sources) == 3


def test_a_line_without_end_costs_no_memory_and_hides_no_other(
    follower: Follower, live: Path
) -> None:
    append(live, "x" * 3_000_000)
    assert said(follower) == []
    append(live, "y" * 3_000_000 + "\n", numbered(1))
    assert [*said(follower), *said(follower)] == lines(1)
    assert follower.too_long == 1


def test_before_and_after_meet_without_gap_and_without_overlap(live: Path) -> None:
    append(live, numbered(0), numbered(1)[:50])
    with closing(Follower([str(live.parent)])) as follower:
        append(live, numbered(1)[50:])
        live.rename(live.with_name("bot.log.2025-12-17"))
        append(live, numbered(2))
        ends = {file.name: follower.until_now(file) for file in log_of([str(live.parent)])}
        assert ends == {"bot.log.2025-12-17": len(numbered(0)), "bot.log": 0}
        assert said(follower) == lines(1, 2)


def test_where_an_open_file_cannot_be_renamed_none_is_kept_open(
    live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where the log could not rotate otherwise."""
    monkeypatch.setattr(following, "_HOLDS_OPEN", False)
    monkeypatch.setattr(following, "_PATIENCE_ROUNDS", 2)
    append(live, numbered(0))
    with closing(Follower([str(live.parent)])) as follower:
        append(live, numbered(1))
        live.rename(live.with_name("bot.log.1"))
        append(live, numbered(2)[:40])
        assert said(follower) == lines(1)
        append(live, numbered(2)[40:])
        assert said(follower) == lines(2)
        assert all(source.stream is None for source in follower._sources.values())
        live.with_name("bot.log.1").unlink()
        assert [said(follower) for _ in range(4)] == [[]] * 4
        assert len(follower._sources) == 1


def test_what_cannot_be_read_is_said_once(follower: Follower, live: Path) -> None:
    if os.name != "posix" or os.geteuid() == 0:
        pytest.skip("root may read everything, and Windows has other permissions")
    other = live.with_name("bot.log.1")
    append(other, numbered(1))
    other.chmod(0)
    append(live, numbered(2))
    assert said(follower) == lines(2)
    assert said(follower) == []
    assert follower.problems == [f"{other}: Permission denied"]


# -- with real processes ---------------------------------------------------------------------------


class Reader:
    """`show -f` in a process of its own; used in a `with`, it does not stay behind."""

    def __init__(self, folder: Path, output: Path, *arguments: str) -> None:
        self._output = output
        with output.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, str(SCRIPT), "show", "-f", "--logs", str(folder), *arguments],
                stdout=stream,
                stderr=subprocess.PIPE,
            )

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)

    def waits(self) -> str:
        """The first note: until then it may not have begun to follow."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().decode().rstrip("\n")

    def texts(self) -> Counter[str]:
        whole = self._output.read_text().splitlines(keepends=True)
        return Counter(json.loads(row)["msg"] for row in whole if row.endswith("\n"))

    def interrupt(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors.decode()


@not_under_wine
def test_several_processes_and_many_rotations(tmp_path: Path) -> None:
    """The folder is made after the reader was started; files of some KB move away all the time."""
    folder = tmp_path / "logs"
    session = {"rotation_mode": "size", "max_bytes": 9000, "backup_count": 0}
    names = ("a", "b", "c")
    with (
        Reader(folder, tmp_path / "out", "--output", "jsonl") as reader,
        Writers(folder) as writers,
    ):
        assert reader.waits() == f"{folder}: there is no such file or folder: waiting for it"
        for name in names:
            writers.start(name, count=300, pause=0.001, session=session)
        writers.stop_when_done()
        expected = {f"{name} {number}" for name in names for number in range(300)}
        until(lambda: len(reader.texts()) >= len(expected))
        assert reader.interrupt() == (130, "\n")
        assert reader.texts() == Counter(expected)
    assert len(list(folder.glob("bot.log.*"))) > 10


OVER_MIDNIGHT = """
import sys, time
from tradebot.observability import log_event, setup_logging
folder, name = sys.argv[1:]
begin = time.time()
now = lambda: 1765972800.0 + 43200 - 0.3 + (time.time() - begin)   # just before midnight
with setup_logging(folder, console=False, now=now):
    number = 0
    while now() < 1765972800.0 + 43200 + 0.3:
        assert log_event("log_message", f"{name} {number}")
        number += 1
        time.sleep(0.002)
    assert log_event("log_message", f"{name} last {number}")
"""


@not_under_wine
def test_midnight(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o700)
    with Reader(folder, tmp_path / "out", "--output", "jsonl", "-n", "0") as reader:
        assert "waiting" in reader.waits()
        writers = [
            subprocess.Popen([sys.executable, "-c", OVER_MIDNIGHT, str(folder), name])
            for name in ("a", "b")
        ]
        try:
            assert [writer.wait(60) for writer in writers] == [0, 0]
        finally:
            for writer in writers:
                writer.kill()
                writer.wait(60)
        ends = ("a last", "b last")
        until(lambda: sum(text.startswith(ends) for text in reader.texts()) == 2)
        found = reader.texts()
        assert reader.interrupt() == (130, "\n")
    assert sorted(path.name for path in folder.glob("bot*")) == ["bot.log", "bot.log.2025-12-17"]
    assert set(found.values()) == {1}
    for name in ("a", "b"):
        last = next(text for text in found if text.startswith(f"{name} last"))
        count = int(last.split()[2])
        assert {f"{name} {number}" for number in range(count)} < set(found)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot be asked whether a pipe is read")
def test_it_ends_quietly_when_the_reader_goes_although_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text(line())
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "show", "-f", "--logs", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b"-- run ")
        assert process.stdout.readline().endswith(b" log_message fine\n")
        process.stdout.close()
        assert (process.wait(30), process.stderr.read()) == (141, b"")
    finally:
        process.kill()
        process.communicate(timeout=60)
