"""The list of breaks is fresh, and the tool that proves it can itself tell good from bad.

The breaks themselves take a minute and are made by `make prove`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from support.program import ROOT

TOOL = ROOT / "scripts" / "break_promises.py"
GOOD = """
promise = 3
name = "Sums"
wording = "Two and two are four."

[[break]]
harm = "Bills are wrong."
file = "src/tradebot/sums.py"
old = "a + b"
new = "a - b"
tests = ["tests/test_sums.py::test_two_and_two"]
"""
TESTS = """
import pytest
from tradebot.sums import add

def test_two_and_two():
    assert add(2, 2) == 4

@pytest.mark.parametrize("number", [0, 1])
def test_nothing_changes_nothing(number):
    assert add(number, 0) == number

def test_nothing_at_all():
    pass

def test_wrong_in_any_case():
    assert add(2, 2) == 5

def test_not_here():
    pytest.skip("not here")

@pytest.fixture
def hasty():
    if add(1, 1) != 2:
        raise ValueError("it is the fixture that fails")

def test_with_a_fixture(hasty):
    assert add(2, 2) == 4

def test_without_an_end():
    import time
    time.sleep(600)
"""
PAGE = """before
<!-- promises: begin -->
<!-- promises: end -->
between
<!-- breaks of 3: begin -->
<!-- breaks of 3: end -->
after
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one function, one promise and one break of it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # half of what pytest needs to start
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\n",
        "src/tradebot/__init__.py": "",
        "src/tradebot/sums.py": "def add(a, b):\n    return a + b\n",
        "tests/test_sums.py": TESTS,
        "tests/breaks/sums.toml": GOOD,
        "docs/reliability.md": PAGE,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(root: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of the tool, and what it said."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code: int = tool().main(["--root", str(root), *arguments])
    return code, said.getvalue()


def with_break(tree: Path, **changes: str) -> Path:
    """The tree with other values in its one break."""
    path = tree / "tests" / "breaks" / "sums.toml"
    lines = []
    for line in GOOD.splitlines():
        key = line.partition(" ")[0]
        lines.append(f"{key} = {changes[key]}" if key in changes else line)
    path.write_text("\n".join(lines), encoding="utf-8")
    return tree


def page(tree: Path) -> str:
    return (tree / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_break_can_still_be_made_and_the_page_lists_it() -> None:
    assert run(ROOT, "--check") == (0, "")


def test_a_break_that_is_noticed_stands_in_the_page(tree: Path) -> None:
    assert run(tree, "--check") == (1, "docs/reliability.md is not up to date: run `make prove`\n")

    code, said = run(tree)

    assert code == 0, said
    assert page(tree) == textwrap.dedent("""\
        before
        <!-- promises: begin -->

        | | promise |
        |---|---|
        | 3 | **Sums.** Two and two are four. |

        <!-- promises: end -->
        between
        <!-- breaks of 3: begin -->

        | what a user would live to see | broken in | noticed by |
        |---|---|---|
        | Bills are wrong. | `sums.py` | [two and two](../tests/test_sums.py) |

        <!-- breaks of 3: end -->
        after
    """)
    assert (tree / "src/tradebot/sums.py").read_text().endswith("a + b\n"), "only a copy is broken"
    assert run(tree, "--check") == (0, "")


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("test_nothing_at_all", "sums.toml, break 1: not noticed by tests/test_sums.py::"),
        ("test_wrong_in_any_case", "does not pass without any break: failed"),
        ("test_with_a_fixture", "sums.toml, break 1: not noticed by tests/test_sums.py::"),
    ],
)
def test_a_test_that_cannot_tell_is_found_out(tree: Path, test: str, said: str) -> None:
    both = f'["tests/test_sums.py::test_two_and_two", "tests/test_sums.py::{test}"]'

    code, all_said = run(with_break(tree, tests=both))

    assert code == 1
    assert said in all_said
    assert page(tree) == PAGE


def test_a_test_that_is_skipped_proves_nothing(tree: Path) -> None:
    code, said = run(with_break(tree, tests='["tests/test_sums.py::test_not_here"]'))

    assert code == 1
    assert "sums.toml, break 1: nobody could notice, all its tests are skipped here" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"old": '"a * b"'}, "the old text is 0 times in src/tradebot/sums.py, not once: a * b"),
        ({"old": '"a"'}, "the old text is 3 times"),
        ({"new": '"a + b"'}, "nothing is broken"),
        ({"new": '"a +"'}, "the broken file is no Python"),
        ({"file": '"src/tradebot/other.py"'}, "there is no src/tradebot/other.py"),
        ({"tests": '["tests/test_sums.py::test_else"]'}, "there is no test tests/test_sums.py::"),
        ({"tests": '["tests/else.py::test_two_and_two"]'}, "there is no test tests/else.py::"),
        ({"tests": "[]"}, "no test is named"),
        ({"promise": "4"}, "docs/reliability.md has no place for the breaks of 4"),
        ({"harm": '""\nno TOML'}, "sums.toml: "),
        ({"harm": '""', "file": '"x"\n[[break]]'}, "sums.toml: 'old' is missing"),
    ],
)
def test_a_break_that_cannot_be_made_is_named(
    tree: Path, changes: dict[str, str], said: str
) -> None:
    code, all_said = run(with_break(tree, **changes), "--check")

    assert code == 1
    assert said in all_said


def test_tests_that_do_not_end_are_ended(tree: Path) -> None:
    assert tool()._run(tree, ["tests/test_sums.py::test_without_an_end"], 1.5) is None


def test_with_parameters_one_failed_case_is_enough(tree: Path) -> None:
    (tree / "src/tradebot/sums.py").write_text("def add(a, b):\n    return 0\n", encoding="utf-8")
    name = "tests/test_sums.py::test_nothing_changes_nothing"
    assert tool()._run(tree, [name], 60) == {name: "failed"}


def test_what_the_environment_asks_of_pytest_is_not_asked_here(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    name = "tests/test_sums.py::test_wrong_in_any_case"
    assert tool()._run(tree, [name], 60) == {name: "failed"}


def test_another_copy_of_the_program_is_not_what_is_tested(tree: Path) -> None:
    """An editable install would otherwise win wherever the copy cannot be imported."""
    module = tool()
    (tree / "src").rename(tree / "elsewhere")
    with pytest.raises(module.Wrong, match="not from the copy"):
        module._run(tree, ["tests/test_sums.py::test_two_and_two"], 60)


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("break_promises", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
