"""Everything that the month's broker does to a run: prices, logins, orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from support.month.happenings import quiet
from support.month.play import Happening, Play
from support.month.stage import WATCHED

QUOTES, CHARTS = "/trade/v1/infoprices*", "/chart/v3/charts"
ORDERS, PRECHECK = "/trade/v2/orders", "/trade/v2/orders/precheck"
SCHEDULES = "/ref/v1/instruments/tradingschedule*"
SHARES = [i for i in WATCHED if i.startswith("Stock")]
TRIES = 3
"""A read is asked for so often."""


def _unavailable(
    name: str, stopped: dict[str, str] | str, *faults: dict[str, Any], **settings: str
) -> Happening:
    """Faults of reads that stop some instruments, or all of them (`stopped` is the reason)."""

    def happening(month: Play) -> None:
        month.next_slot()
        for fault in faults:
            month.stage.fault(**fault)
        whole = stopped if isinstance(stopped, str) else None
        some = stopped if isinstance(stopped, dict) else None
        month.run(month.any_wishes(), stopped=some, whole=whole, settings=settings)

    happening.__name__ = name
    return happening


def _status(endpoint: str, status: int = 503, **more: Any) -> dict[str, Any]:
    params = {"status": status, **more.pop("params", {})}
    return {"kind": "status", "endpoint": endpoint, "params": params, **more}


def _quote(**quote: Any) -> dict[str, Any]:
    """The third list of prices, that of the currencies, as it is given here."""
    usual = {"Ask": 1.21, "Bid": 1.2, "MarketState": "Open", "DelayedByMinutes": 0,
             "PriceTypeAsk": "Tradable", "PriceTypeBid": "Tradable"}  # fmt: skip
    row: dict[str, Any] = {"AssetType": "FxSpot", "Uic": 21, "Quote": usual | quote}
    if "LastUpdated" in quote:
        row["LastUpdated"] = row["Quote"].pop("LastUpdated")
    return _status(QUOTES, 200, count=1, skip=2, params={"body": {"Data": [row]}})


def no_details_of_instruments(month: Play) -> None:
    """They are kept for a day: on a day of which nothing is kept yet."""
    while month.slot.hour != 16:
        quiet(month)
    month.next_slot()
    month.stage.fault(**_status("/ref/v1/instruments/details*", count=None))
    month.run(month.any_wishes(), whole="broker_unavailable")


def _all(reason: str) -> dict[str, str]:
    return dict.fromkeys(WATCHED, reason)


READS: tuple[Happening, ...] = (
    _unavailable("no_quotes_of_shares", dict.fromkeys(SHARES, "quotes_unavailable"),
                 _status(QUOTES, count=TRIES)),
    _unavailable("no_quotes_at_all", _all("quotes_unavailable"), _status(QUOTES, count=None)),
    _unavailable("no_chart_of_one", {"Stock:211": "bars_unavailable"},
                 _status(CHARTS, count=TRIES, skip=1)),
    _unavailable("a_chart_without_bars", {"Etf:10002": "insufficient_data"},
                 _status(CHARTS, 200, count=1, skip=2, params={"body": {"Data": []}})),
    _unavailable("prices_leave_one_out", {"Etf:10002": "no_quote"},
                 {"kind": "missing_uics", "count": None, "params": {"uics": [10002]}}),
    _unavailable("no_access", {"Stock:10001": "no_access"},
                 {"kind": "no_access", "count": None, "params": {"uics": [10001]}}),
    _unavailable("price_pending", {"Stock:211": "price_pending"},
                 {"kind": "pending", "count": None, "params": {"uics": [211]}}),
    _unavailable("a_stale_quote", {"FxSpot:21": "quote_stale"},
                 _quote(LastUpdated="2026-01-01T00:00:00Z")),
    _unavailable("a_delayed_quote", {"FxSpot:21": "quote_delayed"}, _quote(DelayedByMinutes=21)),
    _unavailable("the_market_of_one_is_closed", {"FxSpot:21": "market_closed"},
                 _quote(MarketState="Closed")),
    _unavailable("one_has_no_schedule", {"Stock:10001": "sessions_unknown"},
                 _status(SCHEDULES, count=TRIES), TRADING_HOURS_MODE="instrument"),
    _unavailable("the_broker_is_down", "broker_unavailable",
                 {"kind": "html", "count": None, "endpoint": "/port/*"}),
    _unavailable("the_login_server_is_down", "login_server_unavailable",
                 _status("/token", count=None)),
    _unavailable("the_login_is_refused", "login_error", _status("/port/*", 401, count=None)),
    _unavailable("the_clock_is_off", "clock_skew",
                 {"kind": "date_off", "count": None, "params": {"seconds_off": 600}}),
    _unavailable("the_session_is_lost_and_found", {}, {"kind": "session_lost", "count": 1}),
)  # fmt: skip


def _order(
    name: str, reason: str, *faults: dict[str, Any], sent: bool = True, **settings: str
) -> Happening:
    """Faults that end an order: `reason` is why."""

    def happening(month: Play) -> None:
        month.next_slot()
        instrument, wishes = month.one_order()
        for fault in faults:
            month.stage.fault(**fault)
        fate = month.refused(instrument, reason) if sent else month.unsent(reason)
        month.run(wishes, fate=fate, settings=settings)

    happening.__name__ = name
    return happening


def _filled_all_the_same(name: str, *faults: dict[str, Any]) -> Happening:
    def happening(month: Play) -> None:
        month.next_slot()
        _, wishes = month.one_order()
        for fault in faults:
            month.stage.fault(**fault)
        month.run(wishes)

    happening.__name__ = name
    return happening


def nobody_knows_until_later(month: Play) -> None:
    """The answer is lost, and the order shows half an hour later: a run in between must not trade
    the instrument, the next one finds it filled."""
    month.next_slot()
    instrument, wishes = month.one_order()
    month.stage.fault("drop_after", endpoint=ORDERS, method="POST")
    for kind in ("audit_delay", "orders_delay"):
        month.stage.fault(kind, params={"seconds": 1800})
    month.run(wishes)
    month.books.unresolved.add(instrument)
    month.stage.clock.advance(600)
    month.new_bar()
    again = {instrument: "BUY"}
    at = month.now() + timedelta(milliseconds=4)
    month.run(again, scheduled=False, at=at)
    month.books.unresolved.clear()
    quiet(month)


def never_heard_of(month: Play) -> None:
    """Accepted, and never there: the next run calls it not placed."""
    month.next_slot()
    instrument, wishes = month.one_order()
    month.stage.fault("trade_not_completed", params={"outcome": "never"})
    month.run(wishes, fate=month.refused(instrument, "not_placed"))
    quiet(month)


def somebody_sold_it(month: Play) -> None:
    """The broker holds less than the bot bought. Afterwards it is bought back."""
    held = [i for i in WATCHED if i in month.books.held]
    if not held:
        month.next_slot()
        month.run(dict.fromkeys(WATCHED, "BUY"))
        held = list(WATCHED)
    instrument = month.chance.choice(held)
    uic = int(instrument.partition(":")[2])
    state = month.stage.simulator.broker.state
    month.next_slot()
    before = state.one("SELECT amount FROM positions WHERE uic = ? AND amount > 0", (uic,))[0]
    state.run("UPDATE positions SET amount = 1 WHERE uic = ? AND amount > 0", (uic,))
    month.run({instrument: "SELL"}, stopped={instrument: "position_mismatch"})
    state.run("UPDATE positions SET amount = ? WHERE uic = ? AND amount > 0", (before, uic))


ORDERS_FATES: tuple[Happening, ...] = (
    no_details_of_instruments,
    _order("not_enough_cash", "insufficient_cash", {"kind": "precheck_error_info"}, sent=False),
    _order("the_precheck_refuses", "precheck_refused",
           {"kind": "precheck_error", "params": {"code": "OtherError"}}, sent=False),
    _order("no_precheck", "precheck_unavailable",
           _status(PRECHECK, count=1, method="POST"), sent=False),
    _order("a_disclaimer_for_a_person", "disclaimer_policy", {"kind": "disclaimers"}, sent=False),
    _order("a_disclaimer_that_blocks", "disclaimer_blocking",
           {"kind": "disclaimers", "params": {
               "disclaimers": [{"title": "Not for you", "blocking": True}]}}, sent=False),
    _order("refused", "invalid_order", {"kind": "refuse", "params": {"code": "TooFarFromMarket"}}),
    _order("refused_for_cash", "insufficient_cash",
           {"kind": "refuse", "params": {"code": "InsufficientCash"}}),
    _order("rejected_later", "rejected_after_acceptance", {"kind": "rejected_later"}),
    _filled_all_the_same("a_504_after_sending", {
        "kind": "status_after", "endpoint": ORDERS, "method": "POST", "params": {"status": 504}}),
    _filled_all_the_same("a_simple_disclaimer_is_not_asked", {"kind": "delay",
        "endpoint": ORDERS, "method": "POST", "params": {"seconds": 0.01}}),
    nobody_knows_until_later,
    never_heard_of,
    somebody_sold_it,
)  # fmt: skip
