"""Saxo's rate limits: read from every answer, respected by every later request.

Each service group of a session has its own minute (120 requests), the whole application a day, and
orders one a second. The headers are `X-RateLimit-{Dimension}-{Limit|Remaining|Reset}`, `Reset`
being whole seconds from now (Saxo learn/rate-limiting). Dimensions nobody documented are seen from
real servers (`RefDataMinute`), so the names are read generically.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tradebot.clock import Clock
from tradebot.errors import RateLimited, Terminated
from tradebot.observability import log_event

_HEADER = re.compile(r"x-ratelimit-(.+)-(limit|remaining|reset)")

ORDER_SPACING_SECONDS = 1.0
"""One order request a second and session (Saxo learn/rate-limiting)."""
LONGEST_WAIT_SECONDS = 65.0
"""A session's minute and some grace. A used-up day is not waited for."""

_APPLICATION = "*"
ORDERS_DIMENSION = "sessionorders"
"""Counts order requests only: an exhausted one holds no read back."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One dimension's state in one answer. `reset_seconds` is at least 1: 0.4 s is sent as 0."""

    dimension: str
    """Lower case, as in the header: `session`, `appday`, `sessionorders`."""
    remaining: int
    reset_seconds: int | None


def parse_buckets(headers: Mapping[str, str]) -> tuple[Bucket, ...]:
    """The buckets that an answer's headers (lower-case names) tell of. Never raises."""
    found: dict[str, dict[str, int]] = {}
    for name, text in headers.items():
        match = _HEADER.fullmatch(name)
        value = _whole_number(text) if match else None
        if match and value is not None:
            found.setdefault(match[1], {})[match[2]] = value
    return tuple(
        Bucket(
            dimension,
            parts["remaining"],
            max(1, parts["reset"]) if "reset" in parts else None,
        )
        for dimension, parts in found.items()
        if "remaining" in parts
    )


def log_fields(buckets: tuple[Bucket, ...]) -> dict[str, int]:
    """The buckets as fields of a log line: `rate_limit_remaining_session=117` …"""
    fields: dict[str, int] = {}
    for bucket in buckets:
        name = field_name(bucket.dimension)
        fields[f"rate_limit_remaining_{name}"] = bucket.remaining
        if bucket.reset_seconds is not None:
            fields[f"rate_limit_reset_{name}"] = bucket.reset_seconds
    return fields


def field_name(dimension: str) -> str:
    """A dimension as part of a field's name. Header names arrive without their capitals."""
    known = {"appday": "app_day", "sessionorders": "session_orders", "refdataminute": "ref_data"}
    return known.get(dimension, re.sub(r"[^a-z0-9]+", "_", dimension.lower()).strip("_"))


def retry_after(headers: Mapping[str, str], now_timestamp: float) -> float | None:
    """`Retry-After` in seconds from now (a number or an HTTP date), at least 0; None without one.

    Saxo does not document it; gateways in front of it send it with 503.
    """
    text = headers.get("retry-after", "").strip()
    seconds = _whole_number(text)
    if seconds is not None:
        return float(seconds)
    moment = http_date(text)
    return None if moment is None else max(0.0, moment - now_timestamp)


def http_date(text: str | None) -> float | None:
    """A `Date`-like header as seconds since the epoch, or None when it is not one."""
    from email.utils import mktime_tz, parsedate_tz  # loaded by the HTTP library anyway

    parsed = parsedate_tz(text) if text else None
    if parsed is None:
        return None
    try:
        return float(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None


class RateBudget:
    """What may still be sent now, by service group and dimension.

    `wait_before` is called before a request leaves, `observe` with each answer's headers.
    """

    def __init__(self, clock: Clock, *, longest_wait: float = LONGEST_WAIT_SECONDS) -> None:
        self._clock = clock
        self._longest_wait = longest_wait
        self._blocked_until: dict[tuple[str, str], float] = {}

    def observe(self, service_group: str, headers: Mapping[str, str]) -> tuple[Bucket, ...]:
        """Take note of an answer's rate headers and return them parsed."""
        buckets = parse_buckets(headers)
        now = self._clock.monotonic()
        for bucket in buckets:
            # A day's budget belongs to the application, whatever group it is reported by.
            group = _APPLICATION if bucket.dimension == "appday" else service_group
            key = (group, bucket.dimension)
            if bucket.remaining <= 0 and bucket.reset_seconds is not None:
                self._blocked_until[key] = now + bucket.reset_seconds
            elif bucket.dimension != ORDERS_DIMENSION:
                self._blocked_until.pop(key, None)
        return buckets

    def note_order(self, service_group: str) -> None:
        """An order request is about to leave: the next one waits a second, headers or not."""
        key = (service_group, ORDERS_DIMENSION)
        earliest = self._clock.monotonic() + ORDER_SPACING_SECONDS
        self._blocked_until[key] = max(earliest, self._blocked_until.get(key, 0.0))

    def seconds_to_wait(self, service_group: str, *, is_order: bool) -> tuple[float, str]:
        """How long a request of this group must wait, and for which dimension (0.0 and "")."""
        now = self._clock.monotonic()
        worst, why = 0.0, ""
        for (group, dimension), until in list(self._blocked_until.items()):
            if until <= now:
                self._blocked_until.pop((group, dimension), None)
            elif (
                group in (service_group, _APPLICATION)
                and (is_order or dimension != ORDERS_DIMENSION)
                and until - now > worst
            ):
                worst, why = until - now, dimension
        return worst, why

    def wait_before(
        self,
        service_group: str,
        *,
        is_order: bool = False,
        endpoint: str | None = None,
        time_left: Callable[[], float] | None = None,
    ) -> None:
        """Wait until a request of `service_group` may leave.

        Raises RateLimited when that is longer than a minute or than the run has left (nothing is
        sent then), Terminated when a stop is asked for meanwhile.
        """
        seconds, dimension = self.seconds_to_wait(service_group, is_order=is_order)
        if seconds <= 0:
            return
        longest = self._longest_wait if time_left is None else min(self._longest_wait, time_left())
        if seconds > longest:
            raise RateLimited(
                f"Saxo's limit `{field_name(dimension)}` is used up for {math.ceil(seconds)} s,"
                " which is longer than this run can wait; nothing was sent. Run less often.",
                endpoint=endpoint,
                retry_after=seconds,
            )
        log_event(
            "rate_limit_wait",
            wait_seconds=round(seconds, 3),
            dimension=field_name(dimension),
        )
        if not self._clock.sleep(seconds):
            raise Terminated("asked to stop while waiting for the broker's rate limit")


def _whole_number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
