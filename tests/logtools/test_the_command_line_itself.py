"""What `tradebot logs` says of itself, and its two smallest commands."""

from __future__ import annotations

import json
import pkgutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tradebot.cli import main
from tradebot.logtools import commands
from tradebot.logtools.commands import COMMANDS


def logs(*arguments: str, **more: str | None) -> Result:
    text = more.pop("input", None)
    return CliRunner().invoke(main, ["logs", *arguments], input=text, env=more)


def test_every_command_is_listed_and_there() -> None:
    there = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert set(COMMANDS) == there
    done = logs("--help")
    assert done.exit_code == 0
    for name, line in COMMANDS.items():
        assert f"  {name}" in done.stdout
        assert line in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    done = logs(name, "--help")
    assert done.exit_code == 0
    assert f"usage: tradebot logs {name}" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120


def test_nothing_is_wrong_use_and_shows_the_list() -> None:
    done = logs()
    assert done.exit_code == 2
    assert "trace" in done.output


def test_a_command_that_is_not_there_names_a_near_one() -> None:
    done = logs("tarce")
    assert done.exit_code == 2
    assert "Did you mean 'trace'?" in done.stderr


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"explain", "lint"}))
def test_an_unknown_option_is_wrong_use(name: str) -> None:
    done = logs(name, "--no-such-thing")
    assert done.exit_code == 2
    assert "usage: tradebot logs" in done.stderr


def test_explain_answers_in_every_form() -> None:
    assert "Not enough cash" in logs("explain", "insufficient_cash").stdout
    (one,) = json.loads(logs("explain", "exit", "75", "--output", "json").stdout)
    assert (one["word"], one["what"]) == ("75", "exit code")
    lines = logs("explain", "-", "--output", "jsonl", input="failure_reason=deadline").stdout
    assert [json.loads(line)["word"] for line in lines.splitlines()] == ["deadline"]


def test_explain_of_an_unknown_word_is_1_and_names_near_ones() -> None:
    done = logs("explain", "insuficient_cash")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "near ones are insufficient_cash" in done.stderr


def test_explain_repeats_neither_a_secret_nor_what_a_terminal_would_obey() -> None:
    done = logs(
        "explain", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jV\x1b[31m"
    )
    assert done.exit_code == 1
    assert "dozjgNry" not in done.output
    assert "\x1b" not in done.output


def test_the_format_for_lnav_is_printed_installed_and_removed(tmp_path: Path) -> None:
    printed = logs("lnav")
    assert printed.exit_code == 0
    assert "tradebot_log" in json.loads(printed.stdout)
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "XDG_CONFIG_HOME": None}
    assert logs("lnav", "--install", **home).exit_code == 0
    (installed,) = tmp_path.rglob("tradebot_log.json")
    assert json.loads(installed.read_text()) == json.loads(printed.stdout)
    assert logs("lnav", "--uninstall", **home).exit_code == 0
    assert not installed.exists()
    assert logs("lnav", "--uninstall", **home).exit_code == 1


def test_a_format_that_cannot_be_installed_is_2_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".lnav").mkdir()
    (tmp_path / ".lnav" / "formats").write_text("in the way")
    done = logs("lnav", "--install", HOME=str(tmp_path), USERPROFILE=str(tmp_path))
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize(
    "word", ["no_outcome_logged", "no outcome logged", "not_told_yet", "no_end", "not_in_journal"]
)
def test_explain_knows_what_the_commands_themselves_answer(word: str) -> None:
    done = logs("explain", *word.split())
    assert done.exit_code == 0
    assert "answer of logs" in done.stdout
