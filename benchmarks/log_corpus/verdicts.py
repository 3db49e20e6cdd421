"""What becomes of an order: how the broker shows it, its verdict, and what comes after it."""

from __future__ import annotations

from typing import Any

from benchmarks.log_corpus.lines import ERROR, INFO, KEYS, Script, stamp
from benchmarks.log_corpus.model import Attempt, Instrument

RECONCILIATION, RECOVERY, COMPLETION = (
    "execution.reconciliation",
    "execution.recovery",
    "execution.completion",
)


class Verdicts:
    """The lines about orders that runs and commands share."""

    def __init__(self, script: Script, instruments: tuple[Instrument, ...]) -> None:
        self.script = script
        self._instruments = instruments

    def bound(self, attempt: Attempt, *, keys: bool = True) -> str:
        """The fields that every line has while the order is worked on."""
        one = self._instruments[attempt.instrument]
        return (
            f" instrument_id={one.name} asset_type={one.asset_type} uic={one.uic}"
            f" symbol={one.symbol}{KEYS if keys else ''}"
        )

    def say(
        self, attempt: Attempt, level: str, component: str, event: str, more: str = "", *,
        status: int | None = None, keys: bool = True,
    ) -> None:  # fmt: skip
        shown = "" if status is None else f" http_status={status}"
        fields = f"{self.bound(attempt, keys=keys)}{shown} external_reference={attempt.reference}"
        self.script.say(level, component, event, fields + more, attempt.reference)

    def note(self, attempt: Attempt, what: str) -> None:
        """When this happened: the time of the line that comes next, or was just written."""
        self.script.sink.moments.setdefault(attempt.reference, {}).setdefault(
            what, stamp(self.script.t)
        )

    def journal(self, attempt: Attempt, what: str, more: Any = None) -> None:
        script = self.script
        script.sink.journal.append((script.t, what, script.run_id, attempt.reference, more))

    # -- what is found, and the verdict --------------------------------------------------------

    def planned_result(self, attempt: Attempt, reads: int) -> None:
        """What the broker shows of an order whose verdict is planned."""
        _, reason, state, filled = attempt.verdict or ("", None, None, 0)
        shown = state or {
            "rejected_after_acceptance": "rejected",
            "not_placed": "not_placed",
        }.get(reason or "", "")
        self.result(attempt, shown, filled, reads=reads)

    def result(self, attempt: Attempt, standing: str, filled: int, *, reads: int = 1) -> None:
        """`execution_reconcile_result` for an order that the broker shows (or does not)."""
        named = attempt.order_id is not None and standing != "not_placed"
        more = f" order_id={attempt.order_id}" if named else ""
        more += f" reconcile_result={standing}"
        if standing in ("working", "partial", "filled"):
            more += f" order_state={standing}"
        if filled:
            more += f" filled_quantity={filled} average_price={attempt.price}"
        self.say(
            attempt, INFO, RECONCILIATION, "execution_reconcile_result", f"{more} reads={reads}"
        )
        self.note(attempt, f"seen_{standing}")

    def complete(
        self,
        attempt: Attempt,
        *,
        replayed: bool = False,
        keys: bool = True,
        op: str = "settled",
    ) -> None:
        """The verdict's line."""
        outcome, reason, state, filled = attempt.verdict or ("", None, None, 0)
        named = attempt.named_by_verdict
        more = f" order_id={named}" if named else ""
        more += f" execution_outcome={outcome}"
        if reason:
            more += self.script.failed("execution_completed", reason)
        if state:
            more += f" order_state={state}"
        if filled:
            more += f" filled_quantity={filled} average_price={attempt.price}"
        if replayed:
            more += " replayed=true"
            self.journal(attempt, "logged")
        else:
            self.journal(attempt, op, attempt.verdict)
        self.say(attempt, INFO, COMPLETION, "execution_completed", more, keys=keys)
        if not replayed and attempt.kind != "killed_logged":
            self.journal(attempt, "logged")
        self._completed(attempt, outcome, reason, replayed)

    def _completed(
        self, attempt: Attempt, outcome: str, reason: str | None, replayed: bool
    ) -> None:
        seen = self.script.sink.moments.setdefault(attempt.reference, {})
        seen.setdefault("completions", []).append((stamp(self.script.t), outcome, reason, replayed))

    def leave_open(self, attempt: Attempt, component: str, reason: str) -> None:
        event, outcome = "execution_completed", "RECONCILIATION_NEEDED"
        more = f" execution_outcome={outcome}{self.script.failed(event, reason)}"
        self.say(attempt, INFO, component, event, more)
        self._completed(attempt, outcome, reason, False)

    # -- later runs ----------------------------------------------------------------------------

    def begin_look(self, attempt: Attempt) -> None:
        self.say(attempt, INFO, RECOVERY, "execution_reconcile_begin")

    def found(self, attempt: Attempt, result: str) -> None:
        """What recovery found of an order whose outcome was not known."""
        if result == "not_placed":
            self.result(attempt, "not_placed", 0, reads=2)
        else:
            self.planned_result(attempt, 1)
        self.complete(attempt)

    def still_unknown(self, attempt: Attempt) -> None:
        self.say(attempt, INFO, RECOVERY, "execution_reconcile_result", " reconcile_result=unknown")
        self.leave_open(attempt, RECOVERY, "not_found_yet")

    def moved(self, attempt: Attempt, standing: str, filled: int) -> None:
        """A live order stands otherwise than before."""
        self.journal(attempt, "fill", (standing, filled))
        self.result(attempt, standing, filled)

    def contradicted(self, attempt: Attempt) -> None:
        self.journal(attempt, "fill", ("filled", attempt.quantity))
        self.say(
            attempt,
            ERROR,
            RECOVERY,
            "execution_verdict_contradicted",
            f" order_id={attempt.order_id} reconcile_result=filled"
            f" filled_quantity={attempt.quantity} average_price={attempt.price}",
        )

    def paused(self, attempt: Attempt, failures: int) -> None:
        self.say(
            attempt,
            ERROR,
            COMPLETION,
            "execution_paused",
            f" reason=consecutive_failures consecutive_failures={failures}",
        )
