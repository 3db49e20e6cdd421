"""The process behind `Zygote`: imports the program once, then forks a child for each run.

Reads one JSON object per line from stdin and answers likewise: `{"id", "pid"}` when the child is
there, `{"id", "status"}` when it has ended. It has no threads and holds nothing of the bot open, so
that what a child does is what a process of its own would do. At the end of stdin it takes its
children with it.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import sys
import traceback
from typing import Any, NoReturn

_APART = ("cli", "logtools", "simulator", "__main__")
_LIBRARIES = (
    "urllib3.connection", "urllib3.response", "urllib3.util.ssl_", "http.client", "http.cookiejar",
    "email.parser", "sqlite3", "msgspec.json", "zoneinfo", "faulthandler", "platform", "base64",
    "encodings.idna", "encodings.latin_1", "encodings.ascii", "stringprep", "decimal", "_strptime",
    "traceback", "linecache", "queue", "gzip", "zlib", "random", "subprocess",
)  # fmt: skip


def main() -> None:
    _import_everything()
    _compile_everything()
    preloaded = ctypes.CDLL(None)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    gc.collect()
    gc.freeze()
    children: dict[int, int] = {}
    waiting = b""
    _answer({"ready": os.getpid()})
    while True:
        ready, _, _ = select.select([0, reading], [], [])
        if reading in ready:
            os.read(reading, 4096)
            _bury(children)
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                _end(children)
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                _begin(json.loads(line), children, preloaded)


def _begin(order: dict[str, Any], children: dict[int, int], preloaded: ctypes.CDLL) -> None:
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _live(order, preloaded)
    children[pid] = order["id"]
    _answer({"id": order["id"], "pid": pid})


def _bury(children: dict[int, int]) -> None:
    for pid in list(children):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            _answer({"id": children.pop(pid), "status": status})


def _end(children: dict[int, int]) -> NoReturn:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os._exit(0)


def _answer(what: dict[str, Any]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _live(order: dict[str, Any], preloaded: ctypes.CDLL) -> NoReturn:
    """The child's life: it never comes back from here."""
    code = 99
    try:
        _dress(order)
        import tradebot.app
        from support.torture.hooks import apply

        apply(order["clock"], order["hooks"])
        if preloaded.kill_at_arm(order["plan"].encode()) != 0:
            raise OSError("the numbering of calls could not be begun")
        code = tradebot.app.main(order["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 98
    except BaseException:  # noqa: BLE001 - the child must end here, whatever it is
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _dress(order: dict[str, Any]) -> None:
    """Environment, folder and standard streams as a scheduler would give them."""
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    console = os.open(order["console"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (console, 1), (console, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(console)


def _import_everything() -> None:
    import tradebot

    for found in pkgutil.walk_packages(tradebot.__path__, "tradebot."):
        if not found.name.startswith(tuple(f"tradebot.{name}" for name in _APART)):
            try:
                importlib.import_module(found.name)
            except ImportError:
                continue  # of another system
    for name in (*_LIBRARIES, "support.torture.hooks", "support.torture.strategies"):
        importlib.import_module(name)


def _compile_everything() -> None:
    """What each run would work out at its first line and its first answer, and keep."""
    from msgspec import Struct
    from msgspec.json import Decoder

    from tradebot.observability.redaction import Redactor
    from tradebot.observability.secret_values import SecretValues
    from tradebot.vocabulary import CATALOGUE

    Redactor(CATALOGUE, SecretValues())
    for field in CATALOGUE.fields.values():
        _ = field.kind.matcher
    for name, module in list(sys.modules.items()):
        for kind in vars(module).values() if name.startswith("tradebot.") else ():
            if isinstance(kind, type) and issubclass(kind, Struct):
                Decoder(kind)


if __name__ == "__main__":
    main()
