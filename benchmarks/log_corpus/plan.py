"""Plays the bot through every slot of a corpus: what each run finds, decides and leaves behind.

The rules are the bot's own (order of steps, guards, retries, exit codes), retold in small. The
result is a plan: nothing is written here, and what the truth says is known before a line exists.
"""

from __future__ import annotations

import random
import uuid

from benchmarks.log_corpus.agenda import (
    Agenda,
    bar_seconds,
    day_begin,
    instruments_of,
    is_trading,
    why_closed,
)
from benchmarks.log_corpus.book import Book
from benchmarks.log_corpus.model import DAY, ByHand, CorpusOptions, Plan, Run

TOKEN_LIFE = 1200
_REFRESH_AFTER = TOKEN_LIFE // 2
_PRECEDENCE = (143, 124, 70, 74, 78, 77, 75, 69, 3, 0)
_KILL_PHASES = ("token", "reconcile", "market_data")
_COMMITS = ("7c1de02b95f4", "3a90b1f6dd28")


class Planner:
    """Goes from slot to slot. What a run leaves to the next one is kept between."""

    def __init__(self, options: CorpusOptions) -> None:
        self.plan = Plan(options)
        self.rng = random.Random(f"{options.seed}/plan")
        self.agenda = Agenda(options, random.Random(f"{options.seed}/agenda"))
        self.cadence = options.cadence_minutes * 60
        self.instruments = instruments_of(options)
        self.book = Book(self.plan, self.agenda, self.rng, bar_seconds(options))
        self._cycle_id = 0
        self._killed: list[tuple[str, str, float]] = []
        self._gap: list[int] = []
        self._busy: tuple[list[int], str] | None = None
        self._no_run_before = 0
        self._token_at = float("-inf")
        self._lost = self._invalid = 0
        self._resume_at: int | None = None
        self._kills = self._pauses = 0
        self._fingerprint, self._commit = self._hex(12), _COMMITS[0]
        self._orphan: tuple[str, str, int] | None = None
        self._details_day = -1
        self._sells_soon = False
        self._charted: dict[int, int] = {}

    def play(self) -> Plan:
        options = self.plan.options
        begin = day_begin(options)
        for slot in range(begin, begin + options.days * DAY, self.cadence):
            self._slot(slot)
        for slot in self._gap:
            self._note_missed(slot, told=False)
        _fill_up(self.plan)
        return self.plan

    def _hex(self, length: int) -> str:
        return f"{self.rng.getrandbits(4 * length):0{length}x}"

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    # -- one slot ----------------------------------------------------------------------------------

    def _slot(self, slot: int) -> None:
        if slot < self._no_run_before:
            self._gap.append(slot)
            self.agenda.postpone(slot)
            return
        if self._lost or self._invalid or self.book.pause is not None:
            self.agenda.postpone(slot)
        what = self.agenda.specials.pop(slot, "normal")
        if what == "gap":
            self._no_run_before = slot + self.rng.randrange(2, 4) * self.cadence
            while any(s in self.agenda.forced for s in range(slot, self._no_run_before, 60)):
                self._no_run_before -= self.cadence
            if slot < self._no_run_before:
                self._gap.append(slot)
                return
            what = "normal"
        self._by_hand_before(slot, what)
        delay = self.rng.uniform(0.4, 2.5)
        if what == "late":
            delay += self.cadence / 2 + self.rng.uniform(5, 20)
        if slot % DAY == 0:
            delay += 9.0  # behind the run that crossed midnight
        run = self._run(slot, slot + delay, what)
        self.plan.runs.append(run)
        self._play_run(run)
        if what == "busy":
            self._loser(run)
        crosses = (slot + self.cadence) % DAY == 0 and slot // DAY % 2 == 0 and is_trading(slot)
        if (what == "hand_run" or crosses) and self._is_free(run):
            start = slot + self.cadence - 0.25 if crosses else slot + self.cadence * 0.82
            other = self._run(None, start, "by_hand")
            other.crosses_midnight = crosses
            self.plan.runs.append(other)
            self._play_run(other)

    def _is_free(self, run: Run) -> bool:
        """May a person start a run behind this one, before the next slot?"""
        end = self.plan.options.days * DAY + day_begin(self.plan.options)
        return run.slot is not None and run.slot + self.cadence < end and not self._busy

    def _run(self, slot: int | None, start: float, what: str) -> Run:
        return Run(
            run_id=self.uuid(),
            slot=slot,
            start=round(start, 6),
            pid=self.rng.randrange(900, 32_000),
            seed=self.rng.getrandbits(64),
            what=what,
            fingerprint=self._fingerprint,
            commit=self._commit,
        )

    def _loser(self, holder: Run) -> None:
        run = self._run(holder.slot, holder.start + 0.3, "overlap")
        run.holder, run.exit_code, run.outcome = holder, 75, "busy"
        self.plan.runs.append(run)

    def _by_hand_before(self, slot: int, what: str) -> None:
        """What people do between two runs."""
        at = slot - self.cadence * 0.06
        if self._resume_at is not None and slot >= self._resume_at:
            if self.book.pause is not None and self.book.pause[1] is None:
                self.plan.by_hand.append(
                    ByHand(self.uuid(), at, "trading_resumed", self.book.pause[0])
                )
                self.book.failures = 0
            self.book.pause = self._resume_at = None
        if what == "paused" and self.book.pause is None:
            self._pauses += 1
            until = slot + 2 * self.cadence + 4 * self.cadence // 5 if self._pauses % 2 else None
            self.book.pause = "by_hand", until
            self._resume_at = slot + 3 * self.cadence
            self.plan.by_hand.append(ByHand(self.uuid(), at, "trading_paused", "by_hand", until))
        elif self.book.pause is not None and self._resume_at is None:
            self._resume_at = slot + 3 * self.cadence
        if what == "settings_change":
            self._fingerprint, self._commit = self._hex(12), _COMMITS[1]
        self.book.by_hand_before(at, self.uuid)

    # -- one run -----------------------------------------------------------------------------------

    def _play_run(self, run: Run) -> None:
        if run.what == "config_invalid" or self._invalid:
            self._invalid = self._invalid - 1 if self._invalid else 1
            run.what, run.exit_code, run.outcome = "config_invalid", 78, "failed"
            run.failed = "startup", "settings_error"
            return
        if run.what == "startup_failed":
            run.exit_code, run.outcome = 74, "failed"
            run.failed = "startup", "storage_error"
            return
        self._cycle_id += 1
        run.cycle_id = self._cycle_id
        codes = {0}
        self._recover(run)
        self._steps(run, codes)
        run.unresolved = len(self.book.unresolved)
        if run.cut is not None:
            self._killed.append((run.run_id, run.cut, run.start))
            run.exit_code, run.outcome = None, "killed"
            return
        if run.unresolved:
            codes.add(3)
        run.exit_code = next(code for code in _PRECEDENCE if code in codes)
        if run.skip is not None:
            run.outcome = "skipped"
        elif run.exit_code not in (0, 3):
            run.outcome = "failed"

    def _steps(self, run: Run, codes: set[int]) -> None:
        if not self._token(run, codes) or self._is_cut(run, "token"):
            return
        if not self._reconcile(run, codes) or self._is_cut(run, "reconcile"):
            return
        if self._skips(run):
            return
        if not self._market(run, codes) or self._is_cut(run, "market_data"):
            return
        slots_free = all(
            is_trading(later) and later not in self.agenda.forced
            for later in range(int(run.start), int(run.start) + 4 * self.cadence, self.cadence)
        )
        same_day = int(run.start) % DAY + 4 * self.cadence < DAY
        may_suspend = slots_free and same_day and run.slot is not None
        self.book.decide(run, may_suspend=may_suspend)
        codes |= self.book.codes
        if run.what == "bug":
            codes.add(70)
        if self.book.suspended and run.slot is not None:
            self._no_run_before = run.slot + 3 * self.cadence
            slots = [run.slot + self.cadence, run.slot + 2 * self.cadence]
            self._busy = slots, run.run_id

    def _is_cut(self, run: Run, phase: str) -> bool:
        if run.what == "killed_early" and _KILL_PHASES[self._kills % 3] == phase:
            self._kills += 1
            run.cut = phase
            return True
        return False

    def _fail(self, run: Run, phase: str, reason: str, codes: set[int], code: int) -> bool:
        run.failed = phase, reason
        codes.add(code)
        self.book.give_reasons(run, "stopping" if reason == "terminated" else "cycle_failed")
        return False

    def _recover(self, run: Run) -> None:
        run.killed_found, self._killed = self._killed, []
        run.replayed, self.book.unlogged = self.book.unlogged, []
        run.abandoned, self.book.unsent = self.book.unsent, []
        for attempt in run.abandoned:
            attempt.verdict = "FAILED", "abandoned_before_send", None, 0
        if run.slot is None:
            return
        told = [slot for slot in self._gap if is_trading(slot)]
        busy, holder = self._busy or ([], None)
        for slot in self._gap:
            reason = "busy" if slot in busy else "no_wakeup"
            self._note_missed(slot, told=slot in told, reason=reason, by=run.run_id)
        for slots, reason, who in (
            ([slot for slot in told if slot in busy], "busy", holder),
            ([slot for slot in told if slot not in busy], "no_wakeup", None),
        ):
            if slots:
                run.missed.append((len(slots), slots[0], slots[-1], reason, who))
        self._gap, self._busy = [], None

    def _note_missed(
        self, slot: int, *, told: bool, reason: str = "no_wakeup", by: str | None = None
    ) -> None:
        self.plan.missed.append(
            {
                "slot": slot,
                "reason": reason,
                "told": told,
                "told_by": by if told else None,
                "expected": is_trading(slot),
            }
        )

    def _token(self, run: Run, codes: set[int]) -> bool:
        """False: the run ends here."""
        if run.what == "login_lost":
            run.token, self._lost = "lost", 2
        elif self._lost:
            run.token, self._lost = "gone", self._lost - 1
            self._token_at = float("-inf")
        if run.token:
            return self._fail(run, "token", "login_error", codes, 77)
        age = run.start - self._token_at
        if run.what in ("token_twice", "token_down", "token_answer_lost"):
            run.token = run.what
            if run.what == "token_down" and age < TOKEN_LIFE:
                return True
            if run.what == "token_down":
                return self._fail(run, "token", "broker_unavailable", codes, 69)
            if run.what == "token_answer_lost" and age < TOKEN_LIFE:
                return True
            run.token = {"token_answer_lost": "token_lost_twice"}.get(run.what, run.what)
        elif age < _REFRESH_AFTER:
            return True
        else:
            run.token = "ok"
        self._token_at = run.start
        return True

    def _reconcile(self, run: Run, codes: set[int]) -> bool:
        if run.what == "unavailable":
            return self._fail(run, "reconcile", "broker_unavailable", codes, 69)
        if run.what in ("throttled", "timeouts"):
            run.troubles.append(run.what)
        self.book.catch_up(run)
        if run.what == "orphan":
            self._orphan = self.book.market.stranger(run), str(self.book.next_order_id()), 3
        if self._orphan is not None:
            reference, order_id, left = self._orphan
            run.orphans.append((reference, order_id))
            self.plan.orphans[reference] = order_id
            self._orphan = (reference, order_id, left - 1) if left > 1 else None
        return True

    def _skips(self, run: Run) -> bool:
        if run.slot is not None and run.start - run.slot > self.cadence / 2:
            run.skip = "cycle_skip_slot", "late", None
        elif self.book.pause is not None and not self._pause_is_over(run):
            run.skip = "cycle_skip_paused", *self.book.pause
        elif not is_trading(int(run.start)):
            run.skip = "cycle_skip_outside_trading_hours", *why_closed(int(run.start))
        return run.skip is not None

    def _pause_is_over(self, run: Run) -> bool:
        until = self.book.pause[1] if self.book.pause else None
        return until is not None and until <= run.start

    def _market(self, run: Run, codes: set[int]) -> bool:
        day = int(run.start) // DAY
        run.details, self._details_day = day != self._details_day, day
        self.book.market.look(run)
        self._sells_soon |= run.what == "mismatch"
        if self._sells_soon and self.book.sell_by_hand():
            self._sells_soon = False
        if run.what == "no_prices":
            run.unusable = dict.fromkeys(range(len(self.instruments)), "quotes_unavailable")
            run.insufficient = []
            codes.add(69)
        for number, bar in self.book.market.bars.items():
            if number not in run.unusable and self._charted.get(number) != bar:
                self._charted[number] = bar
                run.charts.append(number)
        if run.what == "rate_limit":
            run.troubles.append("rate_limit")
        if run.what == "bars_failed" and run.charts:
            run.unusable[run.charts[-1]] = "bars_unavailable"
            run.troubles.append("bars_failed")
            del self._charted[run.charts[-1]]
        if run.what == "remark" and self.plan.attempts:
            run.remark = self.plan.attempts[-1].reference
        if run.what == "terminated":
            return self._fail(run, "market_data", "terminated", codes, 143)
        return True


_LINE_BYTES = 524
"""Of a line of bulk; measured."""
_SLOT_BYTES = {"decides": 5_600, "instrument": 560, "skips": 4_100, "order": 9_500, "short": 1_500}


def _fill_up(plan: Plan) -> None:
    """Requests besides, so that the days have the size that is wanted."""
    options = plan.options
    wanted = options.mb_per_day * 1e6 / (DAY / (options.cadence_minutes * 60))
    for run in plan.runs:
        if run.slot is None or run.cycle_id is None or run.cut is not None:
            continue
        has = _SLOT_BYTES["decides" if run.decisions else "skips"]
        has += _SLOT_BYTES["instrument"] * len(run.decisions)
        has += _SLOT_BYTES["order"] * len(run.orders)
        run.bulk = max(0, round((wanted - has) / _LINE_BYTES))
