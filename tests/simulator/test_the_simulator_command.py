"""`tradebot simulator`: serving, looking and resetting from a shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from support.simulator_client import SimulatorClient
from tradebot.cli.simulator import command
from tradebot.errors import StorageError
from tradebot.simulator import Simulator

RUN = "from tradebot.cli import main; main()"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(
        command, [str(a) for a in arguments], standalone_mode=False, catch_exceptions=False
    )


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state in which something has happened."""
    path = tmp_path / "s.db"
    with Simulator(path) as sim, SimulatorClient(sim) as api:
        api.placed()
        sim.advance(2)
    return path


def test_status(state: Path) -> None:
    result = invoke("status", "--state", state)
    assert result.return_value == 0
    lines = result.stdout.splitlines()
    assert "market_date=2012-07-24" in lines
    assert "at_end=false" in lines
    assert "positions=1" in lines
    found = json.loads(invoke("status", "--state", state, "--output", "json").stdout)
    assert (found["cursor"], found["state"]) == (1651, str(state))


def test_status_of_nothing(tmp_path: Path) -> None:
    for verb in ("status", "reset"):
        result = invoke(verb, "--state", tmp_path / "none.db")
        assert result.return_value == 1
        assert result.stdout == ""
        assert "nothing has run yet" in result.stderr
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_state(tmp_path: Path) -> None:
    bad = tmp_path / "bad.db"
    bad.write_text("nothing of the kind, but long enough to be looked at" * 30)
    with pytest.raises(StorageError):
        invoke("status", "--state", bad)
    with pytest.raises(click.BadParameter):
        invoke("status", "--state", tmp_path)


def test_reset(state: Path) -> None:
    result = invoke("reset", "--state", state, "--balance", 500)
    assert result.return_value == 0
    assert result.stdout == "market_date=2012-07-20\n"
    assert str(state) in result.stderr
    with Simulator(state) as sim, SimulatorClient(sim) as api:
        assert api.balance()["CashBalance"] == 500
    assert invoke("reset", "--state", state).return_value == 0


def test_the_default_state_is_the_bots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("INSTANCE", "blue")
    assert str(tmp_path / "blue" / "LOCAL" / "simulator.db") in invoke("status").stderr


def serve(state: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "simulator", "serve", "--state", str(state), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def environment_of(process: subprocess.Popen[str]) -> dict[str, str]:
    """The six variables that serve prints."""
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(6)]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_until_stopped(tmp_path: Path, number: signal.Signals) -> None:
    with serve(tmp_path / "s.db", "--port", "0", "--bar-seconds", "0.05") as process:
        found = environment_of(process)
        assert found["SAXO_ENV"] == "LOCAL"
        base = found["SAXO_AUTH_BASE"]
        assert found["SAXO_REST_BASE"] == f"{base}/sim/openapi"
        cursor = 1649
        while cursor < 1652:  # the market moves by itself
            with urllib.request.urlopen(f"{base}/simulator/state") as answer:
                cursor = json.load(answer)["cursor"]
        process.send_signal(number)
        _, notes = process.communicate()
        assert process.returncode == 0
        assert "Traceback" not in notes
        assert "market date 2012-07-20" in notes


def test_serving_past_the_end(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Simulator(path) as sim:
        sim.broker.state.set("cursor", sim.broker.market.last)
    with serve(path, "--port", "0", "--bar-seconds", "0.01") as process:
        environment_of(process)
        assert process.stderr is not None
        assert "serving" in process.stderr.readline()
        assert "reset" in process.stderr.readline()
        process.terminate()
        process.communicate()
        assert process.returncode == 0


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with Simulator(tmp_path / "a.db") as sim:
        with serve(tmp_path / "b.db", "--port", str(sim.port)) as process:
            _, notes = process.communicate()
        assert process.returncode == 2
        assert "choose another --port" in notes
