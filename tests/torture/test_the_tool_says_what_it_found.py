"""`make torture`: what it does with N points, and what it says and writes about them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from support.program import ROOT
from support.torture.judge import Breach
from support.torture.plan import Calls, KillPlan
from support.torture.scenes import SCENES
from support.torture.torturer import Torturer


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location("torture", ROOT / "scripts" / "torture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["torture"] = module  # for its dataclasses
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


CALLS = {"sale": Calls("jjo", (False, True, True)), "refresh": Calls("t", (False,))}
EVERY = [
    "sale:any:1:before",
    "sale:any:2:before",
    "sale:any:2:half",
    "sale:any:3:before",
    "sale:any:3:half",
    "refresh:any:1:before",
]


def test_every_call_and_then_random_points(tool: ModuleType) -> None:
    assert tool.names_of(CALLS, 10, 7) == [*EVERY, "7/0", "7/1", "7/2", "7/3"]


def test_too_small_a_number_thins_the_calls_out_and_keeps_its_random_share(
    tool: ModuleType,
) -> None:
    names = tool.names_of(CALLS, 4, 7)
    assert names == [EVERY[0], EVERY[2], EVERY[4], "7/0"]


def rows(tool: ModuleType) -> dict[str, object]:
    tallies = {name: tool.Tally() for name in ("sale", "refresh", tool.AT_RANDOM)}
    tallies["sale"].add(tool.Row("sale", 1, 2, (), ""))
    tallies["sale"].add(tool.Row("sale", 1, 3, (Breach.SECOND_ORDER, Breach.LOG), "found"))
    tallies[tool.AT_RANDOM].add(tool.Row(tool.AT_RANDOM, 3, 2, (Breach.NO_OUTCOME,), "found"))
    return tallies


def test_the_table_adds_up(tool: ModuleType) -> None:
    lines = tool.table(rows(tool)).splitlines()
    assert lines[2:] == [
        "| sale | 2 | 2 | 5 | 1 | 0 | 0 | 1 |",
        "| at random, under random faults | 1 | 3 | 2 | 0 | 1 | 0 | 0 |",
        "| **all** | 3 | 5 | 7 | 1 | 1 | 0 | 1 |",
    ]


def test_the_page_is_written_between_its_marks(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(tool, "PAGE", page)
    page.write_text(f"above\n{tool.BEGIN}\nold\n{tool.END}\nbelow\n", encoding="utf-8")
    tool.write_page("| a table |", 500, 3)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"above\n{tool.BEGIN}\n\n`make torture N=500 SEED=3`")
    assert text.endswith(f"\n\n| a table |\n\n{tool.END}\nbelow\n")
    assert "old" not in text


def test_a_page_without_a_place_is_left_as_it_is(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(tool, "PAGE", page)
    page.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for the table"):
        tool.write_page("| a table |", 500, 3)
    assert page.read_text(encoding="utf-8") == "nothing here\n"


def test_a_name_says_everything_about_a_point(torturer: Torturer) -> None:
    drawn = torturer.random_point(1, 2)
    assert torturer.named(drawn.name) == drawn
    assert torturer.named("1/2") == drawn
    other = torturer.named("1/2@journal:3:half,any:4:after")
    assert other.plans == (KillPlan("j", 3, "half"), KillPlan("", 4, "after"))
    assert (other.scene, other.faults) == (drawn.scene, drawn.faults)
    named = torturer.named("sale:order:1:stop")
    assert (named.scene, named.plans) == (SCENES["sale"], (KillPlan("o", 1, "stop"),))


@pytest.mark.parametrize("name", ["sale", "sale:jornal:1:half", "sale:journal:1:softly", "1/x"])
def test_what_is_no_name(torturer: Torturer, name: str) -> None:
    with pytest.raises(ValueError, match=r"not |invalid literal"):
        torturer.named(name)
