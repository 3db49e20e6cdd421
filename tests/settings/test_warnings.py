"""What is allowed but probably not meant is told, and stops nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tradebot.settings import load

HOME = Path("/nowhere/at/all")


def warnings(environ: dict[str, str], home: Path = HOME) -> tuple[str, ...]:
    return load(environ, home=home).warnings


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SAXO_APPKEY", "SAXO_APP_KEY"),
        ("SCHEDULE_CADENSE", "SCHEDULE_CADENCE"),
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("MAX_TRADES_A_DAY", "MAX_TRADES_PER_DAY"),
        ("TRADING_HOURS", "TRADING_HOURS_MODE"),
        ("saxo_env", "SAXO_ENV"),
        ("timezone", "TIMEZONE"),
    ],
)
def test_an_unknown_variable_is_told_with_the_nearest_known_name(name: str, meant: str) -> None:
    assert warnings({name: "x"}) == (
        f"{name} (in the environment): no such variable; did you mean {meant}?",
    )


def test_an_unknown_variable_of_our_own_prefix_is_told_even_without_a_near_name() -> None:
    (warning,) = warnings({"SAXO_BANANA_REPUBLIC": "x"})
    assert "docs/settings.md lists the known ones" in warning


def test_other_programs_variables_are_left_alone() -> None:
    others = {
        "PATH": "x",
        "LOG_TO_STDERR": "1",
        "MAX_JOBS": "4",
        "STATE_DIRECTORY": "/x",
        "TZ": "x",
    }
    assert warnings(others) == ()


def test_in_the_file_every_unknown_name_with_one_of_our_prefixes_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAX_JOBS=4\nOTHER_TOOL=1\n", encoding="utf-8")
    (warning,) = warnings({}, tmp_path)
    assert warning.startswith("MAX_JOBS (in .env line 1): no such variable")


@pytest.mark.skipif(os.name == "nt", reason="file modes mean nothing there")
def test_a_file_with_secrets_that_others_may_open_is_told(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SAXO_ENV=LOCAL\nSAXO_APP_KEY=key-0123456789\n", encoding="utf-8")
    path.chmod(0o640)
    (warning,) = warnings({}, tmp_path)
    assert warning.endswith(f"run: chmod 600 {path}")
    assert "key-0123456789" not in warning
    path.chmod(0o600)
    assert warnings({}, tmp_path) == ()
    path.write_text("SAXO_ENV=LOCAL\n", encoding="utf-8")
    path.chmod(0o644)
    assert warnings({}, tmp_path) == ()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TRADING_HOLIDAYS": "XNYS"}, "TRADING_HOLIDAYS: has no effect"),
        ({"SCHEDULER_JITTER_SECONDS": "61"}, "it is cut to 1m"),
        ({"CYCLE_DEADLINE_SECONDS": "301"}, "longer than SCHEDULE_CADENCE, 5m"),
    ],
)
def test_settings_that_do_not_go_together_well(environ: dict[str, str], said: str) -> None:
    (warning,) = warnings(environ)
    assert said in warning


def test_settings_that_do_are_not_told() -> None:
    assert warnings({"SCHEDULER_JITTER_SECONDS": "60", "CYCLE_DEADLINE_SECONDS": "300"}) == ()
