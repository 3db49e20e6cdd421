"""The examples do what their page says, run as a stranger would run them."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tradebot.observability
from support.program import ROOT, environment
from tradebot.logtools import Report, lint_paths
from tradebot.logtools.linting.findings import Kind
from tradebot.observability.line import LogLine, parse
from tradebot.observability.schema import Catalogue

EXAMPLES = ROOT / "examples"


def run(name: str, folder: Path) -> tuple[str, Path]:
    """What it printed, and the log file that it named there."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        env=environment(folder, TMPDIR=str(folder)),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    [path] = re.findall(r"\S+bot\.log", done.stdout)
    assert done.stderr == Path(path).read_text(encoding="utf-8")
    return done.stdout + done.stderr, Path(path)


def lines(path: Path) -> list[LogLine]:
    return [parse(text) for text in path.read_text(encoding="utf-8").splitlines()]


def linted(path: Path, catalogue: Catalogue) -> Report:
    return lint_paths([str(path)], catalogue=catalogue)


def test_the_five_line_bot_logs_without_its_key(tmp_path: Path) -> None:
    output, path = run("five_line_bot.py", tmp_path)
    [key] = re.findall(r'API_KEY = "(.+)"', (EXAMPLES / "five_line_bot.py").read_text())
    assert key not in output
    message, error = lines(path)
    assert (message.event, error.event) == ("log_message", "unexpected_exception")
    assert message.fields["msg"] == "asked https://exchange/price?key=*** for a price"
    assert error.fields["exc_type"] == "KeyError"
    assert {one.fields["market"] for one in (message, error)} == {"EURUSD"}
    report = linted(path, Catalogue())
    assert (report.problems, set(report.counts)) == (0, {Kind.UNKNOWN_FIELD})
    # The bot's own vocabulary contains the core: the command finds nothing wrong either.
    assert lint_paths([str(path)]).problems == 0


def test_own_events_are_declared_ordered_and_masked(tmp_path: Path) -> None:
    output, path = run("own_events.py", tmp_path)
    assert "0x9aF31c77B20d" not in output
    filled, left = lines(path)
    assert (filled.event, filled.level, left.event, left.level) == (
        "grid_filled", "INFO", "grid_left", "WARN",
    )  # fmt: skip
    assert list(filled.fields)[6:] == ["market", "price", "wallet"]
    catalogue = _catalogue_of("own_events")
    assert not linted(path, catalogue).counts
    # With another vocabulary they are strangers: lint is not blind.
    assert linted(path, Catalogue()).counts[Kind.UNKNOWN_EVENT] == 2


def _catalogue_of(name: str) -> Catalogue:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    catalogue = module.CATALOGUE
    assert isinstance(catalogue, Catalogue)
    return catalogue


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: str(path.name))
def test_they_use_the_public_face_alone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"from (tradebot\S*) import", text)) == {"tradebot.observability"}
    assert "import tradebot" not in text
    names = re.search(r"from tradebot.observability import \((.*?)\)", text, re.DOTALL)
    assert names is not None
    assert set(re.findall(r"\w+", names[1])) <= set(tradebot.observability.__all__)
    assert path.name in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_page_shows_what_the_example_writes(tmp_path: Path) -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    shown = [parse(text.strip()) for text in page.splitlines() if "| __main__ |" in text]
    _, path = run("five_line_bot.py", tmp_path)
    changing = {"run_id", "stack"}
    for example, real in zip(shown, lines(path), strict=True):
        assert (example.level, example.event, list(example.fields)) == (
            real.level, real.event, list(real.fields),
        )  # fmt: skip
        for key in example.fields.keys() - changing:
            assert example.fields[key] == real.fields[key]
