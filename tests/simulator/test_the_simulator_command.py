"""`tradebot simulator`: serving, looking and resetting from a shell."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
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


LOST = "fault 1: drop_after POST /trade/v2/orders: fired 0, 1 left"


def test_a_scenario_goes_into_the_state_that_a_bot_will_use(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    result = invoke("scenario", "lost_answer", "--state", path)
    assert result.return_value == 0
    assert result.stdout.splitlines() == [
        'title="The answer is lost after the order was taken"',
        LOST,
    ]
    assert result.stderr == f"state {path}\n"
    with Simulator(path) as sim, SimulatorClient(sim) as api:
        assert sim.is_new, "nobody has seen the first bar yet"
        with pytest.raises(ConnectionResetError):
            api.place(ExternalReference="r")
    with Simulator(path) as sim:
        assert not sim.is_new
    shown = json.loads(invoke("scenario", "--state", path, "--output", "json").stdout)
    assert (shown["faults"][0]["fired"], shown["state"]) == (1, str(path))


def test_a_scenario_in_a_state_that_was_there_leaves_its_market_alone(state: Path) -> None:
    assert invoke("scenario", "bad_day", "--state", state).return_value == 0
    with Simulator(state) as sim:
        assert not sim.is_new


def test_the_first_bar_is_seen_again_after_a_reset(state: Path) -> None:
    invoke("reset", "--state", state)
    with Simulator(state) as sim:
        assert sim.is_new


def test_what_is_switched_on_is_shown_and_cleared(tmp_path: Path) -> None:
    file, path = tmp_path / "mine.toml", tmp_path / "s.db"
    file.write_text(
        """
        options = { max_uics = 3 }
        fault = [
            { kind = "html", count = "always", reference = "a-*", lasts_seconds = 0 },
            { kind = "empty", starts_in_seconds = 7000, lasts_seconds = 90 },
        ]
        sequence = [{ endpoint = "/cs/*", steps = ["pass", "html"] }]
        mix = [{ seed = 3, probability = 0.5 }]
        """
    )
    invoke("scenario", file, "--state", path)
    result = invoke("scenario", "--state", path)
    assert result.return_value == 0
    one, two, three, four, five = result.stdout.splitlines()
    assert one == "option max_uics=3"
    assert two == "fault 1: html * * reference a-* over: fired 0, no end"
    assert re.fullmatch(r"fault 2: empty \* \* from (7000|6\d\d\d) s on for 7\d\d\d s: .*", three)
    assert four == "sequence 1: * /cs/*: 0 of 2 steps used"
    assert five == "mix 1: seed 3, probability 0.5, * *: 0 requests, fired: nothing yet"
    cleared = invoke("scenario", "--clear", "--state", path)
    assert (cleared.return_value, cleared.stdout) == (0, "")
    nothing = invoke("scenario", "--state", path)
    assert (nothing.return_value, nothing.stdout) == (1, "")
    assert "nothing is switched on; shipped are: bad_day, " in nothing.stderr


def test_a_scenario_that_cannot_be_used(tmp_path: Path) -> None:
    path, bad = tmp_path / "s.db", tmp_path / "bad.toml"
    bad.write_text('[[fault]]\nkind = "drop_aftr"\n[[mix]]\nseed = 1')
    for arguments in (("scenario", str(bad)), ("serve", "--scenario", str(bad), "--port", "0")):
        result = subprocess.run(
            [sys.executable, "-c", RUN, "simulator", *arguments, "--state", str(path)],
            capture_output=True,
            text=True,
        )
        assert (result.returncode, result.stdout) == (2, "")
        first, second = result.stderr.splitlines()
        assert first.startswith(f"tradebot: {bad}: fault 1: 'drop_aftr' is no kind of fault; did")
        assert second.startswith(f"{bad}: mix 1: probability is None")
    assert not path.exists()
    with pytest.raises(click.UsageError):
        invoke("scenario", "bad_day", "--clear", "--state", path)
    assert invoke("scenario", "--clear", "--state", path).return_value == 1, "there is no state"


def test_serving_with_a_scenario(tmp_path: Path) -> None:
    with serve(tmp_path / "s.db", "--port", "0", "--scenario", "maintenance") as process:
        base = environment_of(process)["SAXO_REST_BASE"]
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{base}/port/v1/users/me")
        with caught.value as answer:
            assert (answer.code, answer.headers["Retry-After"]) == (503, "600")
        process.terminate()
        process.communicate()
