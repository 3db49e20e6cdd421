"""Every kind of fault: when it happens, to which requests, what can be said about it.

docs/simulator.md has this as a table (`python -m tradebot.simulator.fault_table --write`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias

Stage: TypeAlias = Literal["before", "inside", "after"]
Params: TypeAlias = Mapping[str, Any]

ORDERS = "/trade/v2/orders"
PRECHECK = "/trade/v2/orders/precheck"
PRICES = "/trade/v1/infoprices*"
OPEN_ORDERS = "/port/v1/orders*"
AUDIT = "/cs/v1/audit/orderactivities"

NUMBER = (int, float)
JSON = (str, dict, list)
OUTCOMES = ("filled", "working", "rejected", "never")
PLACES = ("", "top", "ErrorInfo", "Orders")


class BadFault(ValueError):
    """A fault that cannot be meant; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a kind. `types` are those of JSON; a bool is never a number here."""

    name: str
    default: Any
    meaning: str
    types: tuple[type, ...] = ()
    choices: tuple[str, ...] = ()

    def problem(self, value: object) -> str | None:
        """What is wrong with a value, or None."""
        if self.choices:
            words = ", ".join(repr(word) for word in self.choices)
            return (
                None if value in self.choices else f"{self.name} is {value!r}, not one of {words}"
            )
        types = self.types or (type(self.default),)
        if (isinstance(value, bool) and bool not in types) or not isinstance(value, types):
            names = " or ".join(JSON_NAMES[kind] for kind in types)
            return f"{self.name} is {value!r}, not {names}"
        if NUMBER[0] in types and isinstance(value, int | float) and value < self.least:
            return f"{self.name} is {value!r}, not {self.least} or more"
        return None

    @property
    def least(self) -> float:
        return float("-inf") if self.name in ("seconds_off", "by") else 0


JSON_NAMES = {
    str: "a text", int: "a whole number", float: "a number", bool: "true or false",
    dict: "an object", list: "a list",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `mixed` are the parameters it has in a mix by default; none: it is not in one."""

    name: str
    stage: Stage
    meaning: str
    params: tuple[Param, ...] = ()
    mixed: tuple[Params, ...] = ()
    endpoint: str = "*"
    method: str = "*"

    def happens_at(self, method: str, path: str) -> bool:
        """Can it happen to this request at all?"""
        return self.method in ("*", method) and fnmatchcase(path, self.endpoint)

    def filled(self, params: Params) -> dict[str, Any]:
        """`params` with the defaults of those that were not given."""
        return {**{param.name: param.default for param in self.params}, **params}

    def check(self, params: Mapping[str, object]) -> None:
        """Raises BadFault for a parameter of another type, or one that this kind does not have."""
        own = {param.name: param for param in self.params}
        for name, value in params.items():
            if name not in own:
                raise BadFault(unknown(f"parameter of {self.name}", name, list(own)))
            if problem := own[name].problem(value):
                raise BadFault(problem)


