"""Scheduled runs at a bench, and what `tradebot schedule missed` says of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from click.testing import Result

from support.bench import Bench
from support.orders_desk import Person
from tradebot.scheduling.slots import slot_start

SINCE = "2026-03-03T00:00Z"
STEP = timedelta(minutes=5)


def scheduled(bench: Bench, *, dry_run: bool = False, **settings: str) -> None:
    """A run of the slot that it is now; then it is five minutes later."""
    slot = slot_start(bench.clock.now(), 300)
    bench.cycle(slot=slot, dry_run=dry_run, **settings)
    go_to(bench, slot + STEP)


def go_to(bench: Bench, moment: datetime) -> None:
    bench.clock.advance((moment - bench.clock.now()).total_seconds())


def asks(person: Person, *more: str, **environment: str) -> Result:
    return person.types("schedule", "missed", "--since", SINCE, *more, **environment)


def document(person: Person, *more: str, **environment: str) -> Any:
    return json.loads(asks(person, "--output", "json", *more, **environment).stdout)


def stretches(person: Person, *more: str, **environment: str) -> list[tuple[str, str, int]]:
    """When each stretch begins, what it is, and how many slots."""
    found = document(person, *more, **environment)["stretches"]
    return [(one["from"][11:16], one["what"], one["slots"]) for one in found]
