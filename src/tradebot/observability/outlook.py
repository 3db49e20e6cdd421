"""What a line is made with: all that was worked out for one context and one set of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradebot.observability.assembly import Assembler
from tradebot.observability.plans import Plan, make_plan

_REMEMBERED_PLANS = 1024


class Outlook:
    """What was worked out for one context and the secrets known by then. A line is made with one
    of these and nothing else, so nothing in it can be from before a secret was known."""

    __slots__ = ("base", "context", "correlation", "correlation_values", "plans", "writers")

    def __init__(self, assembler: Assembler, context: Mapping[str, object]) -> None:
        self.writers = assembler.writers
        self.context = context
        self.base = assembler.pairs(context, self.writers)
        self.correlation = assembler.correlation(context)
        self.correlation_values = assembler.correlation_values(context)
        self.plans: dict[tuple[object, ...], Plan] = {}

    def new_plan(
        self,
        assembler: Assembler,
        shape: tuple[Any, ...],
        values: Mapping[str, object],
        fields: Mapping[str, object],
    ) -> Plan:
        """The plan of a shape that was not seen before. Raises Unusual where there is none."""
        plan = make_plan(assembler, self.writers, shape[0], shape[1], values, fields)
        if len(self.plans) >= _REMEMBERED_PLANS:
            self.plans.clear()
        self.plans[shape] = plan
        return plan
