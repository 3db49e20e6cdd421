"""Sequences: what happens to the first, the second, the third … of the requests of one matcher.

Each matching request uses up one step, at its very beginning: so the sequence stays in step
whatever stage the step's fault belongs to and however the request ends. A step is "pass", the name
of a kind, or `{"kind": …, "params": {…}}`. After the last step nothing happens any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tradebot.simulator.fault_kinds import BadFault, Kind, kind_of
from tradebot.simulator.faults import Fired, params_of
from tradebot.simulator.matcher import (
    FIELDS,
    Matcher,
    applies,
    check_place,
    only,
    parse_matcher,
    shown,
)
from tradebot.simulator.state import State

PASS = "pass"  # noqa: S105  (a step without a fault)
Step: TypeAlias = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence, as it was asked for; a step that lets its request pass has the kind "pass"."""

    matcher: Matcher
    steps: tuple[Step, ...]


def parse(body: Mapping[str, Any]) -> Sequence:
    """A sequence from the JSON of a request, or from an entry in a file. Raises BadFault."""
    only("sequence", body, (*FIELDS, "steps"))
    matcher = parse_matcher(body)
    steps = body.get("steps")
    if not isinstance(steps, list) or not steps:
        raise BadFault('steps is missing: a list such as ["pass", "drop_after"]')
    found: list[Step] = []
    for number, step in enumerate(steps, 1):
        try:
            found.append(_step(step, matcher))
        except BadFault as problem:
            raise BadFault(f"step {number}: {problem}") from None
    return Sequence(matcher, tuple(found))


def _step(step: object, matcher: Matcher) -> Step:
    if step == PASS:
        return PASS, {}
    kind, params = parse_step(step)
    check_place(kind, matcher)
    return kind.name, params


def parse_step(step: object) -> tuple[Kind, dict[str, Any]]:
    """A kind's name, or an object with `kind` and `params`. Raises BadFault."""
    if not isinstance(step, dict):
        return kind_of(step), {}
    only("step", step, ("kind", "params"))
    kind = kind_of(step.get("kind"))
    return kind, params_of(kind, step)


class Sequences:
    """The sequences that are switched on."""

    def __init__(self, state: State, now: Callable[[], float]) -> None:
        self._state = state
        self._now = now

    def add(self, sequence: Sequence) -> int:
        """Switch one on; its number."""
        with self._state.transaction():
            self._state.insert(
                "sequences",
                **sequence.matcher.columns(self._now()),
                steps=json.dumps(sequence.steps),
            )
            return int(self._state.one("SELECT max(sequence_id) FROM sequences")[0])

    def remove(self, sequence_id: int | None = None) -> int:
        """Switch one off, or all; how many there were."""
        with self._state.transaction():
            if sequence_id is None:
                return self._state.run("DELETE FROM sequences")
            return self._state.run("DELETE FROM sequences WHERE sequence_id = ?", (sequence_id,))

    def list(self) -> list[dict[str, Any]]:
        """All of them, with how many steps are used up."""
        return [
            {
                "id": row["sequence_id"],
                **shown(row, self._now()),
                "steps": [
                    {"kind": kind, "params": params} if params else kind
                    for kind, params in json.loads(row["steps"])
                ],
                "used": row["used"],
            }
            for row in self._state.all("SELECT * FROM sequences ORDER BY sequence_id")
        ]

    def draw(self, method: str, path: str, reference: str | None) -> Fired:
        """What the sequences have for this request; call it once, inside its transaction."""
        fired: Fired = {}
        for row in self._state.all("SELECT * FROM sequences ORDER BY sequence_id"):
            steps = json.loads(row["steps"])
            if row["used"] >= len(steps) or not applies(row, method, path, reference, self._now()):
                continue
            self._state.run(
                "UPDATE sequences SET used = used + 1 WHERE sequence_id = ?",
                (row["sequence_id"],),
            )
            kind, params = steps[row["used"]]
            if kind != PASS:
                fired.setdefault(kind, params)
        return fired
