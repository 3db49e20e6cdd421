"""Exchange rates made by a seeded random walk: no freely licensed daily history ships with us.

Nothing here is real. The walk is pulled gently back to its starting level, so that it stays in a
believable range over twelve years, and turns often enough for a strategy to have something to do.
Only `Random.random()` is used: its sequence for a given seed is guaranteed not to change between
Python versions, so the same bars come out on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import NamedTuple


class Row(NamedTuple):
    """One day's prices; `volume` is in thousands, 0 where nothing is traded on an exchange."""

    open: float
    high: float
    low: float
    close: float
    volume: int


class Walk(NamedTuple):
    """What defines one synthetic rate: its seed, starting level and daily volatility."""

    seed: str
    level: float
    volatility: float = 0.0055
    pull: float = 0.004


WALKS = {
    "eurusd": Walk("EURUSD of the simulator", 1.2500),
    "gbpusd": Walk("GBPUSD of the simulator", 1.6000),
}


def _shock(random: Random) -> float:
    """Nearly normal, with mean 0 and deviation 1: the sum of three uniforms."""
    return (random.random() + random.random() + random.random() - 1.5) * 2.0


def walk(parameters: Walk, days: int) -> Iterator[Row]:
    """The first `days` bars of a rate, each opening where the last one closed."""
    random = Random(parameters.seed)
    anchor = math.log(parameters.level)
    level = anchor
    close = round(parameters.level, 5)
    for _ in range(days):
        opened = close
        level += parameters.volatility * _shock(random) - parameters.pull * (level - anchor)
        close = round(math.exp(level), 5)
        reach = parameters.volatility * close / 2
        high = round(max(opened, close) + reach * random.random(), 5)
        low = round(min(opened, close) - reach * random.random(), 5)
        yield Row(opened, high, low, close, 0)
