"""What the bot of a corpus knows between its runs: positions, orders, decisions; and the guards."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from benchmarks.log_corpus.agenda import Agenda, instruments_of
from benchmarks.log_corpus.market import Market, reference_of
from benchmarks.log_corpus.model import (
    DAY,
    Attempt,
    ByHand,
    Decided,
    Plan,
    Run,
)
from tradebot.execution.answers import reason_of_code

MAX_FAILURES = 3
_GIVEN_UP = 7 * DAY
_LIVE_STORIES: dict[str, tuple[tuple[int, str, float], ...]] = {
    "working": ((2, "partial", 0.5), (1, "filled", 1.0)),
    "partial": ((2, "filled", 1.0),),
    "working_cancelled": ((2, "cancelled", 0.0),),
    "working_expired": ((3, "expired", 0.0),),
    "partial_cancelled": ((1, "cancelled", 0.34),),
    "still_working": (),
}
"""How an accepted order goes on: after so many runs, how it stands, the share that is filled."""
_DOUBTS = {
    "unknown_later": ("filled",),
    "unknown_absent": ("not_placed",),
    "unknown_contradicted": ("not_placed",),
    "killed_sent": ("filled",),
}
"""What later runs find of an order whose outcome is not known; of others: nothing."""
_PASSES = {
    "not_sent": "not_sent",
    "quote_stale": "quote_stale",
    "precheck_down": "precheck_unavailable",
    "rejected:MarketClosed": "market_closed",
    "rejected:429": "rate_limited",
    "deadline": "deadline",
}
"""Failures after which the decision may be tried again, with their reasons."""
_FAILS = {"disclaimer": "disclaimer_policy", "accepted_rejected": "rejected_after_acceptance"}
_UNSENT = ("precheck", "disclaimer", "quote_stale", "deadline", "lock_lost", "abandoned")


class Book:
    def __init__(self, plan: Plan, agenda: Agenda, rng: random.Random, bar_seconds: int) -> None:
        self._plan, self._agenda, self._rng = plan, agenda, rng
        self.instruments = instruments_of(plan.options)
        self.market = Market(plan.options, agenda, rng, bar_seconds)
        self.own = [0] * len(self.instruments)
        self._broker_less: dict[int, int] = {}
        self._closed: dict[int, int] = {}
        self._tries: Counter[tuple[int, int]] = Counter()
        self._sent: Counter[int] = Counter()
        self.unresolved: dict[int, tuple[Attempt, list[str]]] = {}
        self.live: dict[int, tuple[Attempt, list[tuple[int, str, float]]]] = {}
        self._ghosts: list[tuple[Attempt, int]] = []
        self._absent_until = float("-inf")
        self.unlogged: list[Attempt] = []
        self.unsent: list[Attempt] = []
        self.pause: tuple[str, int | None] | None = None
        self.failures = 0
        self.codes: set[int] = set()
        self.suspended = False
        self._order_id = 5_039_287_595

    def next_order_id(self) -> str:
        self._order_id += 1
        return str(self._order_id)

    # -- what recovery finds -------------------------------------------------------------------

    def catch_up(self, run: Run) -> None:
        run.reads_audit = bool(
            self.unresolved or self.live or self._ghosts or run.start < self._absent_until
        )
        self._follow_live(run)
        self._meet_ghosts(run)
        for number, (attempt, results) in list(self.unresolved.items()):
            result = results.pop(0) if results else "unknown"
            run.looks.append((attempt, result))
            if result == "unknown":
                continue
            del self.unresolved[number]
            self._closed[number] = attempt.bar
            if result == "filled":
                attempt.order_id = attempt.order_id or self.next_order_id()
                self._succeed(attempt, "filled", attempt.quantity)
            else:
                self._fail(run, attempt, "not_placed")
                self._absent_until = run.start + _GIVEN_UP
                if attempt.kind == "unknown_contradicted":
                    self._ghosts.append((attempt, 2))

    def _follow_live(self, run: Run) -> None:
        for number, (attempt, story) in list(self.live.items()):
            if not story:
                continue
            left, standing, share = story[0]
            if left > 1:
                story[0] = (left - 1, standing, share)
                continue
            story.pop(0)
            filled = attempt.quantity if share == 1.0 else int(attempt.quantity * share)
            self._book(attempt, filled)
            attempt.order_state = standing
            run.moves.append((attempt, standing, filled))
            if standing != "partial":
                del self.live[number]

    def _meet_ghosts(self, run: Run) -> None:
        ghosts, self._ghosts = self._ghosts, []
        for attempt, left in ghosts:
            if left > 1:
                self._ghosts.append((attempt, left - 1))
                continue
            attempt.order_id = self.next_order_id()
            attempt.order_state = "filled"
            self._book(attempt, attempt.quantity)
            run.contradicted.append(attempt)

    def _book(self, attempt: Attempt, filled: int) -> None:
        change = filled - attempt.filled
        attempt.filled = filled
        self.own[attempt.instrument] += change if attempt.side == "BUY" else -change

    def _succeed(self, attempt: Attempt, state: str, filled: int) -> None:
        attempt.verdict = "SUCCESS", None, state, filled
        attempt.order_state = state
        self.failures = 0
        self._book(attempt, filled)

    def _fail(self, run: Run, attempt: Attempt, reason: str, *, passes: bool = False) -> None:
        attempt.verdict = "FAILED", reason, None, 0
        if passes:
            return
        self._closed[attempt.instrument] = attempt.bar
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            self.pause = "consecutive_failures", None
            run.paused_after.append((attempt.reference, self.failures))

    # -- what people do ------------------------------------------------------------------------

    def by_hand_before(self, at: float, new_id: Callable[[], str]) -> None:
        for number, (attempt, results) in list(self.unresolved.items()):
            if attempt.kind == "unknown_by_hand" and not results:
                del self.unresolved[number]
                self._closed[number] = attempt.bar
                attempt.verdict = "FAILED", "resolved_by_hand", None, 0
                self._absent_until = at + _GIVEN_UP
                self._plan.by_hand.append(ByHand(new_id(), at, "resolved", attempt=attempt))
        for number, left in list(self._broker_less.items()):
            self._broker_less[number] = left - 1
            if left <= 1:
                del self._broker_less[number]
                held = self.own[number], 0
                self.own[number] = 0
                self._plan.by_hand.append(
                    ByHand(new_id(), at + 5, "position_accepted", instrument=number, held=held)
                )

    # -- decisions -----------------------------------------------------------------------------

    def give_reasons(self, run: Run, reason: str) -> None:
        run.decisions = [Decided(n, "SKIP", reason) for n in range(len(self.instruments))]

    def sell_by_hand(self) -> bool:
        """A person sells what the bot holds of an instrument: the broker has less for a while.

        False when the bot holds nothing that could be sold.
        """
        for number, own in enumerate(self.own):
            if own and number not in self.live and number not in self.unresolved:
                self._broker_less[number] = 6
                return True
        return False

    def decide(self, run: Run, *, may_suspend: bool) -> None:
        """The decisions of a run that came so far, and what becomes of its orders."""
        self.codes, self.suspended = set(), False
        if run.what == "bug":
            self.give_reasons(run, "cycle_failed")
            return
        granted = 0
        broken = self._rng.randrange(len(self.instruments)) if run.what == "strategy_error" else -1
        decided = []
        for number in range(len(self.instruments)):
            one = self._decide_one(run, number, granted, number == broken)
            granted += one.action in ("BUY", "SELL")
            decided.append(one)
        run.decisions = decided
        self._execute(run, may_suspend)

    def _decide_one(self, run: Run, number: int, granted: int, is_broken: bool) -> Decided:
        held = 0 if number in self._broker_less else max(0, self.own[number])
        reason = run.unusable.get(number)
        if reason is None and number in run.insufficient:
            reason = "insufficient_data"
        if reason is None and is_broken:
            reason = "strategy_error"
        if reason is not None:
            return Decided(number, "SKIP", reason, held=held)
        less = number in self._broker_less
        bar = self.market.bars[number]
        cross = self.market.cross(run, number, self.own[number], always_above=less)
        if cross is None or (cross == "below" and not held):
            word = "no_cross" if cross is None else "no_position"
            return Decided(number, "HOLD", word, "HOLD", held=held, bar=bar)
        signal = "BUY" if cross == "above" else "SELL"
        refusal = self._refusal(run, number, signal, granted)
        if refusal is not None:
            return Decided(number, "SKIP", refusal, signal, held=held, bar=bar)
        quantity = held if signal == "SELL" else self.instruments[number].quantity
        return Decided(number, signal, f"crossed_{cross}", signal, quantity, held, bar)

    def _refusal(self, run: Run, number: int, signal: str, granted: int) -> str | None:
        if self._closed.get(number) == self.market.bars[number]:
            return "already_decided"
        if number in self.unresolved:
            return "unresolved_intent"
        if number in self.live:
            return "order_working"
        if number in self._broker_less:
            return "position_mismatch"
        if signal == "BUY" and self.own[number] > 0:
            return "position_held"
        sent = self._sent[int(run.start) // DAY]
        return "max_trades_per_day" if self._is_full(sent + granted, run) else None

    def _is_full(self, trades: int, run: Run) -> bool:
        return trades >= self._plan.options.orders_per_day and run.slot not in self._agenda.forced

    # -- orders --------------------------------------------------------------------------------

    def _execute(self, run: Run, may_suspend: bool) -> None:
        stopped: str | None = None
        forced = dict(self._agenda.forced.get(run.slot or -1, ()))
        last = max(forced, default=-1)
        order = sorted(range(len(run.decisions)), key=lambda n: (n == last, n))
        for place in order if forced else range(len(run.decisions)):
            one = run.decisions[place]
            if one.action not in ("BUY", "SELL") or one.quantity is None or one.bar is None:
                continue
            if stopped is None and self.pause is not None:
                stopped = "paused"
            if stopped is not None:
                run.decisions[place] = _changed(one, not_begun=stopped)
                if stopped != "killed":
                    run.not_begun.append((one.instrument, stopped))
                continue
            kind = forced.get(one.instrument) or self._kind(run, place, may_suspend)
            attempt = self._attempt(run, one, kind)
            run.decisions[place] = _changed(one, reference=attempt.reference)
            stopped = self._carry_out(run, attempt)

    def _kind(self, run: Run, place: int, may_suspend: bool) -> str:
        one = run.decisions[place]
        if self._tries[one.instrument, one.bar or 0]:
            return "filled"
        more = any(later.action in ("BUY", "SELL") for later in run.decisions[place + 1 :])
        kind = self._agenda.kind_of_order(others_follow=more and may_suspend)
        return "quote_stale" if kind == "deadline" and not may_suspend else kind

    def _attempt(self, run: Run, one: Decided, kind: str) -> Attempt:
        number, bar = one.instrument, one.bar or 0
        self._tries[number, bar] += 1
        tries = self._tries[number, bar]
        kind, _, code = kind.partition(":")
        instrument = self.instruments[number]
        attempt = Attempt(
            reference=reference_of(instrument, bar, tries),
            instrument=number,
            side=one.action,
            quantity=one.quantity or 0,
            bar=bar,
            number=tries,
            kind=kind,
            code=code,
            price=round(instrument.price * self._rng.uniform(0.97, 1.03), 4),
            run_id=run.run_id,
        )
        self._plan.attempts.append(attempt)
        run.orders.append(attempt)
        return attempt

    def _carry_out(self, run: Run, attempt: Attempt) -> str | None:
        """What becomes of it in this run. Returns why nothing more is begun."""
        kind = attempt.kind
        if not kind.startswith(_UNSENT):
            self._sent[int(run.start) // DAY] += 1
        if passes_by_itself(attempt):
            full = f"{kind}:{attempt.code}".rstrip(":")
            self._fail(run, attempt, _PASSES[full], passes=True)
            if attempt.number == 3:
                self._closed[attempt.instrument] = attempt.bar
        elif kind in ("rejected", "precheck"):
            self._fail(run, attempt, _reason(kind, attempt.code))
        elif kind in _FAILS:
            if kind == "accepted_rejected":
                attempt.order_id = self.next_order_id()
            self._fail(run, attempt, _FAILS[kind])
        elif kind in _LIVE_STORIES:
            self._stay_live(attempt)
        elif kind in ("abandoned", "lock_lost"):
            self.unsent.append(attempt)
        elif kind in _DOUBTS or kind in ("unknown_by_hand", "unknown_forever", "placed_killed"):
            self._doubt(attempt)
        else:
            attempt.order_id = self.next_order_id()
            self._succeed(attempt, "filled", attempt.quantity)
            self._closed[attempt.instrument] = attempt.bar
        return self._end_of_run(run, attempt)

    def _stay_live(self, attempt: Attempt) -> None:
        attempt.order_id = self.next_order_id()
        filled = attempt.quantity // 3 if attempt.kind.startswith("partial") else 0
        self._succeed(attempt, "partial" if filled else "working", filled)
        self._closed[attempt.instrument] = attempt.bar
        story = list(_LIVE_STORIES[attempt.kind])
        if attempt.kind == "partial_cancelled":
            story = [(2, "cancelled", filled / attempt.quantity)]
        self.live[attempt.instrument] = attempt, story

    def _doubt(self, attempt: Attempt) -> None:
        results = list(_DOUBTS.get(attempt.kind, ()))
        if attempt.kind == "unknown_later":
            results = ["unknown"] * self._rng.randrange(0, 3) + results
        elif attempt.kind == "unknown_by_hand":
            results = ["unknown", "unknown"]
        elif attempt.kind == "placed_killed":
            attempt.order_id = self.next_order_id()
        self.unresolved[attempt.instrument] = attempt, results

    def _end_of_run(self, run: Run, attempt: Attempt) -> str | None:
        kind = attempt.kind
        if kind in ("abandoned", "placed_killed") or kind.startswith("killed"):
            run.cut = "execute"
            if kind in ("killed_unlogged", "killed_logged"):
                self.unlogged.append(attempt)
            return "killed"
        if kind == "lock_lost":
            run.failed = "execute", "storage_error"
            self.codes.add(74)
            return "cycle_failed"
        if kind == "deadline":
            run.failed = "execute", "deadline_exceeded"
            self.codes.add(124)
            self.suspended = True
            return "deadline"
        return None


def passes_by_itself(attempt: Attempt) -> bool:
    """May the decision be tried again after this failure?"""
    return f"{attempt.kind}:{attempt.code}".rstrip(":") in _PASSES


def _reason(kind: str, code: str) -> str:
    reason = reason_of_code(code).value
    return "precheck_refused" if kind == "precheck" and reason == "refused" else reason


def _changed(
    one: Decided, *, reference: str | None = None, not_begun: str | None = None
) -> Decided:
    return Decided(
        one.instrument,
        one.action,
        one.reason,
        one.signal,
        one.quantity,
        one.held,
        one.bar,
        reference,
        not_begun,
    )
