"""Killed one to three times in a row at random calls, under random faults, it still recovers."""

from __future__ import annotations

import pytest

from support.torture.torturer import Torturer

SEED = 1
TOGETHER = 25
"""Points in one test; tests are spread over processes."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, 200, TOGETHER))
def test_random_kills_under_random_faults(torturer: Torturer, first: int) -> None:
    results = [
        torturer.carry_out(torturer.random_point(SEED, index))
        for index in range(first, first + TOGETHER)
    ]
    assert not [str(result) for result in results if result.found]
    assert sum(result.kills for result in results) >= TOGETHER
