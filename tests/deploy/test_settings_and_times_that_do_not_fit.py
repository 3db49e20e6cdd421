"""What `verify` finds whichever scheduler is used."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from tradebot.deploy.common_checks import RULES, check_settings, check_times
from tradebot.deploy.examples import (
    EVERY_FIVE_MINUTES,
    EXAMPLES,
    WEEKDAY_WINDOW,
    Example,
    example_schedule,
    posix_program,
)
from tradebot.deploy.model import Schedule
from tradebot.deploy.rules import Severity, is_approved
from tradebot.scheduling.hours import HoursConfig
from tradebot.settings import load_lenient

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALWAYS = example_schedule(EVERY_FIVE_MINUTES, posix_program())


def found_in(schedule: Schedule) -> list[str]:
    return [finding.rule.name for finding in check_times(schedule, NOW)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.hours.mode)
def test_nothing_in_the_examples(example: Example) -> None:
    assert found_in(example_schedule(example, posix_program())) == []


@pytest.mark.parametrize(
    ("schedule", "rule"),
    [
        (dataclasses.replace(ALWAYS, deadline=301), "deadline-over-cadence"),
        (dataclasses.replace(ALWAYS, max_lateness=300), "lateness-over-cadence"),
        (dataclasses.replace(ALWAYS, dry_run=True), "dry-run"),
    ],
)
def test_each_has_its_rule(schedule: Schedule, rule: str) -> None:
    assert found_in(schedule) == [rule]


def window(start: time, end: time, offset: float = 0) -> Schedule:
    hours = HoursConfig("fixed", frozenset(range(5)), start, end, "America/New_York")
    hourly = example_schedule(WEEKDAY_WINDOW, posix_program(), cadence=3600)
    return dataclasses.replace(hourly, hours=hours, offset=offset)


def test_a_window_between_two_slots_never_trades() -> None:
    assert found_in(window(time(9, 10), time(9, 50))) == ["no-slot-in-window"]
    assert found_in(window(time(9, 10), time(9, 50), offset=1200)) == []
    assert found_in(window(time(9), time(9, 50))) == []
    assert found_in(window(time(8, 10), time(9))) == ["no-slot-in-window"]


def test_settings_are_judged_too(tmp_path: Path) -> None:
    env = {"SAXO_ENV": "SIM", "SAXO_AUTH_MODE": "manual", "SCHEDULE_CADENSE": "5m"}
    settings, problems = load_lenient(env, home=tmp_path)
    findings = list(check_settings(settings, problems, ["LOG_DIR"]))
    names = {finding.rule.name for finding in findings}
    assert names == {"settings-invalid", "settings-odd", "only-in-this-shell", "token-by-hand"}
    assert not is_approved(findings)


def test_notes_alone_are_approved(tmp_path: Path) -> None:
    settings, problems = load_lenient({}, home=tmp_path)
    assert is_approved(check_settings(settings, problems, []))
    assert is_approved(check_times(dataclasses.replace(ALWAYS, dry_run=True), NOW))


def test_every_rule_says_what_happens_and_what_to_do() -> None:
    for rule in RULES:
        lines = "\n".join(rule.found("here").lines())
        assert lines.startswith(f"{rule.severity}: here [{rule.name}]")
        assert rule.consequence in lines
        assert rule.remedy in lines
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.severity for rule in RULES} == set(Severity)
