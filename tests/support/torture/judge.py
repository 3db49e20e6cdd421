"""Everything that must be true of orders, whatever was done to the process that sent them.

Looks at the broker's own tables, the journal's and the log, without asking the program: what it
believes is part of what is judged.
"""

from __future__ import annotations

import enum
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from support.torture.stage import Stage
from tradebot.execution.references import account_hash
from tradebot.logtools import lint_paths
from tradebot.logtools.linting.findings import Severity

_EVERY_ONE = 10_000
_OUTCOMES = ("SUCCESS", "FAILED", "SKIPPED")


class Breach(enum.StrEnum):
    """The kinds of what must never happen."""

    SECOND_ORDER = "second order"
    NO_OUTCOME = "intent without outcome"
    WRONG_OUTCOME = "outcome that is not the broker's"
    UNKNOWN_ORDER = "order that the journal does not know"
    WRONG_POSITION = "position that differs from the broker's"
    LOG = "log that does not tell it"
    RUN = "killed run that is not told"


@dataclass(frozen=True, slots=True)
class Found:
    """One breach, in words."""

    breach: Breach
    what: str

    def __str__(self) -> str:
        return f"{self.breach}: {self.what}"


def find_breaches(stage: Stage, *, torn: int = 0) -> list[Found]:
    """Judge a stage after its recovery; `torn` processes died in the midst of writing a line."""
    evidence = _Evidence(stage)
    return [
        *_second_orders(evidence),
        *_too_many_placements(evidence),
        *_without_outcome(evidence),
        *_wrong_outcomes(evidence),
        *_unknown_orders(evidence),
        *_positions(evidence, stage),
        *_untold_orders(evidence, stage),
        *_log(stage, torn),
        *_untold_runs(evidence, stage),
    ]


def open_ends(stage: Stage) -> list[str]:
    """References that the journal still has to settle or to tell."""
    return [found.what for found in _without_outcome(_Evidence(stage))]


class _Evidence:
    """The tables of both sides, read once."""

    def __init__(self, stage: Stage) -> None:
        state = stage.simulator.broker.state
        self.orders = state.all("SELECT * FROM orders WHERE parent IS NULL ORDER BY order_id")
        self.requests = state.all(
            "SELECT * FROM order_requests WHERE method = 'POST' AND endpoint NOT LIKE '%precheck'"
            " ORDER BY request"
        )
        path = stage.journal_path()
        self.attempts: dict[str, dict[str, Any]] = {}
        self.runs: list[dict[str, Any]] = []
        if path.exists():
            self._read(path)

    def _read(self, path: Any) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name='runs'").fetchone():
                return  # killed before the tables were there, and not begun again
            rows = connection.execute(
                "SELECT a.*, v.outcome, v.logged FROM attempts a"
                " LEFT JOIN verdicts v USING (external_reference)"
            )
            self.attempts = {row["external_reference"]: dict(row) for row in rows}
            self.runs = [dict(row) for row in connection.execute("SELECT * FROM runs")]


def _second_orders(evidence: _Evidence) -> Iterator[Found]:
    by_reference = Counter(order["reference"] for order in evidence.orders)
    for reference, count in by_reference.items():
        if count > 1:
            yield Found(Breach.SECOND_ORDER, f"{count} orders with the reference {reference}")
    by_decision: dict[int, list[str]] = defaultdict(list)
    for order in evidence.orders:
        attempt = evidence.attempts.get(order["reference"])
        if attempt is not None and order["status"] != "Rejected":
            by_decision[attempt["decision_id"]].append(order["reference"])
    for references in by_decision.values():
        if len(set(references)) > 1:
            yield Found(Breach.SECOND_ORDER, f"one decision, orders {', '.join(references)}")


def _too_many_placements(evidence: _Evidence) -> Iterator[Found]:
    """A reference is sent once; once more only where the first was refused for its token."""
    statuses: dict[str, list[int]] = defaultdict(list)
    for request in evidence.requests:
        statuses[request["reference"]].append(request["status"])
    for reference, answers in statuses.items():
        if len(answers) > 2 or (len(answers) == 2 and answers[0] != 401):
            yield Found(Breach.SECOND_ORDER, f"{reference} was sent with answers {answers}")


