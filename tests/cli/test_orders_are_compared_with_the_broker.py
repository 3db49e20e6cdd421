"""`tradebot orders check`: differences that were really made, each by its own word, and logged."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.bench import MSFT, Bench
from support.orders_desk import ORDERS, Person
from tradebot.cli._orders_desk import BrokerDesk, Reading, broker_desk
from tradebot.errors import GuardViolation
from tradebot.saxo.orders import OrderRequest
from tradebot.scheduling.run_lock import RunLock


def found(person: Person, *more: str) -> list[tuple[str, str | None]]:
    """The differences as (word, reference or instrument)."""
    report = person.reads("orders", "check", *more)
    return [
        (f["difference"], f["external_reference"] or f["instrument_id"]) for f in report["found"]
    ]


def place(bench: Bench, reference: str, *, side: Any = "Buy", amount: int = 10, **more: Any) -> str:
    """An order placed past the bot; its id."""
    client = bench.client()
    try:
        request = OrderRequest(
            account_key=bench.simulator.account_key,
            instrument=MSFT,
            buy_sell=side,
            amount=Decimal(amount),
            external_reference=reference,
            **more,
        )
        # Another id than the bot's, as another program would send it.
        order_id = client.place_order(request, request_id=f"{reference}-x").order_id
        assert order_id is not None
        return order_id
    finally:
        client.close()


def an_hour_later(person: Person) -> str:
    """A cycle with one filled order, long enough ago; its reference."""
    reference = person.bench.cycle().executions[0].intent.external_reference
    person.bench.clock.advance(3600)
    return reference


def edit(bench: Bench, statement: str, *values: object) -> None:
    """Change what the broker remembers."""
    bench.simulator.broker.state.run(statement, values)


def test_two_sides_that_agree(person: Person) -> None:
    an_hour_later(person)
    result = person.types("orders", "check")
    assert result.exit_code == 0, result.stdout + result.stderr
    *_, read, compared, differences = result.stdout.splitlines()
    assert read.startswith(
        "read: rows of the broker's audit log: 3, open orders: 0, from 2026-03-02T"
    )
    assert compared.startswith("compared with /")
    assert compared.endswith(": orders: 1, positions: 3; too young to compare: 0")
    assert differences == "differences: 0"
    [line] = person.bench.lines("orders_check_result")
    assert (line["differences"], line["compared"], line["audit_rows"]) == ("0", "1", "3")
    assert (line["checked_from"], line["checked_until"]) == (
        "2026-03-02T00:00:00Z",
        "2026-03-04T00:00:00Z",
    )


def test_a_difference_is_printed_and_logged(person: Person) -> None:
    an_hour_later(person)
    place(person.bench, "ATB-20120719-0000-ABCDEFGHIJ", order_type="Limit", price=1.0)
    result = person.types("orders", "check")
    assert result.exit_code == 1
    first = result.stdout.splitlines()[0]
    assert first.startswith(
        "unknown_to_journal: ATB-20120719-0000-ABCDEFGHIJ: journal: nothing; broker: order "
    )
    [line] = person.bench.lines("orders_check_difference")
    assert line["difference"] == "unknown_to_journal"
    assert line["external_reference"] == "ATB-20120719-0000-ABCDEFGHIJ"
    assert line["order_id"] in first
    assert line["msg"] in first
    assert person.bench.lines("orders_check_result")[0]["differences"] == "1"
    lines = person.types("orders", "check", "--output", "jsonl").stdout.splitlines()
    assert [json.loads(text)["type"] for text in lines] == ["difference", "summary"]


def test_an_order_of_another_clone(person: Person, tmp_path: Path) -> None:
    """Another STATE_DIR, the same account: its own journal knows the order, this one does not."""
    bench = person.bench
    an_hour_later(person)
    bench.environment["STATE_DIR"] = str(tmp_path / "clone")
    bench.fault("never_fill")
    other = bench.advance_until_next_order().executions[0].intent.external_reference
    bench.clock.advance(100)
    assert ("unknown_to_journal", other) not in found(person)
    del bench.environment["STATE_DIR"]
    assert ("unknown_to_journal", other) in found(person)


def test_a_restored_older_journal(person: Person, tmp_path: Path) -> None:
    bench = person.bench
    an_hour_later(person)
    journal = bench.settings().state_path / "live"
    shutil.copytree(journal, tmp_path / "backup")
    later = bench.advance_until_next_order().executions[0].intent.external_reference
    bench.clock.advance(100)
    assert found(person) == []
    shutil.rmtree(journal)
    shutil.copytree(tmp_path / "backup", journal)
    assert ("unknown_to_journal", later) in found(person)


def test_a_journal_that_is_lost_makes_everything_unknown(person: Person) -> None:
    reference = an_hour_later(person)
    shutil.rmtree(person.bench.settings().state_path / "live")
    result = person.types("orders", "check")
    assert result.exit_code == 1
    assert "no journal yet at " in result.stderr
    assert result.stdout.startswith(f"unknown_to_journal: {reference}")
    assert not (person.bench.settings().state_path / "live").exists(), "looking makes none"


def test_an_order_that_the_broker_lost(person: Person) -> None:
    reference = an_hour_later(person)
    edit(person.bench, "DELETE FROM audit")
    assert found(person) == [("missing_at_broker", reference)]


def test_two_orders_with_one_reference(person: Person) -> None:
    reference = an_hour_later(person)
    place(person.bench, reference)
    report = person.reads("orders", "check")["found"]
    assert [(f["difference"], f["external_reference"]) for f in report] == [
        ("duplicate_at_broker", reference)
    ]
    assert len(report[0]["order_ids"]) == 2


def test_an_order_that_moved_on_while_no_run_looked(person: Person) -> None:
    bench = person.bench
    bench.fault("never_fill")
    reference = an_hour_later(person)
    assert found(person) == []
    client = bench.client()
    with bench.journal() as journal:
        [(attempt, _)] = journal.orders.live(person.account)
    client.cancel_orders([attempt.order_id or ""], bench.simulator.account_key)
    client.close()
    assert found(person) == [("state_differs", reference)]
    bench.cycle()
    assert found(person) == [], "a run brings it up to date"


def test_another_quantity_was_filled(person: Person) -> None:
    reference = an_hour_later(person)
    edit(
        person.bench,
        "UPDATE audit SET row = replace(row, '\"FilledAmount\": 10', '\"FilledAmount\": 7')",
    )
    edit(
        person.bench,
        "UPDATE audit SET row = replace(row, '\"FillAmount\": 10', '\"FillAmount\": 7')",
    )
    assert found(person) == [("quantity_differs", reference)]


@pytest.mark.parametrize(
    ("old", "new"), [('"Amount": 10', '"Amount": 12'), ('"Buy"', '"Sell"'), ("10001", "10003")]
)
def test_the_order_is_another_than_was_meant(person: Person, old: str, new: str) -> None:
    reference = an_hour_later(person)
    edit(person.bench, "UPDATE audit SET row = replace(row, ?, ?)", old, new)
    assert found(person) == [("order_differs", reference)]


def test_an_order_whose_outcome_is_unknown(person: Person) -> None:
    reference = person.leave_unresolved()
    person.bench.clock.advance(61)
    assert found(person) == [("unresolved", reference)]
    person.bench.clock.advance(5 * 86400)
    assert found(person) == [("unresolved", reference)], "however old it is"


def test_an_order_that_was_called_absent_and_is_there(person: Person) -> None:
    bench = person.bench
    bench.fault("drop_after", endpoint=ORDERS, method="POST")
    bench.fault("audit_delay", params={"seconds": 600})
    bench.cycle()
    reference = person.unresolved().intent.external_reference
    bench.clock.advance(120)
    assert bench.cycle().unresolved == 0
    bench.clock.advance(600)
    assert ("contradicted", reference) in found(person)


def test_a_position_that_somebody_sold(person: Person) -> None:
    an_hour_later(person)
    place(person.bench, "by hand", side="Sell", amount=6)
    assert found(person) == [("position_differs", str(MSFT))]


def test_what_somebody_bought_beside_the_bot_is_no_difference(person: Person) -> None:
    an_hour_later(person)
    place(person.bench, "by hand")
    assert found(person) == []


def test_an_order_of_this_minute_is_too_young(person: Person) -> None:
    person.leave_unresolved()
    report = person.reads("orders", "check")
    assert (report["differences"], report["compared"], report["too_young"]) == (0, 0, 1)


def test_every_page_is_read(person: Person) -> None:
    an_hour_later(person)
    options = person.bench.simulator.broker.options
    object.__setattr__(options, "audit_page_rows", 1)
    assert found(person) == []
    assert person.reads("orders", "check")["audit_rows"] == 3


def test_a_period_of_ones_own(person: Person) -> None:
    reference = person.leave_unresolved("drop_after")
    bench = person.bench
    bench.clock.advance(3600)
    bench.cycle()
    sent = bench.clock.now() - timedelta(hours=1, seconds=30)
    edit(bench, "DELETE FROM audit")
    assert found(person) == [("missing_at_broker", reference)]
    before, after = (f"{sent + timedelta(minutes=m):%Y-%m-%dT%H:%M:%SZ}" for m in (-5, 5))
    assert found(person, "--since", before, "--until", after) == [("missing_at_broker", reference)]
    assert found(person, "--since", after) == []
    assert found(person, "--until", before) == []
    wrong = person.types("orders", "check", "--since", after, "--until", before)
    assert wrong.exit_code == 2


def test_nothing_is_changed_and_no_lock_is_needed(person: Person) -> None:
    an_hour_later(person)
    bench = person.bench
    orders = bench.orders_at_broker()
    path = bench.settings().state_path / "run.lock"
    with RunLock(path) as lock:
        lock.acquire(run_id="somebody")
        assert person.types("orders", "check").exit_code == 0
    assert bench.orders_at_broker() == orders


def test_what_these_commands_use_cannot_send_an_order(person: Person) -> None:
    request = OrderRequest(
        account_key=person.bench.simulator.account_key,
        instrument=MSFT,
        buy_sell="Buy",
        amount=Decimal(1),
        external_reference="ATB-1",
    )
    with (
        broker_desk(person.bench.settings(), person.bench.clock) as desk,
        pytest.raises(GuardViolation),
    ):
        desk.broker.place_order(request, request_id="x")
    assert person.bench.orders_at_broker() == 0


def test_a_difference_that_is_gone_at_the_second_look_does_not_count(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run at work between the two reads of a check: both sides are right, at another time."""
    an_hour_later(person)
    order_id = place(person.bench, "ATB-20120719-0000-ABCDEFGHIJ", order_type="Limit", price=1.0)
    real = BrokerDesk.read
    orders_seen: list[int] = []

    def read(self: BrokerDesk, since: datetime) -> Reading:
        reading = real(self, since)
        orders_seen.append(len(reading.orders))
        edit(person.bench, "DELETE FROM orders WHERE order_id = ?", order_id)
        edit(person.bench, "DELETE FROM audit WHERE order_id = ?", order_id)
        return reading

    monkeypatch.setattr(BrokerDesk, "read", read)
    assert person.types("orders", "check").exit_code == 0
    assert orders_seen == [2, 1]


def test_a_broker_that_is_down_is_69_and_a_lost_login_77(person: Person) -> None:
    an_hour_later(person)
    manual = {"SAXO_AUTH_MODE": "manual", "SAXO_ACCESS_TOKEN": "no-longer-good-token"}
    assert person.types("orders", "check", **manual).exit_code == 77
    person.bench.fault("status", endpoint="/cs/*", count=None, params={"status": 503})
    result = person.types("orders", "check")
    assert (result.exit_code, result.stdout) == (69, ""), "half a comparison is none"
    assert person.bench.lines("orders_check_result") == []


def test_where_nothing_has_run_there_is_nothing_to_ask(person: Person) -> None:
    result = person.types("orders", "check", SAXO_REST_BASE="", SAXO_AUTH_BASE="")
    assert result.exit_code == 1
    assert "no journal yet at " in result.stderr
    assert not (person.bench.folder / "state").exists()


def test_a_dry_run_in_the_settings_is_no_other_journal(person: Person) -> None:
    an_hour_later(person)
    assert person.types("orders", "check", DRY_RUN="true").exit_code == 0
    assert person.bench.lines("orders_check_result")[0]["compared"] == "1"
