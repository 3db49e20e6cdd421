"""`logs export` as logfmt, JSON lines and CSV: every value comes back, with the declared types."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import math
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from support.exported_log import log_lines
from support.log_lines import RUN, line
from tradebot.cli import main
from tradebot.logtools.exporting.columns import HEAD, declared_fields, flat, json_line, type_of
from tradebot.logtools.exporting.formats import CsvWriter, LinesWriter, logfmt_line
from tradebot.observability.line import LogLine, parse, render

_ORDINARY = re.compile(r"-?[1-9][0-9]{0,9}")
some_lines = st.lists(log_lines, min_size=1, max_size=4)


def export(path: Path, form: str, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["logs", "export", "--logs", str(path), "--format", form, *arguments]
    )


def written(make: Callable[[io.StringIO], Any], lines: list[LogLine]) -> str:
    out = io.StringIO(newline="")
    writer = make(out)
    writer.begin()
    for one in lines:
        writer.line(parse(render(one)))
    return out.getvalue()


# -- every value comes back ------------------------------------------------------------------------


@given(some_lines)
@settings(max_examples=50)
def test_jsonl_has_every_value_with_the_declared_type(lines: list[LogLine]) -> None:
    text = written(lambda out: LinesWriter(out, json_line), lines)
    rows = text.removesuffix("\n").split("\n")
    assert len(rows) == len(lines)
    for row, one in zip(rows, lines, strict=True):
        as_text = json.loads(row, parse_float=str, parse_int=str, parse_constant=pytest.fail)
        found = {k: {True: "true", False: "false"}.get(v, v) for k, v in as_text.items()}
        assert found == flat(parse(render(one)))
        for name, value in json.loads(row).items():
            assert_type(name, value)


def assert_type(name: str, value: object) -> None:
    kind = type_of(name)
    if isinstance(value, bool):
        assert kind == "boolean"
    elif isinstance(value, int | float):
        assert kind in ("integer", "number")
        assert math.isfinite(value)
        assert kind != "integer" or (isinstance(value, int) and abs(value) < 2**63)
    else:
        assert isinstance(value, str)
        assert not (kind == "boolean" and value in ("true", "false"))
        assert not (kind in ("integer", "number") and _ORDINARY.fullmatch(value))


@given(some_lines)
@settings(max_examples=50)
def test_csv_has_every_value_and_nothing_to_carry_out(lines: list[LogLine]) -> None:
    text = written(CsvWriter, lines)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert text.endswith("\r\n")
    assert rows[0] == [*HEAD, *declared_fields(), "more"]
    for cells, one in zip(rows[1:], lines, strict=True):
        for cell in cells:
            assert cell[:1] not in tuple("=@\t\r\n＝＋－＠") or not cell
            assert cell[:1] not in ("+", "-") or cell == "-" or is_number(cell), cell
        found = {
            name: cell.removeprefix("'")
            for name, cell in zip(rows[0][:-1], cells[:-1], strict=True) if cell
        }  # fmt: skip
        more = json.loads(cells[-1] or "{}", parse_float=str, parse_int=str)
        more = {k: {True: "true", False: "false"}.get(v, v) for k, v in more.items()}
        assert found | more == flat(parse(render(one)))


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@given(some_lines)
@settings(max_examples=50)
def test_logfmt_is_read_by_the_rules_of_go(lines: list[LogLine]) -> None:
    logfmtkv = pytest.importorskip("logfmtkv", reason="logfmtkv is not installed")
    text = written(lambda out: LinesWriter(out, logfmt_line), lines)
    for row, one in zip(text.removesuffix("\n").split("\n"), lines, strict=True):
        assert dict(logfmtkv.parse(row, strict=True)) == flat(parse(render(one)))


@pytest.mark.parametrize("package", ["klp", "logfmtkv", "vrl_python"])
def test_other_readers_take_the_whole_line(tmp_path: Path, package: str) -> None:
    reader = pytest.importorskip(package, reason=f"{package} is not installed")
    read: dict[str, Callable[[str], dict[str, object]]] = {
        "klp": lambda text: dict(reader.parse_logfmt(text)),
        "logfmtkv": lambda text: dict(reader.parse(text, strict=True)),
        "vrl_python": lambda text: dict(
            reader.VRLRuntime().execute(". = parse_logfmt!(.l)", {"l": text}).processed_event
        ),
    }
    (tmp_path / "bot.log").write_text(
        line('level=9 msg="say \\"yes\\" = | no" buy="true" note=null-ish precheck_ok=true')
    )
    done = export(tmp_path, "logfmt")
    row = done.stdout.removesuffix("\n")
    assert row.startswith(
        f"ts=2025-12-17T07:12:03.214Z level=INFO component=execution.placement event=log_message "
        f"run_id={RUN} cycle_id=42 dry_run=false "
    )
    found = read[package](row)
    assert {*HEAD, "run_id"} < set(found)
    assert found["level_2"] == "9"
    assert found["msg"] == 'say "yes" = | no'
    assert str(found["buy"]) == "true"
    assert row.endswith(" precheck_ok=true") or " precheck_ok=true " in row


def test_types_are_those_of_the_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text(
        line("uic=*** quantity=10 average_price=262.20 order_id=5014229221 precheck_ok=true")
        + line('uic=211 quantity="10 shares" average_price=nan precheck_ok="true" colour=9')
        + line("uic=9223372036854775808 pid=007 quantity=1e400 held=-1E+2")
    )
    first, second, third = export(tmp_path, "jsonl").stdout.splitlines()
    assert '"uic": "***", "quantity": 10, "average_price": 262.20' in first
    assert '"order_id": "5014229221", "precheck_ok": true' in first
    assert '"uic": 211, "quantity": "10 shares", "average_price": "nan"' in second
    assert second.endswith('"precheck_ok": true, "colour": "9"}')
    assert third.endswith(
        '"uic": "9223372036854775808", "pid": "007", "quantity": "1e400", "held": -1E+2}'
    )


# -- where it goes ---------------------------------------------------------------------------------


def lines_at(*seconds: int) -> str:
    return "".join(line(f"msg=n{s}", time=f"2025-12-17T07:12:{s:02d}.000Z") for s in seconds)


def test_files_of_all_days_are_exported_in_order(tmp_path: Path) -> None:
    (tmp_path / "bot.log.2025-12-16.gz").write_bytes(gzip.compress(lines_at(1, 3).encode()))
    (tmp_path / "bot.log").write_text(lines_at(2, 4) + "rubbish\n" + lines_at(5)[:-4])
    done = export(tmp_path, "csv", "--fields", "msg,ts")
    assert done.stdout_bytes.decode().split("\r\n") == [
        "msg,ts",
        *(f"n{s},2025-12-17T07:12:0{s}.000Z" for s in (1, 2, 3, 4)),
        "",
    ]
    assert done.exit_code == 0
    assert "exported: 4 lines" in done.stderr
    assert "skipped: 1 foreign line" in done.stderr
    assert "skipped: 1 unfinished line" in done.stderr


def test_a_field_that_no_line_has_is_said(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text(line("level=9") + line("symbol=MSFT"))
    done = export(tmp_path, "csv", "--fields", "ts,falure_reason,level_2,symbol,msg")
    assert done.exit_code == 0
    said = [note for note in done.stderr.splitlines() if "--fields" in note]
    assert said == [
        "--fields: no exported line has the field falure_reason",
        "--fields: no exported line has the field msg",
    ]


def test_filters_and_times_select_and_nothing_is_exit_1(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text(lines_at(1, 2, 3))
    two = export(tmp_path, "jsonl", "msg=n2", "msg=n3", "--until", "2025-12-17T07:12:03Z")
    assert [json.loads(row)["msg"] for row in two.stdout.splitlines()] == ["n2"]
    none = export(tmp_path, "csv", "msg=n9", "-o", str(tmp_path / "out.csv"))
    assert (none.exit_code, none.stdout) == (1, "")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_a_file_is_whole_or_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "bot.log").write_text(lines_at(1, 2))
    out = tmp_path / "out" / name
    missing = export(tmp_path, "jsonl", "-o", str(out))
    assert missing.exit_code == 2
    assert "cannot be written: " in missing.stderr and "No such file" in missing.stderr
    out.parent.mkdir()
    assert export(tmp_path, "jsonl", "-o", str(out)).exit_code == 0
    data = out.read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    assert text.count(b"\n") == 2
    assert [path.name for path in out.parent.iterdir()] == [name]
    if os.name == "posix":
        assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text(lines_at(1))
    done = export(tmp_path, "jsonl", "-o", "/dev/full")
    assert done.exit_code == 2
    assert "cannot be written: /dev/full: No space left on device" in done.stderr
    assert Path("/dev/full").is_char_device()


def test_an_export_that_fails_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot.log").write_text(lines_at(1, 2))
    out = tmp_path / "out.csv"
    out.write_text("earlier")
    exporting = importlib.import_module("tradebot.logtools.exporting.formats")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting.CsvWriter, "line", fails)
    assert export(tmp_path, "csv", "-o", str(out)).exit_code == 2
    assert out.read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bot.log", "out.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["jsonl", "-o", "LOGS/bot.log"], "is a file of the log itself"),
        (["jsonl", "-o", "LOGS/bot.log.2025-12-01.gz"], "is a file of the log itself"),
        (["jsonl", "-o", "LOGS"], "is a folder: name a file"),
        (["jsonl", "--instance", "a"], "--instance is for --format parquet"),
        (["csv", "--fields", "=1"], "'=1' is no field's name"),
        (["parquet"], "needs a folder: -o FOLDER"),
        (["parquet", "-o", "LOGS/bot.log"], "is no folder"),
        (["parquet", "-o", "LOGS", "--fields", "msg"], "the same columns"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "bot.log").write_text(lines_at(1))
    done = export(tmp_path, *[text.replace("LOGS", str(tmp_path)) for text in arguments])
    assert done.exit_code == 2
    assert said in done.stderr
    assert (tmp_path / "bot.log").read_text() == lines_at(1)


def test_without_pyarrow_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot.log").write_text(lines_at(1))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "tradebot.logtools.exporting.parquet", raising=False)
    done = export(tmp_path, "parquet", "-o", str(tmp_path / "lake"))
    assert done.exit_code == 2
    assert "pip install 'ai-tradebot[parquet]'" in done.stderr
