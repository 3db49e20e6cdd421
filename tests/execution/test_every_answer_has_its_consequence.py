"""Whatever the broker answers: one order at most, a truthful outcome, and a next cycle that knows.

Each row of the table of answers (`order_answers/*.toml`, printed in docs/orders.md) is one test: a
first cycle with the answer, and a second one after it, on a healthy broker. What a row says of
journal, log, exit code and broker is read from the real ones.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.bench import MSFT, Bench
from support.order_answers import Row, load
from support.order_happenings import Killed, happen_between, happening
from support.program import ROOT
from tradebot.cycle_report import CycleReport
from tradebot.errors import ExitCode
from tradebot.execution.answers import (
    DUPLICATE_CODES,
    REFUSAL_CODES,
    UNKNOWN_CODES,
    Placed,
    Rejected,
    classify,
)
from tradebot.execution.references import account_hash
from tradebot.saxo.orders import OrderAnswer
from tradebot.vocabulary.reasons import FailureReason

pytestmark = pytest.mark.usefixtures("coverage_looks_away")  # others show these lines

ORDERS = "/trade/v2/orders"
ENDPOINTS = {"placement": ORDERS, "precheck": ORDERS + "/precheck"}
GROUPS = load()
ROWS = {f"{group.stem}: {row.name}": row for group in GROUPS for row in group.rows}
FIELD = re.compile(r'(\w+)=("[^"]*"|\S+)')

NOT_OF_ORDERS = {
    "answer_lost", "bad_answer", "broker_error", "broker_unavailable", "clock_skew",
    "deadline_exceeded", "grant_refused", "guard_violation", "lock_busy", "login_error",
    "login_server_unavailable", "outcome_unknown", "request_refused", "settings_error",
    "storage_error", "terminated", "tradebot_error",
}  # fmt: skip
"""Reasons of logins, requests and cycles; `bad_answer` is one of prechecks, too."""
BY_HAND = {"resolved_by_hand"}
"""A person's, not an answer's: docs/orders.md, "When a person is needed"."""


def of(stem: str) -> list[str]:
    """The names of one file's rows."""
    return [name for name in ROWS if name.startswith(f"{stem}: ")]


@pytest.mark.parametrize("name", of("1_taken"))
def test_a_status_that_says_success(bench: Bench, name: str) -> None:
    go_through(bench, ROWS[name])


@pytest.mark.parametrize("name", of("2_refused"))
def test_a_refusal_in_the_brokers_words(bench: Bench, name: str) -> None:
    go_through(bench, ROWS[name])


@pytest.mark.parametrize("name", of("3_statuses"))
def test_an_answer_to_a_placement(bench: Bench, name: str) -> None:
    go_through(bench, ROWS[name])


@pytest.mark.parametrize("name", of("4_wire"))
def test_no_whole_answer(bench: Bench, name: str) -> None:
    go_through(bench, ROWS[name])


@pytest.mark.parametrize("name", of("5_afterwards"))
def test_what_becomes_of_an_order_afterwards(bench: Bench, name: str) -> None:
    go_through(bench, ROWS[name])


@pytest.mark.parametrize("name", of("6_precheck"))
def test_a_precheck(bench: Bench, name: str) -> None:
    go_through(bench, ROWS[name])


@pytest.mark.parametrize("name", of("7_disclaimers"))
def test_disclaimers(bench: Bench, name: str) -> None:
    go_through(bench, ROWS[name])


@pytest.mark.parametrize("name", of("8_own"))
def test_what_is_not_the_brokers_answer(bench: Bench, name: str) -> None:
    go_through(bench, ROWS[name])


def go_through(bench: Bench, row: Row) -> None:
    """The cycle with the answer, and the one after it; everything the row says is looked at."""
    bench.environment.update(row.settings)
    with happening(row.happens, bench):
        before = len(bench.lines())
        for fault in row.faults:
            switch_on(bench, row, fault)
        report = one_cycle(bench, row)
    check_now(bench, row, report, bench.lines()[before:])

    bench.clear_faults()
    happen_between(row.between, bench)
    bench.clock.advance(row.wait)
    middle = len(bench.lines())
    after = bench.cycle(dry_run=row.dry_run)
    assert after.exit_code == row.later.exit
    check_later(bench, row, bench.lines()[middle:])
    check_orders(bench, row)
    check_every_intent(bench.lines()[before:], killed=row.now.killed)


