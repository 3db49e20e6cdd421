"""Every decision of a made-up log of five days: the reason is the one that it was made with."""

from __future__ import annotations

from typing import Any

import pytest

from support.log_corpus import Corpus, small_corpus
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Selection, entries
from tradebot.logtools.reading.folder import log_of
from tradebot.logtools.why.cycles import NEEDLES, Cycles
from tradebot.logtools.why.reasons_chain import Answer, answer
from tradebot.logtools.why.table import tallies

pytestmark = pytest.mark.usefixtures("coverage_looks_away")  # others show these lines

_ENDED_BY = {
    "bug": "unexpected_exception",
    "token_down": "login_server_unavailable",
    "login_lost": "grant_refused",
}
"""What says more than the class of the error that the run ended with."""
LATER = "2030-01-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def read(corpus: Corpus) -> Cycles:
    files = log_of([str(corpus.folder)])
    return Cycles().read(entries(files, Selection(needles=NEEDLES), Notes()))


def expected(decision: dict[str, Any], corpus: Corpus) -> tuple[str, str]:
    """Result and reason, by what the corpus was made from."""
    action, reason, not_begun = (decision[n] for n in ("action", "reason", "not_begun"))
    [run] = [one for one in corpus.truth.runs if one["run_id"] == decision["run_id"]]
    if not_begun == "cycle_failed" or (action == "SKIP" and reason == "cycle_failed"):
        return "not_traded", _ENDED_BY.get(run["kind"]) or run["failed"][1]
    if not_begun or action in ("HOLD", "SKIP"):
        return "not_traded", not_begun or reason
    order = corpus.truth.refs[decision["reference"]]
    if order.state == "unknown_at_broker":
        return "unknown", str(order.failure_reason)
    if order.state == "no_outcome_logged":
        return "unknown", "no_end"
    if order.filled_quantity or order.order_state in ("working", "filled"):
        return "traded", reason
    if order.outcome == "SUCCESS":
        return "not_traded", str(order.order_state)  # taken, and then cancelled or expired
    if order.failure_reason == "abandoned_before_send":
        return "not_traded", "killed" if run["failed"] is None else run["failed"][1]
    return "not_traded", str(order.failure_reason)


def test_each_decision_has_the_reason_it_was_made_with(corpus: Corpus, read: Cycles) -> None:
    by_run = {cycle.run.run_id: cycle for cycle in read.runs}
    wrong = []
    for decision in corpus.truth.decisions:
        cycle = by_run[decision["run_id"]]
        said: Answer = answer(cycle, decision["instrument"], "", read.orders, LATER)
        right = expected(decision, corpus)
        if (said.result.value, said.reason) != right:
            wrong.append((right, said))
    assert len(corpus.truth.decisions) > 300
    assert not wrong, f"{len(wrong)}: {wrong[:3]}"


def test_each_slot_without_a_run_is_counted_once(corpus: Corpus, read: Cycles) -> None:
    told: dict[str, int] = {}
    for slot in corpus.truth.missed:
        if slot["expected"] and slot["told"]:
            told[slot["reason"]] = told.get(slot["reason"], 0) + 1
    found, _ = tallies(read, None, "", "", LATER)
    assert told
    for tally in found:
        rows = {row.reason: row.count for row in tally.in_order if row.result.value == "no_run"}
        assert rows == told
