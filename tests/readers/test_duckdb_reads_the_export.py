"""`logs export --format parquet`: DuckDB reads the partitions back, and its answers are the truth.

What a repeated export replaces, and what it must not replace, is here, too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from support.exported_log import log_lines
from support.log_corpus import Corpus, small_corpus
from support.log_lines import RUN, SIX, line
from tradebot.cli import main
from tradebot.logtools.exporting.columns import flat, type_of
from tradebot.observability.line import LogLine, parse, render
from tradebot.observability.schema import CORRELATION

duckdb = pytest.importorskip("duckdb", reason="duckdb has no wheel for this system")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow has no wheel for this system")

NAMED = line("instance=one host=vm-1 version=1", event="startup_config_loaded")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def lake(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole corpus, exported once."""
    folder = tmp_path_factory.mktemp("lake")
    done = export(corpus.folder, folder)
    assert done.exit_code == 0, done.stderr
    return folder


def export(logs: Path, folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        main,
        [
            "logs",
            "export",
            "--logs",
            str(logs),
            "--format",
            "parquet",
            "-o",
            str(folder),
            *arguments,
        ],
    )


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """What DuckDB answers about the table `log`."""
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        table = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
        database.execute(f"CREATE VIEW log AS SELECT * FROM {table}")
        rows: list[tuple[Any, ...]] = database.execute(query).fetchall()
    return rows


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def texts(folder: Path) -> list[str]:
    """Every line of the corpus, as any tool reads it."""
    names = sorted(folder.glob("bot.log*"))
    return [text for name in names for text in name.read_text(encoding="utf-8").splitlines()]


# -- the truth -------------------------------------------------------------------------------------


def test_lines_events_and_levels(corpus: Corpus, lake: Path) -> None:
    truth = corpus.truth.summary
    assert ask(lake, "SELECT count(*) FROM log") == [(truth.lines,)]
    assert dict(ask(lake, "SELECT event, count(*) FROM log GROUP BY 1")) == truth.events
    assert dict(ask(lake, "SELECT level, count(*) FROM log GROUP BY 1")) == truth.levels


def test_days_are_partitions_and_so_is_the_instance(corpus: Corpus, lake: Path) -> None:
    expected = Counter(text[:10] for text in texts(corpus.folder))
    query = "SELECT CAST(day AS VARCHAR), instance, count(*) FROM log GROUP BY 1, 2"
    assert {(day, "default"): n for day, n in expected.items()} == {
        (day, instance): n for day, instance, n in ask(lake, query)
    }
    assert ask(lake, "SELECT count(*) FROM log WHERE CAST(ts AS DATE) <> day") == [(0,)]


def test_sums_and_percentiles_of_typed_columns(corpus: Corpus, lake: Path) -> None:
    query = """
        SELECT http_method || ' ' || http_url_path, count(*), quantile_disc(latency_ms, 0.5),
               quantile_disc(latency_ms, 0.95), quantile_disc(latency_ms, 0.99)
        FROM log WHERE event = 'http_request' AND latency_ms IS NOT NULL GROUP BY 1"""
    found = {name: rest for name, *rest in ask(lake, query)}
    expected = {
        name: [one.count, one.p50, one.p95, one.p99]
        for name, one in corpus.truth.summary.endpoints.items()
    }
    assert found == expected
    quantities = [
        float(match[1])
        for text in texts(corpus.folder)
        if (match := re.search(r" filled_quantity=([0-9.]+)", text))
    ]
    assert quantities
    assert ask(lake, "SELECT sum(filled_quantity) FROM log")[0][0] == pytest.approx(sum(quantities))


def test_orders_and_runs(corpus: Corpus, lake: Path) -> None:
    outcomes = {
        reference: one.outcome
        for reference, one in corpus.truth.refs.items()
        if one.outcome is not None
    }
    query = """
        SELECT external_reference, arg_max(execution_outcome, ts) FROM log
        WHERE event = 'execution_completed' GROUP BY 1"""
    assert dict(ask(lake, query)) == outcomes
    runs = {run["run_id"] for run in corpus.truth.runs}
    begun = ask(lake, "SELECT DISTINCT run_id FROM log WHERE event = 'startup_begin'")
    assert {run for (run,) in begun} == runs
    slots = {
        match.groups()
        for text in texts(corpus.folder)
        if (match := re.search(r" run_id=(\S+) .*? slot=(\S+)", text))
    }
    query = (
        "SELECT DISTINCT run_id, strftime(slot, '%Y-%m-%dT%H:%M:%SZ') FROM log WHERE slot NOT NULL"
    )
    assert set(ask(lake, query)) == slots


def test_families_are_in_more(corpus: Corpus, lake: Path) -> None:
    query = """
        SELECT min(CAST(more ->> 'rate_limit_remaining_session' AS INTEGER)) FROM log
        WHERE more IS NOT NULL"""
    assert ask(lake, query) == [(corpus.truth.summary.rate_limits["session"],)]


# -- once more -------------------------------------------------------------------------------------


