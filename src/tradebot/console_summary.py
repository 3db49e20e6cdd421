"""What a person at a terminal sees: the step being done, and at the end what was decided and why.

Only for terminals. A scheduler gets the log's own lines on stderr and nothing on stdout.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import sys
from pathlib import Path
from typing import TextIO

from tradebot.cycle_report import CycleReport
from tradebot.execution.trade_executor import Execution
from tradebot.model import Action, Decision, ExecutionOutcome
from tradebot.vocabulary.reasons import DecisionReason, FailureReason, SkipReason

_STEPS = {
    "startup": "starting",
    "jitter": "waiting for its turn",
    "lock": "taking the lock",
    "recover": "looking after earlier runs",
    "token": "logging in",
    "reconcile": "asking the broker about earlier orders",
    "slot": "claiming the slot",
    "paused": "checking for a pause",
    "trading_hours": "checking trading hours",
    "market_data": "reading prices",
    "decide": "deciding",
    "execute": "trading",
}
_COLOURS = {Action.BUY: "32", Action.SELL: "35", Action.HOLD: "2", Action.SKIP: "33"}


class Progress:
    """One line on stderr that is overwritten at each step; silent when not on a terminal."""

    def __init__(self, stream: TextIO | None, *, shown: bool) -> None:
        self._stream = stream
        self._shown = shown and os.environ.get("TERM", "dumb") != "dumb"
        self._on_screen = False

    def __call__(self, step: str) -> None:
        if self._shown:
            self._write(f"\r\x1b[K{_STEPS.get(step, step)} …")
            self._on_screen = True

    def clear(self) -> None:
        """Make room for other output."""
        if self._on_screen:
            self._write("\r\x1b[K")
            self._on_screen = False

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def show_line(self, level: int, line: str) -> None:
        """Takes the console's place: of the log only warnings and worse, in between."""
        if level >= logging.WARNING:
            self.clear()
            self._write(line)


def render_summary(report: CycleReport, *, title: str, log_file: Path, colour: bool = False) -> str:
    """The summary of one cycle, ready to print. `title` says which run it was."""
    lines = [title, ""] if report.decisions else [title]
    lines += [_decision_line(decision, colour) for decision in report.decisions]
    if report.skip_reason is not None:
        lines.append(f"  Skipped: {_meaning(report.skip_reason, SkipReason)}")
    for execution in report.executions:
        lines += ["", *_execution_lines(execution)]
    if report.error is not None:
        lines += ["", f"  {report.error}"]
    lines += ["", *_hint(report, log_file)]
    return "\n".join(lines) + "\n"


def wants_colour(stream: TextIO) -> bool:
    """On a terminal, unless NO_COLOR says otherwise (no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return stream.isatty() and not plain


def is_interactive() -> bool:
    """Are both outputs a terminal, so that a person is watching?"""
    # A closed descriptor leaves None in place of the stream.
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


def _decision_line(decision: Decision, colour: bool) -> str:
    name = decision.symbol or str(decision.instrument)
    action = f"{decision.action:<4}"
    if colour:
        action = f"\x1b[{_COLOURS[decision.action]}m{action}\x1b[0m"
    quantity = f"{decision.quantity:f}" if decision.quantity is not None else ""
    return f"  {name:<14} {action} {quantity:>8}  {_meaning(decision.reason, DecisionReason)}"


def _execution_lines(execution: Execution) -> list[str]:
    intent, verdict = execution.intent, execution.verdict
    what = f"{intent.side} {intent.quantity:f} {intent.symbol or intent.instrument}"
    if execution.outcome is ExecutionOutcome.SUCCESS and verdict is not None:
        price = "" if verdict.average_price is None else f" at {verdict.average_price:g}"
        became = f"{verdict.order_state}{price}, order {verdict.order_id}"
    else:
        became = f"{execution.outcome}: {_meaning(execution.failure_reason or '', FailureReason)}"
    return [f"  {intent.external_reference}  {what}: {became}"]


def _meaning(
    reason: str, words: type[DecisionReason] | type[SkipReason] | type[FailureReason]
) -> str:
    """The reason in words; as it is when it is not one of ours (a strategy of the user's own)."""
    for word in words:
        if word.value == reason:
            return f"{word.meaning} ({reason})"
    return reason


def _hint(report: CycleReport, log_file: Path) -> list[str]:
    shown = _short(log_file)
    if report.executions:
        reference = report.executions[0].intent.external_reference
        return ["  The story of that order:", f"    grep -h {reference} {shlex.quote(str(shown))}*"]
    return [f"  Everything that happened: {shown}"]


def _short(path: Path) -> Path:
    """Relative to the current folder where it lies below it."""
    try:
        return path.relative_to(Path.cwd())
    except (ValueError, OSError):
        return path