def switch_on(bench: Bench, row: Row, fault: dict[str, Any]) -> None:
    where = {}
    if row.at != "both" and "endpoint" not in fault:
        where = {"endpoint": ENDPOINTS[row.at], "method": "POST"}
    bench.fault(**where, **fault)


def one_cycle(bench: Bench, row: Row) -> CycleReport | None:
    """The first cycle; None when it is killed."""
    if not row.now.killed:
        return bench.cycle(dry_run=row.dry_run)
    with pytest.raises(Killed):
        bench.cycle(dry_run=row.dry_run)
    return None


def check_now(
    bench: Bench, row: Row, report: CycleReport | None, lines: list[dict[str, str]]
) -> None:
    assert has_line(lines, row.now.line)
    with bench.journal(dry_run=row.dry_run) as journal:
        unresolved = journal.orders.unresolved()
    assert len(unresolved) == (row.now.state == "unresolved")
    completed = [line for line in lines if line["event"] == "execution_completed"]
    if report is None:
        assert completed == []
        return
    assert report.exit_code == row.now.exit
    assert [how(line) for line in completed] == [(row.now.outcome, row.now.reason)]
    outcomes = [(e.outcome, e.failure_reason) for e in report.executions]
    # A login that is lost before the order ends the run; only its line tells of the order.
    sent = any(line["event"] == "execution_order_sending" for line in lines)
    ended = report.exit_code is ExitCode.NOPERM and not sent
    assert outcomes == ([] if ended else [(row.now.outcome, row.now.reason)])


def check_later(bench: Bench, row: Row, lines: list[dict[str, str]]) -> None:
    last = bench.lines("execution_completed")[-1]
    assert how(last) == (row.later.outcome, row.later.reason)
    if row.later.line is not None:
        assert has_line(lines, row.later.line)
    events = Counter(line["event"] for line in lines if "external_reference" in line)
    created = [line["attempt"] for line in lines if line["event"] == "execution_intent_created"]
    assert created == (["2"] if row.later.does == "tries again" else [])
    looked, ended = events["execution_reconcile_begin"], events["execution_completed"]
    match row.later.does:
        case "nothing":
            assert not events
            assert decision(lines) == ("SKIP", "already_decided")
        case "settles":
            assert (looked, ended) == (1, 1)
            assert decision(lines) == ("SKIP", "already_decided")
        case "waits":
            assert ended == 1
        case "books":
            assert (looked, ended) == (0, 0)


def check_orders(bench: Bench, row: Row) -> None:
    """Never two orders; and the bot's own position is the broker's."""
    assert bench.orders_at_broker() == row.later.orders <= 1
    assert set(bench.orders_by_reference().values()) <= {1}
    with bench.journal() as journal:
        own = journal.orders.own_positions(account_hash(bench.simulator.account_key))
    assert own.get(MSFT, 0) == bench.net_positions().get(MSFT, 0)


def check_every_intent(lines: list[dict[str, str]], *, killed: bool) -> None:
    """Each run ends each intent once that it began or looked for, for a documented reason."""
    ends = Counter(
        (line["run_id"], line["external_reference"])
        for line in lines
        if line["event"] == "execution_completed"
    )
    begun = {
        (line["run_id"], line["external_reference"])
        for line in lines
        if line["event"] in ("execution_intent_created", "execution_reconcile_begin")
    }
    missing = begun - set(ends)
    assert len(missing) == killed
    assert set(ends.values()) <= {1}
    for line in lines:
        if "failure_reason" in line:
            assert line["failure_reason"] in set(FailureReason)


def how(completed: dict[str, str]) -> tuple[str, str | None]:
    return completed["execution_outcome"], completed.get("failure_reason")


