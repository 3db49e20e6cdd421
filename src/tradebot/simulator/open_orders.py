"""Orders that are still open: listing, changing and cancelling them.

An order that has filled, expired or been cancelled is no longer found here, only in the audit log.
`Status=Working` (the default) shows top-level and OCO orders with their children inside;
`Status=All` shows every order (Saxo's reference for port/v1/orders and trade/v2/orders).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tradebot.simulator import rules
from tradebot.simulator.audit import leaves_out, record
from tradebot.simulator.broker import Call
from tradebot.simulator.instruments import find
from tradebot.simulator.matching import (
    close,
    fill_due,
    find_order,
    instrument_of,
    is_pending,
    order_row,
)
from tradebot.simulator.orders import INVALID, error_info, refused
from tradebot.simulator.quotes import price_of
from tradebot.simulator.rules import Refusal, Ticket
from tradebot.simulator.schedules import is_open
from tradebot.simulator.web import JsonObject, Reply, empty, error, json_reply, page, timestamp

OPEN = "status IN ('Working', 'Parked')"


def list_mine(call: Call) -> Reply:
    """GET /port/v1/orders/me and /port/v1/orders."""
    request, broker = call.request, call.broker
    if not request.path.rstrip("/").endswith("/me"):
        if request.value("ClientKey") != broker.client_key:
            return error(400, "InvalidClientId", "The client id is missing or invalid")
        if order_id := request.value("OrderId"):
            return page(_find(call, order_id), request)
    status = request.value("Status", "Working")
    if status not in ("Working", "All"):
        return error(400, "InvalidRequest", "Status must be Working or All")
    only = "" if status == "All" else " AND parent IS NULL"
    rows = call.state.all(f"SELECT * FROM orders WHERE {OPEN}{only} ORDER BY order_id")  # noqa: S608
    return page([_shown(call, row) for row in rows if _is_listed(call, row)], request)


def get_one(call: Call) -> Reply:
    """GET /port/v1/orders/{ClientKey}/{OrderId}: an empty list (or 404) once it is not open."""
    if call.params["ClientKey"] != call.broker.client_key:
        return empty(401)
    found = _find(call, call.params["OrderId"])
    if not found and call.broker.options.order_gone == "not_found":
        return empty(404)
    return page(found, call.request)


def _find(call: Call, order_id: str) -> list[JsonObject]:
    order = find_order(call.broker, order_id)
    listed = order and order["status"] in ("Working", "Parked") and _is_listed(call, order)
    return [_shown(call, order)] if order and listed else []


def _is_listed(call: Call, order: Mapping[str, Any]) -> bool:
    """Do the faults of this order and of this request let it be seen among the open ones?"""
    if call.now < order["shown"] or (
        order["vanishes"] is not None and call.now >= order["vanishes"]
    ):
        return False
    return not leaves_out(call, "missing_orders", order["reference"])


def _shown(call: Call, order: Mapping[str, Any]) -> JsonObject:
    broker, instrument = call.broker, instrument_of(order)
    open_now = is_open(broker.options, instrument, call.now)
    answer: JsonObject = {
        "AccountId": broker.account_id,
        "AccountKey": broker.account_key,
        "Amount": order["amount"],
        "AssetType": order["asset_type"],
        "BuySell": order["side"],
        "CalculationReliability": "Ok",
        "ClientId": broker.client_id,
        "ClientKey": broker.client_key,
        "ClientName": broker.client_name,
        "CorrelationKey": order["correlation"],
        "CurrentPriceDelayMinutes": 0 if instrument.is_fx else broker.options.quote_delay_minutes,
        "Duration": json.loads(order["duration"]),
        "IsForceOpen": False,
        "IsMarketOpen": open_now,
        "MarketState": "Open" if open_now else "Closed",
        "NonTradableReason": "None",
        "OpenOrderType": order["order_type"],
        "OrderAmountType": "Quantity",
        "OrderId": str(order["order_id"]),
        "OrderRelation": order["relation"],
        "OrderTime": timestamp(order["placed"]),
        "RelatedOpenOrders": [_related(child) for child in _children(call, order["order_id"])],
        "Status": _status(order),
        "TradingStatus": "Tradable",
        "Uic": order["uic"],
    }
    for name, value in (
        ("ExternalReference", order["reference"]),
        ("Price", order["price"]),
        ("StopLimitPrice", order["stop_limit_price"]),
        ("FilledAmount", order["filled"] or None),
    ):
        if value is not None:
            answer[name] = value
    answer.update(_prices(call, order))
    groups = call.groups()
    if "DisplayAndFormat" in groups:
        answer["DisplayAndFormat"] = instrument.display()
    if "ExchangeInfo" in groups:
        answer["Exchange"] = {
            "Description": instrument.exchange.name,
            "ExchangeId": instrument.exchange.exchange_id,
            "IsOpen": open_now,
            "TimeZoneId": "3",
        }
    return answer


def _status(order: Mapping[str, Any]) -> str:
    if is_pending(order):
        return "LockedPlacementPending"
    return "Working" if order["status"] == "Working" else "NotWorking"


def _prices(call: Call, order: Mapping[str, Any]) -> JsonObject:
    instrument = instrument_of(order)
    if instrument.id in call.broker.options.no_access:
        return {"CalculationReliability": "NoMarketAccess", "CurrentPriceType": "NoAccess"}
    price = price_of(call.broker, instrument)
    at, side = (price.ask, "Ask") if order["side"] == "Buy" else (price.bid, "Bid")
    prices: JsonObject = {
        "Ask": price.ask,
        "Bid": price.bid,
        "CurrentPrice": at,
        "CurrentPriceType": side,
        "MarketPrice": at,
    }
    if order["price"] is not None:
        digits = instrument.price_decimals
        prices["DistanceToMarket"] = round(abs(at - order["price"]), digits)
    return prices


def _children(call: Call, order_id: int) -> list[Any]:
    rows = call.state.all(
        f"SELECT * FROM orders WHERE parent = ? AND {OPEN} ORDER BY order_id",  # noqa: S608
        (order_id,),
    )
    return [row for row in rows if _is_listed(call, row)]


def _related(order: Mapping[str, Any]) -> JsonObject:
    return {
        "Amount": order["amount"],
        "Duration": json.loads(order["duration"]),
        "OpenOrderType": order["order_type"],
        "OrderId": str(order["order_id"]),
        "OrderPrice": order["price"],
    }


def change(call: Call) -> Reply:
    """PATCH /trade/v2/orders: replaces amount, type, price and duration; 404 once it is gone."""
    body = call.body()
    if body is None:
        return error(400, "InvalidRequest", "The body must be a JSON object")
    number = str(body.get("OrderId", ""))
    order = find_order(call.broker, number)
    if order is None or order["status"] not in ("Working", "Parked"):
        return json_reply(
            {"ErrorInfo": error_info(Refusal("OrderNotFound", "Order not found"))}, 404
        )
    merged = _merged(order, body)
    if problems := rules.check_shape(merged):
        return error(400, "InvalidModelState", INVALID, problems)
    ticket = rules.ticket(call.broker, merged)
    refusal = ticket if isinstance(ticket, Refusal) else _refuse_change(call, order, ticket)
    if isinstance(ticket, Refusal) or refusal is not None:
        return refused(refusal or NOT_FOUND, None)
    call.state.run(
        "UPDATE orders SET amount = ?, order_type = ?, price = ?, stop_limit_price = ?,"
        " duration = ?, fill_at = ? WHERE order_id = ?",
        (
            ticket.amount,
            ticket.order_type,
            ticket.price,
            ticket.stop_limit_price,
            json.dumps(ticket.duration),
            call.now if order["status"] == "Working" else None,
            order["order_id"],
        ),
    )
    changed = order_row(call.broker, order["order_id"])
    for sub_status in ("Requested", "Confirmed"):
        record(call.broker, changed, "Changed", sub_status, now=call.now)
    fill_due(call.broker)
    return json_reply({"OrderId": number})


NOT_FOUND = Refusal("OrderNotFound", "Order not found")


def _merged(order: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The order as a request body, with the changed properties in it."""
    before = {
        "Uic": order["uic"],
        "AssetType": order["asset_type"],
        "BuySell": order["side"],
        "Amount": order["amount"],
        "OrderType": order["order_type"],
        "OrderPrice": order["price"],
        "StopLimitPrice": order["stop_limit_price"],
        "OrderDuration": json.loads(order["duration"]),
        "ManualOrder": False,
    }
    changeable = (
        "AccountKey", "AssetType", "Amount", "OrderType", "OrderPrice", "StopLimitPrice",
        "OrderDuration", "ManualOrder",
    )  # fmt: skip
    return {**before, **{name: body[name] for name in changeable if name in body}}


