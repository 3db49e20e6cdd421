"""docs/simulator.md: its tables are the program's, and its examples work."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from support.simulator_client import SimulatorClient
from tradebot.simulator import RateLimits, SimulatorOptions, fault_table, scenario
from tradebot.simulator.fault_kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
TEXT = PAGE.read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_table_of_faults_is_up_to_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fault_table.main(["--check", str(PAGE)]) == 0
    copy = tmp_path / "page.md"
    copy.write_text(TEXT.replace("| `drop_after` |", "| `dropped` |", 1), encoding="utf-8")
    assert fault_table.main(["--check", str(copy)]) == 1
    assert "--write" in capsys.readouterr().err
    assert fault_table.main(["--write", str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == TEXT
    with pytest.raises(ValueError, match="has no table"):
        fault_table.with_table("nothing")


def test_every_kind_is_in_it() -> None:
    found = re.findall(r"^\| `(\w+)` \|", fault_table.table(), re.MULTILINE)
    assert sorted(found) == sorted(KINDS)


def test_the_scenario_in_it_works() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    found = scenario.parse(tomllib.loads(example), "page")
    assert [len(found.faults), len(found.sequences), len(found.mixes)] == [1, 1, 1]


def test_the_shipped_ones_are_in_it() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("Make something go wrong"), re.MULTILINE)
    assert sorted(named) == sorted(scenario.shipped())


def defaults() -> Iterator[tuple[str, object]]:
    """Every option that is one word or number, with its default."""
    for prefix, options in (("", SimulatorOptions()), ("rate_limits.", RateLimits())):
        for field in fields(options):
            value = getattr(options, field.name)
            if isinstance(value, bool | int | float | str) and field.name != "initial_balance":
                yield prefix + field.name, value


def test_every_option_is_in_it_with_its_default() -> None:
    told: dict[str, object] = {}
    for names, values in re.findall(r"^\| (`.*?) \| (.*?) \|", section("Options"), re.MULTILINE):
        owner = ""
        for name, value in zip(names.split(", "), values.split(", "), strict=True):
            word = name.strip("`")
            owner = word.partition(".")[0] if "." in word.lstrip(".") else owner
            quoted = value.strip("`")
            full = f"{owner}{word}" if word.startswith(".") else word
            told[full] = quoted if value.startswith("`") else json.loads(value)
    assert told == dict(defaults())


def test_its_errors_are_what_is_said(api: SimulatorClient, tmp_path: Path) -> None:
    answer = api.control("POST", "faults", {"kind": "drop_aftr"})
    assert answer.body.decode() in TEXT
    typo = {"sequence": [{"steps": ["pass", "drop_aftr"]}]}
    with pytest.raises(scenario.BadScenario) as caught:
        scenario.parse(typo, "typo.toml")
    assert f"tradebot: {caught.value}\n" in TEXT
