"""`tradebot orders resolve`: a person's word, held against the broker's, recorded once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from support.bench import MSFT, Bench
from support.orders_desk import Person
from tradebot.journal import Created, Origin
from tradebot.model import Action, InstrumentId
from tradebot.saxo.orders import OrderRequest
from tradebot.scheduling.run_lock import RunLock

NOWHERE = {"SAXO_REST_BASE": "http://127.0.0.1:9/sim/openapi"}


def place_by_hand(bench: Bench, reference: str, **more: object) -> str:
    """An order as another program with this login could place it; its id."""
    client = bench.client()
    try:
        request = OrderRequest(
            account_key=bench.simulator.account_key,
            external_reference=reference,
            **{"instrument": MSFT, "buy_sell": "Buy", "amount": Decimal(10), **more},  # type: ignore[arg-type]
        )
        return client.place_order(request, request_id=f"by-hand-{reference}").order_id or ""
    finally:
        client.close()


def test_not_placed_ends_the_order_and_the_bot_trades_on(person: Person) -> None:
    bench = person.bench
    reference = person.leave_unresolved()
    run_id = bench.lines("cycle_begin")[0]["run_id"]
    bench.clock.advance(61)
    result = person.types("orders", "resolve", reference, "--not-placed")
    assert result.exit_code == 0, result.stderr
    assert reference in result.stdout
    assert "the broker shows no such order" in result.stderr
    [line] = bench.lines("execution_resolved_by_hand")
    assert (line["external_reference"], line["instrument_id"]) == (reference, str(MSFT))
    assert (line["who"], line["checked"]) == ("by_hand", "true")
    verdict = bench.lines("execution_completed")[-1]
    assert (verdict["execution_outcome"], verdict["failure_reason"]) == (
        "FAILED",
        "resolved_by_hand",
    )
    assert verdict["run_id"] == line["run_id"] != run_id
    with bench.journal() as journal:
        [correction] = journal.orders.corrections(bench.clock.now())
        assert (correction.external_reference, correction.run_id) == (reference, line["run_id"])
        assert journal.orders.unresolved() == []
        assert journal.orders.unlogged() == []
    after = bench.cycle()
    assert after.exit_code == 0
    assert bench.orders_at_broker() == 0, "it is never sent again"
    assert (
        bench.lines("strategy_decision", instrument_id=str(MSFT))[-1]["reason"] == "already_decided"
    )
    bench.clock.advance(600)  # the same bars were read twice: they are asked for again only then
    assert bench.advance_until_next_order().executions


def test_placed_takes_over_what_the_broker_shows(person: Person) -> None:
    bench = person.bench
    reference = person.leave_unresolved("drop_after")
    assert person.types("orders", "resolve", reference, "--placed", "1").exit_code == 1
    bench.clock.advance(300)
    [row] = bench.simulator.broker.state.all("SELECT order_id FROM orders")
    order_id = str(row["order_id"])
    result = person.types("orders", "resolve", reference, "--placed", order_id)
    assert result.exit_code == 0, result.stderr
    [found] = person.reads("orders", "list")["intents"]
    assert (found["execution_outcome"], found["order_state"]) == ("SUCCESS", "filled")
    assert (found["order_id"], found["filled_quantity"]) == (order_id, "10")
    assert found["average_price"] is not None
    with bench.journal() as journal:
        assert journal.orders.own_positions(person.account) == bench.net_positions()
    assert bench.lines("execution_resolved_by_hand")[0]["order_id"] == order_id
    assert person.types("orders", "check").exit_code == 0


def test_not_placed_is_refused_when_the_broker_shows_it(person: Person) -> None:
    reference = person.leave_unresolved("drop_after")
    person.bench.clock.advance(300)
    for more in ([], ["--unchecked"]):
        result = person.types("orders", "resolve", reference, "--not-placed", *more)
        assert result.exit_code == 1
        assert "the broker shows it: order " in result.stderr
        assert "--placed" in result.stderr, "it says what to type instead"
    assert person.unresolved().intent.external_reference == reference
    assert person.bench.lines("execution_resolved_by_hand") == []


def test_not_placed_is_refused_while_the_order_may_still_show_up(person: Person) -> None:
    reference = person.leave_unresolved()
    result = person.types("orders", "resolve", reference, "--not-placed")
    assert result.exit_code == 1
    assert "RECONCILE_GRACE_SECONDS, 60 s" in result.stderr
    insisted = person.types("orders", "resolve", reference, "--not-placed", "--unchecked")
    assert insisted.exit_code == 0
    assert person.bench.lines("execution_resolved_by_hand")[0]["checked"] == "false"


def test_an_order_with_an_id_needs_an_hour_of_absence(person: Person) -> None:
    bench = person.bench
    bench.fault("trade_not_completed", params={"outcome": "never"})
    bench.cycle()
    attempt = person.unresolved()
    assert attempt.order_id is not None
    bench.clock.advance(600)
    result = person.types("orders", "resolve", attempt.intent.external_reference, "--not-placed")
    assert result.exit_code == 1
    assert attempt.order_id in result.stderr
    bench.clock.advance(3600)
    result = person.types("orders", "resolve", attempt.intent.external_reference, "--not-placed")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"external_reference": "ATB-20120720-0000-ABCDEFGHIJ"}, "reference"),
        ({"instrument": "Etf:10002"}, "instrument"),
        ({"buy_sell": "Sell"}, "side"),
    ],
)
def test_an_order_that_is_another_one_is_not_taken_over(
    person: Person, change: dict[str, str], word: str
) -> None:
    reference = person.leave_unresolved()
    facts: dict[str, object] = dict(change)
    if "instrument" in facts:
        facts["instrument"] = InstrumentId.parse(change["instrument"])
    named = str(facts.pop("external_reference", reference))
    assert place_by_hand(person.bench, "something to sell")
    order_id = place_by_hand(person.bench, named, **facts)
    assert order_id
    result = person.types("orders", "resolve", reference, "--placed", order_id, "--unchecked")
    assert result.exit_code == 1
    assert f"is another one: its {word} is " in result.stderr
    assert person.unresolved().intent.external_reference == reference


def test_the_order_under_this_reference_goes_before_another_id(person: Person) -> None:
    reference = person.leave_unresolved()
    order_id = place_by_hand(person.bench, reference)
    result = person.types(
        "orders", "resolve", reference, "--placed", "123", "--unchecked", "--filled", "10"
    )
    assert result.exit_code == 1
    assert f"--placed {order_id}" in result.stderr


@pytest.mark.parametrize(
    ("filled", "outcome", "held"), [("10", "SUCCESS", 10), ("4", "FAILED", 4), ("0", "FAILED", 0)]
)
def test_an_order_that_only_a_person_saw_is_booked_as_told(
    person: Person, filled: str, outcome: str, held: int
) -> None:
    reference = person.leave_unresolved()
    command = ("orders", "resolve", reference, "--placed", "4711")
    assert person.types(*command).exit_code == 1
    assert person.types(*command, "--unchecked").exit_code == 1, "how much was filled?"
    assert person.types(*command, "--unchecked", "--filled", "11").exit_code == 1, "too much"
    assert person.types(*command, "--unchecked", "--filled", filled).exit_code == 0
    [found] = person.reads("orders", "list")["intents"]
    assert (found["execution_outcome"], found["order_id"]) == (outcome, "4711")
    assert person.reads("orders", "list", "--open")["intents"] == [], "nothing would ever follow it"
    with person.bench.journal() as journal:
        assert journal.orders.own_positions(person.account).get(MSFT, 0) == held
    assert person.bench.lines("execution_resolved_by_hand")[0]["checked"] == "false"


@pytest.mark.parametrize(("claim", "hint"), [
    (("--not-placed",), "--unchecked\n"), (("--placed", "4711"), "--unchecked --filled QUANTITY"),
])  # fmt: skip
def test_a_broker_that_cannot_be_asked_needs_insisting(
    person: Person, claim: tuple[str, ...], hint: str
) -> None:
    reference = person.leave_unresolved()
    person.bench.fault("status", endpoint="/port/*", count=None, params={"status": 503})
    result = person.types("orders", "resolve", reference, *claim)
    assert result.exit_code == 69
    assert hint in result.stderr
    assert person.unresolved().intent.external_reference == reference
    more = ("--unchecked", "--filled", "10") if "--placed" in claim else ("--unchecked",)
    assert person.types("orders", "resolve", reference, *claim, *more).exit_code == 0


def test_a_lost_login_is_77(person: Person) -> None:
    reference = person.leave_unresolved()
    manual = {"SAXO_AUTH_MODE": "manual", "SAXO_ACCESS_TOKEN": "no-longer-good-token"}
    result = person.types("orders", "resolve", reference, "--not-placed", **manual)
    assert result.exit_code == 77
    assert "--unchecked" in result.stderr


def test_an_order_of_another_account_cannot_be_asked_about(person: Person) -> None:
    reference = person.leave_unresolved()
    with person.bench.journal() as journal:
        journal.orders._database._require().execute("UPDATE attempts SET account='another'")
    person.bench.clock.advance(100)
    result = person.types("orders", "resolve", reference, "--not-placed")
    assert result.exit_code == 1
    assert "SAXO_ACCOUNT_KEY" in result.stderr


def test_a_clock_that_is_off_proves_no_absence(person: Person) -> None:
    reference = person.leave_unresolved()
    broker = person.bench.clock
    person.bench.clock = type(broker)(broker.now())
    person.bench.clock.advance(120)
    result = person.types("orders", "resolve", reference, "--not-placed")
    assert result.exit_code == 69
    assert "timedatectl" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--placed", "1", "--not-placed"),
        ("--placed", "no-number"),
        ("--placed", "1" * 21),
        ("--not-placed", "--filled", "1"),
        ("--placed", "1", "--filled", "1"),
        ("--placed", "1", "--unchecked", "--filled", "-1"),
        ("--placed", "1", "--unchecked", "--filled", "NaN"),
        ("--placed", "1", "--unchecked", "--filled", "many"),
    ],
)
def test_what_cannot_be_meant_is_wrong_use(person: Person, words: tuple[str, ...]) -> None:
    result = person.types("orders", "resolve", "ATB-1", *words)
    assert result.exit_code == 2
    assert not (person.bench.folder / "state").exists()


def test_a_reference_that_is_unknown_is_answered_with_those_that_are_near(person: Person) -> None:
    assert person.types("orders", "resolve", "ATB-1", "--not-placed").exit_code == 1, "no journal"
    reference = person.leave_unresolved()
    wrong = reference[:-1] + ("A" if reference[-1] != "A" else "B")
    result = person.types("orders", "resolve", wrong.lower(), "--not-placed")
    assert result.exit_code == 1
    assert f"Did you mean {reference}?" in result.stderr
    other = person.types("orders", "resolve", "something", "--not-placed")
    assert "tradebot orders list --open" in other.stderr


def test_one_that_has_its_outcome_keeps_it(person: Person) -> None:
    reference = person.bench.cycle().executions[0].intent.external_reference
    result = person.types("orders", "resolve", reference, "--not-placed", "--unchecked")
    assert result.exit_code == 1
    assert "SUCCESS filled, 10 filled" in result.stderr
    with person.bench.journal() as journal:
        assert journal.orders.corrections(person.bench.clock.now().replace(year=2020)) == []


def test_one_that_was_never_sent_is_the_next_runs_business(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradebot.saxo.client import SaxoClient

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(SaxoClient, "precheck", die)
        person.bench.cycle()
    reference = person.unresolved().intent.external_reference
    result = person.types("orders", "resolve", reference, "--not-placed", "--unchecked")
    assert result.exit_code == 1
    assert "was never sent" in result.stderr


def test_a_run_at_work_is_not_interfered_with(person: Person) -> None:
    reference = person.leave_unresolved()
    with RunLock(person.bench.settings().state_path / "run.lock") as lock:
        lock.acquire(run_id="the-run-at-work")
        result = person.types("orders", "resolve", reference, "--not-placed", "--unchecked")
    assert result.exit_code == 75
    assert "run_id=the-run-at-work" in result.stderr
    assert person.unresolved().intent.external_reference == reference


def test_on_a_terminal_it_asks_first(person: Person) -> None:
    reference = person.leave_unresolved()
    person.bench.clock.advance(61)
    declined = person.types("orders", "resolve", reference, "--not-placed", answer="n\n")
    assert declined.exit_code == 1
    assert "nothing was changed" in declined.stderr
    assert person.unresolved().intent.external_reference == reference
    agreed = person.types("orders", "resolve", reference, "--not-placed", answer="y\n")
    assert agreed.exit_code == 0
    assert f"Record {reference} as " in agreed.stderr


def test_yes_does_not_ask(person: Person) -> None:
    reference = person.leave_unresolved()
    person.bench.clock.advance(61)
    result = person.types("orders", "resolve", reference, "--not-placed", "--yes", answer="n\n")
    assert result.exit_code == 0


def test_no_request_of_it_changes_anything_at_the_broker(person: Person) -> None:
    reference = person.leave_unresolved()
    person.bench.clock.advance(61)
    before = person.bench.simulator.broker.state.all("SELECT count(*) FROM order_requests")
    person.types("orders", "resolve", reference, "--not-placed")
    assert person.bench.simulator.broker.state.all("SELECT count(*) FROM order_requests") == before


def test_the_line_that_a_crash_kept_from_the_log_comes_with_the_next_run(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = person.leave_unresolved()
    person.bench.clock.advance(61)
    with monkeypatch.context() as patch:
        patch.setattr("tradebot.cli._orders_resolve.log_completed", lambda *_: False)
        person.types("orders", "resolve", reference, "--not-placed")
    person.bench.cycle()
    last = person.bench.lines("execution_completed", external_reference=reference)[-1]
    assert (last["failure_reason"], last["replayed"]) == ("resolved_by_hand", "true")


def test_without_a_log_nothing_is_recorded(person: Person) -> None:
    reference = person.leave_unresolved()
    blocked = person.bench.folder / "a-file"
    blocked.write_text("", encoding="ascii")
    result = person.types(
        "orders", "resolve", reference, "--not-placed", "--unchecked", LOG_DIR=str(blocked)
    )
    assert result.exit_code == 2
    assert person.unresolved().intent.external_reference == reference


def test_an_order_that_shows_up_although_a_person_said_not_is_found(person: Person) -> None:
    reference = person.leave_unresolved("drop_after")
    assert (
        person.types("orders", "resolve", reference, "--not-placed", "--unchecked").exit_code == 0
    )
    person.bench.clock.advance(300)
    [found] = [f for f in person.reads("orders", "check")["found"] if f["external_reference"]]
    assert (found["difference"], found["external_reference"]) == ("contradicted", reference)


def test_an_order_of_another_intent_is_not_booked_twice(person: Person) -> None:
    reference = person.leave_unresolved()
    with person.bench.journal() as journal:
        made = journal.orders.create_intent(
            Origin(person.account, "sma_cross", "run", 9),
            instrument=InstrumentId("Etf", 10002),
            bar_time=datetime(2026, 1, 1, tzinfo=UTC),
            side=Action.BUY,
            quantity=Decimal(10),
            symbol=None,
            limit_price=None,
            reference_for=lambda _: "ATB-ANOTHER",
            at=person.bench.clock.now(),
        )
        assert isinstance(made, Created)
        journal.orders.mark_sent("ATB-ANOTHER", at=person.bench.clock.now())
        journal.orders.record_order_id("ATB-ANOTHER", "4711")
    claim = ("orders", "resolve", reference, "--placed", "4711", "--unchecked", "--filled", "10")
    result = person.types(*claim)
    assert result.exit_code == 1
    assert "is that of ATB-ANOTHER already" in result.stderr
