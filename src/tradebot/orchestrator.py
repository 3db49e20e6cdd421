"""One cycle: its steps, in the one order that is safe.

    jitter → lock → recover → token → reconcile → slot → paused? → trading hours → market data
    → decide → execute → end

What must happen in every run comes first: a run that skips has still looked after yesterday's
orders and kept the login alive. Each step either returns or ends the cycle, with a reason that
the log, the journal and the exit code all carry.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from tradebot.cycle_report import CycleReport
from tradebot.cycle_setup import Desk, choose_account, completion_of, expectation_of, make_desk
from tradebot.deciding import Decider, MarketData, log_decision
from tradebot.errors import (
    BrokerUnavailable,
    DeadlineExceeded,
    ExitCode,
    LockBusy,
    StorageError,
    Terminated,
    TradebotError,
)
from tradebot.execution.recovery import abandon_unsent
from tradebot.execution.trade_executor import PlannedOrder
from tradebot.house import House, Skipped, error_reason
from tradebot.journal import Origin, RunOutcome, SlotClaim, next_cycle_id
from tradebot.model import Action, Decision, InstrumentId
from tradebot.observability import bind, log_event, mask_sensitive
from tradebot.scheduling.deadline import Deadline, longest_run
from tradebot.scheduling.hours import ClosedReason, HoursConfig, Run, Skip, decide
from tradebot.scheduling.jitter import jitter_seconds
from tradebot.scheduling.missed import report_missed_runs
from tradebot.scheduling.run_lock import RunLock
from tradebot.scheduling.slots import is_late, lateness, slot_start
from tradebot.vocabulary.reasons import DecisionReason, FailureReason

_CLOSED = {
    ClosedReason.MARKET_CLOSED: DecisionReason.MARKET_CLOSED,
    ClosedReason.SESSIONS_UNKNOWN: DecisionReason.SESSIONS_UNKNOWN,
}


class Cycle:
    """One cycle of one run. `slot` is the slot it belongs to, None when started by hand."""

    def __init__(self, house: House, *, started_at: datetime, slot: datetime | None) -> None:
        self._house = house
        self._settings = house.settings
        self._clock = house.clock
        self._journal = house.journal
        self._started_at = started_at
        self._started = house.clock.monotonic()
        self._slot = slot
        self._phase = "startup"
        self._calls_before = house.broker.http_calls
        self._cycle_id: int | None = None
        self._desk: Desk | None = None
        self._holding = contextlib.ExitStack()
        self._locks: list[RunLock] = []
        self.deadline = Deadline.for_run(
            house.clock,
            configured=house.settings.cycle_deadline_seconds,
            slot=slot,
            cadence=house.settings.schedule_cadence,
        )
        self._row = house.journal.runs.begin(
            house.run_id, pid=os.getpid(), at=started_at, slot=slot
        )
        self.report = CycleReport(house.settings.dry_run, len(house.settings.watchlist))

    def run(self) -> CycleReport:
        """Run the steps, end the cycle, and say how it went. Raises nothing but bugs of its own."""
        self._house.set_cycle_id(None)  # in a loop, the lines before the lock are no cycle's yet
        with self._holding:
            if self._slot is not None:
                self._holding.enter_context(bind(slot=self._slot))
            try:
                self._steps()
            except Skipped as skip:
                self.report.skip_reason = skip.reason
                log_event(skip.event, reason=skip.reason, **skip.fields)
            except LockBusy as busy:
                self._note(busy)
                log_event("cycle_skip_overlap", str(busy), holder=busy.holder or "holder_unknown")
            except TradebotError as error:
                self._fail(error)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - row and line must still end
                self._note(error)
                log_event("unexpected_exception", phase=self._phase, exc_info=error)
            self._end()
        return self.report

    def _steps(self) -> None:
        self._wait_for_jitter()
        self._take_lock()
        self._recover()
        self._keep_login()
        desk = self._open_desk()
        self._reconcile(desk)
        self._claim_slot()
        self._stop_if_paused()
        closed = self._stop_outside_trading_hours(desk)
        data = self._read_market(desk, closed)
        orders = self._decide(desk, data)
        self._execute(desk, orders)

    # Before the lock.

    def _wait_for_jitter(self) -> None:
        self._enter("jitter")
        settings = self._settings
        delay = jitter_seconds(
            settings.scheduler_jitter_seconds,
            settings.schedule_cadence,
            host=platform.node(),
            instance=settings.instance,
            slot=self._slot or slot_start(self._started_at, settings.schedule_cadence),
        )
        if delay > 0:
            log_event("schedule_jitter", delay_seconds=delay)
            if not self._clock.sleep(delay):
                raise Terminated("asked to stop while waiting for the jitter to pass")

    def _take_lock(self) -> None:
        self._enter("lock")
        self._hold(self._house.lock_path)
        self._cycle_id = next_cycle_id(
            self._house.cycle_counter, floor=self._journal.runs.last_cycle_id()
        )
        self._house.set_cycle_id(self._cycle_id)
        self._house.on_locked()
        self._journal.runs.locked(self._row, at=self._clock.now(), cycle_id=self._cycle_id)
        log_event(
            "cycle_begin",
            lateness_seconds=self._slot and lateness(self._started_at, self._slot),
        )

    # In every run, also in one that will not trade.

    def _recover(self) -> None:
        self._enter("recover")
        before = self._locks[0].previous
        settings = self._settings
        longest = longest_run(settings.cycle_deadline_seconds, settings.schedule_cadence)
        gone = self._clock.now() - longest
        for run in self._journal.runs.left_open(except_row=self._row, waiting_before=gone):
            log_event(
                "run_killed_found",
                killed_run_id=run.run_id,
                phase=before.phase if before and before.run_id == run.run_id else run.phase,
                started_at=run.started_at,
            )
            # The line first: a run that is killed in between leaves the next one to write it again.
            self._journal.runs.end_killed(run.row_id, at=self._clock.now())
        completion = completion_of(settings, self._journal, self._clock)
        completion.replay_unlogged()
        abandon_unsent(self._journal, completion)
        self._report_missed_runs()

    def _keep_login(self) -> None:
        self._enter("token")
        self._house.tokens.access_token()

    def _open_desk(self) -> Desk:
        self._enter("reconcile")
        account = choose_account(self._house.broker, self._settings)
        if self._house.account_locks is not None:
            self._hold(self._house.account_locks / f"account-{account.hash}.lock")
        self._desk = make_desk(
            settings=self._settings,
            clock=self._clock,
            journal=self._journal,
            broker=self._house.broker,
            strategy=self._house.strategy,
            account=account,
            origin=Origin(
                account=account.hash,
                strategy=self._house.strategy.name,
                run_id=self._house.run_id,
                cycle_id=self._cycle_id or 0,
                slot=self._slot,
            ),
            deadline=self.deadline,
            cache_folder=self._house.cache_folder,
            is_alone=lambda: all(lock.is_intact() for lock in self._locks),
        )
        return self._desk

    def _reconcile(self, desk: Desk) -> None:
        desk.reconciler.require_a_common_clock()
        with desk.named():
            desk.recovery.catch_up(orphans=not self._settings.dry_run)

    # Reasons not to trade.

    def _claim_slot(self) -> None:
        self._enter("slot")
        if self._slot is None:
            return
        if is_late(self._started_at, self._slot, self._settings.schedule_max_lateness):
            raise Skipped("cycle_skip_slot", slot=self._slot, reason="late")
        claim = self._journal.runs.claim_slot(self._slot, self._house.run_id)
        if claim is not SlotClaim.WON:
            raise Skipped("cycle_skip_slot", slot=self._slot, reason=claim.value)

    def _stop_if_paused(self) -> None:
        self._enter("paused")
        pause = self._journal.control.paused(self._clock.now())
        if pause is not None:
            raise Skipped("cycle_skip_paused", reason=pause.reason, until=pause.until)

    def _stop_outside_trading_hours(self, desk: Desk) -> dict[InstrumentId, DecisionReason]:
        """Ends the cycle when nothing may trade; else the instruments that may not."""
        self._enter("trading_hours")
        config = HoursConfig.of(self._settings)
        sessions = None
        if config.mode == "instrument":
            sessions = desk.sessions.fetch([i.instrument for i in self._settings.watchlist])
        match decide(self._clock.now(), config, sessions):
            case Skip(reason, next_open):
                raise Skipped(
                    "cycle_skip_outside_trading_hours",
                    reason=reason.value,
                    next_open=next_open,
                )
            case Run(closed):
                return {i: _CLOSED[reason] for i, reason in closed.items()}

    # Trading.

    def _read_market(self, desk: Desk, closed: dict[InstrumentId, DecisionReason]) -> MarketData:
        self._enter("market_data")
        items = [i for i in self._settings.watchlist if i.instrument not in closed]
        data = desk.reader.read(items, self._house.strategy.bars_needed)
        if data.is_unavailable:
            late = self.deadline.passed
            self.report.exit_codes.add(ExitCode.DEADLINE if late else ExitCode.UNAVAILABLE)
            self.report.error = "No usable price for any instrument."
        data.unusable.update(closed)
        return data

    def _decide(self, desk: Desk, data: MarketData) -> list[PlannedOrder]:
        self._enter("decide")
        guards = desk.guards(self._clock.now())
        decider = Decider(self._house.strategy, guards, data)
        for item in self._settings.watchlist:
            held = guards.sellable(item.instrument)
            self._record(decider.decide(item, {item.instrument: held}), held)
        actions = [signal.action for signal in decider.signals]
        log_event(
            "strategy_signals_generated",
            buy=actions.count(Action.BUY),
            sell=actions.count(Action.SELL),
            hold=actions.count(Action.HOLD),
        )
        return [decider.planned(d) for d in self.report.decisions if d.is_order]

    def _execute(self, desk: Desk, orders: list[PlannedOrder]) -> None:
        self._enter("execute")
        left = 0
        for order in orders:
            with desk.named():
                execution = desk.executor.execute(order)
            if execution is not None:
                self.report.executions.append(execution)
            left += execution is None or execution.failure_reason == FailureReason.DEADLINE
        with desk.named():
            desk.executor.report_orphans()
        if left and self.deadline.passed:
            raise DeadlineExceeded(f"the run's deadline passed; {left} orders were not begun")

    # The end, whatever happened.

    def _end(self) -> None:
        report = self.report
        report.http_calls = self._house.broker.http_calls - self._calls_before
        if self._clock.stopping:
            report.exit_codes.add(ExitCode.TERMINATED)
        if self._cycle_id is not None:
            self._give_everything_a_reason()
            with self._storage_noted():
                report.unresolved = len(self._journal.orders.unresolved())
        with self._storage_noted():
            self._journal.runs.end(
                self._row,
                self._outcome(),
                at=self._clock.now(),
                phase=self._phase,
                reason=report.skip_reason or report.error_reason,
                exit_code=int(report.exit_code),
            )
        if self._cycle_id is not None:
            log_event(
                "cycle_end",
                exit_code=int(report.exit_code),
                duration_ms=round((self._clock.monotonic() - self._started) * 1000),
                **report.counters(),
            )

    @contextlib.contextmanager
    def _storage_noted(self) -> Iterator[None]:
        """A journal that fails at the very end must still leave the last line and the code."""
        try:
            yield
        except StorageError as error:
            self._fail(error)

    def _fail(self, error: TradebotError) -> None:
        self._note(error)
        reason = error_reason(error)
        log_event("cycle_failed", str(error), phase=self._phase, failure_reason=reason)

    def _outcome(self) -> RunOutcome:
        if self.report.skip_reason is not None:
            return RunOutcome.SKIPPED
        if ExitCode.BUSY in self.report.exit_codes:
            return RunOutcome.BUSY
        if self.report.exit_code in (ExitCode.OK, ExitCode.UNRESOLVED):
            return RunOutcome.RAN
        return RunOutcome.FAILED

    def _give_everything_a_reason(self) -> None:
        """A cycle that broke off still owes each instrument, and each order, its line."""
        if self.report.skip_reason is not None:
            return
        reason = self._what_broke_it_off()
        decided = {decision.instrument for decision in self.report.decisions}
        for item in self._settings.watchlist:
            if item.instrument not in decided:
                decision = Decision(item.instrument, Action.SKIP, reason, symbol=item.symbol)
                self._record(decision, None)
        if self._desk is None:
            return
        with self._desk.named():
            for decision in self.report.decisions:
                if decision.is_order:
                    self._desk.executor.say_not_begun(decision, reason)

    def _what_broke_it_off(self) -> DecisionReason:
        if self._clock.stopping:
            return DecisionReason.STOPPING
        return DecisionReason.DEADLINE if self.deadline.passed else DecisionReason.CYCLE_FAILED

    # Small things.

    def _enter(self, phase: str) -> None:
        """Say where the run is: to whoever looks at the lock, and to whoever watches."""
        if self._clock.stopping:
            raise Terminated(f"asked to stop before the step {phase}")
        self._phase = phase
        for lock in self._locks:
            lock.enter_phase(phase)
        self._house.progress(phase)

    def _hold(self, path: Path) -> None:
        lock = self._holding.enter_context(RunLock(path))
        lock.acquire(
            run_id=self._house.run_id,
            slot=self._slot,
            phase=self._phase,
            deadline=self.deadline.at,
        )
        self._locks.append(lock)

    def _record(self, decision: Decision, held: Decimal | None) -> None:
        log_decision(decision, held)
        self.report.decisions.append(decision)

    def _note(self, error: BaseException) -> None:
        """Keep what ended the cycle. A deadline explains a broken request better than itself."""
        code = error.exit_code if isinstance(error, TradebotError) else ExitCode.SOFTWARE
        if isinstance(error, BrokerUnavailable) and self.deadline.passed:
            code = ExitCode.DEADLINE
        told = str(error)
        if isinstance(error, LockBusy):
            told += f": {error.holder}"
        self.report.error = mask_sensitive(told, "msg")
        self.report.error_reason = error_reason(error)
        self.report.exit_codes.add(code)

    def _report_missed_runs(self) -> None:
        if self._slot is None:
            return
        expected = expectation_of(self._settings, self._house.cache_folder)
        report_missed_runs(self._journal, self._slot, self._clock.now(), expected)
