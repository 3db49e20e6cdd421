"""Mixes: seeded chance. Each matching request has one fault with the given probability.

Which one is a hash of the seed, the endpoint and the number of requests that this endpoint has had:
the same seed makes the same decisions for the same requests, also when those of other endpoints
come in another order. Without `kinds` it is every kind that a real broker could do and that waits
neither long nor for ever (docs/simulator.md: "in a mix").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tradebot.simulator.fault_kinds import IN_A_MIX, KINDS, BadFault
from tradebot.simulator.faults import Fired
from tradebot.simulator.matcher import (
    FIELDS,
    Matcher,
    applies,
    check_place,
    only,
    parse_matcher,
    probability_of,
    shown,
)
from tradebot.simulator.sequences import Step, parse_step
from tradebot.simulator.state import State


@dataclass(frozen=True, slots=True)
class Mix:
    """One mix, as it was asked for; `choices` are the kinds with each of their parameters."""

    matcher: Matcher
    seed: str
    probability: float
    choices: tuple[Step, ...]


def parse(body: Mapping[str, Any]) -> Mix:
    """A mix from the JSON of a request, or from an entry in a file. Raises BadFault."""
    only("mix", body, (*FIELDS, "seed", "probability", "kinds"))
    matcher = parse_matcher(body)
    if "seed" not in body:
        raise BadFault("seed is missing: any number or word; it decides what happens when")
    kinds = body.get("kinds", list(IN_A_MIX))
    if not isinstance(kinds, list) or not kinds:
        raise BadFault('kinds must be a list such as ["drop_after", "trade_not_completed"]')
    choices: list[Step] = []
    for wanted in kinds:
        kind, params = parse_step(wanted)
        if "kinds" in body:
            check_place(kind, matcher)
        variants = [params] if params else [dict(v) for v in kind.mixed] or [{}]
        choices += [(kind.name, variant) for variant in variants]
    return Mix(matcher, str(body["seed"]), probability_of(body), tuple(choices))


class Mixes:
    """The mixes that are switched on."""

    def __init__(self, state: State, now: Callable[[], float]) -> None:
        self._state = state
        self._now = now

    def add(self, mix: Mix) -> int:
        """Switch one on; its number."""
        with self._state.transaction():
            self._state.insert(
                "mixes",
                **mix.matcher.columns(self._now()),
                seed=mix.seed,
                probability=mix.probability,
                choices=json.dumps(mix.choices),
            )
            return int(self._state.one("SELECT max(mix_id) FROM mixes")[0])

    def remove(self, mix_id: int | None = None) -> int:
        """Switch one off, or all; how many there were."""
        with self._state.transaction():
            if mix_id is None:
                return self._state.run("DELETE FROM mixes")
            return self._state.run("DELETE FROM mixes WHERE mix_id = ?", (mix_id,))

    def list(self) -> list[dict[str, Any]]:
        """All of them, with how many requests they saw and what fired how often."""
        return [
            {
                "id": row["mix_id"],
                **shown(row, self._now()),
                "seed": row["seed"],
                "probability": row["probability"],
                "kinds": list(dict.fromkeys(kind for kind, _ in json.loads(row["choices"]))),
                "matched": sum(json.loads(row["seen"]).values()),
                "fired": json.loads(row["fired"]),
            }
            for row in self._state.all("SELECT * FROM mixes ORDER BY mix_id")
        ]

    def draw(self, method: str, path: str, pattern: str, reference: str | None) -> Fired:
        """What the mixes have for this request; call it once, inside its transaction.

        `pattern` is the endpoint that `path` belongs to.
        """
        fired: Fired = {}
        for row in self._state.all("SELECT * FROM mixes ORDER BY mix_id"):
            if not applies(row, method, path, reference, self._now()):
                continue
            seen, counts = json.loads(row["seen"]), json.loads(row["fired"])
            where = f"{method} {pattern}"
            chosen = _choose(row, f"{where} {seen.get(where, 0)}", method, path)
            seen[where] = seen.get(where, 0) + 1
            if chosen is not None:
                kind, params = chosen
                fired.setdefault(kind, params)
                counts[kind] = counts.get(kind, 0) + 1
            self._state.run(
                "UPDATE mixes SET seen = ?, fired = ? WHERE mix_id = ?",
                (json.dumps(seen), json.dumps(counts), row["mix_id"]),
            )
        return fired


def _choose(row: Mapping[str, Any], which: str, method: str, path: str) -> Step | None:
    chance = Random(f"{row['seed']}/{which}")
    if chance.random() >= row["probability"]:
        return None
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for kind, params in json.loads(row["choices"]):
        if KINDS[kind].happens_at(method, path):
            by_kind.setdefault(kind, []).append(params)
    if not by_kind:
        return None
    kind = chance.choice(sorted(by_kind))  # each kind alike, however many forms it has
    return kind, chance.choice(by_kind[kind])
