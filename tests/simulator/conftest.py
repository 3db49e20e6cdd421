"""A running simulator without quotas on a clock that stands still, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 7, 20, 14, 9, 5, tzinfo=UTC))


@pytest.fixture
def sim(tmp_path: Path, clock: ManualClock) -> Iterator[Simulator]:
    options = SimulatorOptions(clock=clock, rate_limits=RateLimits(enabled=False))
    with Simulator(tmp_path / "simulator.db", options=options) as simulator:
        yield simulator


@pytest.fixture
def api(sim: Simulator) -> Iterator[SimulatorClient]:
    with SimulatorClient(sim) as client:
        yield client