def unknown(what: str, word: object, known: Sequence[str]) -> str:
    """A message about a word that is not one of the known ones."""
    if not known:
        return f"{word!r} is no {what}: it has none"
    near = get_close_matches(str(word), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    return f"{word!r} is no {what}; {hint}"


RESET = Param("reset", False, "break the connection off (RST) instead of closing it")
CODE = Param("code", "OtherError", "ErrorCode")
AFTER_SECONDS = Param("after_seconds", 0, "what happens to the order happens so much later", NUMBER)
OUTCOME = Param("outcome", "filled", "what becomes of the order", choices=OUTCOMES)
ORDER_ID = Param("order_id", True, "is the OrderId in the answer?")
UICS = Param("uics", [], "only the instruments with these ids; all if empty")
REFERENCES = Param("references", ["*"], "only orders whose reference matches one of these patterns")


def _message(text: str) -> Param:
    return Param("message", text, "Message; an empty one is left out")


EXHAUSTED = {
    "X-RateLimit-SessionOrders-Limit": "1",
    "X-RateLimit-SessionOrders-Remaining": "0",
    "X-RateLimit-SessionOrders-Reset": "1",
}

_BEFORE = (
    Kind(
        "status", "before", "answers with this status instead of processing the request",
        (
            Param("status", 503, "HTTP status"),
            Param("body", "", "a text, or an object or list that is sent as JSON", JSON),
            Param("content_type", "application/json; charset=utf-8", "Content-Type"),
            Param("headers", {}, "more headers"),
        ),
        ({"status": 500}, {"status": 502}, {"status": 503}, {"status": 504},
         {"status": 429, "headers": EXHAUSTED}),
    ),
    Kind(
        "empty", "before", "answers with an empty body instead of processing",
        (Param("status", 200, "HTTP status"),), ({},),
    ),
    Kind(
        "html", "before", "answers with a page that is not the API's, as a proxy in front does",
        (Param("status", 503, "HTTP status"),), ({"status": 503}, {"status": 403}),
    ),
    Kind(
        "drop_before", "before", "closes the connection without processing", (RESET,),
        ({}, {"reset": True}),
    ),
    Kind(
        "delay", "before", "waits, then processes", (Param("seconds", 1, "how long", NUMBER),),
        ({"seconds": 0.05},),
    ),
    Kind(
        "session_lost", "before", "ends every login, then processes: 401 until the next refresh",
        (Param("refresh_tokens", False, "are the refresh tokens dead, too?"),), ({},),
    ),
)  # fmt: skip
_AFTER = (
    Kind(
        "drop_after", "after", "processes, then closes the connection without an answer",
        (RESET,), ({}, {"reset": True}),
    ),
    Kind(
        "status_after", "after", "processes, then answers with an error",
        (
            Param("status", 500, "HTTP status"),
            Param("body", "", "a text, or an object or list that is sent as JSON", JSON),
        ),
        ({"status": 500}, {"status": 502}, {"status": 504}),
    ),
    Kind(
        "truncate", "after", "processes, sends a part of the body and closes",
        (Param("bytes", None, "how many; half of them if absent", (int,)),), ({},),
    ),
    Kind(
        "delay_after", "after", "processes, then waits before it answers",
        (Param("seconds", 1, "how long", NUMBER),), ({"seconds": 0.05},),
    ),
    Kind(
        "drip", "after", "processes, then sends the body byte by byte",
        (
            Param("seconds", 0.1, "the pause after each byte", NUMBER),
            Param("headers", False, "the headers as well?"),
        ),
    ),
    Kind(
        "oversize", "after", "processes, and fills the body up with blanks: JSON still, but huge",
        (Param("bytes", 33554432, "how many blanks"),),
    ),
    Kind(
        "wrong_length", "after", "processes, announces another length than it sends, and closes",
        (Param("by", 10, "so many bytes more, or less if below 0"),),
    ),
    Kind(
        "no_length", "after", "processes, and ends the body by closing; with `truncate` nothing"
        " shows that it was cut", (), ({},),
    ),
    Kind(
        "chunked", "after", "processes, and sends the body in chunks; with `truncate` without"
        " the last one", (Param("bytes", 64, "the size of a chunk"),), ({},),
    ),
    Kind("bad_gzip", "after", "processes, and cuts the packed body without a trace", (), ({},)),
    Kind(
        "date_off", "after", "processes, and answers with another time in the Date header",
        (Param("seconds_off", 45, "how far off; behind if below 0", NUMBER),),
    ),
)  # fmt: skip
_PLACEMENT = (
    Kind(
        "trade_not_completed", "inside", "202: the order may exist, or come to exist",
        (OUTCOME, AFTER_SECONDS, ORDER_ID),
        (
            {"outcome": "filled"}, {"outcome": "filled", "after_seconds": 3},
            {"outcome": "working"}, {"outcome": "rejected"},
            {"outcome": "rejected", "after_seconds": 3}, {"outcome": "never"},
            {"outcome": "never", "order_id": False}, {"outcome": "filled", "order_id": False},
        ),
    ),
    Kind(
        "rejected_later", "inside", "200, then an audit row Placed/Rejected", (AFTER_SECONDS,),
        ({}, {"after_seconds": 3}),
    ),
    Kind(
        "error_with_order_id", "inside", "an error with the OrderId of an order that is live",
        (Param("status", 400, "HTTP status"), CODE, _message("The order could not be completed"),
         OUTCOME, AFTER_SECONDS, ORDER_ID),
        ({}, {"status": 200}, {"code": "OrderCommandTimeout"},
         {"code": "OrderCommandPending", "order_id": False, "after_seconds": 3}),
    ),
    Kind(
        "refuse", "inside", "ErrorInfo, a Placed/Rejected in the audit log, and no order",
        (CODE, _message("Order refused"), Param("status", 400, "HTTP status")),
        ({"code": "MarketClosed"}, {"code": "InsufficientCash"}, {"code": "TooFarFromMarket"}),
    ),
    Kind(
        "partial_fill", "inside", "a part fills, the rest works until the next bar",
        (Param("fraction", 0.5, "which part", NUMBER),), ({}, {"fraction": 0.1}),
    ),
    Kind("never_fill", "inside", "the order works and does not fill by itself", (), ({},)),
    Kind(
        "audit_only", "inside", "the order is absent from the open orders, only in the audit log",
        (Param("after_seconds", 0, "at first it is there, then it vanishes", NUMBER),),
        ({}, {"after_seconds": 2}),
    ),
    Kind(
        "orders_delay", "inside", "the order is among the open orders only later",
        (Param("seconds", 5, "how much later", NUMBER),), ({}, {"seconds": 2}),
    ),
    Kind(
        "audit_delay", "inside", "the order's audit rows become visible later",
        (Param("seconds", 5, "how much later", NUMBER),), ({}, {"seconds": 20}),
    ),
)  # fmt: skip
_PRECHECK = (
    Kind(
        "precheck_error_info", "inside", "PreCheckResult Ok together with ErrorInfo",
        (Param("code", "InsufficientCash", "ErrorCode"), _message("Insufficient cash for trade")),
        ({},),
    ),
    Kind(
        "precheck_error", "inside", "PreCheckResult Error with ErrorInfo",
        (CODE, _message("The order cannot be placed")),
        ({"code": "MarketClosed"}, {"code": "OtherError"}),
    ),
)  # fmt: skip
_DISCLAIMERS = Kind(
    "disclaimers",
    "inside",
    "the order needs disclaimers",
    (
        Param(
            "disclaimers",
            [{"title": "Exchange trading rules"}],
            "each with `title`, `body`, `blocking`, `recurring`, `checkbox` (its label), `input`"
            " (the sentence to type)",
        ),
        Param("code", "DisclaimersRequired", "ErrorCode; the real one is not documented"),
        Param("status", 400, "HTTP status of the placement"),
        Param(
            "where",
            "",
            "where they stand; if empty, precheck: top, placement: ErrorInfo",
            choices=PLACES,
        ),
        Param("precheck_result", "Ok", "PreCheckResult"),
    ),
    (
        {},
        {"disclaimers": [{"title": "Before each order", "recurring": True}]},
        {"disclaimers": [{"title": "Not for you", "blocking": True}]},
        {"disclaimers": [{"title": "Tick this", "checkbox": "I have read it"}]},
    ),
    endpoint=ORDERS + "*",
    method="POST",
)
_READS = (
    Kind(
        "missing_uics", "inside", "price lists leave instruments out", (UICS,), ({},),
        PRICES, "GET",
    ),
    Kind(
        "no_access", "inside", "quotes without prices, type NoAccess", (UICS,), ({},),
        PRICES, "GET",
    ),
    Kind(
        "pending", "inside", "quotes without prices, type Pending", (UICS,), ({},), PRICES, "GET",
    ),
    Kind(
        "missing_orders", "inside", "the list of open orders leaves orders out", (REFERENCES,),
        ({},), OPEN_ORDERS, "GET",
    ),
    Kind(
        "missing_activities", "inside", "the audit log leaves orders out", (REFERENCES,), (),
        AUDIT, "GET",
    ),
)  # fmt: skip


def _at(kinds: Sequence[Kind], endpoint: str) -> list[Kind]:
    """These kinds, for POST requests to one endpoint."""
    return [Kind(k.name, k.stage, k.meaning, k.params, k.mixed, endpoint, "POST") for k in kinds]


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *_BEFORE,
        *_AFTER,
        *_at(_PLACEMENT, ORDERS),
        *_at(_PRECHECK, PRECHECK),
        _DISCLAIMERS,
        *_READS,
    )
}
IN_A_MIX = tuple(name for name, kind in KINDS.items() if kind.mixed)


def kind_of(name: object) -> Kind:
    """The kind of this name. Raises BadFault."""
    if not isinstance(name, str) or name not in KINDS:
        raise BadFault(unknown("kind of fault", name, sorted(KINDS)))
    return KINDS[name]
