"""The caller's cost of one event, and events per second, each beside its own baselines.

A child times the standard library without redaction, with a careful one, then its peer, then the
two again: every ratio compares neighbours in time.
"""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.event import ACCOUNT_KEY, CLIENT_KEY, WORKLOADS, Order
from benchmarks.peers import BY_KEY, CAREFUL, PEERS, PLAIN, Peer

_WARM_UP = 20
PACE_SECONDS = 0.002
_PACED_EVENTS = 150
_PACED = ("log_event", "info", "stdlib+", "structlog_json+", "loguru+")

Figures = dict[str, dict[str, dict[str, float]]]


def run(rounds: int, events: int) -> tuple[Figures, dict[str, str]]:
    """{workload: {peer: figures}} and why a peer was not measured."""
    missing = {peer.title: "not installed" for peer in PEERS if not peer.installed}
    here = [peer.key for peer in PEERS if peer.installed]
    figures: Figures = {}
    for workload in WORKLOADS:
        figures[workload], failed = _workload(rounds, here, workload, events, 0)
        missing |= failed
    paced = [key for key in _PACED if key in here]
    events = min(events, _PACED_EVENTS)
    figures["paced"], failed = _workload(rounds, paced, "cycle", events, PACE_SECONDS)
    return figures, missing | failed


def _workload(
    rounds: int, keys: list[str], workload: str, events: int, pause: float
) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    def one(key: str) -> Any:
        return measure.ask("speed", "sample", key, workload, events, pause)

    taken, failed = measure.in_turn(rounds, keys, one)
    why = {BY_KEY[key].title: reason for key, reason in failed.items()}
    return {key: measure.medians(samples) for key, samples in taken.items()}, why


def sample(key: str, workload: str, events: int, pause: float) -> dict[str, float]:
    """In a child: one peer between its baselines. Times in microseconds."""
    orders = WORKLOADS[workload](events + _WARM_UP)
    peer = BY_KEY[key]
    plain, careful = _timed(PLAIN, orders, pause), _timed(CAREFUL, orders, pause)
    own = _timed(peer, orders, pause)
    plain_again, careful_again = _timed(PLAIN, orders, pause), _timed(CAREFUL, orders, pause)
    plain = {name: (plain[name] + plain_again[name]) / 2 for name in plain}
    careful = {name: (careful[name] + careful_again[name]) / 2 for name in careful}
    return {
        **own,
        "plain_p50": plain["p50"],
        "careful_p50": careful["p50"],
        "x_plain": own["p50"] / plain["p50"],
        "x_careful": own["p50"] / careful["p50"],
        "x_plain_p99": own["p99"] / plain["p99"],
        "rate_x_plain": plain["per_event"] / own["per_event"],
        "rate_x_careful": careful["per_event"] / own["per_event"],
    }


def _timed(peer: Peer, orders: list[Order], pause: float) -> dict[str, float]:
    path = Path(f"{time.monotonic_ns()}") / "bot.log"
    path.parent.mkdir()
    log = peer.open(path)
    for order in orders[:_WARM_UP]:
        log.order(order)
    gc.collect()
    durations, spent = _calls(log, orders[_WARM_UP:], pause)
    clock = time.perf_counter_ns
    begin = clock()
    log.close()
    spent += clock() - begin
    data = path.read_bytes()
    _check(peer, data, len(orders))
    return {
        "p50": measure.percentile(durations, 0.5) / 1e3,
        "p99": measure.percentile(durations, 0.99) / 1e3,
        "per_event": spent / len(durations) / 1e3,
        "bytes": len(data) / len(orders),
    }


def _calls(log: Any, orders: list[Order], pause: float) -> tuple[list[int], int]:
    """What each call took, and all together without the pauses between them; nanoseconds."""
    clock, sleep, call = time.perf_counter_ns, time.sleep, log.order
    durations: list[int] = []
    add = durations.append
    begin = clock()
    for order in orders:
        if pause:
            sleep(pause)
        before = clock()
        call(order)
        add(clock() - before)
    return durations, sum(durations) if pause else clock() - begin


def _check(peer: Peer, data: bytes, expected: int) -> None:
    lines = data.count(b"\n")
    if lines != expected:
        raise SystemExit(f"{peer.title}: {lines} lines instead of {expected}")
    if peer.redaction != "none":
        for secret in (CLIENT_KEY, ACCOUNT_KEY):
            if secret.encode() in data:
                raise SystemExit(f"{peer.title}: a key is in the file")
