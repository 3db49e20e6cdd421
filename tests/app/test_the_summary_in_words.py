"""The summary says what became of each order, in words."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradebot.console_summary import Progress, render_summary
from tradebot.cycle_report import CycleReport
from tradebot.errors import ExitCode
from tradebot.execution.trade_executor import Execution
from tradebot.model import (
    Action,
    Decision,
    ExecutionOutcome,
    InstrumentId,
    Intent,
    OrderState,
    Verdict,
)
from tradebot.vocabulary.reasons import DecisionReason, FailureReason

STOCK = InstrumentId("Stock", 211)
INTENT = Intent(
    "ATB-20260302-0000-ABCDEFGHIJ",
    STOCK,
    Action.BUY,
    Decimal(10),
    datetime(2026, 3, 2, tzinfo=UTC),
    1,
)


def render(report: CycleReport, log: Path = Path("/var/log/bot.log")) -> str:
    return render_summary(report, title="AI-Tradebot LOCAL", log_file=log)


def report(**more: Any) -> CycleReport:
    made = CycleReport(dry_run=False, instruments=1)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_a_filled_order() -> None:
    verdict = Verdict(
        ExecutionOutcome.SUCCESS,
        order_id="77",
        order_state=OrderState.FILLED,
        filled_quantity=Decimal(10),
        average_price=12.5,
    )
    done = Execution(INTENT, ExecutionOutcome.SUCCESS, verdict=verdict)
    text = render(report(executions=[done]))
    assert "BUY 10 Stock:211: filled at 12.5, order 77" in text
    assert "grep -h ATB-20260302-0000-ABCDEFGHIJ /var/log/bot.log*" in text


def test_an_order_that_works_has_no_price_yet() -> None:
    verdict = Verdict(ExecutionOutcome.SUCCESS, order_id="77", order_state=OrderState.WORKING)
    text = render(report(executions=[Execution(INTENT, ExecutionOutcome.SUCCESS, verdict=verdict)]))
    assert "BUY 10 Stock:211: working, order 77" in text


@pytest.mark.parametrize("reason", [FailureReason.MARKET_CLOSED, FailureReason.NO_ANSWER])
def test_an_order_that_failed_says_why(reason: FailureReason) -> None:
    done = Execution(INTENT, ExecutionOutcome.FAILED, reason)
    text = render(report(executions=[done]))
    assert f"FAILED: {reason.meaning} ({reason})" in text


def test_a_reason_of_ones_own_is_shown_as_it_is() -> None:
    decision = Decision(STOCK, Action.HOLD, "full_moon")
    text = render(report(decisions=[decision]))
    assert "Stock:211" in text
    assert "full_moon" in text


def test_skips_errors_and_where_the_log_is() -> None:
    skipped = render(report(skip_reason="holiday"), Path.cwd() / "logs" / "bot.log")
    assert "Skipped: TRADING_HOLIDAYS closes the market today. (holiday)" in skipped
    assert "Everything that happened: logs/bot.log" in skipped
    assert "The broker is away." in render(report(error="The broker is away."))


def test_the_exit_code_that_says_most_wins() -> None:
    made = CycleReport(dry_run=False, instruments=0)
    seen = [made.exit_code]
    made.unresolved = 1
    for code in (
        None,
        ExitCode.UNAVAILABLE,
        ExitCode.NOPERM,
        ExitCode.IOERR,
        ExitCode.DEADLINE,
        ExitCode.TERMINATED,
    ):
        if code is not None:
            made.exit_codes.add(code)
        seen.append(made.exit_code)
    assert [int(code) for code in seen] == [0, 3, 69, 77, 74, 124, 143]


def test_counters_follow_from_decisions_and_executions() -> None:
    made = report(
        decisions=[
            Decision(STOCK, Action.BUY, "x", signal=Action.BUY),
            Decision(STOCK, Action.SKIP, DecisionReason.ALREADY_DECIDED, signal=Action.SELL),
        ],
        executions=[
            Execution(INTENT, ExecutionOutcome.SUCCESS),
            Execution(INTENT, ExecutionOutcome.FAILED),
            Execution(INTENT, ExecutionOutcome.SKIPPED),
        ],
    )
    counters = made.counters()
    assert (counters["signals"], counters["buy"], counters["skip"]) == (2, 1, 1)
    assert (counters["already_decided"], counters["intents"]) == (1, 3)
    assert (counters["placed"], counters["rejected"], counters["skipped"]) == (1, 1, 1)


def test_warnings_come_through_while_progress_is_shown() -> None:
    stream = io.StringIO()
    progress = Progress(stream, shown=True)
    progress("decide")
    progress.show_line(logging.INFO, "quiet\n")
    progress.show_line(logging.WARNING, "loud\n")
    assert stream.getvalue() == "\r\x1b[Kdeciding …\r\x1b[Kloud\n"


def test_without_a_terminal_there_is_no_progress() -> None:
    stream = io.StringIO()
    progress = Progress(stream, shown=False)
    progress("decide")
    progress.clear()
    assert stream.getvalue() == ""
