"""Killed anywhere in any scene, the bot recovers: no second order, no intent without an outcome.

Each scene is killed at each kind of call it makes: in one of several places, in one of three ways,
going round from scene to scene. `make torture` does it at every single call.
"""

from __future__ import annotations

import pytest

from support.torture.scenes import SCENES
from support.torture.torturer import Torturer, some_points


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SCENES)
def test_every_kind_of_call_in_every_scene(torturer: Torturer, name: str) -> None:
    scene = SCENES[name]
    points = list(some_points(scene, torturer.calls(scene), turn=list(SCENES).index(name)))
    results = [torturer.carry_out(point) for point in points]
    assert not [str(result) for result in results if result.found]
    killed = [result for result in results if result.kills]
    assert len(killed) >= len(results) - 1, "the calls of a run are not what they were"
