"""The journal of the log corpus, which the bot's own journal wrote, tells the same story."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from benchmarks.log_corpus.agenda import HOURS
from benchmarks.log_corpus.market import ACCOUNT
from support.log_corpus import Corpus, all_lines, small_corpus
from tradebot.journal import Journal
from tradebot.model import InstrumentId
from tradebot.scheduling.expected_slots import expected_slots
from tradebot.scheduling.missed import gaps
from tradebot.scheduling.slot_history import Times, merged, slot_history

_UNKNOWN = "RECONCILIATION_NEEDED"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


def test_the_journal_knows_the_same_runs(corpus: Corpus) -> None:
    with Journal(corpus.folder / "journal.db", look=True) as journal:
        rows = journal.runs.latest(10_000)

    told = {row.run_id: (row.outcome, row.exit_code, row.cycle_id) for row in rows}
    expected = {
        run["run_id"]: (run["outcome"], run["exit_code"], run["cycle_id"])
        for run in corpus.truth.runs
    }
    last = corpus.truth.runs[-1]["run_id"]
    assert told.pop(last)[0] is None, "nobody has found the last one yet"
    del expected[last]
    assert told == expected


def test_the_journal_knows_the_same_orders(corpus: Corpus) -> None:
    begin, end = datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    with Journal(corpus.folder / "journal.db", look=True) as journal:
        entries = journal.orders.created_between(begin, end)
        unresolved = journal.orders.unresolved()
        live = journal.orders.live(ACCOUNT)
        unlogged = journal.orders.unlogged()
        held = journal.orders.own_positions(ACCOUNT)

    refs, positions = corpus.truth.refs, Counter[str]()
    assert {attempt.intent.external_reference for attempt, _ in entries} == refs.keys()
    for attempt, verdict in entries:
        one = refs[attempt.intent.external_reference]
        positions[one.instrument] += one.filled_quantity * (1 if one.side == "BUY" else -1)
        assert (attempt.sent_at is not None) == (one.sent is not None or one.kind == "duplicate")
        assert (verdict is None) == (one.outcome in (None, _UNKNOWN))
        if verdict is not None:
            assert (verdict.outcome, verdict.failure_reason) == (one.outcome, one.failure_reason)
            assert verdict.filled_quantity == one.filled_quantity
    open_ones = {reference for reference, one in refs.items() if one.outcome in (None, _UNKNOWN)}
    assert {attempt.intent.external_reference for attempt in unresolved} == open_ones
    still = {reference for reference, one in refs.items() if one.state == "still_open"}
    assert {attempt.intent.external_reference for attempt, _ in live} == still
    assert not unlogged
    accepted = [one for one in corpus.truth.by_hand if one["event"] == "position_accepted"]
    differing = [name for name, filled in positions.items() if _held(held, name) != filled]
    assert len(differing) == len(accepted) == 1, "what a person took over is no order's fill"


def _held(held: dict[InstrumentId, Decimal], name: str) -> Decimal:
    return held.get(InstrumentId.parse(name), Decimal(0))


def test_missed_slots_are_those_that_the_bot_would_miss(corpus: Corpus) -> None:
    begin, end = datetime(2025, 11, 20, tzinfo=UTC), datetime(2025, 11, 25, tzinfo=UTC)
    with Journal(corpus.folder / "journal.db", look=True) as journal:
        records = merged({"live": journal.runs.between(begin, end)})
        grids = journal.slot_watch.grids()
    history = slot_history(
        expected_slots(begin, end, grids, HOURS),
        records,
        grids,
        Times(now=end, due=end, limit=timedelta(minutes=25)),
    )
    missed = [(gap.first, gap.count, gap.reason.value) for gap in gaps(history)]

    told = [one for one in corpus.truth.missed if one["expected"]]
    assert [one["slot"] for one in told] == [
        (first + n * timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for first, count, _ in missed
        for n in range(count)
    ]
    assert [one["reason"] for one in told] == [r for _, count, r in missed for _ in range(count)]


def test_told_gaps_are_told_by_the_run_that_the_truth_names(corpus: Corpus) -> None:
    told = Counter(one["told_by"] for one in corpus.truth.missed if one["told"])
    found = Counter[str]()
    for line in all_lines(corpus.folder, corpus.truth):
        if line.event == "schedule_runs_missed":
            found[line.fields["run_id"]] += int(line.fields["missed_count"])

    assert found == told
