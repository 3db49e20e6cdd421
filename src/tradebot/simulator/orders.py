"""Placing orders: POST /trade/v2/orders, with related orders and everything that may go wrong.

A placement goes through the rules, gets an id and its audit rows, and fills at once where it can.
Related orders are accepted one after the other, the entry first, so that a refused child leaves a
live entry behind (400 with an OrderId), as seen from real servers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradebot.simulator import rules
from tradebot.simulator.audit import record
from tradebot.simulator.broker import Call
from tradebot.simulator.disclaimers import stop_placement
from tradebot.simulator.matching import (
    CONFIRMED_LATER,
    NEVER_FILLS,
    REJECTED_LATER,
    close,
    does_not_fill,
    fill,
    fill_due,
    market_price,
    order_row,
)
from tradebot.simulator.rules import Refusal, Ticket
from tradebot.simulator.web import JsonObject, Reply, error, guid, json_reply

INVALID = "One or more properties of the request are invalid!"
AT_ONCE = {"ImmediateOrCancel", "FillOrKill"}


def error_info(refusal: Refusal) -> JsonObject:
    """The object `ErrorInfo`; servers were seen to leave the message out."""
    if not refusal.message:
        return {"ErrorCode": refusal.code}
    return {"ErrorCode": refusal.code, "Message": refusal.message}


def refused(refusal: Refusal, reference: str | None, status: int = 400) -> Reply:
    """A business rejection of a single order: ErrorInfo, with 400 unless a fault says otherwise."""
    body: JsonObject = {"ErrorInfo": error_info(refusal)}
    if reference is not None:
        body["ExternalReference"] = reference
    return json_reply(body, status)


def shape_error(body: Mapping[str, Any]) -> Reply | None:
    """400 InvalidModelState for the order or the first of its related orders that is wrong."""
    for order in [body, *related(body)]:
        if problems := rules.check_shape(order):
            return error(400, "InvalidModelState", INVALID, problems)
    return None


def related(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The related orders of a request."""
    orders = body.get("Orders") or []
    return [o for o in orders if isinstance(o, dict)] if isinstance(orders, list) else []


def place(call: Call) -> Reply:
    """POST /trade/v2/orders."""
    body = call.body()
    if body is None:
        return error(400, "InvalidRequest", "The body must be a JSON object")
    if "Orders" in body and "Uic" not in body:
        return _place_pair(call, related(body))
    if (wrong := shape_error(body)) is not None:
        return wrong
    reference = body.get("ExternalReference")
    order = rules.ticket(call.broker, body)
    refusal = order if isinstance(order, Refusal) else _refusal(call, order)
    if refusal is not None:
        if not isinstance(order, Refusal):
            _record_refusal(call, order)
        return refused(refusal, reference, _refusal_status(call))
    assert isinstance(order, Ticket)  # noqa: S101
    if (stopped := stop_placement(call)) is not None:
        return stopped
    return _accept(call, order, related(body))


def _refusal(call: Call, order: Ticket) -> Refusal | None:
    if (wanted := call.fired.get("refuse")) is not None:
        return Refusal(wanted["code"], wanted["message"])
    return rules.check_order(call.broker, order, placing=True) or rules.check_money(
        call.broker, order
    )


def _refusal_status(call: Call) -> int:
    refuse = call.fired.get("refuse")
    return 400 if refuse is None else int(refuse["status"])


def _record_refusal(call: Call, order: Ticket) -> None:
    """A refused placement leaves one audit row and no order."""
    number = call.state.next_number("order")
    row = _columns(call, order, number, "StandAlone", None, guid())
    record(call.broker, row, "Placed", "Rejected", now=call.now)


def _columns(
    call: Call, order: Ticket, number: int, relation: str, parent: int | None, correlation: str
) -> dict[str, Any]:
    """A ticket as a row of the table `orders`."""
    vanishes = _seconds(call, "audit_only", "after_seconds")
    return {
        "order_id": number,
        "reference": order.reference,
        "asset_type": order.instrument.asset_type,
        "uic": order.instrument.uic,
        "side": order.side,
        "amount": order.amount,
        "order_type": order.order_type,
        "price": order.price,
        "stop_limit_price": order.stop_limit_price,
        "duration": json.dumps(order.duration),
        "relation": relation,
        "parent": parent,
        "correlation": correlation,
        "status": "Working",
        "placed": call.now,
        "bar": call.broker.market.cursor,
        "audit_delay": _seconds(call, "audit_delay", "seconds") or 0,
        "shown": call.now + (_seconds(call, "orders_delay", "seconds") or 0),
        "vanishes": None if vanishes is None else call.now + vanishes,
    }


