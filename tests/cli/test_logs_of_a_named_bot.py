"""`tradebot logs --env-file`: the log of the bot that was named, or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.trace_desk import order_lines, write
from tradebot.cli import main

COMMANDS = ["show", "orders", "runs", "summary", "lint"]


def logs(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["logs", *arguments], env=environment)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_not_there_is_no_reason_to_read_another_bots_log(
    tmp_path: Path, command: str
) -> None:
    write(tmp_path / "bot.log", order_lines("17T07:12:03"))
    done = logs(command, "--env-file", str(tmp_path / "none.env"), LOG_DIR=str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{tmp_path / 'none.env'}: there is no such file" in done.stderr


@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="root may read everything")
def test_nor_is_one_that_may_not_be_read(tmp_path: Path) -> None:
    write(tmp_path / "bot.log", order_lines("17T07:12:03"))
    named = tmp_path / "other.env"
    named.touch(mode=0o000)
    done = logs("show", "--env-file", str(named), LOG_DIR=str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{named}: cannot be read" in done.stderr


def test_one_with_faults_still_says_where_the_log_is(tmp_path: Path) -> None:
    write(tmp_path / "bot.log", order_lines("17T07:12:03"))
    named = tmp_path / "other.env"
    named.write_text(f"LOG_DIR={tmp_path}\nLOG_LEVEL=loud\n")
    assert logs("show", "--env-file", str(named)).exit_code == 0
