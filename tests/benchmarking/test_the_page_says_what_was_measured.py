"""docs/benchmarks.md is what its figures say, with a row for each goal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.__main__ import FIGURES
from benchmarks.goals import GOALS, Goal, Reading
from benchmarks.plot import FOLDER, speed_chart, stages_chart
from benchmarks.report import PAGE, goals_table, render


@pytest.fixture(scope="module")
def figures() -> Any:
    return json.loads(FIGURES.read_text("utf-8"))


def test_the_page_and_the_charts_are_drawn_from_the_figures(figures: Any) -> None:
    assert PAGE.read_text("utf-8") == render(figures)
    assert (FOLDER / "speed.svg").read_text("utf-8") == speed_chart(figures)
    assert (FOLDER / "stages.svg").read_text("utf-8") == stages_chart(figures)


def test_the_figures_are_of_a_whole_run(figures: Any) -> None:
    assert figures["rounds"] >= 9
    assert figures["leaks"]["log_event"]["cases"] >= 5000
    assert "Not measured in this run" not in PAGE.read_text("utf-8")


@pytest.mark.parametrize("number", range(len(GOALS)))
def test_each_goal_has_its_row(number: int) -> None:
    goal = GOALS[number]
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    found = [row for row in rows if row.startswith(f"| {goal.what} | {goal.wanted} | ")]
    same = sum((one.what, one.wanted) == (goal.what, goal.wanted) for one in GOALS)
    assert len(found) == same
    assert all(row.endswith(("| yes |", "| no |")) for row in found)


def test_a_goal_that_is_missed_says_by_how_much_and_why() -> None:
    def read(_figures: Any) -> list[Reading]:
        return [Reading("same", 0.5, "0.50"), Reading("fresh", 0.9, "0.90")]

    met = Goal("speed", "at most 1", 1.0, True, read, "It is slow.")
    missed = Goal("speed", "at most 0.6", 0.6, True, read, "It is slow.")
    short = Goal("rate", "at least 0.6", 0.6, False, read, "It is slow.")
    assert met.verdict({}) == ("0.50 same, 0.90 fresh", "yes", "")
    assert missed.verdict({})[1:] == ("no", "fresh is 50% over. It is slow.")
    assert short.verdict({})[1:] == ("no", "same is 17% under. It is slow.")


def test_a_goal_without_figures_is_not_called_met() -> None:
    rows = [line for line in goals_table({}).splitlines() if line.endswith("| not measured |")]
    assert len(rows) == len(GOALS)