def decision(lines: list[dict[str, str]]) -> tuple[str, str]:
    [line] = [
        line
        for line in lines
        if line["event"] == "strategy_decision" and line["instrument_id"] == str(MSFT)
    ]
    return line["action"], line["reason"]


def has_line(lines: list[dict[str, str]], wanted: str) -> bool:
    """Is there a line of this event with these fields?"""
    event, _, rest = wanted.partition(" ")
    fields = {key: value.strip('"') for key, value in FIELD.findall(rest)}
    return any(line["event"] == event and fields.items() <= line.items() for line in lines)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.codes])
def test_every_code_of_a_row_is_treated_alike(name: str) -> None:
    row = ROWS[name]
    assert f"error_code={row.codes[0]} " in row.now.line + " "
    judged = [classify(OrderAnswer(400, error_code=code)) for code in row.codes]
    assert set(judged) == {judged[0]}
    assert not isinstance(judged[0], Placed)
    assert f"failure_reason={judged[0].reason} " in row.now.line + " "
    if isinstance(judged[0], Rejected):
        assert judged[0].may_try_again is (row.later.does == "tries again")


def test_every_code_that_is_known_has_its_row() -> None:
    named = {code for row in ROWS.values() for code in row.codes}
    known = REFUSAL_CODES | UNKNOWN_CODES | DUPLICATE_CODES
    assert known - named == set()
    # A code with a row that says "refused" is one that the broker documents.
    for row in ROWS.values():
        if row.now.line.startswith("execution_order_rejected"):
            assert set(row.codes) <= REFUSAL_CODES


def test_every_reason_an_order_can_end_with_has_its_row() -> None:
    shown = {row.now.reason for row in ROWS.values()} | {row.later.reason for row in ROWS.values()}
    text = " ".join(f"{row.now.line} {row.later.line}" for row in ROWS.values())
    for reason in FailureReason:
        if reason not in NOT_OF_ORDERS | BY_HAND:
            assert reason in shown or f"failure_reason={reason}" in text, reason


def test_every_file_has_its_test() -> None:
    tests = Path(__file__).read_text(encoding="utf-8")
    assert {group.stem for group in GROUPS} == set(re.findall(r'\bof\("(\w+)"\)', tests))


def test_names_are_unique_and_no_answer_is_told_twice() -> None:
    rows = [row for group in GROUPS for row in group.rows]
    assert len(ROWS) == len(rows)
    assert len({row.says + str(row.settings) for row in rows}) == len(rows)


def test_the_page_tells_what_the_rows_say(tmp_path: Path) -> None:
    assert _page("--check").returncode == 0
    stale = tmp_path / "orders.md"
    page = (ROOT / "docs" / "orders.md").read_text(encoding="utf-8")
    stale.write_text(page.replace("a second attempt: SUCCESS", "nothing more"), encoding="utf-8")
    told = _page("--check", "--page", str(stale))
    assert (told.returncode, "--write" in told.stderr) == (1, True)
    assert _page("--write", "--page", str(stale)).returncode == 0
    assert stale.read_text(encoding="utf-8") == page


