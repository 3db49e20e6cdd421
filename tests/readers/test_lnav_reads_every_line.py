"""lnav knows the whole log by our format, and its SQL says what our own reader says."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from readers.conftest import Lnav
from tradebot.logtools.lnav.format import NAME, column
from tradebot.observability.line import LogLine, parse, render
from tradebot.observability.schema import BOOLEAN, INTEGER, NUMBER, Kind
from tradebot.vocabulary.fields import FIELDS

LEVELS = {"DEBUG": "debug", "INFO": "info", "WARN": "warning", "ERROR": "error", "FATAL": "fatal"}
KINDS = {field.name: field.kind for field in FIELDS}
HARD = (
    "plain",
    "two words",
    'she said "no"',
    "back\\slash",
    "a\\nb",
    "two\nlines",
    "a\ttab",
    "ends in a backslash\\",
    "| a pipe | order_id=77 external_reference=ATB-1 |",
    "null",
    "true",
    "it's",
    "größer 😀",
)
ESCAPED_AS_NUMBERS = ("a\u2028b", "\x01", "\x9b31m")


def test_the_format_is_valid(lnav: Lnav) -> None:
    done = lnav.run("-C")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_broken_format_would_be_refused(lnav: Lnav) -> None:
    """The test above can fail."""
    assert lnav.formats is not None
    path = lnav.formats / "formats" / "tradebot" / f"{NAME}.json"
    path.write_text(path.read_text(encoding="utf-8").replace("(?<level>", "(?<grade>"))
    assert lnav.run("-C").returncode != 0


def test_every_line_of_real_runs_is_known_with_its_level(lnav: Lnav, real_log: Path) -> None:
    rows = lnav.rows(
        "SELECT log_format, log_level, count(*) AS n FROM all_logs GROUP BY 1, 2", [real_log]
    )
    levels = Counter(LEVELS[parse(line).level] for line in lines_of(real_log))
    assert set(levels) == set(LEVELS.values()), "the real log has a line of each level"
    assert {(row["log_format"], row["log_level"]): row["n"] for row in rows} == {
        (NAME, level): number for level, number in levels.items()
    }


def test_every_column_of_every_line_says_what_our_reader_says(lnav: Lnav, real_log: Path) -> None:
    names = [name for name in KINDS if not name.endswith("*")]
    names += ["rate_limit_remaining_session"]
    columns = ", ".join(column(name) for name in names)
    rows = lnav.rows(
        f"SELECT log_text, log_time, component, event, {columns} FROM {NAME}", [real_log]
    )
    assert sorted(row["log_text"] for row in rows) == sorted(lines_of(real_log))
    seen: Counter[str] = Counter()
    for row in rows:
        line = parse(row["log_text"])
        assert row["log_time"].replace(" ", "T") + "Z" == line.timestamp, "UTC, as it is written"
        assert (row["component"], row["event"]) == (line.component, line.event)
        told = {name: row[column(name)] for name in names if row[column(name)] is not None}
        assert {name: shown(kind_of(name), value) for name, value in told.items()} == expected(
            line, names
        )
        seen.update(told.keys())
    # A log in which the fields are not there would prove nothing.
    assert seen["external_reference"] > 20
    assert min(seen[name] for name in ("stack", "failure_reason", "latency_ms", "exit_code")) > 0


def test_a_value_in_quotes_is_read_without_them(lnav: Lnav, tmp_path: Path) -> None:
    path = write(tmp_path, [said(value) for value in HARD])
    rows = lnav.rows(f"SELECT msg, order_id, external_reference FROM {NAME}", [path])
    assert [row["msg"] for row in rows] == list(HARD)
    assert {(row["order_id"], row["external_reference"]) for row in rows} == {(None, None)}


def test_numbered_escapes_need_a_function(lnav: Lnav, tmp_path: Path) -> None:
    """As the format's page says: the column keeps the digits, logfmt2json gives the character."""
    path = write(tmp_path, [said(value) for value in ESCAPED_AS_NUMBERS])
    whole = "json_extract(logfmt2json(log_body), '$.msg')"
    rows = lnav.rows(f"SELECT msg, {whole} AS undone FROM {NAME}", [path])
    assert [row["msg"] for row in rows] == ["au2028b", "u0001", "u009b31m"]
    assert [row["undone"] for row in rows] == list(ESCAPED_AS_NUMBERS)


