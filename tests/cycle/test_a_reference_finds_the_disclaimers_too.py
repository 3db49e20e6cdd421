"""A plain search for an order's reference tells what became of the broker's disclaimers."""

from __future__ import annotations

import pytest

from support.bench import Bench
from tradebot.settings.variables import BY_NAME

PRECHECK = "/trade/v2/orders/precheck"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (
            "accept_simple",
            [
                "execution_precheck_begin",
                "execution_disclaimer_required",
                "execution_disclaimer_resolved",
                "execution_precheck_passed",
            ],
        ),
        (
            "block",
            [
                "execution_precheck_begin",
                "execution_disclaimer_required",
                "execution_disclaimer_blocked",
                "execution_precheck_failed",
            ],
        ),
    ],
)
def test_required_and_then_resolved_or_blocked(bench: Bench, policy: str, told: list[str]) -> None:
    assert BY_NAME["DISCLAIMER_POLICY"].default == "block"
    bench.fault(
        "disclaimers",
        count=None,
        endpoint=PRECHECK,
        params={"disclaimers": [{"title": "Exchange rules"}]},
    )
    reference = bench.cycle(DISCLAIMER_POLICY=policy).executions[0].intent.external_reference
    text = (bench.folder / "logs" / "bot.log").read_text(encoding="utf-8")
    found = [line.split(" | ")[3] for line in text.splitlines() if reference in line]
    found = [event for event in found if event != "http_request"]
    assert found[0] == "execution_intent_created"
    assert found[1:5] == told
    assert found[-1] == "execution_completed"
