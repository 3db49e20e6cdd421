"""The lines of a whole run, from `startup_begin` to `cycle_end`, and of what people do by hand."""

from __future__ import annotations

from collections import Counter

from benchmarks.log_corpus.lines import (
    CALLS_A_RUN,
    ERROR,
    FATAL,
    INFO,
    KEYS,
    SIX,
    STRATEGY,
    WARN,
    Script,
    Sink,
    moment,
    stamp,
)
from benchmarks.log_corpus.model import DAY, Instrument, Plan, Run
from benchmarks.log_corpus.trading import HOME, Trading
from tradebot.observability.line import quote

STATE = f"{HOME}/state/default/SIM"
LOGIN = '"tradebot auth login"'


class RunLines:
    """Writes one run into the sink of its day."""

    def __init__(self, sink: Sink, plan: Plan, run: Run, instruments: tuple[Instrument, ...]):
        self.run, self.instruments = run, instruments
        self.script = Script(sink, run.run_id, run.start, run.seed)
        if run.crosses_midnight:
            self.script.only = sink.day
        options = plan.options
        slots = DAY // (options.cadence_minutes * 60)
        passed = int(run.start) % DAY * slots // DAY
        biggest = round(options.mb_per_day * 1e6 / slots / 400)
        self.script.app_day -= passed * (CALLS_A_RUN + biggest)
        self.cadence = options.cadence_minutes * 60
        self.trading = Trading(self.script, run, instruments, self.cadence)
        self.orders = self.trading.orders
        self.counts: Counter[str] = Counter()
        self._began = self.script.t

    def write(self) -> None:
        """All lines of the run, and what is true of it."""
        ended = self._startup() and self._cycle()
        script, run = self.script, self.run
        sink = script.sink
        facts = {
            "run_id": run.run_id,
            "kind": run.what,
            "cycle_id": run.cycle_id,
            "slot": None if run.slot is None else moment(run.slot),
            "started": stamp(int(run.start * 1000)),
            "first": stamp(script.first or 0),
            "last": stamp(script.t),
            "lateness": None if run.slot is None else round(run.start - run.slot, 6),
            "duration_ms": script.t - self._began if ended else None,
            "exit_code": run.exit_code,
            "outcome": run.outcome,
            "skip": None if run.skip is None else {"event": run.skip[0], "reason": run.skip[1]},
            "failed": None if run.failed is None else list(run.failed),
            "killed_in": run.cut,
            "counts": dict(self.counts) if ended else None,
        }
        sink.runs[run.run_id] = facts
        self._journal("end" if run.outcome != "killed" else "died")

    def _journal(self, what: str) -> None:
        self.script.sink.journal.append((self.script.t, what, self.run.run_id, "", None))

    # -- before the lock -----------------------------------------------------------------------

    def _startup(self) -> bool:
        run, say, script = self.run, self.script.say, self.script
        wrong = run.what == "config_invalid"
        if wrong:
            script.base = script.base.replace("dry_run=false", "dry_run=-").replace(
                "env=SIM", "env=-"
            )
        argv = "--single-cycle" if run.slot is None else '"--single-cycle --scheduled"'
        timer = ""
        if run.slot is not None:
            delay = round(run.start - run.slot - 0.2, 3)
            timer = f" trigger_unit=ai-tradebot.timer trigger_delay_seconds={delay}"
        say(INFO, "app", "startup_begin", f" pid={run.pid} argv={argv}{timer}")
        script.t += 9
        if wrong:
            problem = "MAX_TRADES_PER_DAY: expected a whole number, 0 or more"
            say(FATAL, "app", "startup_config_invalid", f' problems=1 msg="{problem}"')
            return False
        script.base = SIX.format(run=run.run_id, cycle="-", strategy=STRATEGY)
        say(
            INFO,
            "app",
            "startup_config_loaded",
            f" version=0.1.0 commit={run.commit} commit_changed=false python=3.12.3 host=desk"
            f" instance=default home_dir={HOME} log_dir={HOME}/logs state_dir={HOME}/state"
            f" package_dir={HOME}/src/tradebot env_file={HOME}/.env"
            f" settings_fingerprint={run.fingerprint} cadence={float(self.cadence)}"
            f" watchlist_count={len(self.instruments)}",
        )
        if run.what == "settings_change":
            told = (
                "LOG_RETENTION_DAY (in .env line 12): no such variable; did you mean"
                " LOG_RETENTION_DAYS?"
            )
            say(WARN, "app", "settings_warning", f' msg="{told}"')
        script.t += 40
        if run.what == "startup_failed":
            told = (
                f"Cannot open the journal {STATE}/live/journal.db: database is locked. Another"
                " program holds it open: close that program. Nothing is sent without it."
            )
            say(ERROR, "app", "startup_failed", f" exit_code=74 msg={quote(told)}")
            return False
        say(INFO, "saxo.auth", "auth_mode_selected", " auth_mode=oauth")
        say(
            INFO,
            "app",
            "startup_ready",
            f" lock_path={STATE}/run.lock journal_path={STATE}/live/journal.db",
        )
        self._began = script.t
        return True

    def _cycle(self) -> bool:
        """False when it did not come to its end."""
        run, script = self.run, self.script
        slot = "" if run.slot is None else f" slot={moment(run.slot)}"
        script.base += slot
        if run.holder is not None:
            self._find_lock_taken(run.holder)
            return False
        script.base = SIX.format(run=run.run_id, cycle=run.cycle_id, strategy=STRATEGY) + slot
        script.t += 2
        self._journal("locked")
        lateness = "" if run.slot is None else f" lateness_seconds={round(run.start - run.slot, 6)}"
        script.say(INFO, "orchestrator", "cycle_begin", lateness)
        if not self._steps():
            return False
        self._end()
        return True

    def _find_lock_taken(self, holder: Run) -> None:
        told = (
            f"pid={holder.pid} started={moment(int(holder.start))} run_id={holder.run_id}"
            f" slot={moment(holder.slot or 0)} phase=reconcile"
        )
        self.script.say(
            WARN,
            "orchestrator",
            "cycle_skip_overlap",
            f' holder="{told}" msg="another run holds {STATE}/run.lock"',
        )

    def _steps(self) -> bool:
        """False when the run is killed on its way."""
        run = self.run
        self._recover()
        self._token()
        if run.cut == "token":
            return False
        if run.failed is not None and run.failed[0] == "token":
            return self.trading.broken_off()
        self._reconcile()
        if run.cut == "reconcile":
            return False
        if run.failed is not None and run.failed[0] == "reconcile":
            return self.trading.broken_off()
        if run.slot is not None and (run.skip is None or run.skip[0] != "cycle_skip_slot"):
            self._journal("claim")
        if run.skip is not None:
            self.script.bulk(run.bulk, None)
            self._skip(*run.skip)
            return True
        self.trading.market()
        if run.cut == "market_data":
            return False
        if run.failed is not None and run.failed[0] == "market_data":
            return self.trading.broken_off()
        self.trading.decide()
        return run.cut is None

    # -- in every run --------------------------------------------------------------------------

    def _recover(self) -> None:
        run, script = self.run, self.script
        for killed, phase, started in run.killed_found:
            script.say(
                WARN,
                "orchestrator",
                "run_killed_found",
                f" killed_run_id={killed} phase={phase} started_at={moment(started)}",
            )
            script.sink.journal.append((script.t, "killed", killed, "", None))
        for attempt in run.replayed:
            self.orders.complete(attempt, replayed=True, keys=False)
        for attempt in run.abandoned:
            self.orders.complete(attempt, keys=False, op="abandoned")
        for count, first, last, reason, holder in run.missed:
            told = f' holder="run_id={holder}"' if holder else ""
            script.say(
                WARN,
                "scheduling.missed",
                "schedule_runs_missed",
                f" reason={reason}{told} missed_count={count} missed_from={moment(first)}"
                f" missed_to={moment(last)}",
            )

    def _token(self) -> None:
        kind = self.run.token
        if kind == "ok":
            self._refresh()
        elif kind == "token_twice":
            self._refresh_fails(503)
            self._refresh()
        elif kind == "token_down":
            self._refresh_fails(503)
            self._refresh_fails(503)
        elif kind == "token_answer_lost":
            self._refresh_fails(None)
        elif kind == "token_lost_twice":
            self._refresh_fails(None)
            self._refresh()
        elif kind:
            if kind == "lost":
                self._refresh_fails(400)
            self.script.say(ERROR, "saxo.auth", "auth_login_required", f" command={LOGIN}")
            self._count_token("login_required")

    def _count_token(self, what: str) -> None:
        if self.script.counts_now():
            self.script.sink.tokens[what] += 1

    def _refresh(self) -> None:
        script = self.script
        script.say(INFO, "saxo.token_endpoint", "auth_token_refresh_begin", " grant=refresh_token")
        begun = script.t
        script.request("POST", "/token", 201)
        script.t += 1
        script.say(
            INFO,
            "saxo.token_endpoint",
            "auth_token_refresh_success",
            f" latency_ms={script.t - begun} grant=refresh_token expires_in_seconds=1200.0"
            " refresh_expires_in_seconds=2400.0",
        )
        self._count_token("refreshed")

    def _refresh_fails(self, status: int | None) -> None:
        script, component = self.script, "saxo.token_endpoint"
        script.say(INFO, component, "auth_token_refresh_begin", " grant=refresh_token")
        code = "invalid_grant" if status == 400 else ""
        if status is None:
            script.lost("POST", "/token", "read_timeout", 10_002)
            reason = "answer_lost"
        else:
            fields = script.request("POST", "/token", status)
            script.refused(fields, status, code, "")
            reason = "grant_refused" if code else "login_server_unavailable"
        event = "auth_token_refresh_failure"
        shown = "" if status is None else f" http_status={status}"
        told = f"{shown}{script.failed(event, reason)} grant=refresh_token"
        told += f" recoverable={'false' if code else 'true'}"
        script.say(ERROR, component, event, told + (f" error_code={code}" if code else ""))
        self._count_token("lost" if code else "failed")
        script.t += 1000

    def _reconcile(self) -> None:
        run, script, orders = self.run, self.script, self.orders
        if run.what == "unavailable":
            self.trading.try_three_times("/port/v1/accounts/me")
            return
        if "timeouts" in run.troubles:
            script.lost("GET", "/port/v1/accounts/me", "read_timeout", 10_003)
            script.t += 640
            script.request("GET", "/port/v1/accounts/me", number=2)
        else:
            script.request("GET", "/port/v1/accounts/me")
        for attempt, _ in run.looks:
            orders.begin_look(attempt)
        if "throttled" in run.troubles:
            fields = script.request("GET", "/port/v1/orders/me", 429, bound=KEYS, used_up=True)
            script.refused(fields, 429, "RateLimitExceeded", '"{\\"Message\\":\\"Too many\\"}"')
            script.t += 12_000
            script.request("GET", "/port/v1/orders/me", bound=KEYS, number=2)
        else:
            script.request("GET", "/port/v1/orders/me", bound=KEYS)
        if run.reads_audit:
            script.request("GET", "/cs/v1/audit/orderactivities", bound=KEYS)
        self._tell_what_was_found()

    def _tell_what_was_found(self) -> None:
        run, script, orders = self.run, self.script, self.orders
        for attempt, standing, filled in run.moves:
            orders.moved(attempt, standing, filled)
        for attempt in run.contradicted:
            orders.contradicted(attempt)
        for reference, order_id in run.orphans:
            script.say(
                WARN,
                "execution.recovery",
                "execution_orphan_found",
                f"{KEYS} external_reference={reference} order_id={order_id}",
                reference,
            )
        told = [(a, result) for a, result in run.looks if result != "unknown"]
        if any(result == "not_placed" for _, result in told):
            script.t += 1000
            script.request("GET", "/port/v1/orders/me", bound=KEYS)
            script.request("GET", "/cs/v1/audit/orderactivities", bound=KEYS)
        for attempt, result in told:
            orders.found(attempt, result)
            self.trading.tell_pause(attempt.reference)
        for attempt, result in run.looks:
            if result == "unknown":
                orders.still_unknown(attempt)

    def _skip(self, event: str, reason: str, until: int | None) -> None:
        name = "until" if event == "cycle_skip_paused" else "next_open"
        more = "" if until is None else f" {name}={moment(until)}"
        self.script.say(INFO, "orchestrator", event, f" reason={reason}{more}")
        if self.script.counts_now():
            self.script.sink.skips[reason] += 1

    # -- the end -------------------------------------------------------------------------------

    def _end(self) -> None:
        run, script = self.run, self.script
        decided = [] if run.skip is not None else run.decisions
        actions = Counter(one.action for one in decided)
        outcomes = Counter(self._outcome_here(attempt.kind) for attempt in run.orders)
        self.counts = Counter(
            instruments=len(self.instruments),
            signals=sum(one.signal in ("BUY", "SELL") for one in decided),
            buy=actions["BUY"],
            sell=actions["SELL"],
            hold=actions["HOLD"],
            skip=actions["SKIP"],
            already_decided=sum(one.reason == "already_decided" for one in decided),
            intents=len(run.orders) - outcomes["none"],
            placed=outcomes["placed"],
            rejected=outcomes["failed"],
            skipped=0,
            unresolved=run.unresolved,
            http_calls=script.calls,
        )
        script.t += 3
        took = script.t + 1 - self._began
        counted = " ".join(f"{name}={value}" for name, value in self.counts.items())
        script.say(
            INFO,
            "orchestrator",
            "cycle_end",
            f" exit_code={run.exit_code} duration_ms={took} {counted}",
        )

    @staticmethod
    def _outcome_here(kind: str) -> str:
        """How `cycle_end` counts an order of this kind."""
        if kind == "lock_lost":
            return "none"
        if kind in ("unknown_filled", "filled", "duplicate", "still_working"):
            return "placed"
        if kind.startswith(("working", "partial")):
            return "placed"
        return "unknown" if kind.startswith("unknown") else "failed"
