"""How often what was asked, and every order request by itself: so that a test can ask how many
orders the broker really received for one reference."""

from __future__ import annotations

from typing import Any

from tradebot.simulator.state import State
from tradebot.simulator.web import timestamp


def count(state: State, method: str, endpoint: str, status: int) -> None:
    """One more request; `endpoint` is the pattern of its path."""
    state.run(
        "INSERT INTO request_counts VALUES (?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET count = count + 1",
        (method, endpoint, status),
    )


def requests(state: State, method: str = "", endpoint: str = "") -> list[dict[str, Any]]:
    """Counts by method, endpoint and status; 0 is a connection that was dropped."""
    return [
        dict(row)
        for row in state.all(
            "SELECT method, endpoint, status, count FROM request_counts"
            " WHERE (? = '' OR method = ?) AND (? = '' OR endpoint = ?)"
            " ORDER BY endpoint, method, status",
            (method, method, endpoint, endpoint),
        )
    ]


def references(state: State, reference: str = "") -> dict[str, dict[str, Any]]:
    """For each external reference: placements received, orders that came to exist, prechecks."""
    found: dict[str, dict[str, Any]] = {}

    def entry(name: str) -> dict[str, Any]:
        return found.setdefault(
            name, {"placements": 0, "prechecks": 0, "orders": 0, "filled": 0.0, "order_ids": []}
        )

    for row in state.all(
        "SELECT reference, endpoint, count(*) AS n FROM order_requests"
        " WHERE reference IS NOT NULL AND method = 'POST' AND (? = '' OR reference = ?)"
        " GROUP BY reference, endpoint",
        (reference, reference),
    ):
        kind = "prechecks" if row["endpoint"].endswith("/precheck") else "placements"
        entry(row["reference"])[kind] += row["n"]
    for row in state.all(
        "SELECT reference, order_id, filled FROM orders WHERE reference IS NOT NULL"
        " AND parent IS NULL AND (? = '' OR reference = ?) ORDER BY order_id",
        (reference, reference),
    ):
        item = entry(row["reference"])
        item["orders"] += 1
        item["filled"] += row["filled"]
        item["order_ids"].append(str(row["order_id"]))
    return found


def order_requests(state: State, reference: str = "") -> list[dict[str, Any]]:
    """Every order request in the order of arrival."""
    return [
        {**dict(row), "time": timestamp(row["time"])}
        for row in state.all(
            "SELECT time, method, endpoint, reference, request_id, status FROM order_requests"
            " WHERE (? = '' OR reference = ?) ORDER BY request",
            (reference, reference),
        )
    ]


def orders(state: State, reference: str = "") -> list[dict[str, Any]]:
    """Every order that ever came to exist, as it stands; related orders name their `parent`."""
    return [
        {
            **dict(row),
            "order_id": str(row["order_id"]),
            "parent": None if row["parent"] is None else str(row["parent"]),
            "placed": timestamp(row["placed"]),
        }
        for row in state.all(
            "SELECT order_id, reference, asset_type, uic, side, amount, filled, status, placed,"
            " parent FROM orders WHERE (? = '' OR reference = ?) ORDER BY order_id",
            (reference, reference),
        )
    ]


def by_instrument(state: State, reference: str = "") -> list[dict[str, Any]]:
    """Orders of each instrument and side: how many, how many of them rejected, what was filled."""
    return [
        dict(row)
        for row in state.all(
            "SELECT asset_type, uic, side, count(*) AS orders,"
            " sum(status = 'Rejected') AS rejected, sum(filled) AS filled FROM orders"
            " WHERE parent IS NULL AND (? = '' OR reference = ?)"
            " GROUP BY asset_type, uic, side ORDER BY asset_type, uic, side",
            (reference, reference),
        )
    ]
