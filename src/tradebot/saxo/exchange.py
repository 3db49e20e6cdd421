"""One request to the broker and one answer, as plain data; and what of them may be written down.

A `Request` cannot carry a header, a host or a path segment of the caller's own invention, so that
the guard in the transport needs to look at three things only: method, host and path.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
Host = Literal["rest", "auth"]
Query = tuple[tuple[str, str], ...]

METHODS: Final = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
ORDERS_PATH: Final = "/trade/v2/orders"
PRECHECK_PATH: Final = "/trade/v2/orders/precheck"
TOKEN_PATH: Final = "/token"  # noqa: S105 - a path

_HARMLESS_POSTS: Final = frozenset({("rest", PRECHECK_PATH), ("auth", TOKEN_PATH)})
_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9_.,~%-]+)+")
# What a path may show in a log: lower-case words, version numbers, ids of digits, and Saxo's
# CamelCase asset types. Whatever else stands in a path is a key, or might be one.
_SHOWN_SEGMENT: Final = re.compile(r"[a-z]+[0-9]?|[0-9,]{1,200}|(?:[A-Z][a-z]+){1,5}|%2C")


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `path` is below the host's base and already percent-encoded.

    Raises ValueError for a method, path or combination that no endpoint has.
    """

    method: Method
    path: str = field(repr=False)
    query: Query = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json; charset=utf-8"
    host: Host = "rest"
    authorization: str | None = field(default=None, repr=False)
    request_id: str | None = None
    attempt: int = 1

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError("a request's method must be one of " + ", ".join(sorted(METHODS)))
        if not is_path(self.path):
            raise ValueError("a request's path must be percent-encoded segments without dots")
        if self.method == "GET" and self.body is not None:
            raise ValueError("a GET carries no body")

    def with_authorization(self, authorization: str) -> Request:
        """The same request, authorised."""
        return dataclasses.replace(self, authorization=authorization)

    @property
    def changes_state(self) -> bool:
        """May this change anything at the broker? Everything but reading, prechecks and tokens."""
        if self.method == "GET":
            return False
        return self.method != "POST" or (self.host, self.path) not in _HARMLESS_POSTS

    @property
    def is_order(self) -> bool:
        """Does it count against the limit of one order a second (Saxo learn/rate-limiting)?"""
        return (
            self.host == "rest"
            and self.method in ("POST", "PATCH")
            and self.path.startswith(ORDERS_PATH)
            and self.path != PRECHECK_PATH
        )

    @property
    def service_group(self) -> str:
        """`port`, `trade`, `ref` …: what Saxo counts its limits by."""
        return self.path.split("/", 2)[1]

    @property
    def endpoint(self) -> str:
        """For messages: the method and the path, its keys masked."""
        return f"{self.method} {shown_path(self.path)}"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole. Header names are lower-case; `body` is decompressed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    endpoint: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


def is_path(text: str) -> bool:
    """Is this a path that a request may have: encoded segments, none empty, none of dots only?"""
    return _PATH.fullmatch(text) is not None


def shown_path(path: str) -> str:
    """`path` with every segment that may be a key replaced by `***`."""
    return "/".join(
        segment if not segment or _SHOWN_SEGMENT.fullmatch(segment) else "***"
        for segment in path.split("/")
    )


def path_of(*segments: str | int) -> str:
    """A path of segments, each percent-encoded: keys contain `=`, `|`, `+` and `/`."""
    return "".join("/" + quote(str(segment), safe=",") for segment in segments)


def encode_query(query: Query) -> str:
    """The query as it goes on the wire; `$` of `$top` and the commas of lists stay readable."""
    return "&".join(f"{quote(key, safe='$')}={quote(value, safe='$,')}" for key, value in query)
