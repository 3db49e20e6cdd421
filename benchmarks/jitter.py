"""Fifty bots on one five-minute grid: `python -m benchmarks.jitter [--write]`.

One real run is measured at a simulated broker: the time from the start of its process to each of
its requests. Fifty such runs are then laid over each other with the bot's own jitter, for fifty
host names and every slot of a day, and the requests of each second are counted. As a check on the
arithmetic as many processes are really started at once against one server.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import jitter_plot, machine, measure
from tradebot.scheduling.jitter import jitter_seconds
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions
from tradebot.simulator.gateway import Gateway
from tradebot.simulator.http_server import HttpServer
from tradebot.simulator.routing import below_base, service_group
from tradebot.simulator.web import Reply, Request

PAGE = measure.ROOT / "docs" / "operations.md"
FIGURES = measure.ROOT / "docs" / "benchmarks" / "jitter.json"
BOTS = 50
CADENCE = 300
JITTERS = (0, 5, 15, 30, 60)
REALLY = (0, 15)
"""What is really tried with processes."""
_DAY = datetime(2026, 7, 20, tzinfo=UTC)
_BLOCK = re.compile(r"(<!-- made: jitter -->\n).*?(<!-- end -->\n)", re.DOTALL)
_TIMEOUT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request at the server: seconds after the processes were started."""

    at: float
    group: str
    """`port`, `trade`, `chart` …: what Saxo counts a session's requests by."""