def _without_outcome(evidence: _Evidence) -> Iterator[Found]:
    for reference, attempt in evidence.attempts.items():
        if not attempt["resolved"] or attempt["outcome"] is None:
            yield Found(Breach.NO_OUTCOME, f"{reference} is not resolved")
        elif not attempt["logged"]:
            yield Found(Breach.NO_OUTCOME, f"the verdict on {reference} is not logged")


def _wrong_outcomes(evidence: _Evidence) -> Iterator[Found]:
    """An order that stands or is filled is a success, and nothing else is."""
    standing = {o["reference"] for o in evidence.orders if o["status"] in ("Working", "Filled")}
    for reference, attempt in evidence.attempts.items():
        if attempt["outcome"] is not None and (
            (attempt["outcome"] == "SUCCESS") is not (reference in standing)
        ):
            word = "stands" if reference in standing else "does not stand"
            what = f"{reference} {word}, its outcome is {attempt['outcome']}"
            yield Found(Breach.WRONG_OUTCOME, what)


def _unknown_orders(evidence: _Evidence) -> Iterator[Found]:
    for order in evidence.orders:
        if order["reference"] not in evidence.attempts:
            yield Found(Breach.UNKNOWN_ORDER, f"{order['order_id']}, {order['reference']}")


def _positions(evidence: _Evidence, stage: Stage) -> Iterator[Found]:
    if not evidence.runs:
        return
    account = account_hash(stage.simulator.account_key)
    with stage.journal() as journal:
        own = {i: q for i, q in journal.orders.own_positions(account).items() if q}
    held = stage.net_positions()
    if own != held:
        yield Found(Breach.WRONG_POSITION, f"own {_told(own)}, broker {_told(held)}")


def _told(positions: dict[Any, Any]) -> str:
    return ", ".join(f"{instrument}={amount}" for instrument, amount in positions.items()) or "none"


def _untold_orders(evidence: _Evidence, stage: Stage) -> Iterator[Found]:
    """Each intent has its first line, or its run died before it, and its last one."""
    # A torn line may parse and lack anything.
    created = {x.get("external_reference") for x in stage.lines("execution_intent_created")}
    ended: dict[str | None, str] = {}
    for line in stage.lines("execution_completed"):
        if "execution_outcome" in line:
            ended[line.get("external_reference")] = line["execution_outcome"]
    died = {run["run_id"] for run in evidence.runs if _was_killed(run)}
    for reference, attempt in evidence.attempts.items():
        if reference not in created and attempt["run_id"] not in died:
            yield Found(Breach.LOG, f"no line says that {reference} was created")
        if ended.get(reference) not in _OUTCOMES:
            yield Found(Breach.LOG, f"the last line of {reference} says {ended.get(reference)}")


def _was_killed(run: dict[str, Any]) -> bool:
    return run["outcome"] == "killed" or run["ended_at"] is None


def _log(stage: Stage, torn: int) -> Iterator[Found]:
    """A torn line may be anything, also one that parses and lacks what its event requires."""
    if not (stage.bot / "logs").exists():
        return
    report = lint_paths([str(stage.bot / "logs")], kept=_EVERY_ONE)
    wrong = [f for f in report.findings if f.kind.severity is Severity.PROBLEM]
    if len({(finding.file, finding.line) for finding in wrong}) > torn:
        yield from (Found(Breach.LOG, str(finding)) for finding in wrong)


def _untold_runs(evidence: _Evidence, stage: Stage) -> Iterator[Found]:
    """A run that died with the lock is called killed by a later one, in journal and log."""
    told = {line.get("killed_run_id") for line in stage.lines("run_killed_found")}
    for run in evidence.runs:
        if run["locked_at"] is not None and run["ended_at"] is None:
            yield Found(Breach.RUN, f"{run['run_id']} has not ended")
        if run["outcome"] == "killed" and run["run_id"] not in told:
            yield Found(Breach.RUN, f"no line says that {run['run_id']} was killed")