def test_what_is_no_number_is_no_number(lnav: Lnav, tmp_path: Path) -> None:
    path = write(tmp_path, [line(cycle_id="-", http_status="***", latency_ms="nan", dry_run="-")])
    (row,) = lnav.rows(f"SELECT cycle_id, http_status, latency_ms, dry_run FROM {NAME}", [path])
    assert set(row.values()) == {None}


def test_numbers_are_numbers(lnav: Lnav, tmp_path: Path) -> None:
    """Not texts, of which "9" is more than "10"."""
    told = line(cycle_id="10", latency_ms="2.5", dry_run="true", order_id="0077")
    path = write(tmp_path, [told.replace('"true"', "true")])  # a truth value stands bare
    names = ("cycle_id", "latency_ms", "dry_run", "order_id")
    types = ", ".join(f"typeof({name}) AS {name}" for name in names)
    assert lnav.rows(f"SELECT {types} FROM {NAME}", [path]) == [
        {"cycle_id": "integer", "latency_ms": "real", "dry_run": "integer", "order_id": "text"}
    ]


def test_foreign_lines_are_told_apart(lnav: Lnav, tmp_path: Path) -> None:
    path = write(tmp_path, [said("one"), "Traceback (most recent call last):", said("two")])
    rows = lnav.rows(f"SELECT log_level, msg FROM {NAME}", [path])
    assert [(row["log_level"], row["msg"]) for row in rows] == [
        ("info", "one"),
        ("invalid", None),
        ("info", "two"),
    ]


def test_a_line_cut_off_keeps_what_is_whole(lnav: Lnav, tmp_path: Path) -> None:
    cut = line(order_id="77", msg="two words", stack="never closed")[:-4]
    path = write(tmp_path, [said("one"), cut])
    rows = lnav.rows(f"SELECT order_id, msg, stack FROM {NAME}", [path])
    assert rows[1] == {"order_id": "77", "msg": "two words", "stack": None}


def test_fields_of_another_version_do_not_hide_ours(lnav: Lnav, tmp_path: Path) -> None:
    path = write(tmp_path, [line(brand_new="1", order_id="77", run_id="r", another="a b", uic="5")])
    rows = lnav.rows(f"SELECT order_id, run_id, uic FROM {NAME}", [path])
    assert rows == [{"order_id": "77", "run_id": "r", "uic": 5}]


def test_an_operation_is_an_order_and_else_a_run(lnav: Lnav, real_log: Path) -> None:
    rows = lnav.rows(f"SELECT log_text, log_opid FROM {NAME}", [real_log])
    for row in rows:
        fields = parse(row["log_text"]).fields
        assert row["log_opid"] == fields.get("external_reference", fields["run_id"])


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def expected(line: LogLine, names: list[str]) -> dict[str, Any]:
    found = {name: typed(kind_of(name), value) for name, value in line.fields.items()}
    return {name: found[name] for name in names if found.get(name) is not None}


def kind_of(name: str) -> Kind | None:
    family = re.sub(r"(rate_limit_(?:remaining|reset)_).*", r"\1*", name)
    return KINDS.get(family)


def shown(kind: Kind | None, value: Any) -> Any:
    """A value of lnav's JSON, which writes a column's numbers as texts if it begins with none."""
    return float(value) if kind in (INTEGER, NUMBER, BOOLEAN) else value


def typed(kind: Kind | None, value: str) -> Any:
    """A value as lnav has it, with the one thing that it does not undo."""
    if kind in (INTEGER, NUMBER, BOOLEAN):
        return float(json.loads(value)) if value != "-" else None
    return value.translate({0x2028: "u2028"})


def line(**fields: str) -> str:
    return render(LogLine("2026-03-03T15:00:00.000Z", "INFO", "app", "log_message", fields))


def said(value: str) -> str:
    return line(run_id="r", msg=value)


def write(folder: Path, lines: list[str]) -> Path:
    path = folder / "bot.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
