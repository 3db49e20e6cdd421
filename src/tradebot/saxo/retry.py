"""When a GET may be asked again: a few times, jittered, never past the run's deadline.

Only GETs come here. A POST, PATCH or DELETE is sent once: what became of it is found out by
reading, not by asking again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from tradebot.clock import Clock
from tradebot.errors import BrokerUnavailable, RateLimited, Terminated
from tradebot.saxo.exchange import Response
from tradebot.saxo.rate_limits import ORDERS_DIMENSION, parse_buckets, retry_after

_RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long. All in seconds; `waits` has one entry less than there are tries."""

    waits: tuple[float, ...] = (0.5, 2.0)
    jitter: float = 0.5
    """Up to this share is added to each wait, so that many bots do not return as one."""
    total_wait: float = 65.0
    """A session's minute: the longest that waiting for one answer is worth."""


def get_with_retries(
    attempt: Callable[[int], Response],
    clock: Clock,
    policy: RetryPolicy,
    time_left: Callable[[], float] | None,
) -> Response:
    """Call `attempt(1)`, `attempt(2)` … until one gives an answer worth having.

    A 429 or 5xx that outlives the policy is returned as it is, a lost connection raised as it is.
    Raises Terminated when a stop is asked for during a wait.
    """
    waited = 0.0
    for number, base in enumerate(policy.waits, start=1):
        outcome = _outcome_of(attempt, number)
        if isinstance(outcome, Response) and outcome.status not in _RETRIED_STATUSES:
            return outcome
        wait = base * (1.0 + policy.jitter * _random_share())
        if isinstance(outcome, Response):
            wait = max(wait, _asked_for_wait(outcome, clock))
        room = policy.total_wait - waited
        if wait > (room if time_left is None else min(room, time_left())):
            return _settle(outcome)
        if not clock.sleep(wait):
            raise Terminated("asked to stop while waiting to ask the broker again")
        waited += wait
    return attempt(len(policy.waits) + 1)


def _outcome_of(attempt: Callable[[int], Response], number: int) -> Response | BrokerUnavailable:
    try:
        return attempt(number)
    except RateLimited:
        raise  # from the budget, which has already found the wait too long
    except BrokerUnavailable as error:
        return error


def _settle(outcome: Response | BrokerUnavailable) -> Response:
    if isinstance(outcome, BrokerUnavailable):
        raise outcome
    return outcome


def _asked_for_wait(response: Response, clock: Clock) -> float:
    """The wait that the answer's own headers ask for, in seconds; 0.0 when they do not."""
    asked = retry_after(response.headers, clock.now().timestamp()) or 0.0
    if response.status == 429:
        resets = (
            float(bucket.reset_seconds or 1)
            for bucket in parse_buckets(response.headers)
            if bucket.remaining <= 0 and bucket.dimension != ORDERS_DIMENSION
        )
        asked = max(asked, 1.0, *resets)
    return asked


def _random_share() -> float:
    return int.from_bytes(os.urandom(2)) / 65536
