"""`tradebot schedule preview` and `explain`, as a person runs them."""

from __future__ import annotations

import json
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.program import ROOT, run_bot
from tradebot.cli import main
from tradebot.logtools.reading.times import parse_time
from tradebot.scheduling.jitter import jitter_seconds

WEEK = ("--from", "2026-11-25T20:50Z", "--to", "2026-11-30T14:40Z", "--scheduler", "cron")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    return tmp_path


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TRADING_HOURS_MODE": "fixed",
        "TRADING_START": "09:30",
        "TRADING_END": "16:00",
        "TIMEZONE": "America/New_York",
        "TRADING_HOLIDAYS": "XNYS",
    }.items():
        monkeypatch.setenv(name, value)


def schedule(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["schedule", *arguments])


@pytest.mark.usefixtures("new_york")
def test_a_week_folds_what_is_alike_and_names_each_reason() -> None:
    shown = schedule("preview", *WEEK)
    assert shown.exit_code == 0
    assert "09:30 to 16:00 America/New_York, mon-fri, holidays of XNYS" in shown.stdout
    assert "2026-11-27T17:55:00Z  Fri 2026-11-27 12:55 EST               the same" in shown.stdout
    assert "skip: half_day, next opening 2026-11-30T14:30:00Z" in shown.stdout
    assert "skip: holiday, next opening 2026-11-27T14:30:00Z" in shown.stdout
    wait = jitter_seconds(
        15, 300, host=platform.node(), instance="default",
        slot=datetime(2026, 11, 30, 14, 35, tzinfo=UTC),
    )  # fmt: skip
    assert f"2026-11-30T14:35:00Z  Mon 2026-11-30 09:35 EST  +{wait:.3f}s" in shown.stdout


@pytest.mark.usefixtures("new_york")
def test_all_unfolds_and_json_lines_have_a_slot_each() -> None:
    folded = schedule("preview", *WEEK, "--output", "jsonl").stdout.splitlines()
    every = schedule("preview", *WEEK, "--output", "jsonl", "--all").stdout.splitlines()
    assert len(every) == sum(json.loads(line)["slots"] for line in folded)
    assert len(folded) < 20
    one = json.loads(every[0])
    assert (one["slot"], one["verdict"], one["reason"]) == ("2026-11-25T20:50:00Z", "run", None)


@pytest.mark.usefixtures("new_york")
def test_clock_changes_are_marked_and_in_the_document() -> None:
    span = ("--from", "2026-10-31T12:00Z", "--to", "2026-11-02T15:00Z")
    text = schedule("preview", *span).stdout
    assert "-- clocks: America/New_York 02:00 -> 01:00 at 2026-11-01T06:00:00Z" in text
    document = json.loads(schedule("preview", *span, "--output", "json").stdout)
    assert [change["at"] for change in document["clock_changes"]] == ["2026-11-01T06:00:00Z"]


@pytest.mark.usefixtures("new_york")
def test_a_span_in_which_nothing_would_run_is_1() -> None:
    shown = schedule("preview", "--from", "2026-11-28", "--to", "2026-11-29")
    assert shown.exit_code == 1
    assert "skip: not_a_trading_day" in shown.stdout


def test_systemd_spreads_within_bounds_and_local_times_are_the_machines() -> None:
    shown = schedule("preview", "--next", "2", "--scheduler", "systemd", "--local")
    assert shown.exit_code == 0
    assert shown.stdout.count("+0-15s") == 2
    assert "Europe/Berlin" in shown.stdout
    local = schedule("preview", "--from", "2026-07-01T12:00", "--to", "2026-07-01T12:05", "--local")
    assert "2026-07-01T10:00:00Z  Wed 2026-07-01 12:00 CEST" in local.stdout


def test_a_pause_is_seen_and_a_missing_journal_is_not_made(folder: Path) -> None:
    assert schedule("preview", "--next", "1").exit_code == 0
    assert not (folder / "state").exists()
    assert CliRunner().invoke(main, ["pause"]).exit_code == 0
    shown = schedule("preview", "--to", "+1h")
    assert shown.exit_code == 1
    assert "trading is paused until `tradebot resume` (by_hand)" in shown.stdout
    explained = schedule("explain", "+1h")
    assert explained.exit_code == 1
    assert "would send nothing new: trading is paused" in explained.stdout


