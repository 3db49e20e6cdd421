"""Every way by which a value can get into the log, by name; for the canary.

A carrier takes a secret and logs it once, the way a program does by mistake. Those of the first
list are given a secret that the process has registered: it must vanish wherever it stands. Those
of the second are given one that nobody knows: its key or its shape must give it away.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from tradebot.observability import (
    bind,
    get_logger,
    log_event,
    mask_sensitive,
    update_context,
)
from tradebot.observability.line import VALUE_LIMIT
from tradebot.observability.system_files import note_on_stderr

Carry = Callable[[str], object]
_LIBRARY = "some.library"


@dataclasses.dataclass(frozen=True)
class Carrier:
    """One way into the log. `carry` logs the secret it is given, once."""

    name: str
    carry: Carry


@dataclasses.dataclass
class _Record:
    user: str
    remark: str


@dataclasses.dataclass
class _Login:
    user: str
    refresh_token: str


class _Text(str):
    """A text that shows itself in its own way."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"shown as {super().__str__()}"

    def __format__(self, form: str) -> str:
        return str(self)


class _Unprintable:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        raise RuntimeError(self._secret)


class _Printed:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return f"<printed {self._secret}>"


def _say(message: str = "", **fields: Any) -> None:
    """A line with fields as a program's author might name them: declared or not."""
    log_event("log_message", message, **fields)


def _raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - it is the one raised here
        return caught


def _chained(secret: str) -> BaseException:
    try:
        raise KeyError(secret)
    except KeyError as cause:
        try:
            raise RuntimeError("the second of two") from cause
        except RuntimeError as error:
            return error


def _with_local(secret: str) -> BaseException:
    password = secret
    try:
        if password:
            raise LookupError("a local variable holds it")
    except LookupError as error:
        return error
    return LookupError()


def _with_note(secret: str) -> BaseException:
    error = _raised(ValueError("see the note"))
    error.add_note(f"with {secret}")
    return error


def _exception(error: BaseException) -> None:
    log_event("unexpected_exception", exc_info=error)


def _named(secret: str) -> None:
    fields: dict[str, Any] = {secret: 1}
    _say("a field named like it", **fields)


def _enumerated(secret: str) -> None:
    class Kind(enum.Enum):
        ONE = secret

    _say(remark=Kind.ONE)


def _bound(secret: str) -> None:
    with bind(command=secret):
        _say("bound")


def _context(secret: str) -> None:
    update_context(remark=secret, strategy=secret)
    _say("in the context of every line")
    update_context(remark=None, strategy=None)


def _warning(secret: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"about {secret}", UserWarning, stacklevel=2)


def _thread(secret: str) -> None:
    def fail() -> None:
        raise ValueError(secret)

    thread = threading.Thread(target=fail, name=f"worker {secret}")
    thread.start()
    thread.join()


def _destructor(secret: str) -> None:
    class Dying:
        def __del__(self) -> None:
            raise ValueError(secret)

    Dying()


def _excepthook(secret: str) -> None:
    error = _raised(ValueError(secret))
    sys.excepthook(type(error), error, error.__traceback__)


def _last_resort(secret: str) -> None:
    if logging.lastResort is not None:
        record = logging.LogRecord(
            _LIBRARY, logging.ERROR, "", 0, "found no handler: %s", (secret,), None
        )
        logging.lastResort.handle(record)


def _json_record(secret: str) -> None:
    logging.getLogger(_LIBRARY).warning(json.dumps({"answer": {"items": [secret]}}))


_log = logging.getLogger(f"{_LIBRARY}.client")