def _refuse_change(call: Call, order: Mapping[str, Any], ticket: Ticket) -> Refusal | None:
    if is_pending(order):
        return Refusal("OrderCannotBeChangedAtThisTime", "Order cannot be changed at this time")
    if ticket.amount < order["filled"]:
        return Refusal(
            "AmountCannotBeLessThanFilledAmount", "Amount cannot be less than the filled amount"
        )
    return rules.check_order(call.broker, ticket, placing=order["status"] == "Working")


def cancel(call: Call) -> Reply:
    """DELETE /trade/v2/orders/{OrderIds}?AccountKey=: an answer for each order."""
    if (wrong := _wrong_account(call)) is not None:
        return wrong
    numbers = [n for n in call.params["OrderIds"].split(",") if n]
    results = [_cancel_one(call, number) for number in numbers]
    failed = any("ErrorInfo" in result for result in results)
    return json_reply({"Orders": results}, 400 if failed else 200)


def cancel_instrument(call: Call) -> Reply:
    """DELETE /trade/v2/orders?AccountKey=&AssetType=&Uic=: every order of one instrument."""
    if (wrong := _wrong_account(call)) is not None:
        return wrong
    instrument = find(call.request.value("AssetType"), call.request.value("Uic"))
    if instrument is None:
        return error(400, "IllegalInstrumentId", "Instrument ID is invalid")
    rows = call.state.all(
        "SELECT * FROM orders WHERE status = 'Working' AND parent IS NULL"
        " AND asset_type = ? AND uic = ? ORDER BY order_id",
        (instrument.asset_type, instrument.uic),
    )
    return json_reply({"Orders": [_cancel_one(call, str(row["order_id"])) for row in rows]})


