"""What one cycle did, counted and kept for its last line, its journal row and its summary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tradebot.errors import ExitCode
from tradebot.execution.trade_executor import Execution
from tradebot.model import Action, Decision, ExecutionOutcome
from tradebot.vocabulary.reasons import DecisionReason, FailureReason

# When several apply, the one that says most about what a scheduler should do wins.
_PRECEDENCE = (
    ExitCode.TERMINATED,
    ExitCode.DEADLINE,
    ExitCode.SOFTWARE,
    ExitCode.IOERR,
    ExitCode.CONFIG,
    ExitCode.NOPERM,
    ExitCode.BUSY,
    ExitCode.UNAVAILABLE,
    ExitCode.UNRESOLVED,
    ExitCode.OK,
)


@dataclass(slots=True)
class CycleReport:
    """Filled while the cycle runs."""

    dry_run: bool
    instruments: int
    decisions: list[Decision] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    skip_reason: str | None = None
    """Why the cycle ended before any instrument was looked at; None if it did not."""
    error: str | None = None
    """What ended the cycle early, for a person; masked."""
    error_reason: str | None = None
    """The same as a code word."""
    unresolved: int = 0
    """Orders of this account whose outcome is unknown at the end."""
    http_calls: int = 0
    exit_codes: set[ExitCode] = field(default_factory=lambda: {ExitCode.OK})

    @property
    def exit_code(self) -> ExitCode:
        """The one exit code that stands for all that happened."""
        codes = self.exit_codes | ({ExitCode.UNRESOLVED} if self.unresolved else set())
        if any(e.failure_reason == FailureReason.LOGIN_REFUSED for e in self.executions):
            codes = codes | {ExitCode.NOPERM}  # the broker knows the token, but not for orders
        return next(code for code in _PRECEDENCE if code in codes)

    def counters(self) -> dict[str, Any]:
        """The counters of `cycle_end`."""
        actions = [decision.action for decision in self.decisions]
        outcomes = [execution.outcome for execution in self.executions]
        return {
            "instruments": self.instruments,
            "signals": sum(d.signal in (Action.BUY, Action.SELL) for d in self.decisions),
            "buy": actions.count(Action.BUY),
            "sell": actions.count(Action.SELL),
            "hold": actions.count(Action.HOLD),
            "skip": actions.count(Action.SKIP),
            "already_decided": sum(
                d.reason == DecisionReason.ALREADY_DECIDED for d in self.decisions
            ),
            "intents": len(self.executions),
            "placed": outcomes.count(ExecutionOutcome.SUCCESS),
            "rejected": outcomes.count(ExecutionOutcome.FAILED),
            "skipped": outcomes.count(ExecutionOutcome.SKIPPED),
            "unresolved": self.unresolved,
            "http_calls": self.http_calls,
        }
