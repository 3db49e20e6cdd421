"""States, exit codes and next steps say what the program, its pages and its settings say."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click
import pytest

from support.program import ROOT
from tradebot.cli import main
from tradebot.errors import ExitCode
from tradebot.execution.sightings import OrderStanding
from tradebot.logtools.commands import COMMANDS as LOG_COMMANDS
from tradebot.model import ExecutionOutcome, OrderState
from tradebot.settings.variables import VARIABLES
from tradebot.vocabulary.events import EVENTS
from tradebot.vocabulary.exit_codes import EXIT_CODES, ExitMeaning
from tradebot.vocabulary.http_statuses import HTTP_STATUSES
from tradebot.vocabulary.reasons import (
    DecisionReason,
    Difference,
    FailureReason,
    MissedReason,
    SkipReason,
)
from tradebot.vocabulary.saxo_codes import saxo_codes
from tradebot.vocabulary.states import Outcome, Standing, State
from tradebot.vocabulary.words import Word

ENUMS = (
    DecisionReason, Difference, FailureReason, MissedReason, SkipReason, Outcome, Standing, State
)  # fmt: skip
WORDS: list[Word] = [word for words in ENUMS for word in words]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def next_steps() -> Iterable[str]:
    """Every text that tells a person what to do."""
    yield from (word.next_step for word in WORDS)
    yield from (event.next_step for event in EVENTS)
    yield from (code.next_step for code in saxo_codes().values())
    yield from (status.next_step for status in HTTP_STATUSES)
    yield from (one.next_step for one in EXIT_CODES.values())


@pytest.mark.parametrize("word", WORDS, ids=lambda word: f"{type(word).__name__}.{word}")
def test_a_word_has_a_meaning_and_a_next_step_in_sentences(word: Word) -> None:
    assert re.fullmatch(r"[A-Z0-9].*\.", word.meaning)
    assert re.fullmatch(r"[A-Z`].*[.?]", word.next_step)


def test_states_are_those_of_the_program() -> None:
    assert {*Outcome} == {one.value for one in ExecutionOutcome}
    assert {*State} == {one.value for one in OrderState}
    assert {*Standing} == {one.value for one in OrderStanding}


def test_every_exit_code_has_its_row_and_the_readme_has_the_same_words() -> None:
    assert list(EXIT_CODES) != []
    assert set(EXIT_CODES) == set(ExitCode)
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", README, re.MULTILINE)
    shown = {int(code): (meaning, unlinked(todo)) for code, meaning, todo in rows}
    assert shown == {int(code): (e.meaning, e.next_step) for code, e in EXIT_CODES.items()}


def unlinked(text: str) -> str:
    return re.sub(r"\[(.+?)\]\(.+?\)", r"\1", text)


@pytest.mark.parametrize("one", EXIT_CODES.values(), ids=lambda one: str(int(one.code)))
def test_what_systemd_makes_of_it_is_what_the_shipped_unit_says(one: ExitMeaning) -> None:
    unit = (ROOT / "docs/runbooks/systemd-ai-tradebot.service").read_text(encoding="utf-8")
    good = re.search(r"^SuccessExitStatus=(.+)$", unit, re.MULTILINE)
    never = re.search(r"^RestartPreventExitStatus=(.+)$", unit, re.MULTILINE)
    assert good is not None
    assert never is not None
    succeeds = str(int(one.code)) in ("0", *good[1].split())
    assert (one.under_systemd == "success") == succeeds
    stays = str(int(one.code)) in never[1].split()
    assert (one.under_systemd == "failure, never started again") == stays


def test_every_command_that_a_next_step_names_exists() -> None:
    named = {
        found
        for text in next_steps()
        for found in re.findall(r"`tradebot ([a-z]+)(?: ([a-z-]+))?", text)
    }
    assert ("orders", "resolve") in named
    assert isinstance(main, click.Group)
    for group, name in named:
        command = main.get_command(click.Context(main), group)
        assert command is not None, f"tradebot {group}"
        if group == "logs":
            assert name in LOG_COMMANDS
        elif name:
            assert isinstance(command, click.Group)
            assert name in command.list_commands(click.Context(command)), f"{group} {name}"


def test_every_setting_that_a_next_step_names_exists() -> None:
    known = {variable.name for variable in VARIABLES} | {*Outcome}
    named = {
        found for text in next_steps() for found in re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b", text)
    }
    assert {"MAX_POSITION_VALUE", "WATCHLIST_JSON"} <= named
    assert named - known == set()