def _wrong_account(call: Call) -> Reply | None:
    account = call.request.value("AccountKey")
    if not account:
        problem = {"AccountKey": ["AccountKey must be specified"]}
        return error(400, "InvalidModelState", INVALID, problem)
    if account != call.broker.account_key:
        return error(400, "IllegalAccount", "Account is invalid")
    return None


def _cancel_one(call: Call, number: str) -> JsonObject:
    order = find_order(call.broker, number)
    if order is None:
        return {"ErrorInfo": error_info(NOT_FOUND), "OrderId": number}
    if order["status"] not in ("Working", "Parked"):
        late = Refusal("TooLateToCancelOrder", "Too late to cancel order")
        return {"ErrorInfo": error_info(late), "OrderId": number}
    if is_pending(order):
        early = Refusal(
            "OrderCannotBeCancelledAtThisTime", "Order cannot be cancelled at this time"
        )
        return {"ErrorInfo": error_info(early), "OrderId": number}
    record(call.broker, order, "Cancelled", "Requested", now=call.now)
    close(call.broker, order, "Cancelled", call.now)
    for child in call.state.all(
        "SELECT * FROM orders WHERE parent = ? AND status = 'Parked'", (order["order_id"],)
    ):
        close(call.broker, child, "Cancelled", call.now)
    if order["relation"] == "Oco":
        # The other leg stays, on its own, as seen from real servers.
        call.state.run(
            "UPDATE orders SET relation = 'StandAlone'"
            " WHERE correlation = ? AND status = 'Working'",
            (order["correlation"],),
        )
    return {"OrderId": number}
