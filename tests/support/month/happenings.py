"""Everything that can be done to a run of the month: by its schedule, its settings, its death."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

from support.month.books import NOT_TRADED, NOT_WATCHED, Expected
from support.month.play import Happening, Play
from support.month.stage import QUANTITY, WATCHED
from tradebot import orchestrator
from tradebot.scheduling.run_lock import RunLock

FIRST = next(iter(WATCHED))


def quiet(month: Play) -> None:
    """Nothing: what was wished is done, unless a guard stands against it."""
    month.next_slot()
    month.run(month.any_wishes())


# The schedule.


def a_missed_slot(month: Play) -> None:
    """Behind a quiet one: it is the settings of the run before that say which slot is expected."""
    quiet(month)
    month.missed("no_wakeup")
    quiet(month)


def three_missed_slots(month: Play) -> None:
    quiet(month)
    month.missed("no_wakeup", 3)
    quiet(month)


def a_late_start(month: Play) -> None:
    month.next_slot(late_by=5 * 3600)
    month.run(month.any_wishes(), whole="late")


def the_scheduler_fires_twice(month: Play) -> None:
    month.next_slot()
    month.run(month.any_wishes())
    month.stage.clock.advance(60)
    month.run(month.any_wishes(), whole="taken", at=month.now() + timedelta(milliseconds=4))


def a_slot_fails_twice(month: Play) -> None:
    month.next_slot()
    for _ in range(2):
        month.stage.fault("status", count=None, endpoint="/port/v1/netpositions*",
                          params={"status": 403})  # fmt: skip
        month.run(month.any_wishes(), whole="request_refused")
        month.stage.clock.advance(60)
    month.run(month.any_wishes(), whole="exhausted", at=month.now() + timedelta(milliseconds=4))


def another_run_holds_the_lock(month: Play) -> None:
    month.next_slot()

    @contextmanager
    def held() -> Iterator[None]:
        with RunLock(month.stage.state / "run.lock") as lock:
            lock.acquire(run_id="the-other", phase="execute")
            yield

    month.run(month.any_wishes(), whole="lock_busy", within=held())


def a_run_that_outlasts_the_next_slot(month: Play) -> None:
    """It thinks for nine hours: its deadline passes, and the scheduler starts no second one."""
    month.next_slot()
    wishes = {FIRST: f"SLOW {9 * 3600}"}
    month.run(wishes, stopped={FIRST: "no_cross"})
    month.missed("busy")
    quiet(month)


# A person.


def paused_by_hand(month: Play) -> None:
    month.next_slot()
    with month.stage.journal() as journal:
        journal.control.pause("by_hand", until=month.now() + timedelta(hours=2))
    month.run(month.any_wishes(), whole="by_hand")


def started_by_hand(month: Play) -> None:
    quiet(month)
    month.stage.clock.advance(1800)
    month.new_bar()
    month.run(month.any_wishes(), scheduled=False, at=month.now() + timedelta(milliseconds=4))


def asked_to_stop(month: Play) -> None:
    instrument = list(WATCHED)[2]
    month.next_slot()
    wishes = {FIRST: "STOP", instrument: month.doable(instrument)}
    month.run(wishes, fate=month.unsent("stopping"), stopped={FIRST: "no_cross"})


def a_dry_run(month: Play) -> None:
    """It has books of its own: nothing is decided there, nothing its own to sell."""
    month.next_slot()
    wishes = month.any_wishes()
    decided, month.books.decided = month.books.decided, set()
    sellable = {i: "nothing_sellable" for i in month.books.held if wishes[i] == "SELL"}
    month.run(wishes, fate=month.unsent("dry_run"), stopped=sellable, DRY_RUN="true")
    month.books.decided = decided


def an_instrument_more_and_one_less(month: Play) -> None:
    """One that the broker does not know, in the place of one that is watched otherwise."""
    month.next_slot()
    left_out = list(WATCHED)[1]
    entries = [
        {"asset_type": i.partition(":")[0], "uic": int(i.partition(":")[2]), "symbol": s,
         "quantity": QUANTITY[i]}
        for i, s in WATCHED.items() if i != left_out
    ]  # fmt: skip
    entries.append({"asset_type": "Stock", "uic": 99999, "quantity": 1})
    begun = month.now()
    wishes = month.any_wishes() | {left_out: "HOLD"}
    month.run(wishes, WATCHLIST_JSON=json.dumps(entries))
    month.pairs = [
        p for p in month.pairs if not (p.instrument == left_out and p.slot == month.slot)
    ]
    at = begun + timedelta(milliseconds=4)
    month.add(left_out, at, Expected(NOT_WATCHED, ""), month.slot)
    month.add("Stock:99999", at, Expected(NOT_TRADED, "unknown_instrument"), month.slot)


# Settings.


def _hours(name: str, reason: str, opens: int, closes: int) -> Happening:
    def outside(month: Play) -> None:
        if month.slot.hour == 16:
            quiet(month)  # at midnight the window of yesterday is none of today's
        month.next_slot()
        month.run(
            month.any_wishes(),
            whole=reason,
            settings={
                "TRADING_HOURS_MODE": "fixed",
                "TRADING_DAYS": "mon-sun",
                **_window(month, opens, closes),
            },
        )

    outside.__name__ = name
    return outside


def _window(month: Play, opens: int, closes: int) -> dict[str, str]:
    """The window of trading, in hours from the slot's beginning."""
    hour = month.slot.hour
    return {
        "TRADING_START": f"{(hour + opens) % 24:02d}:30",
        "TRADING_END": f"{(hour + closes) % 24:02d}:30",
    }


