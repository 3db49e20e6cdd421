"""`logs show`: which lines, in which order, from which files, with which exit code."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.log_lines import RUN, SIX, line
from tradebot.cli import main
from tradebot.logtools.reading import backwards, ordering
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Selection
from tradebot.logtools.reading.folder import log_of
from tradebot.logtools.reading.ordering import Wanted, last_rows, rows_in_order
from tradebot.logtools.reading.times import stamp
from tradebot.observability.line import LogLine, parse


def show(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["logs", "show", "--logs", str(folder), *arguments])


def raw(folder: Path, *arguments: str) -> list[str]:
    done = show(folder, "--output", "raw", *arguments)
    assert done.exit_code in (0, 1), done.stderr
    return done.stdout.splitlines(keepends=True)


def at(second: float, text: str = "fine", day: int = 17, **more: str) -> str:
    minute, rest = divmod(second, 60)
    return line(f"msg={text}", time=f"2025-12-{day}T07:{minute:02.0f}:{rest:06.3f}Z", **more)


def write(path: Path, *lines: str) -> list[str]:
    data = "".join(lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return list(lines)


@pytest.fixture
def three_days(tmp_path: Path) -> list[str]:
    """Three files whose days overlap: a line was under way at midnight."""
    first = [at(second, f"a{second}", day=15) for second in range(40)]
    second = [at(second, f"b{second}", day=16) for second in range(40)]
    third = [at(second, f"c{second}", day=17) for second in range(40)]
    write(tmp_path / "bot.log.2025-12-15.gz", *first, second[1])
    write(tmp_path / "bot.log.2025-12-16", second[0], *second[2:], third[2], third[0])
    write(tmp_path / "bot.log", third[1], *third[3:])
    return [*first, *second, *third]


def test_all_files_are_one_log_in_order_of_time(tmp_path: Path, three_days: list[str]) -> None:
    assert raw(tmp_path) == three_days


@pytest.mark.parametrize("count", [1, 2, 40, 42, 80, 119, 120, 500])
def test_the_last_lines_are_the_end_of_the_same_order(
    tmp_path: Path, three_days: list[str], count: int
) -> None:
    assert raw(tmp_path, "-n", str(count)) == three_days[-count:]
    assert raw(tmp_path, "--last", str(count), "level=INFO") == three_days[-count:]


def test_the_last_lines_do_not_need_the_first_files(tmp_path: Path, three_days: list[str]) -> None:
    done = show(tmp_path, "-n", "3")
    assert "read: bot.log (" in done.stderr
    assert "not read: 2 other files of this log" in done.stderr


@pytest.mark.parametrize("size", [1, 7, 150, 4096, 1 << 20])
def test_backwards_every_line_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Wherever the blocks begin: lines longer than a block, no newline at the end."""
    monkeypatch.setattr(backwards, "BLOCK_BYTES", size)
    monkeypatch.setattr(backwards, "_FIRST_BYTES", size)
    lines = [at(n, "x" * (n * 37 % 400 + 1)) for n in range(12)]
    path = tmp_path / "bot.log"
    path.write_bytes("".join(lines).encode()[:-1])
    for count in (*range(1, 13), 20):
        found = last_rows(log_of([str(path)]), Wanted(Selection(masked=False)), count, Notes())
        assert [row.raw.decode() + "\n" for row in found] == lines[-count:]
        assert found[-1].odd == "unfinished"


def test_lines_of_several_processes_are_put_in_order(tmp_path: Path) -> None:
    lines = [at(number / 8, f"n{number}") for number in range(2000)]
    shuffled = list(lines)
    rng = random.Random(5)
    for start in range(0, 2000, 100):
        part = shuffled[start : start + 100]
        rng.shuffle(part)
        shuffled[start : start + 100] = part
    write(tmp_path / "bot.log", *shuffled)
    assert raw(tmp_path) == lines
    assert raw(tmp_path, "-n", "300") == lines[-300:]