@dataclass(slots=True)
class Broker:
    """A simulated broker that notes when each request arrives. It enforces no quota: what is
    looked for is what bots ask, not how they wait."""

    simulator: Simulator
    server: HttpServer
    arrivals: list[tuple[float, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def environment(self, folder: Path, instance: str) -> dict[str, str]:
        """What a bot gets that has a login of its own."""
        base = self.simulator.rest_base.replace(f":{self.simulator.port}/", f":{self.server.port}/")
        return {
            **measure.environment(),
            "SAXO_ENV": "LOCAL",
            "SAXO_REST_BASE": base,
            "SAXO_AUTH_BASE": f"http://127.0.0.1:{self.server.port}",
            "SAXO_AUTH_MODE": "manual",
            "SAXO_ACCESS_TOKEN": self.simulator.access_token(),
            "INSTANCE": instance,
            "STATE_DIR": str(folder / "state"),
            "LOG_DIR": str(folder / "logs" / instance),
        }


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    """Serving until the end of the `with`."""
    options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
    with Simulator(folder / "simulator.db", options=options) as simulator:
        gateway = Gateway(simulator.broker)

        def note(request: Request) -> Reply:
            path = below_base(request.path)
            with here.lock:
                here.arrivals.append((time.monotonic(), service_group(path) if path else "login"))
            return gateway(request)

        server = HttpServer(note, 0, time.time)
        here = Broker(simulator, server)
        try:
            yield here
        finally:
            server.close()


def start(here: Broker, folder: Path, count: int, jitter: float) -> list[Arrival]:
    """`count` bots at once, each an instance of its own; dry, since they share an account."""
    here.arrivals.clear()
    command = [sys.executable, str(measure.ROOT / "main.py"), "--single-cycle", "--dry-run"]
    begin = time.monotonic()
    running = [
        subprocess.Popen(
            [*command, f"--jitter-seconds-max={jitter:g}"],
            env=here.environment(folder, f"bot-{number}"),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(count)
    ]
    try:
        codes = [process.wait(_TIMEOUT_SECONDS) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    if any(codes):
        raise measure.ChildFailed(f"exit codes {sorted(set(codes))}")
    return [Arrival(at - begin, group) for at, group in here.arrivals]


def fill_caches(here: Broker, folder: Path, count: int) -> None:
    """Two runs of each: that a market stands still, as here, is only believed the second time."""
    for _ in range(2):
        start(here, folder, count, 0)


def one_run(rounds: int) -> list[Arrival]:
    """The requests of a run whose caches are filled, as in every run but the first; of several,
    the one whose last request came at the median time."""
    with measure.scratch() as folder, broker(folder) as here:
        fill_caches(here, folder, 1)
        runs = [start(here, folder, 1, 0) for _ in range(rounds)]
    return sorted(runs, key=lambda run: run[-1].at)[len(runs) // 2]


def laid_over(run: Sequence[Arrival], bots: int, jitter: float) -> list[Counter[int]]:
    """For each slot of a day: requests of each second after the slot's beginning."""
    slots = []
    for number in range(86400 // CADENCE):
        slot = _DAY + timedelta(seconds=number * CADENCE)
        seconds: Counter[int] = Counter()
        for bot in range(bots):
            wait = jitter_seconds(
                jitter, CADENCE, host=f"host-{bot}", instance="default", slot=slot
            )
            seconds.update(int(wait + arrival.at) for arrival in run)
        slots.append(seconds)
    return slots


def per_second(arrivals: Sequence[Arrival]) -> Counter[int]:
    return Counter(int(arrival.at) for arrival in arrivals)


def run(bots: int, rounds: int) -> dict[str, Any]:
    """All figures."""
    single = one_run(rounds)
    figures: dict[str, Any] = {
        "machine": machine.describe(),
        "bots": bots,
        "requests": len(single),
        "seconds": single[-1].at,
        "groups": dict(Counter(arrival.group for arrival in single).most_common()),
        "laid_over": {},
        "started": {},
    }
    for jitter in JITTERS:
        slots = laid_over(single, bots, jitter)
        peaks = [max(seconds.values()) for seconds in slots]
        typical = min(slots, key=lambda one: abs(max(one.values()) - statistics.median(peaks)))
        figures["laid_over"][str(jitter)] = {
            "median": statistics.median(peaks),
            "worst": max(peaks),
            "seconds": [typical[second] for second in range(max(JITTERS) + 5)],
        }
    for jitter in REALLY:
        with measure.scratch() as folder, broker(folder) as here:
            fill_caches(here, folder, bots)
            arrivals = start(here, folder, bots, jitter)
        seconds = per_second(arrivals)
        figures["started"][str(jitter)] = {
            "requests": len(arrivals),
            "peak": max(seconds.values()),
            "over": max(seconds) - min(seconds) + 1,
        }
    return figures


def text(figures: dict[str, Any]) -> str:
    """The block of the page."""
    bots, run_requests = figures["bots"], figures["requests"]
    none = figures["laid_over"]["0"]["median"]
    rows = []
    for jitter, one in figures["laid_over"].items():
        really = figures["started"].get(jitter)
        rows.append(
            f"| {f'up to {jitter} s' if jitter != '0' else 'none'} | {one['median']:g} | "
            f"{one['worst']:g} | {one['median'] / none:.2f} | "
            f"{'-' if really is None else '{peak} of {requests}, over {over} s'.format(**really)} |"
        )
    group, most = next(iter(figures["groups"].items()))
    groups = ", ".join(f"{name} {count}" for name, count in figures["groups"].items())
    a_day = bots * run_requests * 86400 // CADENCE
    return "\n".join(
        [
            f"![Requests per second of {bots} bots](benchmarks/jitter.svg)",
            "",
            f"One run with filled caches and no signal made {run_requests} requests ({groups}), "
            f"the last one {figures['seconds']:.1f} s after its process was started.",
            "",
            f"| jitter | busiest second of a slot, {bots} hosts (median of a day's slots) | worst "
            f"slot | of none | {bots} processes really started on one machine: busiest second |",
            "|---|---:|---:|---:|---:|",
            *rows,
            "",
            f"| Saxo's limit (learn/rate-limiting) | {bots} bots, a login each | {bots} bots, one "
            "login | does jitter help? |",
            "|---|---|---|---|",
            f"| 120 requests a minute for each service group of a session | {most} of 120 "
            f"({group}) | {bots * most} of 120: {120 // most} bots fit | no: up to 60 s of jitter "
            "are within the minute that is counted |",
            f"| 1 order a second for each session | never two at once: the bot spaces its own | "
            f"{bots} signals at once are {bots} orders a second; with 15 s of jitter still "
            f"{bots / 15:.1f} | only from {bots} s on |",
            f"| 10,000,000 requests a day for an application | {a_day:,} ({a_day / 1e7:.1%}) | the "
            "same | no |",
            "",
            f"Measured with {figures['machine']['python']} on {figures['machine']['system']}, "
            f"{figures['machine']['processor']}. Seconds belong to that machine; compare the "
            "ratios. Written by `python -m benchmarks.jitter --write`.",
        ]
    )


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jitter", description=__doc__)
    parser.add_argument("--bots", type=int, default=BOTS)
    parser.add_argument("--rounds", type=int, default=5, help="runs that are measured alone")
    parser.add_argument("--write", action="store_true", help="write page, plot and figures")
    parser.add_argument("--render", action="store_true", help="the same from the last figures")
    asked = parser.parse_args(given)
    if min(asked.bots, asked.rounds) < 1:
        parser.error("--bots and --rounds are at least 1")
    figures = (
        json.loads(FIGURES.read_text("utf-8")) if asked.render else run(asked.bots, asked.rounds)
    )
    if not (asked.write or asked.render):
        print(text(figures))
        return 0
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    jitter_plot.write(figures)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_BLOCK.sub(lambda old: old[1] + text(figures) + "\n" + old[2], page), "utf-8")
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
