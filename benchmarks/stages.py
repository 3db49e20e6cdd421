"""Where an event's time goes: ever longer parts of one call, and what each adds.

Only the public interface is used, so the stages stay what they are when the code inside changes.
A session without a file gives its lines to a function that does nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.event import NAME, RUN, Order, fresh, same, secrets

STAGES: dict[str, tuple[str, str]] = {
    "call": (
        "the call",
        "An empty function with the same ten keyword arguments: nothing of ours runs yet.",
    ),
    "head": (
        "head of the line",
        "Time, level, component, event, the six fields of the context, which are written once per "
        "run, and two numbers.",
    ),
    "fields": (
        "eight more fields, seen before",
        "Numbers are written at once; a text under its key is looked up, already masked.",
    ),
    "fresh": (
        "four new values",
        "Three new texts are matched against the pattern of their field and searched for every "
        "secret; a new number costs nothing more.",
    ),
    "file": (
        "rotation and durability",
        "Encoding, the lock between threads, and the questions whether the day, the size or the "
        "file changed and whether an audit event's file still has its name.",
    ),
    "write": ("os.write", "The same bytes written by the same system call alone: the floor."),
}


def run(rounds: int, events: int) -> dict[str, float]:
    """{stage: microseconds it adds}, and `whole`."""
    taken, failed = measure.in_turn(
        rounds, ["ours"], lambda _job: measure.ask("stages", "sample", events)
    )
    if failed:
        raise measure.ChildFailed(failed["ours"])
    return measure.medians(taken["ours"])


def sample(events: int) -> dict[str, float]:
    """In a child: every part timed, then told apart."""
    repeated, new = same(events), fresh(2 * events)
    call = _median(_nothing, repeated)
    head, fields, new_fields = _without_file(repeated, new[:events])
    whole, write = _with_file(new[events:])
    return {
        "call": call,
        "head": head - call,
        "fields": fields - head,
        "fresh": new_fields - fields,
        "file": whole - new_fields - write,
        "write": write,
        "whole": whole,
    }


def _without_file(repeated: list[Order], new: list[Order]) -> tuple[float, float, float]:
    import dataclasses

    from benchmarks.peers.ours import Events
    from tradebot.observability import (
        build_log_context,
        log_event,
        register_secret,
        setup_logging,
    )
    from tradebot.vocabulary import CATALOGUE

    context = build_log_context(**dataclasses.asdict(RUN))
    shown: Callable[[int, str], None] = lambda _level, _line: None  # noqa: E731
    with setup_logging(None, context=context, catalogue=CATALOGUE, console=shown) as session:
        for secret in secrets():
            register_secret(secret)
        place = Events(session).order
        return (
            _median(lambda order: log_event("cycle_begin", uic=order.uic, count=2), repeated),
            _median(place, repeated),
            _median(place, new),
        )


def _with_file(new: list[Order]) -> tuple[float, float]:
    from benchmarks.peers.ours import Events, start

    with start(Path("logs") / "bot.log") as session:
        whole = _median(Events(session).order, new)
    line = Path("logs/bot.log").read_bytes().splitlines(keepends=True)[-1]
    fd = os.open("plain.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        write = _median(lambda _order: os.write(fd, line), new)
    finally:
        os.close(fd)
    return whole, write


def _nothing(order: Order) -> bool:
    return _take(
        NAME,
        instrument_id=order.instrument_id,
        asset_type=order.asset_type,
        uic=order.uic,
        client_key=order.client_key,
        account_key=order.account_key,
        http_status=order.http_status,
        latency_ms=order.latency_ms,
        saxo_request_id=order.saxo_request_id,
        external_reference=order.external_reference,
        order_id=order.order_id,
    )


def _take(_event: str, /, **_fields: object) -> bool:
    return True


def _median(call: Callable[[Order], Any], orders: list[Order]) -> float:
    """Microseconds of one call."""
    clock = time.perf_counter_ns
    durations = []
    for order in orders:
        begin = clock()
        call(order)
        durations.append(clock() - begin)
    return measure.percentile(durations, 0.5) / 1e3
