"""The audit log: what happened to every order, and the two endpoints that tell it.

Shapes as documented in Saxo's reference for cs/v1/audit/orderactivities and ens/v1/activities, and
as seen from real servers: a fill in one go is three rows (Placed/Requested, Placed/Confirmed,
FinalFill/Confirmed); a refused placement is a single Placed/Rejected; `__nextPoll` always comes
along, and asking for it at once is answered with 429.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tradebot.simulator.broker import Broker, Call
from tradebot.simulator.instruments import find
from tradebot.simulator.web import (  # fmt: skip
    JsonObject,
    Reply,
    empty,
    error,
    json_reply,
    link,
    parse_time,
    timestamp,
)

LOG_STEP = 3
"""LogIds grow but are not consecutive."""


def record(
    broker: Broker,
    order: Mapping[str, Any],
    status: str,
    sub_status: str,
    *,
    now: float,
    extra: Mapping[str, object] | None = None,
) -> None:
    """Add a row about an order (a row of the table `orders`, or one like it)."""
    body: JsonObject = {
        "AccountId": broker.account_id,
        "Amount": order["amount"],
        "AssetType": order["asset_type"],
        "BuySell": order["side"],
        "ClientId": broker.client_id,
        "CorrelationKey": order["correlation"],
        "Duration": json.loads(order["duration"]),
        "HandledBy": broker.client_id,
        "OrderId": str(order["order_id"]),
        "OrderRelation": order["relation"],
        "OrderType": order["order_type"],
        "RelatedOrders": [],
        "Uic": order["uic"],
        "UserId": broker.client_id,
    }
    if order["reference"] is not None:
        body["ExternalReference"] = order["reference"]
    if order["price"] is not None:
        body["Price"] = order["price"]
    if order["stop_limit_price"] is not None:
        body["StopLimitPrice"] = order["stop_limit_price"]
    body.update(extra or {})
    broker.state.insert(
        "audit",
        log_id=broker.state.next_number("log", LOG_STEP),
        time=now,
        visible=now + order["audit_delay"],
        order_id=order["order_id"],
        status=status,
        sub_status=sub_status,
        row=json.dumps(body),
    )


class BadQuery(ValueError):
    """A filter that cannot be read."""


def _seconds(call: Call, name: str) -> float | None:
    text = call.request.value(name)
    if not text:
        return None
    moment = parse_time(text)
    if moment is None:
        raise BadQuery(f"{name} must be an ISO 8601 time")
    return moment


def _filters(call: Call) -> tuple[str, list[object]]:
    """The WHERE clause for the rows that are visible now."""
    request = call.request
    clauses = ["visible <= ?"]
    values: list[object] = [call.now]
    if order_id := request.value("OrderId"):
        clauses.append("CAST(order_id AS TEXT) = ?")
        values.append(order_id)
    for name, comparison in (("FromDateTime", ">="), ("ToDateTime", "<=")):
        moment = _seconds(call, name)
        if moment is not None:
            clauses.append(f"time {comparison} ?")
            values.append(moment)
    if statuses := sorted(request.names("Status") - {"All"}):
        clauses.append(f"status IN ({', '.join('?' * len(statuses))})")
        values.extend(statuses)
    return " AND ".join(clauses), values


def order_activities(call: Call) -> Reply:
    """GET /cs/v1/audit/orderactivities."""
    request, broker = call.request, call.broker
    foreign = [
        name
        for name, own in (("ClientKey", broker.client_key), ("AccountKey", broker.account_key))
        if request.value(name, own) != own
    ]
    if foreign:
        return error(404, "NotFoundError", f"Nothing found for this {foreign[0]}")
    try:
        where, values = _filters(call)
        top = int(request.value("$top", "0")) or broker.options.audit_page_rows
        after, polled = _cursor(request.value("$skiptoken", "0"))
    except ValueError as problem:
        return error(400, "BadRequestError", str(problem))
    if polled is not None and call.now < polled + broker.options.poll_after_seconds:
        return empty(429)
    rows = broker.state.all(
        f"SELECT * FROM audit WHERE {where} ORDER BY log_id",  # noqa: S608
        values,
    )
    rows = [row for row in rows if not leaves_out(call, "missing_activities", _reference_of(row))]
    if request.value("EntryType", "All") == "Last":
        rows = list({row["order_id"]: row for row in rows}.values())
        rows.sort(key=lambda row: int(row["log_id"]))
    return _page(call, rows, min(top, broker.options.audit_page_rows), after)


def _reference_of(row: Mapping[str, Any]) -> str | None:
    reference: str | None = json.loads(row["row"]).get("ExternalReference")
    return reference


def leaves_out(call: Call, kind: str, reference: str | None) -> bool:
    """Does a fault of this kind keep the order of this reference out of this answer?"""
    params = call.fired.get(kind)
    if params is None:
        return False
    return any(fnmatchcase(reference or "", p) for p in params["references"])


def _cursor(token: str) -> tuple[int, float | None]:
    """Where to go on, and when a live cursor was handed out. Raises ValueError."""
    if not token.startswith("poll-"):
        return int(token), None
    number, _, since = token.removeprefix("poll-").partition("-")
    return int(number), float(since)


def _page(call: Call, rows: Sequence[Any], top: int, after: int) -> Reply:
    total = len(rows)
    rows = [row for row in rows if row["log_id"] > after]
    shown, more = rows[:top], len(rows) > top
    newest = shown[-1]["log_id"] if shown else after
    body: JsonObject = {"__count": total}
    if more:
        body["__next"] = link(call.request, {"$skiptoken": str(newest)})
    # Not pagination but a live cursor: asking for it right away is answered with 429.
    body["__nextPoll"] = link(call.request, {"$skiptoken": f"poll-{newest}-{call.now:.3f}"})
    body["Data"] = [activity(row) for row in shown]
    return json_reply(body)


def activity(row: Any) -> JsonObject:
    """One audit row as it is shown."""
    return {
        **json.loads(row["row"]),
        "LogId": str(row["log_id"]),
        "ActivityTime": timestamp(row["time"]),
        "Status": row["status"],
        "SubStatus": row["sub_status"],
    }


ENS_FIELDS = (
    "AccountId", "Amount", "AssetType", "BuySell", "ClientId", "CorrelationKey",
    "ExternalReference", "FillAmount", "FilledAmount", "ExecutionPrice", "AveragePrice",
    "PositionId", "OrderId", "OrderRelation", "OrderType", "Price", "Uic",
)  # fmt: skip


def ens_activities(call: Call) -> Reply:
    """GET /ens/v1/activities: the same events, by `Activities=Orders`, for the last 14 days."""
    try:
        start = _seconds(call, "FromDateTime")
        end = _seconds(call, "ToDateTime")
    except BadQuery as problem:
        return error(400, "InvalidRequest", str(problem))
    if start is None:
        start = call.now - call.now % 86400  # the current day
    rows: Sequence[Any] = []
    if "Orders" in call.request.names("Activities"):
        rows = call.state.all(
            "SELECT * FROM audit WHERE visible <= ? AND time >= ? AND time <= ? ORDER BY log_id",
            (call.now, max(start, call.now - 14 * 86400), call.now if end is None else end),
        )
    data = []
    for row in rows:
        full = activity(row)
        instrument = find(full["AssetType"], full["Uic"])
        data.append(
            {
                **{name: full[name] for name in ENS_FIELDS if name in full},
                "ActivityTime": full["ActivityTime"],
                "ActivityType": "Orders",
                "SequenceId": full["LogId"],
                "Status": full["Status"],
                "SubStatus": full["SubStatus"],
                "Symbol": instrument.symbol if instrument else "",
            }
        )
    return json_reply({"__count": len(data), "Data": data})
