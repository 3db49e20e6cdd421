"""How an intent ends early: a reason, an outcome, and whether the decision may be tried again."""

from __future__ import annotations

from tradebot.model import ExecutionOutcome
from tradebot.vocabulary.reasons import FailureReason


class Stopped(Exception):
    """The intent ends here with a definitive outcome. Never raised while that is unknown."""

    def __init__(
        self,
        reason: FailureReason,
        *,
        outcome: ExecutionOutcome = ExecutionOutcome.FAILED,
        may_try_again: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.outcome = outcome
        self.may_try_again = may_try_again
