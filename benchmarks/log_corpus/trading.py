"""The lines of a run's later steps: market data, decisions, orders; and how it breaks off."""

from __future__ import annotations

from collections import Counter

from benchmarks.log_corpus.lines import ERROR, INFO, KEYS, WARN, Script, moment
from benchmarks.log_corpus.model import Decided, Instrument, Run
from benchmarks.log_corpus.orders import OrderLines
from tradebot.observability.line import quote

HOME = "/home/trader"
_BUG = (
    "Traceback (most recent call last):\n"
    f'  File "{HOME}/src/tradebot/orchestrator.py", line 103, in run\n'
    "    self._steps()\n"
    f'  File "{HOME}/src/tradebot/deciding.py", line 131, in decide\n'
    "    bars = self._data.bars[instrument]\n"
    "           ~~~~~~~~~~~~~~~^^^^^^^^^^^^\n"
    "KeyError: 'bars'"
)
_STRATEGY_BUG = (
    "Traceback (most recent call last):\n"
    f'  File "{HOME}/src/tradebot/deciding.py", line 162, in _ask\n'
    "    return _checked(self._strategy.decide(view))\n"
    f'  File "{HOME}/my_strategies/watch.py", line 41, in decide\n'
    "    return spread / volume\n"
    "           ~~~~~~~^~~~~~~~\n"
    "ZeroDivisionError: float division by zero"
)