def test_a_line_from_another_year_takes_no_other_line_with_it(tmp_path: Path) -> None:
    """A clock that was wrong for one line does not move what stands behind it."""
    odd = line("msg=odd", time="2099-01-01T00:00:00.000Z")
    days = [[at(s, f"d{day}s{s}", day=day) for s in range(30)] for day in (15, 16, 17)]
    write(tmp_path / "bot.log.2025-12-15", *days[0][:10], odd, *days[0][10:])
    write(tmp_path / "bot.log.2025-12-16", *days[1])
    write(tmp_path / "bot.log", *days[2])
    assert raw(tmp_path) == [*itertools.chain(*days), odd]


def test_lines_of_one_millisecond_stay_as_they_stand(tmp_path: Path) -> None:
    lines = write(tmp_path / "bot.log", *[at(1, f"n{number}") for number in range(50)])
    assert raw(tmp_path) == lines
    assert raw(tmp_path, "-n", "20") == lines[-20:]


def test_numbered_files_come_oldest_first(tmp_path: Path) -> None:
    oldest = write(tmp_path / "bot.log.3.gz", *[at(n, f"x{n}") for n in range(5)])
    middle = write(tmp_path / "bot.log.2.gz", *[at(n, f"x{n}") for n in range(5, 9)])
    newer = write(tmp_path / "bot.log.1", *[at(n, f"x{n}") for n in range(9, 12)])
    live = write(tmp_path / "bot.log", at(20))
    assert raw(tmp_path) == [*oldest, *middle, *newer, *live]
    assert raw(tmp_path, "-n", "6") == [*middle[-2:], *newer, *live]


# -- which lines -----------------------------------------------------------------------------------


def test_filters_times_levels_runs_and_texts(tmp_path: Path) -> None:
    other = SIX.replace(RUN, "11111111-2222-4333-8444-555555555555")
    lines = write(
        tmp_path / "bot.log",
        at(0, "zero", level="DEBUG"),
        at(1, "one"),
        at(2, "two", level="WARN ", event="http_error"),
        at(3, "three", six=other, level="ERROR"),
        at(4, '"say \\"yes\\"\\tnow"', level="FATAL"),
    )
    assert raw(tmp_path, "--level", "warn") == lines[2:]
    assert raw(tmp_path, "--level", "debug") == lines
    assert raw(tmp_path, "level=WARN", "level=INFO") == lines[1:3]
    assert raw(tmp_path, "--level", "FATAL") == lines[4:]
    assert raw(tmp_path, "--level", "WARN", "level=ERROR", "level=INFO") == lines[3:4]
    assert raw(tmp_path, "--run", RUN) == [*lines[:3], lines[4]]
    assert raw(tmp_path, f"run_id={RUN}", "event=http_error") == lines[2:3]
    assert (
        raw(tmp_path, "--since", "2025-12-17T07:00:01Z", "--until", "2025-12-17T07:00:03Z")
        == (lines[1:3])
    )
    assert raw(tmp_path, "--grep", "msg=t") == lines[2:4]
    assert raw(tmp_path, "--grep", 'say "yes"\tnow') == lines[4:]
    assert raw(tmp_path, "--grep", "\\tnow") == lines[4:]