def _seconds(call: Call, kind: str, name: str) -> float | None:
    """A parameter of a fault, or None when it did not fire."""
    params = call.fired.get(kind)
    return None if params is None else float(params[name])


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an accepted order, and when."""

    outcome: str = "filled"
    seconds: float = 0
    answer: dict[str, Any] | None = None
    """What is said instead of success: status, code, message, order_id."""


def _fate(call: Call) -> Fate:
    """As the switched-on faults would have it."""
    answer = None
    if (unclear := call.fired.get("trade_not_completed")) is not None:
        answer = {**unclear, **TRADE_NOT_COMPLETED}
    elif (unclear := call.fired.get("error_with_order_id")) is not None:
        answer = unclear
    outcome, seconds = "filled", 0.0
    if unclear is not None:
        outcome, seconds = unclear["outcome"], unclear["after_seconds"]
    if (rejected := call.fired.get("rejected_later")) is not None:
        outcome, seconds = "rejected", rejected["after_seconds"]
    if outcome == "filled" and "never_fill" in call.fired:
        outcome = "working"
    return Fate(outcome, seconds, answer)


TRADE_NOT_COMPLETED = {
    "status": 202,
    "code": "TradeNotCompleted",
    "message": "The order was received but its completion could not be confirmed in time",
}
LATER = {"rejected": REJECTED_LATER, "filled": CONFIRMED_LATER}
AS_USUAL = Fate()


def _create(call: Call, row: dict[str, Any], fate: Fate = AS_USUAL) -> None:
    """Store an order and say so in the audit log, as far as it is decided yet."""
    later = fate.seconds > 0 and fate.outcome in LATER
    if later:
        row = {**row, "plan": LATER[fate.outcome], "fill_at": call.now + fate.seconds}
    elif fate.outcome == "rejected":
        row = {**row, "status": "Rejected"}
    elif fate.outcome == "working":
        row = {**row, "plan": NEVER_FILLS}
    call.state.insert("orders", **row)
    record(call.broker, row, "Placed", "Requested", now=call.now)
    if not later:
        sub_status = "Rejected" if fate.outcome == "rejected" else "Confirmed"
        record(call.broker, row, "Placed", sub_status, now=call.now)


def _accept(call: Call, order: Ticket, children: list[dict[str, Any]]) -> Reply:
    """Take the order, as the switched-on faults would have it."""
    number = call.state.next_number("order")
    answer: JsonObject = {"OrderId": str(number)}
    if order.reference is not None:
        answer["ExternalReference"] = order.reference
    fate = _fate(call)
    if fate.outcome != "never":
        relation = "IfDoneMaster" if children else "StandAlone"
        row = _columns(call, order, number, relation, None, guid())
        _create(call, row, fate)
        if fate.outcome != "rejected":
            answers, failed = _place_children(call, order, number, row["correlation"], children)
            _fill_now(call, number)
            if answers:
                answer["Orders"] = answers
            if failed:
                answer.pop("ExternalReference", None)
                return json_reply(answer, 400)
    return _unclear(answer, fate.answer) if fate.answer else json_reply(answer)


def _unclear(answer: JsonObject, said: dict[str, Any]) -> Reply:
    """An answer that is neither success nor refusal."""
    if not said["order_id"]:
        del answer["OrderId"]
    info = error_info(Refusal(said["code"], said["message"]))
    return json_reply({**answer, "ErrorInfo": info}, said["status"])


def _fill_now(call: Call, number: int) -> None:
    """Fill what is marketable, or set the time when it will be."""
    order = order_row(call.broker, number)
    if does_not_fill(order) or order["status"] != "Working":
        return
    price = market_price(call.broker, order)
    duration = json.loads(order["duration"])["DurationType"]
    if price is None or duration in ("AtTheOpening", "AtTheClose"):
        if duration in AT_ONCE:
            close(call.broker, order, "Cancelled", call.now)
        return
    if (partial := call.fired.get("partial_fill")) is not None:
        # The rest works on until the next bar, or until it is cancelled.
        fill(call.broker, order, price, call.now, partial["fraction"])
        return
    call.state.run(
        "UPDATE orders SET fill_at = ? WHERE order_id = ?",
        (call.now + call.broker.options.fill_delay_seconds, number),
    )
    fill_due(call.broker)


def _place_children(
    call: Call, entry: Ticket, parent: int, correlation: str, children: list[dict[str, Any]]
) -> tuple[list[JsonObject], bool]:
    """Related orders in request order: their answers, and whether one was refused."""
    answers: list[JsonObject] = []
    failed = False
    relation = "IfDoneSlaveOco" if len(children) > 1 else "IfDoneSlave"
    for body in children:
        if failed:
            answers.append({"ErrorInfo": error_info(NOT_PLACED)})
            continue
        child = rules.ticket(call.broker, body)
        refusal = (
            child
            if isinstance(child, Refusal)
            else rules.check_order(call.broker, child, placing=False)
            or rules.check_child(entry, child)
        )
        if refusal is not None:
            failed = True
            answers.append({"ErrorInfo": error_info(refusal)})
            continue
        assert isinstance(child, Ticket)  # noqa: S101
        number = call.state.next_number("order")
        row = _columns(call, child, number, relation, parent, correlation)
        # Children were seen to carry the reference of their entry.
        row["reference"] = child.reference if child.reference is not None else entry.reference
        _create(call, {**row, "status": "Parked"})
        answers.append({"OrderId": str(number)})
    return answers, failed


NOT_PLACED = Refusal("OrderNotPlaced", "Order not placed as other order in request was rejected")


def _place_pair(call: Call, bodies: list[dict[str, Any]]) -> Reply:
    """Two orders of which one cancels the other (OCO), in a bare `Orders` list."""
    if len(bodies) != 2:
        return error(400, "InvalidModelState", INVALID, {"Orders": ["Two orders are expected"]})
    for body in bodies:
        if (wrong := shape_error(body)) is not None:
            return wrong
    correlation = guid()
    answers: list[JsonObject] = []
    placed: list[int] = []
    failed = False
    for body in bodies:
        order = rules.ticket(call.broker, body)
        refusal = order if isinstance(order, Refusal) else _refusal(call, order)
        answer: JsonObject = {}
        if body.get("ExternalReference") is not None:
            answer["ExternalReference"] = body["ExternalReference"]
        if refusal is not None or isinstance(order, Refusal):
            failed = True
            answer["ErrorInfo"] = error_info(refusal or NOT_PLACED)
        else:
            number = call.state.next_number("order")
            _create(call, _columns(call, order, number, "Oco", None, correlation))
            placed.append(number)
            answer["OrderId"] = str(number)
        answers.append(answer)
    for number in placed:
        if order_row(call.broker, number)["status"] == "Working":
            _fill_now(call, number)
    return json_reply({"Orders": answers}, 400 if failed else 200)
