"""All that a program may do with a log: each carrier logs one text, in its own way.

The text is a secret, or holds one behind a sensitive key. The carriers use the bot's own calls and
the standard `logging` module, with values that behave badly among them. A session must be running.
"""

from __future__ import annotations

import gc
import linecache
import logging
import sys
import threading
import urllib.parse
import warnings
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from support.misbehaving_values import Failure, values
from tradebot.observability import bind, get_logger, log_event, update_context

Carrier = Callable[[str], None]

CARRIERS: dict[str, Carrier] = {}
"""By name. Whatever they log at WARN and above is shown on the console, too."""

FOR_KNOWN_SECRETS = {"a logger's name", "an adapter's name", "a class's name"}
"""Carriers in which only a registered secret is looked for: names of code, not values."""


def _carrier(name: str) -> Callable[[Carrier], Carrier]:
    def register(carrier: Carrier) -> Carrier:
        assert name not in CARRIERS
        CARRIERS[name] = carrier
        return carrier

    return register


def _raise(text: str) -> None:
    local = text  # noqa: F841 - a local variable that must not be shown
    raise Failure(text)


# -- text ----------------------------------------------------------------------------------------

_lib = logging.getLogger("planted.lib")


@_carrier("an event's message")
def _message(text: str) -> None:
    log_event("log_message", f"refused: {text}", level="WARN")


@_carrier("an event nobody declared")
def _unknown(text: str) -> None:
    log_event(text, text)


@_carrier("a level that does not exist")
def _level(text: str) -> None:
    log_event("log_message", level=text)


@_carrier("declared fields")
def _declared(text: str) -> None:
    log_event("run_killed_found", killed_run_id=text, phase=text, order_id=text, holder=text)
    log_event("http_error", http_method=text, http_url_path=text, http_status=text, symbol=text)
    log_event("log_message", client_key=text, account_key=text, exc_type=text, stack=text)
    log_event("log_message", response_snippet=text, host=text, quantity=text, dry_run=text)


@_carrier("a field nobody declared")
def _undeclared(text: str) -> None:
    log_event("log_message", remark=text, another=f"a {text} b")


@_carrier("a path")
def _path(text: str) -> None:
    log_event("log_message", log_dir=PurePosixPath("/srv") / text, file=PurePosixPath(text))


@_carrier("a URL's path, query and fragment")
def _url(text: str) -> None:
    encoded = urllib.parse.quote(text, safe="")
    log_event(
        "http_error", http_method="GET", http_url_path=f"https://h/v1/{encoded}/x?a={encoded}"
    )
    log_event("log_message", f"GET https://h/v1?a=1&code={encoded}#access_token={encoded}")


@_carrier("%-arguments")
def _arguments(text: str) -> None:
    _lib.warning("refused %s, %r, %-50s and %a", text, text, text, text)
    get_logger("planted.mine").info("refused %s and %r", text, [text])


@_carrier("%-arguments by name")
def _named_arguments(text: str) -> None:
    _lib.info("refused %(it)s", {"it": text})


@_carrier("arguments that do not fit")
def _misfit(text: str) -> None:
    _lib.info(f"refused {text} %s %s", text)
    _lib.info("%d", text)
    get_logger("planted.mine").info("%d", text)


@_carrier("extra=")
def _extra(text: str) -> None:
    _lib.info("refused", extra={"remark": text, "nested": {"a": [text]}, "holder": text})
    get_logger("planted.mine").info("refused", extra={"remark": text, "msg_": text})


@_carrier("a message that is no text")
def _object_message(text: str) -> None:
    _lib.info(Failure(text, why=text))
    _lib.info({"remark": text, "token": text})
    _lib.info(text.encode())


@_carrier("urllib3's debug line")
def _urllib3(text: str) -> None:
    library = logging.getLogger("urllib3.connectionpool")
    path = f"/cb?access_token={urllib.parse.quote(text, safe='')}"
    library.warning('%s://%s:%s "%s %s %s" %s %s', "https", "h", 443, "GET", path, "HTTP/1.1", 4, 0)


