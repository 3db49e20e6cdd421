"""Sends one request and brings back one answer. Never retries, never follows a redirect.

This is where a dry run is kept from trading: with `allow_orders=False` nothing passes but reading,
prechecks and token requests, and it is decided before a connection is even opened.

Every failure is one of two kinds. `NotSent`: the connection never came about. `AnswerLost`: the
request, or part of it, left this machine, and what became of it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from tradebot import __version__
from tradebot.clock import Clock
from tradebot.errors import BrokerUnavailable, GuardViolation, NotSent
from tradebot.observability import log_event, mask_sensitive
from tradebot.saxo.answers import error_code_of, register_keys
from tradebot.saxo.connections import Base, Connections, failure_kind
from tradebot.saxo.exchange import Request, Response, encode_query, shown_path
from tradebot.saxo.rate_limits import Bucket, RateBudget, http_date, log_fields

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection
    from urllib3.response import HTTPResponse

CONNECT_TIMEOUT_SECONDS: Final = 5.0
READ_TIMEOUT_SECONDS: Final = 10.0
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""Decompressed. The largest honest answer, 1200 bars, is about 300 KB."""
SNIPPET_CHARACTERS: Final = 256

_CHUNK = 64 * 1024
_CORRELATION = re.compile(r"[A-Za-z0-9_.:#-]{1,128}")


class AnswerLost(BrokerUnavailable):
    """Sent, at least in part, but no whole answer came back. `kind` is a code word."""

    def __init__(self, message: str, *, kind: str, endpoint: str, status: int | None = None):
        super().__init__(message, endpoint=endpoint, status=status)
        self.kind = kind


