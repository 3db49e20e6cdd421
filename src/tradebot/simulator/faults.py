"""Single faults: what goes wrong, for which requests, how often.

A fault is a kind (`fault_kinds`), a matcher (`matcher`), how many matching requests to let pass
first (`skip`), how often to fire (`count`, "always" or null for no end) and with which
`probability`. The draw is a hash of the fault's own seed and its counter, so that it comes out the
same again however requests interleave. A request that is turned away at the door (401, 409, 429)
uses up no single fault beyond those that come before processing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from tradebot.simulator.fault_kinds import KINDS, BadFault, Kind, kind_of
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
from tradebot.simulator.state import State

__all__ = ["AFTER", "BEFORE", "INSIDE", "KINDS", "BadFault", "Fault", "Faults", "Fired", "parse"]

Fired: TypeAlias = dict[str, dict[str, Any]]
"""What happens to a request: parameters by kind."""

BEFORE = tuple(name for name, kind in KINDS.items() if kind.stage == "before")
INSIDE = tuple(name for name, kind in KINDS.items() if kind.stage == "inside")
AFTER = tuple(name for name, kind in KINDS.items() if kind.stage == "after")
ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, as it was asked for."""

    kind: str
    matcher: Matcher
    count: int | None
    skip: int
    probability: float
    seed: str
    params: dict[str, Any]


def parse(body: Mapping[str, Any], *, strict: bool = False) -> Fault:
    """A fault from the JSON of a request, or from an entry in a file. Raises BadFault.

    When `strict`, parameters that the kind does not have, and endpoints where it cannot happen, are
    refused, else ignored.
    """
    only("fault", body, ("kind", *FIELDS, "count", "skip", "probability", "seed", "params"))
    kind = kind_of(body.get("kind"))
    matcher = parse_matcher(body, endpoint=kind.endpoint, method=kind.method)
    if strict:
        check_place(kind, matcher)
    return Fault(
        kind=kind.name,
        matcher=matcher,
        count=_count(body.get("count", 1)),
        skip=_whole("skip", body.get("skip", 0)),
        probability=probability_of(body, 1),
        seed=str(body.get("seed", 0)),
        params=params_of(kind, body, strict=strict),
    )


def params_of(kind: Kind, body: Mapping[str, Any], *, strict: bool = True) -> dict[str, Any]:
    """The field `params` of a fault or of a step. Raises BadFault."""
    params = body.get("params", {})
    if not isinstance(params, dict):
        raise BadFault(f"params is {params!r}, not an object")
    own = {param.name for param in kind.params}
    kind.check(params if strict else {k: v for k, v in params.items() if k in own})
    return params


def _count(value: object) -> int | None:
    return None if value in (None, ALWAYS) else _whole("count", value)


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        more = f', or "{ALWAYS}"' if name == "count" else ""
        raise BadFault(f"{name} is {value!r}; it must be a whole number from 0 up{more}")
    return value


class Faults:
    """The single faults that are switched on."""

    def __init__(self, state: State, now: Callable[[], float]) -> None:
        self._state = state
        self._now = now

    def add(self, fault: Fault) -> int:
        """Switch one on; its number."""
        with self._state.transaction():
            self._state.insert(
                "faults",
                kind=fault.kind,
                **fault.matcher.columns(self._now()),
                remaining=fault.count,
                skip=fault.skip,
                probability=fault.probability,
                seed=fault.seed,
                params=json.dumps(fault.params),
            )
            return int(self._state.one("SELECT max(fault_id) FROM faults")[0])

    def remove(self, fault_id: int | None = None) -> int:
        """Switch one off, or all; how many there were."""
        with self._state.transaction():
            if fault_id is None:
                return self._state.run("DELETE FROM faults")
            return self._state.run("DELETE FROM faults WHERE fault_id = ?", (fault_id,))

    def list(self) -> list[dict[str, Any]]:
        """All of them, with how often each matched and fired."""
        return [
            {
                "id": row["fault_id"],
                "kind": row["kind"],
                **shown(row, self._now()),
                "remaining": row["remaining"],
                "skip": row["skip"],
                "probability": row["probability"],
                "seed": row["seed"],
                "params": json.loads(row["params"]),
                "matched": row["matched"],
                "fired": row["fired"],
            }
            for row in self._state.all("SELECT * FROM faults ORDER BY fault_id")
        ]

    def draw(self, kinds: Collection[str], method: str, path: str, reference: str | None) -> Fired:
        """The faults of these kinds that fire for this request; the first of a kind wins.

        Counts are used up here, so call it inside the request's transaction.
        """
        fired: Fired = {}
        for row in self._state.all(
            "SELECT * FROM faults WHERE remaining IS NULL OR remaining > 0 ORDER BY fault_id"
        ):
            kind = row["kind"]
            if kind not in kinds or kind in fired:
                continue
            if not applies(row, method, path, reference, self._now()):
                continue
            number = row["matched"]
            fires = number >= row["skip"] and (
                Random(f"{row['seed']}/{number}").random() < row["probability"]
            )
            self._state.run(
                "UPDATE faults SET matched = matched + 1, fired = fired + ?,"
                " remaining = remaining - ? WHERE fault_id = ?",
                (int(fires), int(fires), row["fault_id"]),
            )
            if fires:
                fired[kind] = json.loads(row["params"])
        return fired