REGISTERED: tuple[Carrier, ...] = tuple(
    Carrier(name, carry)
    for name, carry in {
        "message": lambda s: _say(f"a message with {s} in it"),
        "declared text field": lambda s: _say(command=s),
        "field of another type": lambda s: _say(count=s, symbol=s),
        "undeclared field": lambda s: _say(remark=s),
        "field by key": lambda s: _say(access_token=s),
        "name of a field": _named,
        "key of a mapping": lambda s: _say(remark={s: 1}),
        "nested value": lambda s: _say(remark={"a": [{"b": (1, s)}]}),
        "dataclass": lambda s: _say(remark=_Record("me", s)),
        "bytes": lambda s: _say(remark=s.encode()),
        "path": lambda s: _say(remark=PurePosixPath("/tmp") / s),  # noqa: S108
        "enum": _enumerated,
        "str subclass": lambda s: _say(f"{_Text(s)}", remark=_Text(s)),
        "object's own text": lambda s: _say(remark=_Printed(s)),
        "object without a text": lambda s: _say(remark=_Unprintable(s)),
        "value cut at its limit": lambda s: _say("x " * (VALUE_LIMIT // 2 - 9) + s),
        "percent arguments": lambda s: _log.info("first %s then %r", s, [s]),
        "percent argument without a text": lambda s: _log.info("this %s", _Unprintable(s)),
        "percent arguments that do not fit": lambda s: _log.info("this %d", s),
        "extra": lambda s: _log.info("with extra", extra={"remark": s, "nested": {"a": s}}),
        "foreign logger": lambda s: logging.getLogger(_LIBRARY).warning("sent %s", s),
        "name of a logger": lambda s: logging.getLogger(f"{_LIBRARY}.{s}").warning("named"),
        "adapter": lambda s: get_logger(_LIBRARY, remark=s).info("adapted"),
        "bind": _bound,
        "context": _context,
        "URL": lambda s: _say(f"GET https://host/path?{urlencode({'q': s})}"),
        "URL path field": lambda s: _say(http_url_path=f"/a/{quote(s, safe='')}"),
        "JSON text": lambda s: _say(json.dumps({"a": s}), remark=json.dumps([s])),
        "JSON record": _json_record,
        "base64": lambda s: _say(f"sent {base64.b64encode(f'user:{s}'.encode()).decode()}"),
        "headers": lambda s: _say(remark={"X-Thing": s}, sent=[("X-Thing", s)]),
        "exception": lambda s: _exception(_raised(ValueError(s, {"a": s}))),
        "chained exception": lambda s: _exception(_chained(s)),
        "exception group": lambda s: _exception(
            _raised(ExceptionGroup(f"two {s}", [ValueError(s)]))
        ),
        "note of an exception": lambda s: _exception(_with_note(s)),
        "local variable of a traceback": lambda s: _exception(_with_local(s)),
        "exception as a value": lambda s: _say(remark=ValueError(s)),
        "warning": _warning,
        "exception that nobody caught": _excepthook,
        "exception in a thread": _thread,
        "exception in a destructor": _destructor,
        "record without a handler": _last_resort,
        "mask_sensitive": lambda s: note_on_stderr(f"told: {mask_sensitive(s, 'msg')}"),
    }.items()
)

UNKNOWN: tuple[Carrier, ...] = tuple(
    Carrier(name, carry)
    for name, carry in {
        "unknown: field by key": lambda s: _say(access_token=s, password=s),
        "unknown: account key": lambda s: _say(account_key=s, client_key=s),
        "unknown: undeclared field": lambda s: _say(remark=s),
        "unknown: nested key": lambda s: _say(remark={"login": {"refresh_token": s}}),
        "unknown: dataclass": lambda s: _say(remark=_Login("me", s)),
        "unknown: extra": lambda s: _log.info("with extra", extra={"api_key": s}),
        "unknown: pair in a text": lambda s: _log.info("login with password=%s failed", s),
        "unknown: JSON text": lambda s: _log.info("%s", json.dumps({"client_secret": s})),
        "unknown: repr": lambda s: _log.info("sent %r", {"refresh_token": s}),
        "unknown: bearer header": lambda s: _log.info("Authorization: Bearer %s", s),
        "unknown: basic header": lambda s: _log.info(
            "Basic %s", base64.b64encode(f"app:{s}".encode()).decode()
        ),
        "unknown: header pair": lambda s: _say(remark=[("Authorization", s)]),
        "unknown: cookie": lambda s: _log.info("Set-Cookie: sid=%s; Path=/", s),
        "unknown: user in a URL": lambda s: _log.info("GET https://me:%s@host/path", s),
        "unknown: query of a URL": lambda s: _log.info("GET https://host/path?token=%s", s),
        "unknown: URL path field": lambda s: _say(http_url_path=f"/accounts/{s}"),
        "unknown: command line": lambda s: _log.info("started with --app-secret %s", s),
        "unknown: PEM block": lambda s: _log.info(
            "%s", f"-----BEGIN PRIVATE KEY-----\n{s}\n-----END PRIVATE KEY-----"
        ),
        "unknown: JWT": lambda s: _log.info("token eyJhbGciOiJub25lIn0.%s.x", s),
        "unknown: exception": lambda s: _exception(_raised(ValueError(f"refresh_token={s}"))),
        "unknown: exception that nobody caught": lambda s: _excepthook(f"client_secret={s}"),
        "unknown: record without a handler": lambda s: _last_resort(f"Bearer {s}"),
    }.items()
)
