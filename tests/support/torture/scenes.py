"""What a run can be killed in the midst of: each scene is a stage made ready, and the run to kill.

Most begin after a dry run, which has logged in and filled the caches, so that the run to kill is
about the order and little else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.torture.stage import ETF, MSFT, ONE_RUN, Stage

Fault = tuple[str, Mapping[str, Any]]

_TRIES = 3
ORDERS = "/trade/v2/orders"
TURN = {"STRATEGY_NAME": "support.torture.strategies:Turn"}
LATE = {"seconds": 45}
"""Within the grace time, in which absence proves nothing."""
AT_ORDERS = {"endpoint": ORDERS, "method": "POST"}


def nothing(stage: Stage) -> None:
    """A folder that no run has seen."""


def ready(stage: Stage) -> None:
    """Logged in, with caches, and nothing traded."""
    _run(stage, "--single-cycle", "--dry-run")


def holding(stage: Stage) -> None:
    """Bought, and a day later."""
    _run(stage)
    stage.simulator.advance()


def refresh_due(stage: Stage) -> None:
    """More than half of the token's life is over."""
    ready(stage)
    stage.move(700)


def died(hook: str, *, later: float) -> Callable[[Stage], None]:
    """A run was killed there, so many seconds ago."""

    def prepare(stage: Stage) -> None:
        ready(stage)
        ended = stage.run(hooks=[hook])
        if not ended.killed:
            raise AssertionError(f"the hook {hook} does not kill: {ended}")
        stage.move(later)

    return prepare


def _run(stage: Stage, *arguments: str) -> None:
    """Again where the machine stood still for so long that the bot saw two clocks apart."""
    for _ in range(_TRIES):
        ended = stage.run(*arguments)
        if ended.exit_code == 0:
            return
    raise AssertionError(f"the scene cannot be prepared: {ended}")


@dataclass(frozen=True, slots=True)
class Scene:
    """`prepare`, then `faults`, then the run that is killed: `arguments`, `environment`."""

    name: str
    prepare: Callable[[Stage], None] = ready
    faults: tuple[Fault, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: TURN)
    arguments: tuple[str, ...] = ONE_RUN
    hooks: tuple[str, ...] = ()
    """Changes to the program, for every run of the scene but those that prepare it."""
    impatient: bool = False
    """Is a run started right after the last death, before any time has passed?"""
    deaths: int = 1
    """How many runs in a row are killed before one may recover."""


def _faulty(name: str, kind: str, **more: Any) -> Scene:
    return Scene(name, faults=((kind, more),))


def _incomplete(outcome: str) -> Scene:
    return _faulty(f"incomplete_{outcome}", "trade_not_completed", params={"outcome": outcome})


def _recovering(name: str, hook: str, *, later: float = 90.0) -> Scene:
    return Scene(f"recovering_{name}", prepare=died(hook, later=later), deaths=2)


_SIMPLE = {**TURN, "DISCLAIMER_POLICY": "accept_simple"}
_TWO = {**TURN, "WATCHLIST_JSON": json.dumps([MSFT, ETF])}
_SLOTS = {**TURN, "SCHEDULE_CADENCE": "15m"}

SCENES: Mapping[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene("first_purchase", prepare=nothing, environment={}),
        Scene("sale", prepare=holding),
        Scene("several_orders", environment=_TWO),
        Scene("scheduled", environment=_SLOTS, arguments=("--single-cycle", "--scheduled")),
        Scene("refresh", prepare=refresh_due),
        *(_incomplete(outcome) for outcome in ("filled", "working", "rejected", "never")),
        _faulty("answer_lost", "drop_after", **AT_ORDERS),
        _faulty("order_lost", "drop_before", **AT_ORDERS),
        _faulty("server_error", "status_after", **AT_ORDERS),
        _faulty("answer_cut", "truncate", **AT_ORDERS),
        _faulty("error_with_order", "error_with_order_id"),
        _faulty("rejected_later", "rejected_later"),
        _faulty("seen_late", "audit_delay", params=LATE),
        Scene(
            "seen_nowhere_at_first",
            faults=(("audit_only", {}), ("audit_delay", {"params": LATE})),
            impatient=True,
        ),
        _faulty("seen_in_audit_only", "audit_only"),
        _faulty("partly_filled", "partial_fill"),
        _faulty("market_closed", "refuse", params={"code": "MarketClosed"}),
        _faulty("too_many_requests", "status", params={"status": 429}, **AT_ORDERS),
        _faulty("token_refused", "status", params={"status": 401}, **AT_ORDERS),
        Scene("disclaimer", faults=(("disclaimers", {"count": None}),), environment=_SIMPLE),
        Scene(
            "disclaimer_at_placement",
            faults=(("disclaimers", {"count": None, "endpoint": ORDERS}),),
            environment=_SIMPLE,
        ),
        _recovering("unsent", "dies_before_the_precheck"),
        _recovering("sent", "dies_after_the_order"),
        _recovering("absent", "dies_before_the_order"),
        _recovering("untold", "dies_before_the_verdict_is_told"),
    )
}
"""By name."""
