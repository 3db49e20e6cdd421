"""`tradebot config`, and what every command of `tradebot` has in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tradebot import __version__
from tradebot.cli import CommandFolder, main
from tradebot.errors import (
    LockBusy,
    LoginError,
    SettingsError,
    StorageError,
    TradebotError,
    UsageError,
)

SECRET = "planted-secret-0123456789"


def tradebot(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="tradebot", env=environ)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "my.env"
    path.write_text("INSTANCE=paper\nSCHEDULE_CADENCE=1m\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def test_check_says_that_all_is_well_and_what_would_happen(env_file: Path) -> None:
    done = tradebot("config", "check", "--env-file", str(env_file))
    assert done.exit_code == 0
    assert done.stdout == "the settings are fine: SAXO_ENV=LOCAL, orders are sent\n"
    assert done.stderr == f"read: the environment and {env_file}\n"
    dry = tradebot("config", "check", "--env-file", str(env_file), DRY_RUN="yes")
    assert dry.stdout.endswith("dry run\n")


def test_check_finds_every_problem_and_exits_with_1(env_file: Path) -> None:
    done = tradebot(
        *("config", "check", "--env-file", str(env_file)),
        LOG_LEVEL="x",
        STRATEGY_NAME="sma_crs",
        SAXO_APP_SECRET=SECRET,
        SCHEDULE_CADENSE="5m",
    )
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert [line.split(" ")[:2] for line in lines] == [
        ["warning:", "SCHEDULE_CADENSE"],
        ["problem:", "LOG_LEVEL"],
        ["problem:", "SAXO_ENV"],
        ["problem:", "STRATEGY_NAME:"],
    ]
    assert SECRET not in done.stdout + done.stderr


def test_check_refuses_what_only_a_shell_would_understand(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"export SAXO_APP_KEY={SECRET}\n", encoding="utf-8")
    done = tradebot("config", "check", "--env-file", str(path))
    assert done.exit_code == 1
    assert "problem: .env line 1: leave out `export`" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_show_tells_values_and_origins(env_file: Path) -> None:
    done = tradebot("config", "show", "--env-file", str(env_file), LOG_LEVEL="debug")
    rows = [line.split(None, 2) for line in done.stdout.splitlines()]
    assert ["INSTANCE", ".env", "paper"] in rows
    assert ["LOG_LEVEL", "environment", "DEBUG"] in rows
    assert ["SAXO_ENV", "default", "LOCAL"] in rows
    assert ["SAXO_APP_KEY", "default", "(not set)"] in rows
    assert done.exit_code == 0


def test_show_as_json_masks_secrets_even_when_there_are_problems(env_file: Path) -> None:
    done = tradebot(
        *("config", "show", "--output", "json", "--env-file", str(env_file)),
        SAXO_APP_KEY=SECRET,
        STRATEGY_PARAMS_JSON=json.dumps({"api_token": SECRET}),
    )
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    rows = {row["name"]: row for row in document["settings"]}
    assert rows["SAXO_APP_KEY"] == {
        "name": "SAXO_APP_KEY",
        "value": "***",
        "origin": "environment",
        "secret": True,
    }
    assert document["env_file"] == str(env_file)
    assert document["problems"][0].startswith("SAXO_ENV is not set")
    assert f"problem: {document['problems'][0]}" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_a_file_that_does_not_exist_is_wrong_use() -> None:
    done = tradebot("config", "check", "--env-file", "/no/such/file")
    assert done.exit_code == 2
    assert "/no/such/file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["confg"], "there is no command 'confg'. Did you mean 'config'?"),
        (["zzz"], "there is no command 'zzz'.\n"),
        (["config", "chek"], "No such command 'chek'"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_use_exits_with_2_and_says_why(arguments: list[str], said: str) -> None:
    done = tradebot(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_version_and_help() -> None:
    assert __version__ in tradebot("--version").stdout
    done = tradebot("--help")
    assert done.exit_code == 0
    assert "Check and show the settings." in done.stdout


def test_a_command_that_is_not_there_is_not_listed() -> None:
    context = click.Context(main)
    assert isinstance(main, CommandFolder)
    assert "config" in main.list_commands(context)
    assert main.get_command(context, "no_such_module") is None


@pytest.mark.skipif(os.name == "nt", reason="pipes break differently there")
@pytest.mark.parametrize("arguments", [["--help"], ["config", "show"], ["config", "check"]])
def test_a_closed_pipe_ends_it_quietly(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-u", "-c", "from tradebot.cli import main; main()", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writing)
        error = process.communicate()[1]
    assert process.returncode == 141
    assert "Traceback" not in error
    assert "BrokenPipe" not in error


@pytest.mark.skipif(os.name == "nt", reason="pipes break differently there")
def test_a_pipe_closed_before_the_last_flush_ends_it_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code = (
        "import sys\nfrom tradebot.cli import main\n"
        "main.callback = None\n"
        "main.invoke = lambda ctx: sys.stdout.write('buffered')\n"
        "main(['config'])"
    )
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stdout=writing, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(writing)
        error = process.communicate()[1]
    assert (process.returncode, error) == (141, "")


def run_with(error: BaseException | int) -> tuple[int, str]:
    """The exit code and stderr of a command that ends this way."""

    @click.command()
    def failing() -> int:
        if isinstance(error, int):
            return error
        raise error

    class Folder(CommandFolder):
        def list_commands(self, ctx: click.Context) -> list[str]:
            return ["failing"]

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return failing

    result = CliRunner().invoke(Folder("tradebot"), ["failing"])
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("say when"), 2, "tradebot: say when\n"),
        (SettingsError(["A: one", "B: two"]), 2, "tradebot: A: one\ntradebot: B: two\n"),
        (StorageError("no journal"), 2, "tradebot: no journal\n"),
        (LoginError("log in"), 77, "tradebot: log in\n"),
        (LockBusy("busy"), 75, "tradebot: busy\n"),
        (TradebotError("odd"), 70, "tradebot: odd\n"),
        (KeyboardInterrupt(), 130, ""),
        (click.UsageError("no"), 2, "Error: no\n"),
        (1, 1, ""),
        (0, 0, ""),
    ],
)
def test_an_error_is_one_message_and_an_exit_code(
    error: BaseException | int, code: int, said: str
) -> None:
    exit_code, stderr = run_with(error)
    assert exit_code == code
    assert stderr.endswith(said)
    assert "Traceback" not in stderr


def test_a_bug_shows_its_traceback_without_secrets() -> None:
    exit_code, stderr = run_with(ValueError(f"password={SECRET}"))
    assert exit_code == 70
    assert "Traceback" in stderr
    assert "this is a bug" in stderr
    assert SECRET not in stderr


def test_without_standalone_mode_errors_reach_the_caller() -> None:
    with pytest.raises(click.UsageError):
        main(["zzz"], standalone_mode=False)
