"""Faults: what goes wrong, for which requests, how often.

A fault is a row: a kind, a matcher (endpoint as a shell pattern over the path below the OpenAPI
base, method, external reference), how many matching requests to let pass first (`skip`), how often
to fire (`count`, null for always) and with which `probability`. The draw is a hash of the fault's
own seed and its counter, so that a seeded mix does the same again however requests interleave. A
request that is turned away at the door (401, 409, 429) uses up no fault beyond those that come
before processing.

Faults on the wire (any endpoint)
    status           instead of processing: `status` (503), `body`, `content_type`, `headers`
    empty            instead of processing: `status` (200) with an empty body
    html             instead of processing: `status` (503) with an HTML page
    drop_before      close the connection without processing
    delay            wait `seconds` (1) first, then process
    drop_after       process, then close without an answer
    status_after     process, then answer `status` (500) with `body`
    truncate         process, then send only half of the body (or `bytes`) and close
    delay_after      process, then wait `seconds` (1) before answering
Faults of the broker
    trade_not_completed   placement: 202; `outcome` is filled (default), working, rejected or never
    rejected_later        placement: 200, then an audit row Placed/Rejected; `code`, `message`
    error_with_order_id   placement: 400 with the OrderId of an order that is live
    refuse                placement: 400 ErrorInfo; `code` (OtherError), `message`
    partial_fill          placement: `fraction` (0.5) fills, the rest works on
    never_fill            placement: the order works and does not fill by itself
    audit_only            placement: the order is absent from the open orders, only in the audit log
    audit_delay           placement: its audit rows become visible after `seconds` (5)
    precheck_error_info   precheck: Ok together with ErrorInfo; `code` (InsufficientCash)
    precheck_error        precheck: Error with ErrorInfo; `code` (OtherError)
    disclaimers           precheck and placement: `disclaimers` is a list of {blocking, recurring,
                          checkbox, input, title}; default one that is simply accepted
    missing_uics          price lists leave out `uics` (default: all asked for)
    no_access             quotes without prices, type NoAccess; `uics` as above
    pending               quotes without prices, type Pending; `uics` as above
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from tradebot.simulator.state import State

ORDERS = "/trade/v2/orders"
PRECHECK = "/trade/v2/orders/precheck"
PRICES = "/trade/v1/infoprices*"
BEFORE = ("status", "empty", "html", "drop_before", "delay")
AFTER = ("drop_after", "status_after", "truncate", "delay_after")
AT_PLACEMENT = (
    "trade_not_completed", "rejected_later", "error_with_order_id", "refuse", "partial_fill",
    "never_fill", "audit_only", "audit_delay",
)  # fmt: skip
KINDS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(BEFORE + AFTER, ("*", "*")),
    **dict.fromkeys(AT_PLACEMENT, (ORDERS, "POST")),
    **dict.fromkeys(("precheck_error_info", "precheck_error"), (PRECHECK, "POST")),
    **dict.fromkeys(("missing_uics", "no_access", "pending"), (PRICES, "GET")),
    "disclaimers": (ORDERS + "*", "POST"),
}
"""Every kind, with the endpoint and method it matches unless told otherwise."""
INSIDE = tuple(kind for kind in KINDS if kind not in BEFORE + AFTER)


class BadFault(ValueError):
    """A fault that cannot be meant; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row, as it was asked for."""

    kind: str
    endpoint: str
    method: str
    reference: str | None
    count: int | None
    skip: int
    probability: float
    seed: str
    params: dict[str, Any]


def parse(body: dict[str, Any]) -> Fault:
    """A fault from the JSON of a request. Raises BadFault."""
    known = {
        "kind", "endpoint", "method", "reference", "count", "skip", "probability", "seed", "params",
    }  # fmt: skip
    if unknown := sorted(set(body) - known):
        raise BadFault(f"unknown: {', '.join(unknown)}; a fault has {', '.join(sorted(known))}")
    kind = body.get("kind")
    if kind not in KINDS:
        raise BadFault(f"kind is {kind!r}; it must be one of {', '.join(sorted(KINDS))}")
    endpoint, method = KINDS[kind]
    params = body.get("params", {})
    if not isinstance(params, dict):
        raise BadFault("params must be an object")
    try:
        fault = Fault(
            kind=kind,
            endpoint=str(body.get("endpoint", endpoint)),
            method=str(body.get("method", method)).upper(),
            reference=body.get("reference"),
            count=None if body.get("count", 1) is None else int(body.get("count", 1)),
            skip=int(body.get("skip", 0)),
            probability=float(body.get("probability", 1)),
            seed=str(body.get("seed", 0)),
            params=params,
        )
    except (TypeError, ValueError):
        raise BadFault(
            "count and skip must be whole numbers, probability a number from 0 to 1"
        ) from None
    if not 0 <= fault.probability <= 1:
        raise BadFault("probability must be a number from 0 to 1")
    return fault


class Faults:
    """The faults that are switched on."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, fault: Fault) -> int:
        """Switch one on; its number."""
        with self._state.transaction():
            self._state.insert(
                "faults",
                kind=fault.kind,
                endpoint=fault.endpoint,
                method=fault.method,
                reference=fault.reference,
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
                "endpoint": row["endpoint"],
                "method": row["method"],
                "reference": row["reference"],
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

    def draw(
        self, kinds: tuple[str, ...], method: str, path: str, reference: str | None
    ) -> dict[str, dict[str, Any]]:
        """The faults of these kinds that fire for this request; the first of a kind wins.

        Counts are used up here, so call it inside the request's transaction.
        """
        fired: dict[str, dict[str, Any]] = {}
        for row in self._state.all(
            "SELECT * FROM faults WHERE remaining IS NULL OR remaining > 0 ORDER BY fault_id"
        ):
            kind = row["kind"]
            if kind not in kinds or kind in fired or not _applies(row, method, path, reference):
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


def _applies(row: Any, method: str, path: str, reference: str | None) -> bool:
    if row["method"] not in ("*", method) or not fnmatchcase(path, row["endpoint"]):
        return False
    wanted = row["reference"]
    return wanted is None or (reference is not None and fnmatchcase(reference, wanted))
