"""Whole invocations, as a scheduler starts them: bot.log by default, every line attributable."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from support.program import log_text, run_bot
from tradebot.observability.line import LogLine, parse
from tradebot.observability.schema import CORRELATION

FROM_START_TO_CYCLE = [
    "startup_begin",
    "startup_config_loaded",
    "simulator_started",
    "auth_mode_selected",
    "startup_ready",
    "cycle_begin",
]


def lines(text: str) -> list[LogLine]:
    return [parse(line) for line in text.splitlines()]


def values(found: list[LogLine], field: str) -> set[str]:
    return {line.fields[field] for line in found}


@pytest.mark.parametrize("dry_run", [True, False])
def test_every_line_carries_the_six_fields_and_two_runs_are_told_apart(
    tmp_path: Path, dry_run: bool
) -> None:
    arguments = ["--single-cycle", *(["--dry-run"] if dry_run else [])]
    assert run_bot(tmp_path, *arguments).returncode == 0
    first = log_text(tmp_path)
    assert run_bot(tmp_path, *arguments).returncode == 0
    both = log_text(tmp_path)
    assert both.startswith(first), "a second run appends"
    second = lines(both.removeprefix(first))
    runs = [lines(first), second]
    for run in runs:
        assert all(list(line.fields)[:6] == list(CORRELATION) for line in run)
        [run_id] = values(run, "run_id")
        assert uuid.UUID(run_id).version == 4
        assert values(run, "dry_run") == {str(dry_run).lower()}
        assert values(run, "single_cycle") == {"true"}
        assert values(run, "env") == {"LOCAL"}
        assert values(run[1:], "strategy") == {"sma_cross/1.0"}
    assert values(runs[0], "run_id").isdisjoint(values(runs[1], "run_id"))
    begun = [[line.event for line in run].index("cycle_begin") for run in runs]
    inside = [values(run[begin:], "cycle_id") for run, begin in zip(runs, begun, strict=True)]
    assert inside == [{"1"}, {"2"}]


def test_a_run_says_how_it_starts_before_it_does_anything(tmp_path: Path) -> None:
    run_bot(tmp_path, "--single-cycle")
    found = lines(log_text(tmp_path))
    assert [line.event for line in found][: len(FROM_START_TO_CYCLE)] == FROM_START_TO_CYCLE
    [loaded] = [line for line in found if line.event == "startup_config_loaded"]
    assert loaded.fields["log_dir"] == str(tmp_path / "logs")


def test_a_wrong_setting_is_fatal_and_attributable_too(tmp_path: Path) -> None:
    assert run_bot(tmp_path, "--single-cycle", LOG_LEVEL="LOUD").returncode == 78
    found = lines(log_text(tmp_path))
    assert [line.event for line in found] == ["startup_begin", "startup_config_invalid"]
    assert found[-1].level == "FATAL"
    assert all(list(line.fields)[:6] == list(CORRELATION) for line in found)
    assert len(values(found, "run_id")) == 1


def test_the_console_shows_info_and_more_by_default(tmp_path: Path) -> None:
    done = run_bot(tmp_path, "--single-cycle", LOG_LEVEL="DEBUG")
    shown = lines(done.stderr)
    written = lines(log_text(tmp_path))
    assert "DEBUG" in {line.level for line in written}
    assert shown == [line for line in written if line.level != "DEBUG"]


def test_the_file_has_info_and_more_by_default(tmp_path: Path) -> None:
    run_bot(tmp_path, "--single-cycle", LOG_CONSOLE_LEVEL="FATAL")
    levels = {line.level for line in lines(log_text(tmp_path))}
    assert "INFO" in levels
    assert "DEBUG" not in levels
