"""A month of the real bot, in which everything happens: `why` is right about each pair of
instrument and slot, by the plan of what was done, and the journal says the same.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest

from support.month.books import NO_RUN, NOT_TRADED, TRADED
from support.month.broker_faults import ORDERS_FATES, READS
from support.month.happenings import SCHEDULE_AND_DEATHS, quiet
from support.month.judge import disagreements, why
from support.month.play import Play, play
from support.month.stage import CADENCE, START, WATCHED, Stage
from support.windows import posix
from tradebot.logtools.reading.times import moment_of

pytestmark = posix
SLOTS = 90
EVERYTHING = (*SCHEDULE_AND_DEATHS, *READS, *ORDERS_FATES)


@pytest.fixture(scope="module", params=[1, 2], ids="seed {}".format)
def month(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Play]:
    with Stage(tmp_path_factory.mktemp("month")) as stage:
        yield play(stage, EVERYTHING, seed=request.param, quiet=quiet, slots=SLOTS)


def test_every_pair_of_instrument_and_slot_is_explained(month: Play) -> None:
    assert {pair.happening for pair in month.pairs} >= {h.__name__ for h in EVERYTHING}
    asked = {(pair.instrument, pair.slot) for pair in month.pairs if pair.slot is not None}
    slots = [START + n * CADENCE for n in range(round((month.slot - START) / CADENCE) + 1)]
    # The one instrument that is left out of one slot has its answer, too: not watched.
    assert asked >= {(instrument, slot) for instrument in WATCHED for slot in slots}
    assert len(slots) >= SLOTS
    wrong = disagreements(month.stage.logs, month.pairs)
    assert not wrong, f"{len(wrong)} of {len(month.pairs)}:\n" + "\n".join(wrong)


def test_the_journal_says_the_same(month: Play) -> None:
    """What was traded by the plan has a fill in the journal, and nothing else has; what the plan
    lets a run end with stands in its row."""
    path = month.stage.state / "live" / "journal.db"
    with sqlite3.connect(path) as journal:
        fills = {
            (slot and moment_of(slot), instrument)
            for slot, instrument in journal.execute(
                "SELECT slot, fills.instrument FROM fills JOIN attempts USING"
                " (external_reference) WHERE CAST(filled_quantity AS REAL) > 0"
            )
        }
        reasons = {
            (moment_of(slot), reason)
            for slot, reason in journal.execute("SELECT slot, reason FROM runs")
            if slot and reason
        }
    journal.close()
    traded = {(p.slot, p.instrument) for p in month.pairs if p.expected.result == TRADED}
    assert fills == traded
    skips = {"by_hand", "consecutive_failures", "late", "taken", "exhausted", "before_open",
             "after_close", "not_a_trading_day", "lock_busy"}  # fmt: skip
    planned = {
        (p.slot, p.expected.reason)
        for p in month.pairs
        if p.expected.result == NOT_TRADED and p.expected.reason in skips
    }
    assert {(slot, reason) for slot, reason in reasons if reason in skips} == planned


def test_the_table_of_the_month_counts_what_was_planned(month: Play) -> None:
    instrument = next(iter(WATCHED))
    code, said, _ = why(
        instrument, "--since", "2026-03-01", "--logs", str(month.stage.logs), "--output", "json"
    )
    assert code == 0
    rows: dict[tuple[str, str], int] = {}
    for row in json.loads(said)["rows"]:  # the dry run is told apart from the real ones
        key = row["result"], row["reason"]
        rows[key] = rows.get(key, 0) + row["count"]
    planned: dict[tuple[str, str], int] = {}
    for pair in month.pairs:
        if pair.instrument == instrument:
            key = pair.expected.result, pair.expected.reason
            planned[key] = planned.get(key, 0) + 1
    assert rows == planned
    assert planned[NO_RUN, "no_wakeup"] >= 4