def _page(*arguments: str) -> subprocess.CompletedProcess[str]:
    tool = ROOT / "scripts" / "order_answers.py"
    return subprocess.run(
        [sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False
    )


def test_a_failed_precheck_sends_nothing(bench: Bench) -> None:
    bench.fault("precheck_error", params={"code": "SomethingNew", "message": "Not on a Tuesday"})
    bench.cycle()
    [failed] = bench.lines("execution_precheck_failed")
    assert (failed["error_code"], failed["failure_reason"]) == ("SomethingNew", "precheck_refused")
    assert failed["msg"] == "Not on a Tuesday"  # the broker's own words
    assert bench.lines("execution_order_sending") == []
    assert bench.orders_at_broker() == 0


def test_a_refusal_that_passes_by_itself_is_tried_three_times_and_no_more(bench: Bench) -> None:
    bench.fault("refuse", count=None, params={"code": "MarketClosed"})
    for _ in range(5):
        bench.cycle()
    attempts = bench.lines("execution_intent_created")
    assert [line["attempt"] for line in attempts] == ["1", "2", "3"]
    assert len({line["external_reference"] for line in attempts}) == 3
    last = bench.lines("strategy_decision", instrument_id=str(MSFT))[-1]
    assert last["reason"] == "already_decided"


def test_an_unresolved_order_keeps_its_instrument_from_trading(bench: Bench) -> None:
    bench.fault("drop_before", endpoint=ORDERS, method="POST")
    first = bench.cycle()
    assert first.exit_code is ExitCode.UNRESOLVED
    second = bench.cycle()  # within the grace time: still unknown
    assert second.exit_code is ExitCode.UNRESOLVED
    line = bench.lines("strategy_decision", instrument_id=str(MSFT))[-1]
    assert (line["action"], line["reason"]) == ("SKIP", "unresolved_intent")
    results = [line["reconcile_result"] for line in bench.lines("execution_reconcile_result")]
    assert set(results) == {"unknown"}
    assert bench.orders_at_broker() == 0


def test_absence_needs_two_reads_after_the_grace_time(bench: Bench) -> None:
    bench.fault("drop_before", endpoint=ORDERS, method="POST")
    bench.cycle()
    bench.clock.advance(61)
    report = bench.cycle()
    assert report.exit_code is ExitCode.OK
    [result] = bench.lines("execution_reconcile_result", reconcile_result="not_placed")
    assert result["reads"] == "2"
    last = bench.lines("execution_completed")[-1]
    assert (last["execution_outcome"], last["failure_reason"]) == ("FAILED", "not_placed")
    bench.cycle()
    assert len(bench.lines("execution_intent_created")) == 1
    assert bench.orders_at_broker() == 0


def test_failures_in_a_row_pause_trading_until_resumed(bench: Bench) -> None:
    bench.environment["MAX_CONSECUTIVE_FAILURES"] = "2"
    bench.strategy = AlwaysBuy()
    bench.fault("refuse", count=None, params={"code": "BrokerOption"})
    report = bench.cycle()
    assert len(report.executions) == 2
    [paused] = bench.lines("execution_paused")
    assert paused["consecutive_failures"] == "2"
    assert [line["reason"] for line in bench.lines("execution_skipped")] == ["paused"]
    report = bench.cycle()
    assert report.skip_reason == "consecutive_failures"
    assert bench.events()[-2:] == ["cycle_skip_paused", "cycle_end"]
    with bench.journal() as journal:
        assert journal.control.resume()
    bench.clear_faults()
    bench.cycle()
    assert bench.orders_at_broker() == 1


def test_what_passes_by_itself_does_not_pause(bench: Bench) -> None:
    bench.environment["MAX_CONSECUTIVE_FAILURES"] = "1"
    bench.fault("status", count=None, endpoint=ORDERS + "/precheck", params={"status": 503})
    bench.cycle()
    bench.cycle()
    assert bench.lines("execution_paused") == []


def test_a_reference_that_the_broker_knows_is_not_sent_again(bench: Bench) -> None:
    bench.cycle()
    journal = bench.settings().state_path / "live" / "journal.db"
    for path in journal.parent.glob("journal.db*"):
        path.unlink()  # an older backup was restored, so to speak: it knows of no order
    # The position alone would stop it; a clone that trades another account's view would not see it.
    bench.strategy = AlwaysBuy()
    bench.simulator.broker.state.run("DELETE FROM positions")
    report = bench.cycle(STRATEGY_NAME="sma_cross")
    assert "execution_duplicate_refused" in bench.events()
    assert bench.orders_by_reference() == dict.fromkeys(bench.orders_by_reference(), 1)
    assert str(report.executions[0].outcome) == "SUCCESS"


class AlwaysBuy:
    """Buys whatever it sees; carries the name of the strategy that decided before."""

    name = "sma_cross"
    version = "1.0"
    horizon_minutes = 1440
    bars_needed = 1

    def decide(self, view: Any) -> Any:
        from tradebot.model import Action, Signal

        return Signal(Action.BUY, "always")
