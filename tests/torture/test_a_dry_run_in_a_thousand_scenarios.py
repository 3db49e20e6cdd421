"""Whatever the broker does, the strategy wishes and the settings allow: a dry run sends no order.

Each scenario is made from its number alone: faults, settings, a strategy's mood, what an earlier
live run left behind. What reached the broker is counted by the broker. In a part of them the code
that decides about orders has forgotten that it is a dry run: the transport has not.
"""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

import pytest

from support.bench import Bench
from tradebot import cycle_setup
from tradebot.cycle_setup import policy_of
from tradebot.errors import ExitCode
from tradebot.execution.account import ExecutionPolicy
from tradebot.model import Action, Signal
from tradebot.settings import Settings
from tradebot.simulator import faults
from tradebot.simulator.counters import requests

SCENARIOS = 1000
AT_A_TIME = 125
HARMLESS = {("POST", "/token"), ("POST", "/trade/v2/orders/precheck")}
SETTINGS: dict[str, tuple[str, ...]] = {
    "DISCLAIMER_POLICY": ("block", "accept_simple"),
    "ORDER_TYPE": ("market", "marketable_limit"),
    "MAX_TRADES_PER_DAY": ("0", "1", "50"),
    "MAX_POSITION_VALUE": ("0", "100", "1000000"),
    "MAX_CONSECUTIVE_FAILURES": ("0", "1"),
    "RECONCILE_GRACE_SECONDS": ("1", "60"),
    "TRADING_HOURS_MODE": ("always", "always", "instrument"),
}
KINDS = sorted(faults.KINDS)
STATUSES = (200, 202, 301, 400, 401, 403, 404, 409, 418, 429, 500, 503)
BODIES = ("", "{}", "[]", "null", '{"OrderId": "1"}', "<html>", '{"ErrorInfo": {}}', "\x00")


class Moody:
    """A strategy that wants whatever its dice say, of every instrument."""

    name, version, horizon_minutes, bars_needed = "moody", "1.0", 1440, 1

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def decide(self, view: Any) -> Signal:
        return Signal(self._dice.choice(list(Action)[:3]), "mood")


def random_fault(dice: random.Random) -> dict[str, Any]:
    kind = dice.choice(KINDS)
    fault: dict[str, Any] = {
        "kind": kind,
        "count": dice.choice((1, 2, None)),
        "skip": dice.randrange(4),
        "probability": dice.choice((0.3, 1.0)),
        "seed": dice.randrange(1000),
    }
    if kind in {*faults.BEFORE, *faults.AFTER}:
        fault["endpoint"] = dice.choice(("*", "/trade/*", "/port/*", "/cs/*", "/token", "/dm/*"))
    names = {param.name for param in faults.KINDS[kind].params}
    values = {"status": dice.choice(STATUSES), "body": dice.choice(BODIES), "seconds": 0}
    fault["params"] = {name: value for name, value in values.items() if name in names}
    return fault


def forgetful(settings: Settings) -> ExecutionPolicy:
    """What the operator allows, as somebody sees it who overlooked the dry run."""
    return dataclasses.replace(policy_of(settings), dry_run=False)


def changes(bench: Bench) -> dict[tuple[str, str], int]:
    """How many requests the broker received that could change something, by kind."""
    counted: dict[tuple[str, str], int] = {}
    for row in requests(bench.simulator.broker.state):
        kind = (row["method"], row["endpoint"])
        if row["method"] != "GET" and kind not in HARMLESS:
            counted[kind] = counted.get(kind, 0) + row["count"]
    return counted


def play(bench: Bench, number: int) -> ExitCode:
    """One scenario, and what the dry run ended with. Sent orders fail the test."""
    dice = random.Random(number)
    bench.clear_faults()
    for _ in range(dice.randrange(4)):
        bench.fault(**random_fault(dice))
    bench.strategy = Moody(dice)
    bench.environment = {name: dice.choice(choices) for name, choices in SETTINGS.items()}
    bench.environment["INSTANCE"] = f"after-{number // 5 * 5}"  # a few scenarios share a history
    if dice.random() < 0.5:
        bench.simulator.broker.state.run("DELETE FROM positions")
    if dice.random() < 0.1:
        bench.cycle()  # a live run leaves orders, open questions, positions
    before = changes(bench)
    with pytest.MonkeyPatch.context() as patch:
        if dice.random() < 0.3:
            patch.setattr(cycle_setup, "policy_of", forgetful)
        report = bench.cycle(dry_run=True)
    assert changes(bench) == before, f"scenario {number}"
    bench.clock.advance(dice.choice((5, 60, 3700)))
    if dice.random() < 0.5:
        bench.simulator.advance()
    return report.exit_code


@pytest.mark.parametrize("first", range(0, SCENARIOS, AT_A_TIME))
def test_no_request_that_changes_anything_reaches_the_broker(tmp_path: Path, first: int) -> None:
    prechecks = 0
    codes = set()
    with Bench(tmp_path) as bench:
        for number in range(first, first + AT_A_TIME):
            codes.add(play(bench, number))
        for row in requests(bench.simulator.broker.state, "POST", "/trade/v2/orders/precheck"):
            prechecks += row["count"]
    assert ExitCode.OK in codes
    assert ExitCode.SOFTWARE in codes  # the guard was reached, and held
    assert prechecks > AT_A_TIME / 4  # it did come close, again and again