class Trading:
    """Writes for one run; `cadence` is in seconds."""

    def __init__(
        self, script: Script, run: Run, instruments: tuple[Instrument, ...], cadence: int
    ) -> None:
        self.script, self.run, self.instruments = script, run, instruments
        self.cadence = cadence
        self.orders = OrderLines(script, instruments)

    def try_three_times(self, path: str, bound: str = "") -> None:
        for number in (1, 2, 3):
            fields = self.script.request("GET", path, 503, bound=bound, number=number)
            self.script.refused(fields, 503, "", '"Service Unavailable"')
            self.script.t += 700 * number

    def tell_pause(self, reference: str) -> None:
        for behind, failures in self.run.paused_after:
            if behind == reference:
                attempts = [a for a, _ in self.run.looks] + self.run.orders
                one = next(a for a in attempts if a.reference == reference)
                self.orders.paused(one, failures)

    def broken_off(self) -> bool:
        """The cycle's error, and a reason for each instrument."""
        phase, reason = self.run.failed or ("", "")
        told = {
            "login_error": (
                "the login is lost: the login server refused the refresh token (status 400). Log"
                " in again: tradebot auth login"
            ),
            "terminated": "asked to stop before the step decide",
            "deadline_exceeded": (
                f"the run's deadline passed; {self._left()} orders were not begun"
            ),
            "storage_error": (
                "The lock file was removed or replaced while this run held it, so another run may"
                " be trading. Nothing further is sent; find out what removes files in STATE_DIR."
            ),
        }.get(reason, "GET /port/v1/accounts/me: the broker answered 503")
        if (phase, reason) == ("token", "broker_unavailable"):
            told = (
                "the login's tokens could not be refreshed and none is left to use: the login"
                " server answered 503 to POST /token"
            )
        event = "cycle_failed"
        self.script.say(
            ERROR,
            "orchestrator",
            event,
            f"{self.script.failed(event, reason)} phase={phase} msg={quote(told)}",
        )
        if phase != "execute":
            for one in self.run.decisions:
                self._decision(one)
        return True

    def _left(self) -> int:
        return 1 + sum(reason == "deadline" for _, reason in self.run.not_begun)

    # -- trading -------------------------------------------------------------------------------

    def market(self) -> None:
        run, script = self.run, self.script
        total = len(self.instruments)
        script.say(INFO, "deciding", "marketdata_fetch_begin", f" instruments={total}")
        begun = script.t
        if run.details:
            script.request("GET", "/ref/v1/instruments/details")
        for _ in sorted({one.asset_type for one in self.instruments}):
            if run.what == "no_prices":
                self.try_three_times("/trade/v1/infoprices/list")
            else:
                script.request("GET", "/trade/v1/infoprices/list")
        if "rate_limit" in run.troubles:
            script.squeeze("chart", 2)
        for number in run.charts:
            self._chart(number)
        script.bulk(run.bulk, self.instruments)
        if run.what == "lines_lost":
            script.lose(3)
        if run.remark is not None:
            script.say(
                INFO,
                "my_strategies.watch",
                "log_message",
                f' msg="compared with {run.remark}, the order before"',
            )
        if run.cut == "market_data":
            return
        self._tell_market(total, script.t - begun)

    def _chart(self, number: int) -> None:
        script, run = self.script, self.run
        bound = f" instrument_id={self.instruments[number].name}"
        left, wait = script.left_in_session("chart")
        if not left and wait > 0:
            script.say(
                INFO,
                "saxo.rate_limits",
                "rate_limit_wait",
                f"{bound} wait_seconds={wait / 1000} dimension=session",
            )
            script.t += wait
        if "bars_failed" in run.troubles and run.unusable.get(number) == "bars_unavailable":
            self.try_three_times("/chart/v3/charts", bound)
        else:
            script.request("GET", "/chart/v3/charts", bound=bound)

    def _tell_market(self, total: int, took: int) -> None:
        run, script = self.run, self.script
        good = total - len(run.unusable)
        if not run.unusable:
            script.say(
                INFO,
                "deciding",
                "marketdata_fetch_success",
                f" latency_ms={took} instruments={total} quotes={total} bars={total * 21}",
            )
            return
        reasons = sorted(set(run.unusable.values()))
        if not good and "market_closed" not in reasons:
            event = "marketdata_fetch_failure"
            script.say(ERROR, "deciding", event, script.failed(event, reasons[0]))
            return
        names = ",".join(self.instruments[number].name for number in sorted(run.unusable))
        told = f" reason={reasons[0]}" if len(reasons) == 1 else ""
        script.say(
            WARN,
            "deciding",
            "marketdata_fetch_partial",
            f"{told} missing={len(run.unusable)} missing_ids={names}",
        )

    def decide(self) -> None:
        run, script = self.run, self.script
        script.request("GET", "/port/v1/netpositions/me")
        if run.what == "bug":
            script.say(
                ERROR,
                "orchestrator",
                "unexpected_exception",
                f" phase=decide exc_type=KeyError exc_msg=\"'bars'\" stack={quote(_BUG)}",
            )
        for one in run.decisions:
            if one.reason == "insufficient_data":
                script.say(
                    INFO,
                    "deciding",
                    "strategy_signal_skipped_insufficient_data",
                    f" instrument_id={self.instruments[one.instrument].name} bars_have=17"
                    " bars_need=21",
                )
            elif one.reason == "strategy_error":
                script.say(
                    ERROR,
                    "deciding",
                    "unexpected_exception",
                    f" instrument_id={self.instruments[one.instrument].name}"
                    ' msg="the strategy sma_cross failed" exc_type=ZeroDivisionError'
                    f' exc_msg="float division by zero" stack={quote(_STRATEGY_BUG)}',
                )
            self._decision(one)
        if run.what != "bug":
            signals = Counter(one.signal for one in run.decisions)
            script.say(
                INFO,
                "orchestrator",
                "strategy_signals_generated",
                f" buy={signals['BUY']} sell={signals['SELL']} hold={signals['HOLD']}",
            )
        self._execute()

    def _decision(self, one: Decided) -> None:
        instrument = self.instruments[one.instrument]
        told = (
            f" instrument_id={instrument.name} asset_type={instrument.asset_type}"
            f" uic={instrument.uic} symbol={instrument.symbol} reason={one.reason}"
            f" action={one.action}"
        )
        told += f" signal={one.signal}" if one.signal else ""
        told += f" held={one.held}" if one.held else ""
        told += f" quantity={one.quantity}" if one.quantity else ""
        told += "" if one.bar is None else f" bar_time={moment(one.bar)}"
        if self.script.counts_now():
            self.script.sink.decisions[one.reason] += 1
        self.script.say(INFO, "deciding", "strategy_decision", told)

    def _execute(self) -> None:
        run, script = self.run, self.script
        for attempt in run.orders:
            if attempt.kind == "deadline":
                script.t += int(2.4 * self.cadence * 1000)  # the machine slept
            self.orders.carry_out(attempt)
            self.tell_pause(attempt.reference)
        broken = [(number, reason) for number, reason in run.not_begun if reason == "cycle_failed"]
        self._not_begun([one for one in run.not_begun if one not in broken])
        if run.cut is None and run.failed is not None:
            self.broken_off()
        self._not_begun(broken)

    def _not_begun(self, orders: list[tuple[int, str]]) -> None:
        for number, reason in orders:
            one = self.instruments[number]
            self.script.say(
                WARN,
                "execution.trade_executor",
                "execution_skipped",
                f" instrument_id={one.name} symbol={one.symbol}{KEYS} reason={reason}",
            )
