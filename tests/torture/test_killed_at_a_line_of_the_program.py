"""Killed where the program knows most about an order and the broker or the log does not yet.

The calls around these lines are killed elsewhere by their numbers; here each place has a name.
"""

from __future__ import annotations

import pytest

from support.torture.judge import find_breaches
from support.torture.plan import LOG, KillPlan
from support.torture.scenes import SCENES
from support.torture.stage import Stage
from support.torture.torturer import LATER_SECONDS, Torturer, point_of


def recover(stage: Stage) -> None:
    stage.move(LATER_SECONDS)
    for _ in range(2):
        assert stage.run().exit_code == 0


@pytest.mark.parametrize(
    ("line", "orders"),
    [
        ("dies_before_the_precheck", 1),  # by the second attempt
        ("dies_before_the_order", 0),  # it may have been sent: never again
        ("dies_after_the_order", 1),
        ("dies_before_the_verdict_is_told", 1),
    ],
)
def test_the_next_run_knows_what_became_of_the_order(stage: Stage, line: str, orders: int) -> None:
    assert stage.run(hooks=[line]).killed
    recover(stage)
    assert find_breaches(stage) == []
    assert len(stage.simulator.broker.state.all("SELECT * FROM orders")) == orders


def test_an_order_that_is_visible_nowhere_yet_is_waited_for(stage: Stage) -> None:
    for kind, more in SCENES["seen_nowhere_at_first"].faults:
        stage.fault(kind, **more)
    assert stage.run(hooks=["dies_after_the_order"]).killed
    assert stage.run().exit_code == 3
    assert stage.lines("execution_completed")[-1]["execution_outcome"] == "RECONCILIATION_NEEDED"
    recover(stage)
    assert find_breaches(stage) == []


@pytest.mark.timeout(300)
def test_before_each_line_of_a_purchase(torturer: Torturer) -> None:
    scene = SCENES["answer_lost"]
    lines = torturer.calls(scene).kinds.count(LOG)
    assert lines > 15
    points = [point_of(scene, KillPlan(LOG, line, "before")) for line in range(1, lines + 1)]
    results = [torturer.carry_out(point) for point in points]
    assert not [str(result) for result in results if result.found]
    assert sum(result.kills for result in results) >= lines - 1
