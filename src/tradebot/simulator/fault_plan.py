"""All that is switched on, as one request meets it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tradebot.simulator.broker import Broker
from tradebot.simulator.fault_kinds import KINDS
from tradebot.simulator.faults import Fired


@dataclass(slots=True)
class FaultPlan:
    """The faults of one request. Make it, and ask it, inside the request's transactions.

    Sequences and mixes decide at the beginning, for every stage; single faults are drawn stage by
    stage and go first.
    """

    broker: Broker
    method: str
    path: str
    pattern: str
    reference: str | None
    _planned: Fired = field(init=False)

    def __post_init__(self) -> None:
        mixed = self.broker.mixes.draw(self.method, self.path, self.pattern, self.reference)
        self._planned = {
            **mixed,
            **self.broker.sequences.draw(self.method, self.path, self.reference),
        }

    def stage(self, kinds: Collection[str]) -> Fired:
        """What happens at the stage with these kinds, with every parameter that they have.

        Uses up the single faults' counts.
        """
        planned = {kind: params for kind, params in self._planned.items() if kind in kinds}
        drawn = self.broker.faults.draw(kinds, self.method, self.path, self.reference)
        return {kind: KINDS[kind].filled(params) for kind, params in {**planned, **drawn}.items()}
