"""A request and a reply, without anything about sockets or about brokers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from tradebot.simulator.wire import Wire

JsonObject: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Request:
    """One HTTP request; header names are in lower case, the path is still percent-encoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    path: str = field(init=False)
    query: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.path, _, query = self.target.partition("?")
        self.query = parse_qs(query, keep_blank_values=True) if query else {}

    def value(self, name: str, default: str = "") -> str:
        """The first value of a query parameter; its name is matched without regard to case."""
        found = self.values(name)
        return found[0] if found else default

    def values(self, name: str) -> list[str]:
        wanted = name.lower()
        return [v for key, values in self.query.items() if key.lower() == wanted for v in values]

    def names(self, name: str) -> set[str]:
        """A parameter that is a list: repeated, separated by commas, or both."""
        return {part for value in self.values(name) for part in value.split(",") if part}


@dataclass(slots=True)
class Reply:
    """What goes back; `wire` is what a fault does to it on the way."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    wire: Wire = field(default_factory=Wire)


def json_reply(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value, separators=(",", ":")).encode())


def empty(status: int) -> Reply:
    return Reply(status)


def error(
    status: int, code: str, message: str, model_state: Mapping[str, Sequence[str]] | None = None
) -> Reply:
    """Saxo's plain error body (learn/openapi-request-response)."""
    body: JsonObject = {"ErrorCode": code, "Message": message}
    if model_state:
        body["ModelState"] = model_state
    return json_reply(body, status)


def page(items: Sequence[object], request: Request, *, count: bool = True) -> Reply:
    """Saxo's list envelope, paged by `$top` and `$skip` with an absolute `__next`."""
    try:
        top = int(request.value("$top", "0")) or len(items)
        skip = int(request.value("$skip", "0"))
    except ValueError:
        return error(400, "InvalidRequest", "$top and $skip must be whole numbers")
    body: JsonObject = {"__count": len(items)} if count else {}
    if top + skip < len(items):
        body["__next"] = link(request, {"$top": str(top), "$skip": str(top + skip)})
    body["Data"] = items[skip : skip + top]
    return json_reply(body)


def link(request: Request, changed: Mapping[str, str]) -> str:
    """The request's own absolute URL with some parameters replaced."""
    from urllib.parse import urlencode

    kept = {k: v for k, v in request.query.items() if k not in changed}
    query = urlencode({**kept, **{k: [v] for k, v in changed.items()}}, doseq=True)
    return f"http://{request.headers.get('host', '127.0.0.1')}{request.path}?{query}"


def guid() -> str:
    """A random GUID, as the broker writes them."""
    h = secrets.token_hex(16)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


def timestamp(seconds: float) -> str:
    """UTC ISO-8601 with six decimals and `Z`, the form of every time in OpenAPI."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> float | None:
    """Seconds since the epoch; a time without a zone is UTC. None when it is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