def test_a_journal_that_cannot_be_read_is_said(folder: Path) -> None:
    assert CliRunner().invoke(main, ["pause"]).exit_code == 0
    for journal in (folder / "state").rglob("journal.db"):
        journal.write_bytes(b"not a database" * 100)
    shown = schedule("preview", "--next", "1")
    assert shown.exit_code == 2  # or a pause would be hidden
    assert "journal" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("preview", "--to", "yesterday"), "is not after"),
        (("preview", "--to", "sometime"), "'sometime' is no time"),
        (("preview", "--to", "+9000d"), "at most 100000 are gone through"),
        (("preview", "--next", "3", "--to", "+1h"), "exclude each other"),
        (("explain", "soon"), "'soon' is no time"),
        (("explain", "--locale", "+1h"), "unexpected extra argument"),
        (("explain", "9999-12-31T23:59+00:00"), "is no time"),
    ],
)
def test_what_cannot_be_meant_is_2(arguments: tuple[str, ...], said: str) -> None:
    answer = schedule(*arguments)
    assert answer.exit_code == 2
    assert said in answer.stderr


@pytest.mark.usefixtures("new_york")
def test_explain_says_it_in_words_and_as_a_document() -> None:
    shown = schedule("explain", "2026-11-27T18:02Z")
    assert shown.exit_code == 1
    assert shown.stdout.startswith("The run of the slot 2026-11-27T18:00:00Z w")
    assert "reason=half_day" in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines()) <= 100
    document = json.loads(schedule("explain", "2026-11-30T15:00Z", "--output", "json").stdout)
    assert document["slot"] == "2026-11-30T15:00:00Z"
    assert document["verdict"] == "run"


def test_a_time_before_now_is_no_option() -> None:
    shown = schedule("explain", "-2h")
    assert shown.exit_code == 1
    assert shown.stdout.startswith("No run of the slot ")
    assert "it had every reason to trade" in shown.stdout
    assert "no run of this slot is recorded" in shown.stdout


def test_explain_of_the_past_has_the_rows_of_the_journal(folder: Path) -> None:
    before = datetime.now(UTC)
    run_bot(folder, "--single-cycle", "--scheduled")  # whatever became of it, late or not
    slots = (schedule("explain", f"{moment:%FT%TZ}") for moment in (before, datetime.now(UTC)))
    assert any("reached the step" in shown.stdout for shown in slots)


def test_sessions_that_a_run_kept_decide_about_the_next_hours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_HOURS_MODE", "instrument")
    unknown = schedule("preview", "--to", "+1h")
    assert unknown.exit_code == 1
    assert "no trading sessions are known here yet" in unknown.stdout
    assert run_bot(folder, "--single-cycle", TRADING_HOURS_MODE="instrument").returncode == 0
    known = schedule("preview", "--to", "+10d")
    assert known.exit_code == 0
    assert "trading sessions as read at " in known.stdout
    assert "unknown: sessions_unknown" in known.stdout


PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PRINTED = re.findall(
    r"^<!-- printed -->\n```console\n\$ tradebot (.+)\n((?s:.*?))```$", PAGE, re.MULTILINE
)


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize(("command", "shown"), PRINTED)
def test_the_operators_page_shows_what_is_printed(
    command: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tradebot.cli._schedule_preview._now", lambda: datetime(2026, 11, 25, 20, 48, tzinfo=UTC)
    )
    assert shown
    assert CliRunner().invoke(main, command.split()).stdout == shown


def test_the_page_has_both_commands() -> None:
    assert [command.split()[1] for command, _ in PRINTED] == ["preview", "explain"]


NOW = datetime(2026, 3, 3, 15, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tomorrow", "2026-03-04T00:00:00+00:00"),
        ("+90m", "2026-03-03T16:34:05+00:00"),
        ("+2d", "2026-03-05T15:04:05+00:00"),
    ],
)
def test_times_may_lie_ahead(text: str, meant: str) -> None:
    assert parse_time(text, NOW).isoformat() == meant
