"""From an order that nobody knows about to a bot that trades again: real programs, real time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.program import environment, log_text, run, run_bot
from tradebot.cli.simulator import environment as bot_environment
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions, faults

pty = pytest.importorskip("pty", reason="a terminal for a program to read from: POSIX only")
TRADEBOT = [sys.executable, "-c", "from tradebot.cli import main; main()"]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
    with Simulator(tmp_path / "broker.db", options=options) as simulator:
        yield simulator


def at_a_terminal(answer: str, folder: Path, *words: str, **more: str) -> tuple[int, str]:
    """A command whose standard input is a terminal: its exit code and what it said."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode())
        done = subprocess.run(
            [*TRADEBOT, *words],
            env=environment(folder, **more),
            cwd=folder,
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, done.stderr


def test_an_order_that_was_never_placed_is_resolved_and_the_bot_trades_on(
    tmp_path: Path, simulator: Simulator
) -> None:
    settings = dict(bot_environment(simulator))
    drop = {"kind": "drop_before", "endpoint": "/trade/v2/orders", "method": "POST"}
    simulator.broker.faults.add(faults.parse(drop))
    assert run_bot(tmp_path, "--single-cycle", **settings).returncode == 3

    listed = run([*TRADEBOT, "orders", "list", "--open", "--output", "json"], tmp_path, **settings)
    assert listed.returncode == 0
    [waiting] = json.loads(listed.stdout)["intents"]
    assert (waiting["state"], waiting["symbol"]) == ("sent", "MSFT:xnas")
    reference = waiting["external_reference"]

    resolve = ("orders", "resolve", reference, "--not-placed")
    patient = {**settings, "RECONCILE_GRACE_SECONDS": "1"}
    code, said = at_a_terminal("n\n", tmp_path, *resolve, **patient)
    assert code == 1, said
    assert "nothing was changed" in said
    resolved = run([*TRADEBOT, *resolve], tmp_path, **patient)
    assert resolved.returncode == 0, resolved.stderr
    assert f"external_reference={reference}" in resolved_line(tmp_path)

    simulator.advance(6)
    assert run_bot(tmp_path, "--single-cycle", **settings).returncode == 0
    after = run([*TRADEBOT, "orders", "list", "--output", "json"], tmp_path, **settings)
    outcomes = [intent["execution_outcome"] for intent in json.loads(after.stdout)["intents"]]
    assert outcomes == ["FAILED", "SUCCESS"], "it trades other things"
    [order] = simulator.broker.state.all("SELECT reference FROM orders")
    assert order["reference"] != reference
    checked = run([*TRADEBOT, "orders", "check"], tmp_path, **settings)
    assert checked.returncode == 0, checked.stdout
    lint = run([*TRADEBOT, "logs", "lint"], tmp_path)
    assert lint.returncode == 0, lint.stdout


def resolved_line(folder: Path) -> str:
    [line] = [
        text for text in log_text(folder).splitlines() if "| execution_resolved_by_hand |" in text
    ]
    return line


def test_looking_does_not_move_the_embedded_market(tmp_path: Path) -> None:
    assert run_bot(tmp_path, "--single-cycle").returncode == 0
    state = tmp_path / "state" / "default" / "LOCAL" / "simulator.db"
    with Simulator(state) as simulator:
        before = simulator.market_date
    for words in (["check"], ["accept-position", "Stock:10001"]):
        done = run([*TRADEBOT, "orders", *words], tmp_path)
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr
    with Simulator(state) as simulator:
        assert simulator.market_date == before
