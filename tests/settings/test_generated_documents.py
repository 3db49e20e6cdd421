"""`.env.example` and docs/settings.md: made from the definitions, and fresh."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tradebot.settings import load
from tradebot.settings.env_file import parse_env
from tradebot.settings.home import clone_root
from tradebot.settings.render import (
    env_example,
    main,
    settings_document,
    show_rows,
    show_value,
    stale_files,
)
from tradebot.settings.variables import SECRETS, VARIABLES


def test_the_files_in_the_repository_are_fresh() -> None:
    root = clone_root()
    if root is None:
        pytest.skip("not a clone")
    assert stale_files(root) == []


def test_the_example_names_every_variable_and_sets_none() -> None:
    text = env_example()
    file = parse_env(text)
    assert (file.values, file.problems) == ({}, ())
    named = re.findall(r"^#([A-Z_]+)=", text, re.MULTILINE)
    assert named == [variable.name for variable in VARIABLES]
    assert max(map(len, text.splitlines())) <= 100


def test_the_example_with_every_line_in_force_is_accepted(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=[A-Z_]+=)", "", env_example(), flags=re.MULTILINE)
    path = tmp_path / ".env"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "watchlist.json").write_text('[{"asset_type":"FxSpot","uic":21}]', "utf-8")
    settings = load({}, home=tmp_path)
    assert settings.watchlist[0].instrument.uic == 21
    assert settings.saxo_rest_base == "http://127.0.0.1:8420/sim/openapi"


def test_every_default_is_accepted_by_its_own_kind() -> None:
    for variable in VARIABLES:
        if variable.default is None:
            assert variable.default_note, variable.name
        else:
            variable.kind.parse(variable.default)
        if variable.example:
            variable.kind.parse(variable.example)
        if variable.secret:
            assert (variable.default, variable.example) == (None, "")


def test_the_document_has_a_row_for_every_variable() -> None:
    rows = [line for line in settings_document().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [variable.name for variable in VARIABLES]
    assert {row.count(" | ") for row in rows} == {4}


def test_stale_files_are_found_and_rewritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert ".env.example: differs" in capsys.readouterr().err
    assert main(["--write"], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / ".env.example").write_text("old", encoding="utf-8")
    assert stale_files(tmp_path) == [tmp_path / ".env.example"]


@pytest.mark.parametrize("arguments", [[], ["--wirte"], ["--write", "--check"]])
def test_wrong_use_is_told(arguments: list[str], tmp_path: Path) -> None:
    assert main(arguments, tmp_path) == 2


def test_it_runs_as_a_module_without_a_warning() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tradebot.settings.render"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("in a clone: python -m tradebot.settings.render")


def test_what_is_shown_is_what_would_be_written(tmp_path: Path) -> None:
    environ = {
        "TRADING_START": "09:30",
        "TRADING_DAYS": "sun-thu",
        "SCHEDULE_CADENCE": "90s",
        "MAX_POSITION_VALUE": "2500.50",
        "LOG_QUEUE": "yes",
        "WATCHLIST_JSON": '[{"asset_type":"FxSpot","uic":21,"quantity":1000.5}]',
        "STRATEGY_PARAMS_JSON": '{"fast":3,"deep":[{"api_key":"x"}]}',
    }
    shown = {row.name: row.value for row in show_rows(load(environ, home=tmp_path))}
    assert shown["TRADING_START"] == "09:30"
    assert shown["TRADING_END"] is None
    assert shown["TRADING_DAYS"] == "sun-thu"
    assert shown["SCHEDULE_CADENCE"] == "90"
    assert shown["SCHEDULE_OFFSET_SECONDS"] == "0"
    assert shown["MAX_POSITION_VALUE"] == "2500.50"
    assert shown["LOG_QUEUE"] == "true"
    assert shown["WATCHLIST_JSON"] == environ["WATCHLIST_JSON"]
    assert shown["STRATEGY_PARAMS_JSON"] == '{"fast":3,"deep":[{"api_key":"***"}]}'
    assert show_value(True) == "true"


def test_secrets_are_masked_and_only_said_to_be_set(tmp_path: Path) -> None:
    environ = {variable.name: "planted-0123456789" for variable in SECRETS}
    rows = show_rows(load(environ | {"SAXO_ENV": "LOCAL"}, home=tmp_path))
    assert {row.value for row in rows if row.secret} == {"***"}
    assert not any(row.value and "planted" in row.value for row in rows)


def test_importing_the_settings_stays_cheap() -> None:
    code = (
        "import sys, pathlib, tradebot.settings as s; s.load({}, home=pathlib.Path('/nowhere'));"
        "print(sorted({'click', 'rich', 'holidays', 'zoneinfo', 'msgspec', 'urllib3',"
        "'email', 'difflib', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
