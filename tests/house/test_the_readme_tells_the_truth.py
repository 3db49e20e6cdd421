"""What README shows is what a first run does."""

from __future__ import annotations

import re
import subprocess

import pytest

from support.bench import Bench
from support.program import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_story_of_the_first_order_is_the_one_shown(bench: Bench) -> None:
    reference = bench.cycle().executions[0].intent.external_reference
    story = [line["event"] for line in bench.lines(external_reference=reference)]
    assert re.findall(r"^20\S+Z \| (\w+)$", README, re.MULTILINE) == story


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
    ],
)
def test_no_link_leads_nowhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    for link in links:
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_no_placeholder_is_left_in_a_page() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        assert "@" + "@" not in path.read_text(encoding="utf-8"), path


def test_every_command_it_names_exists() -> None:
    import click

    from tradebot.cli import main

    context = click.Context(main)
    assert isinstance(main, click.Group)
    known = set(main.list_commands(context))
    named = set(re.findall(r"`tradebot ([a-z]+)", README))
    assert named <= known
    assert {"config", "auth"} <= named


def test_make_has_the_targets_it_names() -> None:
    targets = set(re.findall(r"`?make (run|test|check|docs|clean)\b", README))
    done = subprocess.run(
        ["make", "--dry-run", *targets], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