def test_of_a_rare_level_only_its_lines_are_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month has a gigabyte of others."""
    write(tmp_path / "bot.log", *[at(n, level="DEBUG") for n in range(50)], at(51, level="FATAL"))
    parsed = []

    def parse_and_count(text: str) -> LogLine:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(ordering, "parse", parse_and_count)
    assert raw(tmp_path, "--level", "FATAL") == [at(51, level="FATAL")]
    assert len(parsed) == 1


def test_times_before_now_and_filters_may_stand_anywhere(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    old, new = (line(time=stamp(now - timedelta(hours=hours))) for hours in (3, 1))
    write(tmp_path / "bot.log", old, new)
    assert raw(tmp_path, "level=INFO", "--since", "-2h", "msg=fine") == [new]
    assert raw(tmp_path, "level=INFO", "--until", "-2h", "msg=fine") == [old]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--level", "LOUD"], "'LOUD' is not a log level"),
        (["--level", "ERROR", "level=INFO"], "no level in common"),
        (["--fields", "a b"], "'a b' is no field's name"),
        (["-n", "-1"], "-1 is less than 0"),
        (["-f", "--output", "json"], "use jsonl"),
        (["-f", "--until", "today"], "leave --until out"),
        (["-f", "--logs", "-"], "--follow needs files or a folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    write(tmp_path / "bot.log", at(1))
    done = show(tmp_path, *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_exit_codes_are_those_of_grep(tmp_path: Path) -> None:
    write(tmp_path / "bot.log", at(1))
    assert show(tmp_path, "msg=fine").exit_code == 0
    nothing = show(tmp_path, "msg=other")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert nothing.stderr.splitlines() == [
        f"read: bot.log ({len(at(1))} bytes)",
        "nothing in what was read matches",
    ]
    (tmp_path / "bot.log.2025-12-16.gz").write_bytes(gzip.compress(at(0, day=16).encode())[:-9])
    broken = show(tmp_path, "msg=fine")
    assert broken.exit_code == 2
    assert "cannot be read: " in broken.stderr
    assert "fine" in broken.stdout
    assert show(tmp_path / "nowhere").exit_code == 2


def test_no_output_is_no_json_document_less(tmp_path: Path) -> None:
    write(tmp_path / "bot.log", at(1, "a"), "rubbish\n", at(2, "b", event="cycle_begin"))
    done = show(tmp_path, "--output", "json")
    assert [one["msg"] for one in json.loads(done.stdout)] == ["a", "b"]
    assert "skipped: 1 foreign line" in done.stderr
    assert json.loads(show(tmp_path, "--output", "json", "msg=c").stdout) == []
    rows = show(tmp_path, "--output", "jsonl", "--fields", "msg").stdout.splitlines()
    assert json.loads(rows[1]) == {
        "ts": "2025-12-17T07:00:02.000Z", "level": "INFO", "component": "execution.placement",
        "event": "cycle_begin", "msg": "b",
    }  # fmt: skip


def test_a_file_that_rotates_while_it_is_read_is_read_on(tmp_path: Path) -> None:
    first = write(tmp_path / "bot.log.2025-12-16", *[at(n, day=16) for n in range(3)])
    second = write(tmp_path / "bot.log", *[at(n) for n in range(3)])
    rows = rows_in_order(log_of([str(tmp_path)]), Wanted(Selection()), Notes())
    found = [next(rows).raw.decode()]
    (tmp_path / "bot.log").rename(tmp_path / "bot.log.2025-12-17")
    write(tmp_path / "bot.log", at(0, day=18))
    found += [row.raw.decode() for row in rows]
    assert [f"{text}\n" for text in found] == [*first, *second]


def test_a_foreign_line_stays_behind_the_line_before_it(tmp_path: Path) -> None:
    write(tmp_path / "bot.log.2025-12-16", at(1, day=16), "Killed\n", at(5, day=16))
    write(tmp_path / "bot.log", at(1), at(2))
    assert raw(tmp_path)[1] == "Killed\n"
    assert raw(tmp_path, "-n", "4")[0] == "Killed\n"
    assert raw(tmp_path, "--since", "2025-12-17")[0] == at(1)
    assert raw(tmp_path, "--grep", "Killed") == ["Killed\n"]


def test_a_huge_log_is_not_collected(tmp_path: Path) -> None:
    """Whoever takes the first line has read one block of one file."""
    for day in (15, 16, 17):
        many = [at(s / 1000, "x" * 200, day=day) for s in range(10_000)]
        write(tmp_path / (f"bot.log.2025-12-{day}" if day < 17 else "bot.log"), *many)
    notes = Notes()
    rows = rows_in_order(log_of([str(tmp_path)]), Wanted(Selection()), notes)
    assert next(rows).time == "2025-12-15T07:00:00.000Z"
    assert sum(notes.read.values()) <= 2 << 20