def not_a_trading_day(month: Play) -> None:
    month.next_slot()
    others = [d for n, d in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
              if n != month.slot.weekday()]  # fmt: skip
    month.run(
        month.any_wishes(), whole="not_a_trading_day", TRADING_HOURS_MODE="fixed",
        TRADING_DAYS=",".join(others), TRADING_START="00:00", TRADING_END="23:59",
    )  # fmt: skip


def settings_that_are_wrong(month: Play) -> None:
    month.next_slot()
    month.run(month.any_wishes(), whole="settings_error", STRATEGY_NAME="sma_corss")


def a_token_file_that_cannot_be_read(month: Play) -> None:
    month.next_slot()
    blocked = month.stage.folder / "blocked"
    blocked.mkdir(exist_ok=True)
    month.run(month.any_wishes(), whole="storage_error", SAXO_TOKEN_FILE=str(blocked))


def a_journal_that_cannot_be_opened(month: Play) -> None:
    """No row is left: the next run takes the slot for one without a wake-up."""
    month.next_slot()
    no_folder = month.stage.folder / "no-folder"
    no_folder.touch()
    month.run(month.any_wishes(), whole="storage_error", STATE_DIR=str(no_folder))


def at_most_one_more_order(month: Play) -> None:
    month.next_slot()
    wishes = {instrument: month.doable(instrument) for instrument in WATCHED}
    allowed = month.books.sent_on(month.now().date()) + 1
    month.run(wishes, limit=1, MAX_TRADES_PER_DAY=str(allowed))


def worth_too_much(month: Play) -> None:
    month.next_slot()
    wishes = month.any_wishes()
    dear = {
        i: month.books.refusal(i, "BUY") or "max_position_value"
        for i, wish in wishes.items() if wish == "BUY"
    }  # fmt: skip
    month.run(wishes, stopped=dear, MAX_POSITION_VALUE="1")


def orders_fail_until_it_pauses_itself(month: Play) -> None:
    month.next_slot()
    instrument, wishes = month.one_order()
    month.stage.fault("refuse", params={"code": "TooFarFromMarket"})
    month.run(wishes, fate=month.refused(instrument, "invalid_order"),
              MAX_CONSECUTIVE_FAILURES="1")  # fmt: skip
    month.next_slot()
    month.run(month.any_wishes(), whole="consecutive_failures")
    with month.stage.journal() as journal:
        journal.control.resume()


# Mistakes and deaths.


def a_bug_in_the_strategy(month: Play) -> None:
    month.next_slot()
    wishes = {**month.any_wishes(), FIRST: "RAISE"}
    month.run(wishes, stopped={FIRST: "strategy_error"})


def a_bug_in_the_bot(month: Play) -> None:
    month.next_slot()
    broken = mock.patch.object(orchestrator, "Decider", side_effect=ZeroDivisionError("a bug"))
    month.run(month.any_wishes(), whole="unexpected_exception", within=broken)


def too_slow_for_its_deadline(month: Play) -> None:
    later = list(WATCHED)[2]
    month.next_slot()
    wishes = {FIRST: "SLOW 700", later: month.doable(later)}
    month.run(wishes, fate=month.unsent("deadline"), stopped={FIRST: "no_cross"})


def too_slow_for_its_quotes(month: Play) -> None:
    later = list(WATCHED)[2]
    month.next_slot()
    wishes = {FIRST: "SLOW 400", later: month.doable(later)}
    month.run(wishes, fate=month.unsent("quote_stale"), stopped={FIRST: "no_cross"},
              DATA_STALENESS_SECONDS="300")  # fmt: skip


def _killed(event: str, *, decided: bool = False, sent: bool = False) -> Happening:
    """Killed behind the line `event`. The order that it may have sent fills all the same."""

    def killed(month: Play) -> None:
        month.next_slot()
        instrument, wishes = month.one_order()
        fate = month.filled(instrument) if sent else month.unsent("killed")
        month.run(wishes, fate=fate, whole=None if decided else "killed", killed_at=event)

    killed.__name__ = f"killed_at_{event}"
    return killed


SCHEDULE_AND_DEATHS: tuple[Happening, ...] = (
    a_missed_slot,
    three_missed_slots,
    a_late_start,
    the_scheduler_fires_twice,
    a_slot_fails_twice,
    another_run_holds_the_lock,
    a_run_that_outlasts_the_next_slot,
    paused_by_hand,
    started_by_hand,
    asked_to_stop,
    a_dry_run,
    an_instrument_more_and_one_less,
    _hours("before_open", "before_open", opens=1, closes=3),
    _hours("after_close", "after_close", opens=-4, closes=-2),
    not_a_trading_day,
    settings_that_are_wrong,
    a_token_file_that_cannot_be_read,
    a_journal_that_cannot_be_opened,
    at_most_one_more_order,
    worth_too_much,
    orders_fail_until_it_pauses_itself,
    a_bug_in_the_strategy,
    a_bug_in_the_bot,
    too_slow_for_its_deadline,
    too_slow_for_its_quotes,
    _killed("startup_begin"),
    _killed("startup_ready"),
    _killed("cycle_begin"),
    _killed("marketdata_fetch_begin"),
    _killed("strategy_signals_generated", decided=True),
    _killed("execution_intent_created", decided=True),
    _killed("execution_order_placed", decided=True, sent=True),
)
