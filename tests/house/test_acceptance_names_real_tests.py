"""docs/acceptance.md says which test shows what: every test it names is there, no row is lost."""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.program import ROOT

PAGE = ROOT / "docs" / "acceptance.md"
HEADER = "| § | what is asked | shown by |"
RULE = "|---|---|---|"
MOST_TESTS = 3


def words(text: str) -> list[str]:
    return text.split()


ROWS = {3: 18, 4: 10, 5: 9, 6: 94, 7: 30, 8: 15, 9: 14, 10: 11, 11: 10, 12: 7}
"""Rows per section of the specification. What is asked for does not become less."""

EVENTS = words("""
    startup_begin startup_config_loaded startup_config_invalid startup_ready
    auth_mode_selected auth_token_refresh_begin auth_token_refresh_success
    auth_token_refresh_failure
    cycle_begin cycle_skip_outside_trading_hours cycle_end
    marketdata_fetch_begin marketdata_fetch_success marketdata_fetch_partial
    marketdata_fetch_failure
    strategy_signals_generated strategy_signal_skipped_insufficient_data
    execution_intent_created execution_precheck_begin execution_precheck_passed
    execution_precheck_failed execution_disclaimer_required execution_disclaimer_resolved
    execution_disclaimer_blocked execution_order_placed execution_order_rejected
    execution_reconcile_begin execution_reconcile_result
    http_error unexpected_exception
""")
"""The minimum of section 6.7."""

ALWAYS = words("run_id cycle_id dry_run single_cycle env strategy")
"""Section 6.4."""

WHERE_APPLICABLE = words("""
    instrument_id asset_type uic symbol client_key account_key
    http_method http_url_path http_status saxo_request_id
    rate_limit_remaining_* rate_limit_reset_*
    external_reference order_id precheck_ok disclaimer_required disclaimer_tokens_count
    execution_outcome failure_reason
""")
"""Section 6.5."""

VARIABLES = words("""
    LOG_DIR LOG_LEVEL LOG_ROTATION_MODE LOG_RETENTION_DAYS LOG_MAX_BYTES LOG_BACKUP_COUNT
""")
"""Section 6.2."""

_ROW = re.compile(r"\| (\d+(?:\.\d+)?) \| (.+?) \| (.+?) \|")
_TEST = re.compile(r"`(tests/(?:[a-z_]+/)*test_[a-z0-9_]+\.py)::((?:[A-Z]\w*::)?test_\w+)`")
_MISSING = re.compile(r"not yet: \S.*")


@dataclass(frozen=True)
class Row:
    line: int
    section: str
    asked: str
    shown_by: str

    @property
    def is_shown(self) -> bool:
        return self.shown_by.startswith("`")

    @property
    def tests(self) -> list[str]:
        return self.shown_by.split(", ") if self.is_shown else []


@functools.cache
def rows() -> list[Row]:
    """Every line of the page that begins like a row of a table, and is not its head."""
    found = []
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if not line.lstrip().startswith("|") or line in (HEADER, RULE):
            continue
        match = _ROW.fullmatch(line)
        assert match, f"docs/acceptance.md:{number} is not a row of three columns: {line}"
        found.append(Row(number, *match.groups()))
    return found


@functools.cache
def names_in(path: Path) -> frozenset[str]:
    """`function` and `Class::method` of a test file."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = (child for child in node.body if isinstance(child, ast.FunctionDef))
            names.update(f"{node.name}::{method.name}" for method in methods)
    return frozenset(names)


def where(row: Row) -> str:
    return f"docs/acceptance.md:{row.line} ({row.asked})"


def test_every_third_column_is_tests_or_says_what_is_missing_or_is_out_of_scope() -> None:
    for row in rows():
        if row.shown_by == "out of scope" or _MISSING.fullmatch(row.shown_by):
            continue
        assert 1 <= len(row.tests) <= MOST_TESTS, where(row)
        assert len(set(row.tests)) == len(row.tests), where(row)
        for test in row.tests:
            assert _TEST.fullmatch(test), f"{where(row)}: {test}"


def test_every_named_test_is_there() -> None:
    named = 0
    for path, name in _TEST.findall(PAGE.read_text(encoding="utf-8")):
        assert (ROOT / path).is_file(), path
        assert name in names_in(ROOT / path), f"{path} has no {name}"
        named += 1
    assert named == sum(len(row.tests) for row in rows())


def test_only_what_the_specification_leaves_out_is_out_of_scope() -> None:
    left_out = [row for row in rows() if row.shown_by == "out of scope"]
    assert {row.section for row in left_out} == {"3.2"}
    assert len(left_out) == 4


def test_no_row_is_lost_or_there_twice() -> None:
    counted = Counter(int(row.section.partition(".")[0]) for row in rows())
    assert set(counted) == set(ROWS)
    fewer = {section: counted[section] for section, most in ROWS.items() if counted[section] < most}
    assert fewer == {}
    twice = [key for key, n in Counter((r.section, r.asked) for r in rows()).items() if n > 1]
    assert twice == []


def test_the_rows_of_a_section_stand_under_its_heading() -> None:
    heading = ""
    sections = {row.line: row.section.partition(".")[0] for row in rows()}
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            heading = line.removeprefix("## ").partition(".")[0]
        if number in sections:
            assert sections[number] == heading, f"docs/acceptance.md:{number}"


@pytest.mark.parametrize(
    ("section", "names"),
    [("6.2", VARIABLES), ("6.4", ALWAYS), ("6.5", WHERE_APPLICABLE), ("6.7", EVENTS)],
)
def test_every_name_that_is_asked_for_has_a_row(section: str, names: list[str]) -> None:
    begun = {
        match[1]
        for row in rows()
        if row.section == section and (match := re.match(r"`([^`]+)`", row.asked))
    }
    assert set(names) - begun == set()


def test_the_count_is_right() -> None:
    asked = [row for row in rows() if row.shown_by != "out of scope"]
    shown = sum(row.is_shown for row in asked)
    assert f"**{shown} of {len(asked)} shown by a test.**" in PAGE.read_text(encoding="utf-8")
