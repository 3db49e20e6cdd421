"""One authorised call: a token, at most one replay after a 401, retries for reads, a typed answer.

Between the client's methods, which know endpoints, and the transport, which knows bytes.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from tradebot.clock import Clock
from tradebot.errors import (
    BadAnswer,
    BrokerError,
    BrokerUnavailable,
    LoginError,
    RateLimited,
    RequestRefused,
)
from tradebot.observability import log_event
from tradebot.saxo.answers import decode, error_code_of
from tradebot.saxo.exchange import Query, Request, Response, is_path
from tradebot.saxo.messages import Page
from tradebot.saxo.rate_limits import retry_after
from tradebot.saxo.retry import RetryPolicy, get_with_retries
from tradebot.saxo.transport import Transport

T = TypeVar("T")

_MAX_PAGES = 500


class Tokens(Protocol):
    """See auth.TokenSource; repeated so that a client does not load what only a login needs."""

    def access_token(self) -> str: ...
    def refresh_after_401(self, old: str) -> str: ...


class Api:
    """Calls under the REST base."""

    def __init__(
        self, transport: Transport, tokens: Tokens, clock: Clock, policy: RetryPolicy
    ) -> None:
        self.transport = transport
        self.tokens = tokens
        self._clock = clock
        self._policy = policy

    def get(self, path: str, query: Query, kind: type[T]) -> T:
        """One object. Raises as `check` and as a TokenSource; BadAnswer for a wrong shape."""
        answer: T = self._decode(self._get(path, query), kind)
        return answer

    def rows(self, path: str, query: Query, row: type[T]) -> tuple[T, ...]:
        """All rows of a list endpoint, from all of its pages.

        A list is either complete or an error: "not in the list" is an argument in reconciliation.
        Pages are followed by `__next` only; `__nextPoll` is a cursor for polling, and following it
        answers 429 (seen from real servers). Raises as `get`.
        """
        rows: list[T] = []
        seen: set[tuple[str, Query]] = set()
        while True:
            response = self._get(path, query)
            kind = Page[row] | tuple[row, ...]  # type: ignore[valid-type]
            page: Page[T] | tuple[T, ...] = self._decode(response, kind)
            if isinstance(page, tuple):
                return (*rows, *page)  # seen from real servers: a bare [] for an empty account
            rows.extend(page.data)
            if page.next is None:
                return tuple(rows)
            seen.add((path, query))
            path, query = self._next_page(page.next, response)
            if (path, query) in seen or len(seen) >= _MAX_PAGES:
                raise self._logged(_bad(response, "its pages do not end"))

    def send_once(self, request: Request) -> Response:
        """Send with a token; on 401 refresh and replay once, with the same X-Request-ID."""
        token = self.tokens.access_token()
        response = self.transport.send(request.with_authorization(f"Bearer {token}"))
        if response.status == 401:
            token = self.tokens.refresh_after_401(token)
            response = self.transport.send(request.with_authorization(f"Bearer {token}"))
        return response

    def check(self, response: Response) -> Response:
        """The response itself if it is a 2xx, else the error that its status means.

        Raises LoginError (401), RateLimited (429), RequestRefused (other 4xx), BrokerUnavailable
        (5xx), BadAnswer (the rest).
        """
        status, endpoint = response.status, response.endpoint
        code = error_code_of(response.body)
        said = f"{endpoint}: the broker answered {status}" + (f" {code}" if code else "")
        if response.ok:
            return response
        if status == 401:
            raise LoginError(
                f"{said} to a token that is still good: the login has no access to this. Is"
                " SAXO_ACCOUNT_KEY or SAXO_CLIENT_KEY that of another client?"
            )
        if status == 429:
            wait = retry_after(response.headers, self._clock.now().timestamp())
            raise RateLimited(f"{said}: too many requests", endpoint=endpoint, retry_after=wait)
        if 400 <= status < 500:
            raise RequestRefused(said, endpoint=endpoint, status=status, error_code=code)
        if status >= 500:
            raise BrokerUnavailable(said, endpoint=endpoint, status=status, error_code=code)
        raise BadAnswer(f"{said}, which is not followed", endpoint=endpoint, status=status)

    def _get(self, path: str, query: Query) -> Response:
        request = Request("GET", path, query)
        return self.check(
            get_with_retries(
                lambda number: self.send_once(dataclasses.replace(request, attempt=number)),
                self._clock,
                self._policy,
                self.transport.time_left,
            )
        )

    def _decode(self, response: Response, kind: Any) -> Any:
        try:
            return decode(response, kind)
        except BadAnswer as error:
            raise self._logged(error) from None

    def _next_page(self, address: str, response: Response) -> tuple[str, Query]:
        """`__next` as a path and query below our own base; another host is never followed."""
        base = self.transport.rest_base
        try:
            parts = urlsplit(address)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise self._logged(_bad(response, "its __next is not an address")) from None
        # Seen from real servers: the default port spelt out, `https://gateway…:443/sim/openapi/…`.
        relative = not parts.scheme and not parts.netloc
        if not relative and (parts.scheme, parts.hostname, port) != base.origin:
            raise self._logged(_bad(response, "its __next leads to another host"))
        path = parts.path.removeprefix(base.path)
        if not parts.path.startswith(base.path + "/") or not is_path(path):
            raise self._logged(_bad(response, "its __next leads out of the API"))
        return path, tuple(parse_qsl(parts.query, keep_blank_values=True))

    def _logged(self, error: BrokerError) -> BrokerError:
        method, _, path = (error.endpoint or "- -").partition(" ")
        log_event(
            "http_error",
            str(error),
            error_kind="bad_answer",
            http_method=method,
            http_url_path=self.transport.rest_base.path + path,  # as its http_request has it
            http_status=error.status,
        )
        return error


def new_request_id() -> str:
    """A fresh X-Request-ID, in the form of a GUID (version 4)."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _bad(response: Response, problem: str) -> BadAnswer:
    return BadAnswer(
        f"{response.endpoint}: {problem}", endpoint=response.endpoint, status=response.status
    )
