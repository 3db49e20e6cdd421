"""A disk that takes 50 ms for each write: how long the caller waits, and what kill -9 loses.

The descriptor's write sleeps, with the interpreter's lock released, as on a real slow disk.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.event import fresh
from benchmarks.peers import BY_KEY

WRITE_SECONDS = 0.05
_PAUSE_SECONDS = 0.002
_FIRST = 10
_KINDS: dict[str, tuple[str, str | None]] = {
    "queue": ("tradebot, LOG_QUEUE=true", None),
    "direct": ("tradebot, LOG_QUEUE=false", None),
    "stdlib": ("logging, QueueHandler and QueueListener", None),
    "loguru": ("loguru, enqueue=True", "loguru"),
}
TITLES = {kind: title for kind, (title, _package) in _KINDS.items()}


def run(rounds: int, calls: int) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """{kind: medians of the caller's times in microseconds and of what was lost}."""
    missing = {
        kind: "not installed"
        for kind, (_title, package) in _KINDS.items()
        if package and not BY_KEY[package].installed
    }
    here = [kind for kind in _KINDS if kind not in missing]
    taken, failed = measure.in_turn(rounds, here, lambda kind: sample(kind, calls))
    why = {TITLES[kind]: reason for kind, reason in (missing | failed).items()}
    return {kind: measure.medians(samples) for kind, samples in taken.items()}, why


def sample(kind: str, calls: int) -> dict[str, float]:
    """One process that logs and kills itself, and what it left in the file."""
    # Each call of the one without a queue takes a whole write: fewer will do.
    calls = min(calls, 20) if kind == "direct" else calls
    with measure.scratch() as folder:
        done = subprocess.run(
            measure.child_command("slow_disk", "log_and_die", kind, calls),
            env=measure.environment(),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != -signal.SIGKILL:
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise measure.ChildFailed(said[-1])
        text = (folder / "logs" / "bot.log").read_text("utf-8")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    told["lost"] = told["calls"] - text.count(" is old.")
    told["audit_lost"] = told["audit"] - text.count("execution_order_placed")
    return told


def log_and_die(kind: str, calls: int) -> None:
    """In a child: a few lines, one audit event where there is such a thing, `calls` lines more."""
    path = Path("logs") / "bot.log"
    path.parent.mkdir(mode=0o700)
    info, audit = _OPEN[kind](path)
    clock, sleep = time.perf_counter_ns, time.sleep
    for number in range(_FIRST):
        info(f"quote {number} is old.")
    begin = clock()
    audited = audit()
    audit_took = clock() - begin
    durations = []
    for number in range(calls):
        sleep(_PAUSE_SECONDS)
        before = clock()
        info(f"quote {number} is old.")
        durations.append(clock() - before)
    told = {
        "p50": measure.percentile(durations, 0.5) / 1e3,
        "p99": measure.percentile(durations, 0.99) / 1e3,
        "calls": _FIRST + calls,
        "audit": int(audited),
        "audit_us": audit_took / 1e3,
    }
    print(json.dumps(told), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


class _SlowFile(io.TextIOWrapper):
    """A text file whose bytes take their time."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.BytesIO(), "utf-8")
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, text: str) -> int:
        time.sleep(WRITE_SECONDS)
        os.write(self._fd, text.encode())
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


Calls = tuple[Callable[[str], object], Callable[[], bool]]


def _ours(path: Path, queue: bool) -> Calls:
    from benchmarks.peers.ours import Events, start

    log = Events(start(path, queue=queue))
    write = os.write

    def slow_write(fd: int, data: Any) -> int:
        time.sleep(WRITE_SECONDS)
        return write(fd, data)

    os.write = slow_write
    order = fresh(1)[0]
    return lambda text: log.told(text, {}), lambda: log.order(order)


def _stdlib(path: Path) -> Calls:
    import logging.handlers
    import queue

    from benchmarks.peers.stdlib import formatter, logger_over

    target = logging.StreamHandler(_SlowFile(path))
    target.setFormatter(formatter())
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(lines, target)
    listener.start()
    return logger_over(logging.handlers.QueueHandler(lines)).info, bool


def _loguru(path: Path) -> Calls:
    from loguru import logger

    logger.remove()
    logger.add(_SlowFile(path), format="{time} | {message}", enqueue=True, diagnose=False)
    return logger.info, bool


_OPEN: dict[str, Callable[[Path], Calls]] = {
    "queue": lambda path: _ours(path, True),
    "direct": lambda path: _ours(path, False),
    "stdlib": _stdlib,
    "loguru": _loguru,
}
