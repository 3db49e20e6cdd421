"""docs/operations.md: what it says stands against each trap is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from support.program import ROOT
from tradebot.cli.schedule import command
from tradebot.deploy import clock_changes, common_checks
from tradebot.deploy.scheduler import NAMES, scheduler
from tradebot.scheduling.lock_state import State

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
KNOWN = {
    *(rule.name for name in NAMES for rule in scheduler(name).rules),
    *(rule.name for rule in (*clock_changes.RULES, *common_checks.RULES)),
}


def traps() -> Iterator[tuple[str, str]]:
    """Each row of the table of traps."""
    table = PAGE.partition("| trap | what protects you |\n")[2].partition("\n\n")[0]
    for line in table.splitlines()[1:]:
        trap, protection = line.strip("| ").split(" | ")
        yield trap, protection


def test_each_trap_has_a_rule_or_a_test_or_says_what_else_holds() -> None:
    rows = list(traps())
    assert len(rows) > 30
    assert all(protection for _, protection in rows)


def test_every_rule_that_the_page_names_exists() -> None:
    named = {
        word
        for trap, protection in traps()
        for word in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", trap + protection)
        if not word.startswith("-")
    }
    assert len(named) > 30
    assert named <= KNOWN


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[a-z_/]+\.py)`", PAGE)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_page_knows_every_word_of_the_lock() -> None:
    table = PAGE.partition("## Who holds the lock")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) >= {state.value for state in State}


def test_every_command_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`tradebot schedule ([a-z]+)", PAGE))
    assert named
    assert named <= set(command.list_commands(click.Context(command)))
