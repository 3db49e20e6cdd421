"""A cycle with a journal of a million old orders, against the same cycle with an empty one.

Both bots are whole processes and trade in every cycle, each with a simulator of its own. They take
turns; what is compared is their CPU time, so that a slow disk does not count.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import measure
from tradebot.cli.simulator import environment
from tradebot.execution.references import account_hash
from tradebot.journal import Journal
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

MILLION = 1_000_000
KINDS = ("empty", "full")

_STRATEGY = """
from tradebot.model import Action, Signal

class Restless:
    name, version, horizon_minutes, bars_needed = "restless", "1", 1440, 1
    def decide(self, view):
        return Signal(Action.SELL if view.held else Action.BUY, "restless")
"""
_OLD = "strftime('%Y-%m-%dT%H:%M:00.000000Z', '2000-01-01', '+' || i || ' minutes')"
_REFERENCE = "'ATB-' || strftime('%Y%m%d-%H%M', '2000-01-01', '+' || i || ' minutes') || '-OLD'"
_INSTRUMENT = "'Stock:' || (10001 + i % 200)"
_STEPS = (
    f"INSERT INTO runs (row_id, run_id, pid, started_at, slot, cycle_id, locked_at, phase,"
    f" ended_at, outcome, exit_code) SELECT i, 'run-' || i, 1, {_OLD}, {_OLD}, i, {_OLD}, 'end',"
    f" {_OLD}, 'ran', 0 FROM n",
    f"INSERT INTO slots SELECT {_OLD}, 1, 1, 1, 'run-' || i FROM n",
    f"INSERT INTO decisions SELECT i, ?, 'restless', {_INSTRUMENT}, {_OLD}, 'BUY', 1 FROM n",
    "INSERT INTO attempts (external_reference, decision_id, attempt, run_id, cycle_id, account,"
    " instrument, symbol, side, quantity, bar_time, slot, created_at, prechecked_at, sent_at,"
    f" order_id, resolved) SELECT {_REFERENCE}, i, 1, 'run-' || i, i, ?, {_INSTRUMENT}, 'X', 'BUY',"
    f" '10', {_OLD}, {_OLD}, {_OLD}, {_OLD}, {_OLD}, i, 1 FROM n",
    f"INSERT INTO verdicts SELECT {_REFERENCE}, CASE i % 9 WHEN 0 THEN 'FAILED' ELSE 'SUCCESS' END,"
    f" CASE i % 9 WHEN 0 THEN 'not_placed' END, 0, {_OLD}, 1 FROM n",
    f"INSERT INTO fills SELECT {_REFERENCE}, ?, {_INSTRUMENT}, i, 'BUY', 'filled', '10', 12.5,"
    f" {_OLD} FROM n WHERE i % 9 <> 0",
)


def grow(path: Path, account: str, count: int) -> None:
    """Add so many runs, slots and orders of long ago to the journal at `path`, all settled.

    `account` is the hash that a bot knows its account by.
    """
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-200000")
        numbers = (
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count:d}) "
        )
        for step in _STEPS:
            connection.execute(numbers + step, (account,) * step.count("?"))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def run(rounds: int, count: int = MILLION) -> tuple[dict[str, float], dict[str, str]]:
    """CPU milliseconds of a process with either journal, and what the one is over the other."""
    with measure.scratch() as folder, ExitStack() as stack:
        (folder / "restless.py").write_text(_STRATEGY, encoding="utf-8")
        options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
        brokers = {
            kind: stack.enter_context(Simulator(folder / f"{kind}.db", options=options))
            for kind in KINDS
        }
        full = _journal(folder, "full")
        grow(full, account_hash(brokers["full"].account_key), count)
        size = full.stat().st_size
        for kind in KINDS:
            _cycle(folder, kind, brokers[kind])  # writes the byte code, warms the disk's cache
        samples, failed = measure.in_turn(
            rounds, KINDS, lambda kind: _cycle(folder, kind, brokers[kind])
        )
        orders = min(_orders(_journal(folder, kind)) for kind in KINDS)
    medians = {kind: statistics.median(samples[kind]) for kind in KINDS}
    ratio = statistics.median(
        [full / empty for full, empty in zip(samples["full"], samples["empty"], strict=True)]
    )
    return {**medians, "ratio": ratio, "count": count, "bytes": size, "orders": orders}, failed


def _journal(folder: Path, kind: str) -> Path:
    return folder / kind / "default" / "LOCAL" / "live" / "journal.db"


def _orders(path: Path) -> int:
    """How many the cycles made: a cycle that does not trade measures little."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(
            "SELECT count(*) FROM attempts WHERE external_reference NOT LIKE '%-OLD'"
        )
        return int(row.fetchone()[0])


def _cycle(folder: Path, kind: str, broker: Simulator) -> float:
    """One process with one cycle; CPU milliseconds. The market has moved on by a bar before."""
    broker.advance()
    settings = {
        **measure.environment(),
        **environment(broker),
        "STATE_DIR": str(folder / kind),
        "LOG_DIR": str(folder / f"{kind}-logs"),
        "STRATEGY_NAME": "restless:Restless",
    }
    settings["PYTHONPATH"] += os.pathsep + str(folder)
    process = subprocess.Popen(
        [sys.executable, str(measure.ROOT / "main.py"), "--single-cycle"],
        env=settings,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise measure.ChildFailed(f"exit code {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1e3