def test_a_repeated_export_doubles_nothing(corpus: Corpus, lake: Path) -> None:
    before = files(lake)
    assert export(corpus.folder, lake).exit_code == 0
    assert files(lake).keys() == before.keys()
    assert ask(lake, "SELECT count(*) FROM log") == [(corpus.truth.summary.lines,)]


def test_a_day_that_has_grown_replaces_itself_and_nothing_else(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    (logs / "bot.log").write_text(NAMED + line("msg=first"))
    assert export(logs, lake).exit_code == 0
    for name in ("day=2025-12-16/instance=one", "day=2025-12-17/instance=two"):
        (lake / name).mkdir(parents=True)
        shutil.copy(
            lake / "day=2025-12-17/instance=one/part-vm-1-0000.parquet",
            lake / name / "part-vm-1-0000.parquet",
        )
    shutil.copy(
        lake / "day=2025-12-17/instance=one/part-vm-1-0000.parquet",
        lake / "day=2025-12-17/instance=one/part-vm-1-10-0000.parquet",
    )
    before = files(lake)
    (logs / "bot.log").write_text(NAMED + line("msg=first") + line("msg=second"))
    assert export(logs, lake).exit_code == 0
    after = files(lake)
    own = "day=2025-12-17/instance=one/part-vm-1-0000.parquet"
    assert {name for name in before if before[name] != after[name]} == {own}
    assert after.keys() == before.keys()
    assert len(pq.read_table(lake / own, partitioning=None)) == 3


def test_what_the_log_has_forgotten_is_kept(tmp_path: Path) -> None:
    """Files rotate away; what was exported of that day must not go with them."""
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    early = line("msg=early", time="2025-12-17T01:00:00.000Z")
    (logs / "bot.log").write_text(early + NAMED + line())
    assert export(logs, lake).exit_code == 0
    before = files(lake)
    (logs / "bot.log").write_text(NAMED + line())
    fewer = export(logs, lake)
    assert "left as it is: it has 3 lines, and the log has only 2 of that day now" in fewer.stderr
    (logs / "bot.log").write_text(NAMED + line() * 5)
    later = export(logs, lake)
    assert "left as it is: it has lines from before those" in later.stderr
    assert files(lake) == before


def test_a_part_of_a_day_never_replaces_the_day(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    (logs / "bot.log.2025-12-16").write_text(line(time="2025-12-16T23:00:00.000Z"))
    (logs / "bot.log").write_text(NAMED + line(time="2025-12-17T23:00:00.000Z"))
    done = export(logs, lake, "--since", "2025-12-17T10:00Z", "--until", "2025-12-17T11:00Z")
    assert (
        "whole days are exported: from 2025-12-17T00:00:00.000Z to 2025-12-18T00:00:00.000Z"
        in done.stderr
    )
    assert ask(lake, "SELECT count(*) FROM log") == [(2,)]


def test_another_choice_of_lines_needs_another_folder(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    (logs / "bot.log").write_text(NAMED + line() + line(level="WARN "))
    assert export(logs, lake).exit_code == 0
    before = files(lake)
    done = export(logs, lake, "level=WARN")
    assert done.exit_code == 2
    assert "holds other lines of this day (all lines, now: level=WARN)" in done.stderr
    assert files(lake) == before
    assert export(logs, tmp_path / "warnings", "level=WARN").exit_code == 0
    assert ask(tmp_path / "warnings", "SELECT level FROM log") == [("WARN",)]


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from tradebot.cli import main
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="the size of files can be limited on POSIX only")
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_disk_that_takes_no_more_is_said_and_nothing_is_left(tmp_path: Path, form: str) -> None:
    logs, out = tmp_path / "logs", tmp_path / "out"
    logs.mkdir()
    rows = [line(f"count={n} msg={uuid4().hex}", time=at(n)) for n in range(9000)]
    (logs / "bot.log").write_text(NAMED + "".join(rows))
    command = ["logs", "export", "--logs", str(logs), "--format", form, "-o", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *command], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr == f"cannot be written: {out}: File too large\n"
    assert [path for path in out.rglob("*") if path.is_file()] == []


def at(number: int) -> str:
    return f"2025-12-17T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"


def test_standard_input_needs_the_instance_said(tmp_path: Path) -> None:
    arguments = ["logs", "export", "--logs", "-", "--format", "parquet", "-o", str(tmp_path)]
    unknown = CliRunner().invoke(main, arguments, input=NAMED)
    assert unknown.exit_code == 2
    assert "name it with --instance NAME" in unknown.stderr
    assert CliRunner().invoke(main, [*arguments, "--instance", "x"], input=NAMED).exit_code == 0
    assert ask(tmp_path, "SELECT instance, event, more FROM log") == [
        ("x", "startup_config_loaded", '{"instance": "one"}')
    ]


# -- whose -----------------------------------------------------------------------------------------


def test_several_instances_in_one_log(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    runs = [f"{n}1111111-2222-4333-8444-555555555555" for n in range(4)]
    sixes = [SIX.replace(RUN, run) for run in runs]
    named = [
        line(f"instance={name} host=vm-1", six=six, event="startup_config_loaded")
        for name, six in zip(("one", "two", "../../three"), sixes, strict=False)
    ]
    begun = [line(six=six, event="startup_begin") for six in sixes]
    (logs / "bot.log").write_text("".join(begun[:2] + named[:2]))
    assert export(logs, lake).exit_code == 0
    assert sorted(ask(lake, "SELECT instance, event FROM log")) == [
        (name, event)
        for name in ("one", "two")
        for event in ("startup_begin", "startup_config_loaded")
    ]
    (logs / "bot.log").write_text("".join(begun + named))
    unknown = export(logs, tmp_path / "unknown")
    assert unknown.exit_code == 2
    assert "name it with --instance NAME" in unknown.stderr
    assert not list((tmp_path / "unknown").rglob("*.*"))
    assert export(logs, tmp_path / "other", "--instance", "rest").exit_code == 0
    query = "SELECT instance, count(*) FROM log GROUP BY 1 ORDER BY 1"
    assert ask(tmp_path / "other", query) == [("one", 2), ("rest", 3), ("two", 2)]
    assert "no instance's name" in export(logs, lake, "--instance", "../x").stderr


def test_one_instance_on_two_machines_does_not_replace_the_other(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for host in ("vm-1", "vm-2"):
        logs = tmp_path / host
        logs.mkdir()
        (logs / "bot.log").write_text(NAMED.replace("host=vm-1", f"host={host}"))
        assert export(logs, lake).exit_code == 0
    assert sorted(ask(lake, "SELECT host, instance FROM log")) == [("vm-1", "one"), ("vm-2", "one")]


def test_a_date_that_never_was_has_no_day_and_no_time(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    (logs / "bot.log").write_text(NAMED + line(time="2025-02-30T00:00:00.000Z"))
    assert export(logs, lake).exit_code == 0
    assert ask(lake, "SELECT day, ts, more ->> 'ts' FROM log WHERE ts IS NULL") == [
        (None, None, "2025-02-30T00:00:00.000Z")
    ]


# -- every value -----------------------------------------------------------------------------------


@given(st.lists(log_lines, min_size=1, max_size=5))
@settings(max_examples=60)
def test_every_value_comes_back(lines: list[LogLine]) -> None:
    import pyarrow as pa  # type: ignore[import-untyped]

    from tradebot.logtools.exporting.parquet import schema, values_of

    parsed = [parse(render(one)) for one in lines]
    rows = [values_of(one, "one") for one in parsed]
    table = pa.Table.from_pylist(rows, schema("all lines"))
    for row, one in zip(table.to_pylist(), parsed, strict=True):
        more = json.loads(row.pop("more") or "{}", parse_float=str, parse_int=str)
        found = {name: as_text(value) for name, value in row.items() if value is not None}
        found |= {name: as_text(value) for name, value in more.items()}
        expected = {
            name: comparable(name, text)
            for name, text in flat(one).items()
            if not (text == "-" and name in CORRELATION and type_of(name) != "text")
            and not (name == "instance" and text == "one")
        }
        assert {name: comparable(name, text) for name, text in found.items()} == expected


def test_what_a_column_cannot_hold_exactly_is_in_more(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    held = "quantity=262.20 uic=-5 slot=2025-12-17T07:10:00Z precheck_ok=true"
    other = "quantity=0.12345678901234567 uic=007 slot=2025-12-17T07:10:00.123456Z precheck_ok=***"
    (logs / "bot.log").write_text(line(held) + line(other, time="2025-12-17T07:12:04.000Z"))
    assert export(logs, lake, "--instance", "one").exit_code == 0
    query = "SELECT quantity, uic, strftime(slot, '%H:%M'), precheck_ok, more FROM log ORDER BY ts"
    fitting, unfitting = ask(lake, query)
    assert fitting == (262.2, -5, "07:10", True, None)
    assert unfitting[:4] == (None, None, None, None)
    more = json.loads(unfitting[4], parse_float=str)
    assert more == dict(pair.split("=") for pair in other.split())


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return repr(value) if isinstance(value, float) else str(value)


def comparable(name: str, text: str) -> object:
    """A number or time is the same, however it is written."""
    try:
        if type_of(name) == "time":
            return datetime.fromisoformat(text)
        if type_of(name) == "number":
            from decimal import Decimal

            return Decimal(text) if Decimal(text).is_finite() else text
    except (ValueError, ArithmeticError):
        pass
    return text


def test_a_long_log_is_several_row_groups_and_one_file_a_day(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    with (logs / "bot.log").open("w") as file:
        file.write(NAMED)
        for number in range(20_000):
            day, second = divmod(number, 10_000)
            time = f"2025-12-{17 + day}T{second // 3600 + 8:02d}:{second // 60 % 60:02d}:00.000Z"
            file.write(line(f"count={number}", time=time))
    assert export(logs, lake).exit_code == 0
    assert sorted(files(lake)) == [
        f"day=2025-12-{day}/instance=one/part-vm-1-0000.parquet" for day in (17, 18)
    ]
    assert ask(lake, "SELECT sum(count), count(DISTINCT count), count(*) FROM log") == [
        (sum(range(20_000)), 20_000, 20_001)
    ]
