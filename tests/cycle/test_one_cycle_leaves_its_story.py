"""The smoke test: one cycle on the simulator, and the chain of events that it must leave."""

from __future__ import annotations

import re

from support.bench import MSFT, Bench
from tradebot.errors import ExitCode
from tradebot.model import Action, ExecutionOutcome

CYCLE = [
    "simulator_started",
    "auth_mode_selected",
    "cycle_begin",
    "auth_token_refresh_begin",
    "auth_token_refresh_success",
    "marketdata_fetch_begin",
    "marketdata_fetch_success",
    "strategy_decision",
    "strategy_decision",
    "strategy_decision",
    "strategy_signals_generated",
    "execution_intent_created",
    "execution_precheck_begin",
    "http_request",
    "execution_precheck_passed",
    "execution_order_sending",
    "http_request",
    "execution_order_placed",
    "execution_reconcile_begin",
    "execution_reconcile_result",
    "execution_completed",
    "cycle_end",
]
ORDER = CYCLE[CYCLE.index("execution_intent_created") : CYCLE.index("cycle_end")]


def test_the_first_cycle_places_an_order_and_tells_it_from_end_to_end(bench: Bench) -> None:
    report = bench.cycle()
    assert report.exit_code is ExitCode.OK
    [execution] = report.executions
    assert execution.outcome is ExecutionOutcome.SUCCESS
    assert bench.events() == CYCLE[1:]  # the simulator runs outside of this bot

    reference = execution.intent.external_reference
    assert re.fullmatch(r"ATB-20120720-0000-[A-Z2-7]{10}", reference)
    story = bench.lines(external_reference=reference)
    assert [line["event"] for line in story] == ORDER
    for line in story:
        assert line["run_id"] == story[0]["run_id"]
        assert (line["cycle_id"], line["dry_run"], line["single_cycle"]) == ("1", "false", "true")
        assert (line["instrument_id"], line["symbol"]) == (str(MSFT), "MSFT:xnas")
    assert story[-1]["execution_outcome"] == "SUCCESS"
    assert story[-1]["order_state"] == "filled"
    assert "failure_reason" not in story[-1]


def test_the_brokers_own_id_of_precheck_and_order_is_in_the_log(bench: Bench) -> None:
    bench.cycle()
    precheck, order = bench.lines("http_request")
    assert precheck["http_url_path"].endswith("/trade/v2/orders/precheck")
    assert order["http_url_path"].endswith("/trade/v2/orders")
    assert precheck["saxo_request_id"] != order["saxo_request_id"]


def test_account_and_client_are_named_and_masked(bench: Bench) -> None:
    bench.cycle()
    [line] = bench.lines("execution_order_placed")
    for name, key in (
        ("account_key", bench.simulator.account_key),
        ("client_key", bench.simulator.client_key),
    ):
        assert "***" in line[name]
        assert line[name] != key


def test_the_precheck_names_account_client_and_status(bench: Bench) -> None:
    bench.cycle()
    [line] = bench.lines("execution_precheck_passed")
    assert line["http_status"] == "200"
    assert {"account_key", "client_key"} <= set(line)


def test_a_plain_text_search_for_the_reference_finds_intent_precheck_placement_and_outcome(
    bench: Bench,
) -> None:
    reference = bench.cycle().executions[0].intent.external_reference
    text = (bench.folder / "logs" / "bot.log").read_text(encoding="utf-8")
    found = [line.split(" | ")[3] for line in text.splitlines() if reference in line]
    assert found == ORDER


def test_every_instrument_has_exactly_one_decision_with_a_reason(bench: Bench) -> None:
    bench.cycle()
    decisions = {line["instrument_id"]: line for line in bench.lines("strategy_decision")}
    assert len(decisions) == len(bench.lines("strategy_decision")) == 3
    assert decisions[str(MSFT)]["action"] == Action.BUY
    assert decisions[str(MSFT)]["reason"] == "crossed_above"
    assert {line["reason"] for line in decisions.values()} == {"crossed_above", "no_cross"}


def test_the_last_line_carries_the_counters(bench: Bench) -> None:
    bench.cycle()
    [end] = bench.lines("cycle_end")
    counted = {
        name: end[name]
        for name in ("instruments", "signals", "buy", "hold", "intents", "placed", "unresolved")
    }
    assert counted == {
        "instruments": "3",
        "signals": "1",
        "buy": "1",
        "hold": "2",
        "intents": "1",
        "placed": "1",
        "unresolved": "0",
    }
    assert int(end["http_calls"]) > 8
    assert end["exit_code"] == "0"


def test_deciding_the_same_bar_again_creates_nothing(bench: Bench) -> None:
    bench.cycle()
    report = bench.cycle()
    assert report.executions == []
    assert bench.orders_at_broker() == 1
    again = bench.lines("strategy_decision", instrument_id=str(MSFT))[-1]
    assert (again["action"], again["reason"]) == ("SKIP", "already_decided")
    assert bench.lines("cycle_end")[-1]["already_decided"] == "1"


def test_cycle_ids_grow_over_dry_and_real_runs_alike(bench: Bench) -> None:
    for dry_run in (False, True, False):
        bench.cycle(dry_run=dry_run)
    assert [line["cycle_id"] for line in bench.lines("cycle_end")] == ["1", "2", "3"]


def test_progress_is_told_step_by_step(bench: Bench) -> None:
    bench.cycle()
    assert bench.progress == [
        "jitter",
        "lock",
        "recover",
        "token",
        "reconcile",
        "slot",
        "paused",
        "trading_hours",
        "market_data",
        "decide",
        "execute",
    ]


def test_no_key_or_token_of_the_broker_reaches_the_log(bench: Bench) -> None:
    bench.cycle(LOG_LEVEL="DEBUG")
    text = (bench.folder / "logs" / "bot.log").read_text(encoding="utf-8")
    simulator = bench.simulator
    tokens = (bench.settings().saxo_token_file).read_text(encoding="utf-8")
    secrets = [
        simulator.account_key,
        simulator.client_key,
        simulator.app_secret,
        *re.findall(r'_token": ?"([^"]+)"', tokens),
    ]
    assert len(secrets) == 5
    for secret in secrets:
        assert secret not in text
        assert secret.rstrip("=") not in text


def test_the_state_folder_holds_no_account_key(bench: Bench) -> None:
    bench.cycle()
    keys = [bench.simulator.account_key.encode(), bench.simulator.client_key.encode()]
    for path in (bench.folder / "state").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for key in keys:
            assert key not in content, path
            assert key.decode() not in path.name
