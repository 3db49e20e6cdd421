"""The error tree. Each branch names the exit code that a scheduler sees (the README's table).

    TradebotError                     70  a bug, when nothing more precise is known
    ├── UsageError                    64  a command line nobody can mean
    ├── SettingsError                 78  one or more variables are wrong; holds every problem
    ├── LoginError                    77  the broker's login is lost: a person must log in
    ├── BrokerError                   69  the broker did not do what was asked
    │   ├── BrokerUnavailable         69  no answer, 5xx, maintenance: may pass by itself
    │   │   ├── NotSent               69  provably nothing left this machine
    │   │   └── RateLimited           69  429: certainly not processed
    │   ├── RequestRefused            69  a definitive 4xx, with Saxo's ErrorCode where it sent one
    │   ├── BadAnswer                 69  the answer is not what the endpoint promises
    │   ├── OutcomeUnknown            69  an order may or may not exist: reconcile
    │   └── ClockSkew                 69  our clock and the broker's disagree
    ├── StorageError                  74  log or journal cannot be written: nothing further is sent
    ├── LockBusy                      75  another run holds the lock
    ├── DeadlineExceeded             124  the run's own deadline has passed
    ├── Terminated                   143  asked to stop (SIGTERM, Ctrl-C)
    └── GuardViolation                70  the transport refused a request that the run may not send

Messages say what was wrong, where, and what to do next, and never repeat a secret.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence


class ExitCode(enum.IntEnum):
    """What `main.py` exits with. Schedulers act on these; the names follow sysexits.h."""

    OK = 0
    HUNG = 1
    UNRESOLVED = 3
    USAGE = 64
    UNAVAILABLE = 69
    SOFTWARE = 70
    IOERR = 74
    BUSY = 75
    NOPERM = 77
    CONFIG = 78
    DEADLINE = 124
    TERMINATED = 143


class TradebotError(Exception):
    """Everything this package raises on purpose."""

    exit_code: ExitCode = ExitCode.SOFTWARE


class UsageError(TradebotError):
    exit_code = ExitCode.USAGE


class SettingsError(TradebotError):
    """Every problem found in the settings, at once."""

    exit_code = ExitCode.CONFIG

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class LoginError(TradebotError):
    exit_code = ExitCode.NOPERM


class BrokerError(TradebotError):
    """A request to the broker failed.

    `endpoint` is a method and a path without keys or query; `status` the HTTP status, if any;
    `error_code` Saxo's own code, if it sent one.
    """

    exit_code = ExitCode.UNAVAILABLE

    def __init__(
        self,
        message: str,
        *,
        endpoint: str | None = None,
        status: int | None = None,
        error_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.endpoint = endpoint
        self.status = status
        self.error_code = error_code


class BrokerUnavailable(BrokerError):
    """No usable answer; asking again later may help."""


class NotSent(BrokerUnavailable):
    """The connection failed before a byte of the request was written."""


class RateLimited(BrokerUnavailable):
    """429. `retry_after` is in seconds, from the headers; None when they do not say."""

    def __init__(
        self, message: str, *, endpoint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, endpoint=endpoint, status=429)
        self.retry_after = retry_after


class RequestRefused(BrokerError):
    """The broker understood and said no: asking the same again will not help."""


class BadAnswer(BrokerError):
    """The answer has a wrong type or shape; the message names the endpoint and the field."""


class OutcomeUnknown(BrokerError):
    """An order was sent and nothing definitive came back (Saxo learn/order-placement)."""


class ClockSkew(BrokerError):
    """This machine's clock is too far from the broker's `Date`."""


class StorageError(TradebotError):
    exit_code = ExitCode.IOERR


class LockBusy(TradebotError):
    """Another run holds the lock; `holder` is its record as `key=value` text, if readable."""

    exit_code = ExitCode.BUSY

    def __init__(self, message: str, *, holder: str | None = None) -> None:
        super().__init__(message)
        self.holder = holder


class DeadlineExceeded(TradebotError):
    exit_code = ExitCode.DEADLINE


class Terminated(TradebotError):
    exit_code = ExitCode.TERMINATED


class GuardViolation(TradebotError):
    """A request was stopped inside the transport: a dry run may not change the broker's state."""