@_carrier("a warning")
def _warning(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # pytest has a hook of its own here; the bot's is put back on top.
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(text, stacklevel=1)


@_carrier("a logger's name")
def _logger_name(text: str) -> None:
    logging.getLogger(f"planted {text}").info("x")
    log_event("log_message", logger=text)


@_carrier("an adapter's name")
def _adapter_name(text: str) -> None:
    get_logger("planted").getChild(text).info("x")


# -- values --------------------------------------------------------------------------------------


def _value_carrier(name: str) -> Carrier:
    def carry(text: str) -> None:
        value = values(text)[name]
        log_event("log_message", remark=value, holder=value, nested={"a": [value]}, quantity=value)
        _lib.info("refused %s", value)
        _lib.info("refused", extra={"remark": value})
        with bind(order_id=value):
            get_logger("planted.mine", zone=value).info("%r", value)

    return carry


for _name in values("names only"):
    _carrier(_name)(_value_carrier(_name))


# -- context -------------------------------------------------------------------------------------


@_carrier("bound fields")
def _bound(text: str) -> None:
    with bind(zone=text, holder=text), bind(external_reference=text):
        log_event("log_message")
        _lib.info("x")
        get_logger("planted.mine").warning("x")


@_carrier("a logger's context")
def _logger_context(text: str) -> None:
    logger = get_logger("planted.mine", zone=text, nested={"token": text})
    logger.info("x")
    logger.getChild("child", holder=text).info("x")
    log_event("log_message", logger=logger)


@_carrier("the session's context")
def _session_context(text: str) -> None:
    update_context(strategy=text, env=text, cycle_id=text, zone=text)
    log_event("log_message")
    _lib.info("x")
    update_context(strategy="sma_cross/1.0", env="SIM", cycle_id=1, zone=None)


@_carrier("a key")
def _key(text: str) -> None:
    fields: dict[str, Any] = {text: "x", f"token {text}": 1}
    log_event("log_message", **fields)
    with bind(**{text: "x"}):
        _lib.info("x", extra={f"a {text}": "x"})


# -- exceptions ----------------------------------------------------------------------------------


def _logged(fail: Callable[[str], object], text: str) -> None:
    try:
        fail(text)
    except BaseException as error:  # noqa: BLE001 - groups and what is no Exception, too
        log_event("unexpected_exception", exc_info=error)
        _lib.exception("refused")
        get_logger("planted.mine").error("refused", exc_info=True)


@_carrier("an exception with arguments")
def _exception(text: str) -> None:
    _logged(_raise, text)


@_carrier("an exception with notes")
def _notes(text: str) -> None:
    error = ValueError("noted")
    error.add_note(text)
    log_event("unexpected_exception", exc_info=error)


@_carrier("chained exceptions")
def _chained(text: str) -> None:
    def fail(text: str) -> None:
        try:
            try:
                _raise(text)
            finally:
                raise KeyError(text)  # the first one becomes its context
        except KeyError as error:
            raise RuntimeError("outermost") from error

    _logged(fail, text)


@_carrier("a raised group of exceptions")
def _group(text: str) -> None:
    def fail(text: str) -> None:
        inner = ExceptionGroup(f"inner {text}", [Failure(text, token=text), OSError(2, text, text)])
        raise BaseExceptionGroup("outer", [inner, SystemExit(text)])

    _logged(fail, text)


@_carrier("a line of code in a traceback")
def _source(text: str) -> None:
    file = f"<planted {len(linecache.cache)}>"
    source = f"raise ValueError('refused') if {text!r} else None"
    linecache.cache[file] = (len(source), None, [source], file)
    _logged(lambda _: exec(compile(source, file, "exec")), text)


@_carrier("an exception whose text raises")
def _bad_exception(text: str) -> None:
    class Bad(Exception):
        def __str__(self) -> str:
            raise Failure(text)

    log_event("unexpected_exception", exc_info=Bad(text), remark=Bad(text))


@_carrier("a class's name")
def _class_name(text: str) -> None:
    log_event("unexpected_exception", exc_info=type(text, (Exception,), {})("x"))


@_carrier("the exception that nobody caught")
def _excepthook(text: str) -> None:
    try:
        _raise(text)
    except Failure:
        sys.excepthook(*sys.exc_info())


@_carrier("a thread that dies")
def _thread(text: str) -> None:
    thread = threading.Thread(target=_raise, args=(text,), name=f"worker {text}")
    thread.start()
    thread.join()


@_carrier("a destructor that fails")
def _destructor(text: str) -> None:
    class Dying:
        def __del__(self) -> None:
            _raise(text)

    Dying()
    gc.collect(0)
