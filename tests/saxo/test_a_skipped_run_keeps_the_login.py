"""A bot that sleeps through the night would lose its login: a run that skips refreshes it first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from support.bench import Bench
from support.login_scene import log_in_at
from tradebot.cycle_report import CycleReport
from tradebot.errors import ExitCode
from tradebot.journal import Journal
from tradebot.saxo.token_store import TokenStore
from tradebot.scheduling.slots import slot_start
from tradebot.wiring import journal_path

WATCHED = '[{"asset_type":"Stock","uic":10001,"quantity":10}]'


def sim(bench: Bench) -> dict[str, Any]:
    return {
        "SAXO_ENV": "SIM",
        "SAXO_TOKEN_FILE": str(bench.folder / "tokens.json"),
        "WATCHLIST_JSON": WATCHED,
        "DRY_RUN": "true",
    }


def outside_trading_hours(bench: Bench) -> CycleReport:
    return bench.cycle(
        **sim(bench), TRADING_HOURS_MODE="fixed", TRADING_START="03:00", TRADING_END="04:00"
    )


def paused(bench: Bench) -> CycleReport:
    with Journal(journal_path(bench.settings(**sim(bench)))) as journal:
        journal.control.pause("by_hand", until=bench.clock.now() + timedelta(hours=1))
    return bench.cycle(**sim(bench))


def slot_taken(bench: Bench) -> CycleReport:
    slot = slot_start(bench.clock.now(), 300)
    bench.cycle(**sim(bench), slot=slot)
    bench.clock.step(-7200)  # which makes the young token of the first run due again
    return bench.cycle(**sim(bench), slot=slot)


def slot_late(bench: Bench) -> CycleReport:
    slot = slot_start(bench.clock.now(), 300) - timedelta(seconds=600)
    return bench.cycle(**sim(bench), slot=slot)


@pytest.mark.parametrize(
    ("skip", "reason"),
    [
        (outside_trading_hours, "after_close"),
        (paused, "by_hand"),
        (slot_taken, "taken"),
        (slot_late, "late"),
    ],
)
def test_a_run_that_skips_refreshes_when_that_is_due(
    bench: Bench, skip: Callable[[Bench], CycleReport], reason: str
) -> None:
    file = bench.folder / "tokens.json"
    log_in_at(bench.simulator, file, bench.clock)
    bench.clock.advance(700)
    before = TokenStore(file).load()
    report = skip(bench)
    assert (report.skip_reason, report.exit_code) == (reason, ExitCode.OK)
    last = bench.lines()[-1]["run_id"]
    assert "auth_token_refresh_success" in bench.events(run_id=last)
    after = TokenStore(file).load()
    assert before is not None
    assert after is not None
    assert after.refresh_token != before.refresh_token


def test_nights_of_skipped_runs_outlive_many_refresh_tokens(bench: Bench) -> None:
    file = bench.folder / "tokens.json"
    log_in_at(bench.simulator, file, bench.clock)
    for _ in range(12):  # three hours; each refresh token lives for forty minutes
        bench.clock.advance(900)
        assert outside_trading_hours(bench).exit_code is ExitCode.OK


@pytest.mark.parametrize(
    ("env", "cadence", "warned"),
    [("SIM", "30m", False), ("SIM", "40m", True), ("SIM", "24h", True), ("LOCAL", "24h", False)],
)
def test_a_schedule_slower_than_a_login_lives_is_warned_of(
    bench: Bench, env: str, cadence: str, warned: bool
) -> None:
    settings = bench.settings(**sim(bench) | {"SAXO_ENV": env, "SCHEDULE_CADENCE": cadence})
    assert any("auth keepalive" in warning for warning in settings.warnings) == warned
