"""A strategy is found by name, or a message says what is wrong with the settings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradebot.errors import SettingsError
from tradebot.strategies import load_strategy
from tradebot.strategies.sma_cross import SmaCross

GOOD = """
from tradebot.model import Action, Signal

class Mine:
    name, version, horizon_minutes = "mine", "2.1", 60

    def __init__(self, bars=3, *, mood="calm"):
        if bars < 1:
            raise ValueError("bars must be at least 1,\\nof course")
        self.bars_needed = bars
        self.mood = mood

    def decide(self, view):
        return Signal(Action.HOLD, self.mood)

class Anything(Mine):
    def __init__(self, **options):
        super().__init__()
        self.options = options

class Plain:
    name, version, horizon_minutes, bars_needed = "plain", "1", 1440, 1
    def decide(self, view):
        return Signal(Action.HOLD, "no_reason")

class Unfinished:
    name, version, horizon_minutes, bars_needed = "two words", None, 7, True

class Moody(Mine):
    def __init__(self):
        raise RuntimeError("not today")

class Long(Mine):
    name = "x" * 65

not_a_class = 5
"""


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    (tmp_path / "users_own.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "broken_module.py").write_text("raise OSError('disk\\non fire')", encoding="utf-8")
    yield tmp_path
    sys.modules.pop("users_own", None)
    sys.modules.pop("broken_module", None)


def problems(name: str, params: dict[str, object], folder: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_strategy(name, params, folder=folder)
    return caught.value.problems


def test_the_built_in_strategy_by_name() -> None:
    strategy = load_strategy("sma_cross", {"fast": 3, "slow": 7})
    assert isinstance(strategy, SmaCross)
    assert (strategy.fast, strategy.slow) == (3, 7)


def test_a_mistyped_name_is_recognised_and_the_known_ones_are_listed() -> None:
    assert problems("sma_crs", {}) == (
        "STRATEGY_NAME: there is no built-in strategy sma_crs; did you mean sma_cross? "
        "Known: sma_cross, or your own as package.module:ClassName",
    )
    assert "did you mean" not in problems("zzz", {})[0]


def test_a_users_own_class_is_found_in_the_given_folder_and_the_path_is_left_alone(
    folder: Path,
) -> None:
    before = list(sys.path)
    strategy = load_strategy("users_own:Mine", {"bars": 4, "mood": "keen"}, folder=folder)
    assert (strategy.name, strategy.version, strategy.bars_needed) == ("mine", "2.1", 4)
    assert sys.path == before


def test_a_constructor_may_take_anything_or_nothing(folder: Path) -> None:
    assert load_strategy("users_own:Anything", {"a": 1}, folder=folder).bars_needed == 3
    assert load_strategy("users_own:Plain", {}, folder=folder).name == "plain"
    assert "which takes none" in problems("users_own:Plain", {"a": 1}, folder)[0]


def test_a_module_already_on_the_path_needs_no_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(folder))
    assert load_strategy("users_own:Mine", {}, folder=folder).name == "mine"
    assert load_strategy("users_own:Mine", {}).name == "mine"


def test_an_unknown_parameter_is_told_with_the_nearest_and_the_known_ones() -> None:
    assert problems("sma_cross", {"fst": 3}) == (
        "STRATEGY_PARAMS_JSON: unknown parameter for sma_cross, which takes fast, slow, "
        "horizon_minutes; did you mean fast?",
    )


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("sma_cross", {"fast": 0}, "STRATEGY_PARAMS_JSON: sma_cross: fast must be a whole number"),
        ("users_own:Mine", {"bars": 0}, "users_own:Mine: bars must be at least 1, of course"),
        ("users_own:Mine", {"bars": "x"}, "users_own:Mine cannot be made with these: TypeError"),
        ("users_own:Moody", {}, "cannot be made with these: RuntimeError: not today"),
        ("users_own:Nobody", {}, "STRATEGY_NAME: users_own has no class Nobody"),
        ("users_own:not_a_class", {}, "STRATEGY_NAME: users_own has no class not_a_class"),
        ("no_such_module:X", {}, "cannot be imported: ModuleNotFoundError: No module named"),
        ("broken_module:X", {}, "broken_module cannot be imported: OSError: disk on fire"),
        ("users_own:Long", {}, "name must be a text of letters"),
    ],
)
def test_whatever_goes_wrong_is_one_problem_on_one_line(
    name: str, params: dict[str, object], said: str, folder: Path
) -> None:
    (problem,) = problems(name, params, folder)
    assert said in problem
    assert "\n" not in problem


def test_everything_an_unfinished_strategy_lacks_is_told_at_once(folder: Path) -> None:
    told = problems("users_own:Unfinished", {}, folder)
    assert [problem.split(": ")[2].split(" ")[0] for problem in told] == [
        "name",
        "version",
        "horizon_minutes",
        "bars_needed",
        "it",
    ]