class Transport:
    """The only way to the broker. `rest_base` and `auth_base` are the two hosts it may talk to.

    `allow_orders=False` lets through GET, POST …/orders/precheck and token requests; anything else
    raises GuardViolation and nothing is sent. `time_left`, where given, is the run's own deadline
    in seconds: it shortens the time-outs of reads, not of orders and logins, whose answers are
    needed.

    `http_calls` counts requests, `server_time_offset` is our clock minus the broker's `Date`, in
    seconds (None before the first answer).
    """

    def __init__(
        self,
        rest_base: str,
        clock: Clock,
        *,
        allow_orders: bool,
        auth_base: str | None = None,
        budget: RateBudget | None = None,
        connect_timeout: float = CONNECT_TIMEOUT_SECONDS,
        read_timeout: float = READ_TIMEOUT_SECONDS,
        max_body_bytes: int = MAX_BODY_BYTES,
        time_left: Callable[[], float] | None = None,
    ) -> None:
        self.rest_base = Base.parse(rest_base, "SAXO_REST_BASE")
        self.auth_base = Base.parse(auth_base, "SAXO_AUTH_BASE") if auth_base else None
        self.allow_orders = allow_orders
        self.budget = budget if budget is not None else RateBudget(clock)
        self.time_left = time_left
        self.http_calls = 0
        self.server_time_offset: float | None = None
        self._clock = clock
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._max_body_bytes = max_body_bytes
        self._connections = Connections()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections. The transport can still be used afterwards."""
        self._connections.close()

    def send(self, request: Request, *, last_check: Callable[[], None] | None = None) -> Response:
        """Send `request` once and return the answer, whatever its status.

        `last_check` is called when the connection stands, right before the first byte: what it
        raises keeps the request from being sent, and comes out of here.

        Raises GuardViolation, RateLimited, Terminated and NotSent with nothing sent; AnswerLost
        once anything may have left.
        """
        if request.changes_state and not self.allow_orders:
            raise GuardViolation(
                f"a dry run does not send {request.endpoint}: only reads, prechecks and token"
                " requests pass"
            )
        base = self._base(request)
        if request.host == "rest":
            self._wait_for_budget(request)
        self.http_calls += 1
        started = self._clock.monotonic()
        wall_before = self._clock.now().timestamp()
        try:
            response = self._exchange(base, request, last_check)
        except (NotSent, AnswerLost) as error:
            self._log_lost(request, error, started)
            raise
        self._take_note(request, response, started, wall_before)
        return response

    def _base(self, request: Request) -> Base:
        if request.host == "rest":
            return self.rest_base
        if self.auth_base is None:
            raise GuardViolation("this transport was not given an address for logging in")
        return self.auth_base

    def _wait_for_budget(self, request: Request) -> None:
        self.budget.wait_before(
            request.service_group,
            is_order=request.is_order,
            endpoint=request.endpoint,
            time_left=self.time_left,
        )
        if request.is_order:
            self.budget.note_order(request.service_group)

    # -- the wire ------------------------------------------------------------------------------

    def _exchange(
        self, base: Base, request: Request, last_check: Callable[[], None] | None
    ) -> Response:
        # Whatever changes something gets a connection of its own: see Connections.take.
        fresh = request.changes_state or request.host == "auth"
        try:
            connection, _ = self._connections.take(
                base, fresh=fresh, connect_timeout=self._within(self._connect_timeout, request)
            )
        except NotSent as error:
            error.endpoint = request.endpoint
            raise
        try:
            if last_check is not None:
                last_check()
            response = self._converse(connection, base, request)
        except BaseException:
            connection.close()
            raise
        self._connections.give_back(base, connection)
        return response

    def _converse(self, connection: HTTPConnection, base: Base, request: Request) -> Response:
        from http.client import HTTPException

        from urllib3.exceptions import HTTPError

        connection.timeout = self._within(self._read_timeout, request)
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        status: int | None = None
        answer: HTTPResponse | None = None
        try:
            connection.request(
                request.method,
                _target(base, request),
                body=request.body,
                headers=_headers(request),
                preload_content=False,
                enforce_content_length=True,
            )
            answer = connection.getresponse()
            status = answer.status
            if status < 200:
                # Only the announcement of an answer; the real one would be taken for the next.
                raise HTTPException(f"an interim answer {status} is not followed")
            body = self._read_body(answer, request)
        except (OSError, HTTPError, HTTPException) as error:
            kind = _loss_kind(error, status)
            raise AnswerLost(
                f"no whole answer to {request.endpoint} ({kind})",
                kind=kind,
                endpoint=request.endpoint,
                status=status,
            ) from error
        finally:
            if answer is not None:
                answer.close()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, headers, body, request.endpoint)

    def _read_body(self, answer: HTTPResponse, request: Request) -> bytes:
        """The whole body, bounded in size and, against a server that drips, in time."""
        give_up_at = self._clock.monotonic() + 3 * self._read_timeout
        chunks: list[bytes] = []
        size = 0
        # read1 comes back with whatever has arrived; read would wait for a whole chunk.
        while chunk := answer.read1(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > self._max_body_bytes or self._clock.monotonic() > give_up_at:
                kind = "body_too_large" if size > self._max_body_bytes else "read_timeout"
                raise AnswerLost(
                    f"gave up reading the answer to {request.endpoint} ({kind})",
                    kind=kind,
                    endpoint=request.endpoint,
                    status=answer.status,
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _within(self, timeout: float, request: Request) -> float:
        # A lost answer to one of these costs an order's outcome, or the login.
        if self.time_left is None or request.changes_state or request.host == "auth":
            return timeout
        return min(timeout, max(1.0, self.time_left()))

    # -- what is remembered and logged ---------------------------------------------------------

    def _take_note(
        self, request: Request, response: Response, started: float, wall_before: float
    ) -> None:
        # First of all, so that no key the broker sends can be logged before it is known as one.
        register_keys(response.body)
        buckets: tuple[Bucket, ...] = ()
        if request.host == "rest":
            buckets = self.budget.observe(request.service_group, response.headers)
        broker_time = http_date(response.headers.get("date"))
        if broker_time is not None:
            # `Date` has whole seconds, so the broker's time is half a second later on average.
            middle = (wall_before + self._clock.now().timestamp()) / 2
            self.server_time_offset = middle - (broker_time + 0.5)
        fields: dict[str, Any] = {
            **self._request_fields(request, started),
            "http_status": response.status,
            "saxo_request_id": _correlation(response),
            **log_fields(buckets),
        }
        # What asks for or changes something is in the log by default, with Saxo's id of it.
        level = "DEBUG" if request.method == "GET" or request.host == "auth" else "INFO"
        log_event("http_request", level=level, **fields)
        # A login's redirect is what was asked for.
        if not (response.ok or (request.host == "auth" and response.status == 302)):
            log_event(
                "http_error",
                error_kind="http_status",
                error_code=error_code_of(response.body),
                response_snippet=_snippet(request, response),
                **fields,
            )

    def _log_lost(self, request: Request, error: NotSent | AnswerLost, started: float) -> None:
        log_event(
            "http_error",
            str(error),
            error_kind=error.kind if isinstance(error, AnswerLost) else failure_kind(error),
            http_status=error.status,
            **self._request_fields(request, started),
        )

    def _request_fields(self, request: Request, started: float) -> dict[str, Any]:
        base = self.rest_base if request.host == "rest" else self.auth_base
        return {
            "http_method": request.method,
            "http_url_path": (base.path if base else "") + shown_path(request.path),
            "latency_ms": round((self._clock.monotonic() - started) * 1000),
            "attempt": request.attempt,
        }


def _target(base: Base, request: Request) -> str:
    query = encode_query(request.query)
    return base.path + request.path + (f"?{query}" if query else "")


def _headers(request: Request) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": f"AI-Tradebot/{__version__}",
    }
    if request.authorization is not None:
        headers["Authorization"] = request.authorization
    if request.request_id is not None:
        headers["X-Request-ID"] = request.request_id
    if request.body is not None:
        headers["Content-Type"] = request.content_type
    return headers


def _loss_kind(error: Exception, status: int | None) -> str:
    from urllib3 import exceptions

    if isinstance(error, (TimeoutError, exceptions.TimeoutError)):
        return "read_timeout"
    if isinstance(error, exceptions.DecodeError):
        return "body_undecodable"
    return "connection_lost" if status is None else "body_truncated"


def _correlation(response: Response) -> str | None:
    """Saxo's own id of the exchange, which its support asks for; only if it looks like one."""
    text = response.headers.get("x-correlation", "")
    return text if _CORRELATION.fullmatch(text) else None


def _snippet(request: Request, response: Response) -> str | None:
    """The beginning of an error's body, masked before it is cut: half a secret is one too."""
    if request.host == "auth" or not response.body:
        return None
    text = response.body[: 64 * 1024].decode("utf-8", errors="replace")
    return mask_sensitive(text)[:SNIPPET_CHARACTERS].strip() or None
