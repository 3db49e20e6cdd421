"""A process stands still for an hour somewhere on the way to its order, and then goes on.

A laptop's lid, a paused virtual machine, a debugger: an old decision is not sent.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.torture.judge import find_breaches
from support.torture.plan import ORDER, RECEIVE, SEND, KillPlan
from support.torture.stage import Stage
from support.torture.zygote import Ended, Zygote

AN_HOUR = 3600.0
LAST_CALLS = 14
"""From before the journal's *sent* to the connection that the order is to take."""


def frozen_run(stage: Stage, plan: KillPlan, seconds: float) -> Ended:
    running = stage.start(plan=plan)
    assert running.wait_until_stopped()
    stage.move(seconds)
    running.resume()
    return running.wait()


@pytest.mark.timeout(300)
def test_at_each_call_on_the_last_stretch_before_the_order(tmp_path: Path, zygote: Zygote) -> None:
    with Stage(tmp_path / "measured", zygote) as stage:
        calls = stage.run().calls
        order = calls.number_of(ORDER)
        assert calls.kinds[order - 2] == SEND  # the call before is that of the connection
    for number in range(order - LAST_CALLS, order):
        with Stage(tmp_path / str(number), zygote) as stage:
            ended = frozen_run(stage, KillPlan("", number, "stop"), AN_HOUR)
            assert ended.calls.kinds[:number] == calls.kinds[:number]
            assert stage.simulator.broker.state.one("SELECT count(*) FROM orders")[0] == 0, number
            assert ended.exit_code == 124
            [line] = stage.lines("execution_completed")
            assert (line["execution_outcome"], line["failure_reason"]) == ("FAILED", "deadline")
            # Nothing was sent, so the decision is made again by a run that is awake.
            assert stage.run().exit_code == 0
            assert find_breaches(stage) == []


@pytest.mark.timeout(300)
def test_frozen_once_the_order_has_left_it_is_looked_for_and_not_sent_again(
    tmp_path: Path, zygote: Zygote
) -> None:
    with Stage(tmp_path / "measured", zygote) as stage:
        calls = stage.run().calls
    order = calls.number_of(ORDER)
    answer = calls.kinds.index(RECEIVE, order) + 1
    for number in (order + 1, answer, answer + 1, answer + 2):
        with Stage(tmp_path / str(number), zygote) as stage:
            frozen_run(stage, KillPlan("", number, "stop"), AN_HOUR)
            for _ in range(2):
                stage.move(AN_HOUR)
                assert stage.run().exit_code == 0
            assert stage.simulator.broker.state.one("SELECT count(*) FROM orders")[0] == 1, number
            assert find_breaches(stage) == []


@pytest.mark.timeout(300)
def test_meanwhile_no_other_run_begins(stage: Stage) -> None:
    number = stage.run(DRY_RUN="true").calls.number_of(SEND)
    running = stage.start(plan=KillPlan("", number, "stop"))
    assert running.wait_until_stopped()
    stage.move(AN_HOUR)
    assert stage.run().exit_code == 75
    running.resume()
    running.wait()
    assert find_breaches(stage) == []
