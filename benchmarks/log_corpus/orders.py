"""The lines of an order's life, kind by kind, in the order in which the bot writes them.

Kinds (`Attempt.kind`): what the first run sees of the order, and what later ones find.

    filled              accepted, and filled when it is looked for
    working partial     accepted; filled some runs later
    working_cancelled working_expired partial_cancelled still_working
    rejected precheck   refused by the broker, with `code`
    precheck_down disclaimer not_sent quote_stale deadline lock_lost duplicate accepted_rejected
    abandoned           the run is killed after the intent; nothing was sent
    killed_sent         the run is killed while the order is under way
    killed_unlogged killed_logged       … after the verdict: its line comes with replayed=true
    unknown_filled      no answer, found filled by the same run
    unknown_later unknown_absent unknown_contradicted unknown_by_hand unknown_forever
    placed_killed       killed after the broker's answer, at the end of the corpus
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.log_corpus.lines import INFO, WARN, Script, moment
from benchmarks.log_corpus.model import Attempt, Instrument
from benchmarks.log_corpus.verdicts import RECONCILIATION, Verdicts
from tradebot.execution.references import request_id

_EXECUTOR, _PRECHECK, _PLACEMENT = (
    "execution.trade_executor", "execution.precheck", "execution.placement",
)  # fmt: skip
_MESSAGES = {
    "InsufficientCash": "Not enough cash: required 1200.50 EUR, available 310.00 EUR",
    "PriceNotInTickSizeIncrements": "Price is not in tick size increments",
    "OrderValueToSmall": "Order value is too small",
    "TradingDisabled": "Trading is disabled for the account",
    "NotSuitable": "The instrument is not suitable for the client",
    "MarketClosed": "Market is closed",
}
_DOUBT_STATUS = {"unknown_absent": 503, "unknown_forever": 202, "unknown_by_hand": 202}
_CONFIRM_WAITS = (0, 250, 500, 1000, 2000, 3000)


class OrderLines(Verdicts):
    """What is written about the orders of one process."""

    def __init__(self, script: Script, instruments: tuple[Instrument, ...]) -> None:
        super().__init__(script, instruments)
        self._last_order_at: int | None = None
        self._read_at: int | None = None

    def _request(self, attempt: Attempt, method: str, path: str, status: int = 200) -> str:
        return self.script.request(
            method, path, status, bound=self.bound(attempt), ref=attempt.reference
        )

    # -- a run that carries it out -------------------------------------------------------------

    def carry_out(self, attempt: Attempt) -> None:
        self.journal(attempt, "created")
        self.say(
            attempt,
            INFO,
            _EXECUTOR,
            "execution_intent_created",
            f" side={attempt.side} quantity={attempt.quantity} order_type=market"
            f" bar_time={moment(attempt.bar)} attempt={attempt.number}",
        )
        self.note(attempt, "created")
        self.say(attempt, INFO, _PRECHECK, "execution_precheck_begin")
        if attempt.kind == "abandoned" or not self._precheck(attempt):
            return
        self.journal(attempt, "prechecked")
        self._wait_a_second()
        self._read_earlier(attempt)
        if attempt.kind == "duplicate":
            self.journal(attempt, "take_over", attempt.order_id)
            self.say(
                attempt,
                WARN,
                _EXECUTOR,
                "execution_duplicate_refused",
                f" order_id={attempt.order_id}",
            )
            self.complete(attempt)
        elif attempt.kind in ("quote_stale", "deadline"):
            self.complete(attempt)
        elif attempt.kind != "lock_lost":
            self._send(attempt)

    def _precheck(self, attempt: Attempt) -> bool:
        kind = attempt.kind
        if kind == "precheck_down":
            fields = self._request(attempt, "POST", "/trade/v2/orders/precheck", 503)
            self.script.refused(fields, 503, "", '"Service Unavailable"', attempt.reference)
            self._precheck_failed(attempt, "precheck_unavailable", 503)
        else:
            self._request(attempt, "POST", "/trade/v2/orders/precheck")
            if kind == "disclaimer":
                self._disclaimer(attempt)
            elif kind == "precheck":
                reason = attempt.verdict[1] if attempt.verdict else None
                self._precheck_failed(attempt, reason or "", 200, attempt.code)
            else:
                cash = round(attempt.quantity * attempt.price, 2)
                self.say(
                    attempt,
                    INFO,
                    _PRECHECK,
                    "execution_precheck_passed",
                    f" precheck_ok=true estimated_cash={cash if attempt.side == 'BUY' else 0.0}"
                    f" estimated_cost={cash} currency=EUR",
                    status=200,
                )
                return True
        self.complete(attempt)
        return False

    def _precheck_failed(self, attempt: Attempt, reason: str, status: int, code: str = "") -> None:
        event = "execution_precheck_failed"
        more = f" precheck_ok=false{self.script.failed(event, reason)}"
        if code:
            more += f' error_code={code} msg="{_MESSAGES[code]}"'
        self.say(attempt, WARN, _PRECHECK, event, more, status=status)

    def _disclaimer(self, attempt: Attempt) -> None:
        component = "execution.disclaimers"
        self.say(
            attempt,
            WARN,
            component,
            "execution_disclaimer_required",
            " disclaimer_required=true disclaimer_tokens_count=1 disclaimer_context=OrderPlacement",
        )
        self._request(attempt, "GET", "/dm/v2/disclaimers")
        event = "execution_disclaimer_blocked"
        self.say(
            attempt,
            WARN,
            component,
            event,
            f" disclaimer_tokens_count=1{self.script.failed(event, 'disclaimer_policy')}"
            ' disclaimer_title="Trading in complex products"',
        )
        self._precheck_failed(attempt, "disclaimer_policy", 200)

    def _wait_a_second(self) -> None:
        """One order a second: the broker's limit, waited for before the order is due."""
        script = self.script
        if self._last_order_at is None or script.t - self._last_order_at >= 1000:
            return
        wait = 1000 - (script.t - self._last_order_at)
        script.say(
            INFO,
            "saxo.rate_limits",
            "rate_limit_wait",
            f" wait_seconds={wait / 1000} dimension=session_orders",
        )
        script.t += wait

    def _read_earlier(self, attempt: Attempt) -> None:
        if self._read_at is None or self.script.t - self._read_at > 5000:
            self._read_at = self.script.t
            self._read(attempt)

    def _read(self, attempt: Attempt) -> None:
        self._request(attempt, "GET", "/port/v1/orders/me")
        self._request(attempt, "GET", "/cs/v1/audit/orderactivities")

    def _send(self, attempt: Attempt) -> None:
        self._last_order_at = self.script.t
        self.say(
            attempt,
            INFO,
            _EXECUTOR,
            "execution_order_sending",
            f" request_id={request_id(attempt.reference)}",
        )
        self.note(attempt, "sent")
        self.journal(attempt, "sent")
        handle: dict[str, Callable[[Attempt], None]] = {
            "rejected": self._refused,
            "not_sent": self._not_sent,
            "killed_sent": lambda _: None,
        }
        if attempt.kind in handle:
            handle[attempt.kind](attempt)
        elif attempt.kind.startswith("unknown"):
            self._unknown(attempt)
        else:
            self._placed(attempt)

    def _refused(self, attempt: Attempt) -> None:
        event, reason = "execution_order_rejected", attempt.verdict[1] if attempt.verdict else ""
        limited = attempt.code == "429"
        status, code = (429, "") if limited else (400, attempt.code)
        fields = self._request(attempt, "POST", "/trade/v2/orders", status)
        message = "" if limited else _MESSAGES[code]
        snippet = (
            ""
            if limited
            else f'"{{\\"ErrorInfo\\":{{\\"ErrorCode\\":\\"{code}\\",'
            f'\\"Message\\":\\"{message}\\"}}}}"'
        )
        self.script.refused(fields, status, code, snippet, attempt.reference)
        more = self.script.failed(event, reason or "")
        more += f' error_code={code} msg="{message}"' if code else ""
        self.say(attempt, WARN, _PLACEMENT, event, more, status=status)
        self.complete(attempt)

    def _not_sent(self, attempt: Attempt) -> None:
        self.script.lost(
            "POST",
            "/trade/v2/orders",
            "connection_refused",
            3,
            bound=self.bound(attempt),
            ref=attempt.reference,
        )
        event = "execution_order_rejected"
        self.say(attempt, WARN, _PLACEMENT, event, self.script.failed(event, "not_sent"))
        self.complete(attempt)

    def _placed(self, attempt: Attempt) -> None:
        self._request(attempt, "POST", "/trade/v2/orders")
        more = f" order_id={attempt.order_id}"
        self.say(attempt, INFO, _PLACEMENT, "execution_order_placed", more, status=200)
        self.note(attempt, "placed")
        self.journal(attempt, "order_id", attempt.order_id)
        if attempt.kind == "placed_killed":
            return
        self.say(attempt, INFO, RECONCILIATION, "execution_reconcile_begin")
        reads = 1 + (self.script.rng.random() < 0.2)
        for wait in _CONFIRM_WAITS[:reads]:
            self.script.t += wait
            self._read(attempt)
        self.planned_result(attempt, reads)
        if attempt.kind == "killed_unlogged":
            self.journal(attempt, "settled", attempt.verdict)
        else:
            self.complete(attempt)

    def _unknown(self, attempt: Attempt) -> None:
        event, status = "execution_order_unknown", _DOUBT_STATUS.get(attempt.kind)
        if status is None:
            reason = "no_answer"
            self.script.lost(
                "POST",
                "/trade/v2/orders",
                "read_timeout",
                10_004,
                bound=self.bound(attempt),
                ref=attempt.reference,
            )
        else:
            reason = "server_error" if status == 503 else "trade_not_completed"
            fields = self._request(attempt, "POST", "/trade/v2/orders", status)
            if status == 503:
                self.script.refused(fields, 503, "", '"Service Unavailable"', attempt.reference)
        more = self.script.failed(event, reason)
        self.say(attempt, WARN, _PLACEMENT, event, more, status=status)
        self.say(attempt, INFO, RECONCILIATION, "execution_reconcile_begin")
        found = attempt.kind == "unknown_filled"
        reads = 2 if found else len(_CONFIRM_WAITS)
        for wait in _CONFIRM_WAITS[:reads]:
            self.script.t += wait
            self._read(attempt)
        if found:
            self.planned_result(attempt, reads)
            self.complete(attempt)
            return
        self.say(
            attempt,
            INFO,
            RECONCILIATION,
            "execution_reconcile_result",
            f" reconcile_result=unknown reads={reads}",
        )
        self.leave_open(attempt, _EXECUTOR, reason)
