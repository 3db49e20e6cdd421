"""How an intent ends: verdict, line, mark; in the cycle that sent it as in a later one."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tradebot.clock import Clock
from tradebot.journal import Attempt, Journal
from tradebot.model import Verdict
from tradebot.observability import bind, log_event
from tradebot.vocabulary.reasons import SkipReason


def bind_intent(attempt: Attempt) -> AbstractContextManager[None]:
    """Every line inside carries the order's reference and instrument, whoever writes it."""
    intent = attempt.intent
    return bind(
        external_reference=intent.external_reference,
        instrument_id=str(intent.instrument),
        asset_type=intent.instrument.asset_type,
        uic=intent.instrument.uic,
        symbol=intent.symbol,
    )


class Completion:
    """Ends intents. `max_failures` in a row (0: any number) pause trading."""

    def __init__(self, journal: Journal, clock: Clock, *, max_failures: int) -> None:
        self._journal = journal
        self._clock = clock
        self._max_failures = max_failures

    def complete(self, reference: str, verdict: Verdict, *, may_try_again: bool = False) -> None:
        """Write the verdict, then its line, then that the line was written.

        A crash between the two leaves a verdict without a line; `replay_unlogged` writes it again.
        Writes nothing when the intent has its verdict already.
        """
        settled = self._journal.orders.settle(
            reference,
            verdict,
            at=self._clock.now(),
            may_try_again=may_try_again,
            pause_after=self._max_failures,
        )
        if settled is None:
            return
        self._say(reference, verdict)
        if settled.paused:
            log_event(
                "execution_paused",
                reason=SkipReason.CONSECUTIVE_FAILURES,
                consecutive_failures=settled.failures,
            )

    def abandon(self, reference: str, verdict: Verdict) -> None:
        """The same for an attempt that was never sent, unless it was sent meanwhile."""
        if self._journal.orders.abandon(reference, verdict, at=self._clock.now()):
            self._say(reference, verdict)

    def replay_unlogged(self) -> None:
        """Write the lines of verdicts that a crash may have kept from the log."""
        for attempt, verdict in self._journal.orders.unlogged():
            with bind_intent(attempt):
                self._say(attempt.intent.external_reference, verdict, replayed=True)

    def _say(self, reference: str, verdict: Verdict, *, replayed: bool | None = None) -> None:
        if log_completed(reference, verdict, replayed=replayed):
            self._journal.orders.mark_logged(reference)


def log_completed(reference: str, verdict: Verdict, *, replayed: bool | None = None) -> bool:
    """The line that ends an intent's story. True when it reached the file."""
    return log_event(
        "execution_completed",
        external_reference=reference,
        execution_outcome=verdict.outcome,
        failure_reason=verdict.failure_reason,
        order_id=verdict.order_id,
        order_state=verdict.order_state,
        filled_quantity=verdict.filled_quantity or None,
        average_price=verdict.average_price,
        replayed=replayed,
    )
