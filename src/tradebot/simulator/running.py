"""Moving a simulation on, beginning it anew, and where it stands: for the server and the shell."""

from __future__ import annotations

from typing import Any

from tradebot.simulator import matching
from tradebot.simulator.broker import Broker
from tradebot.simulator.market import START

FORGOTTEN = ("faults", "sequences", "mixes", "request_counts", "order_requests", "disclaimers")
"""What a reset forgets beside the account."""


def advance(broker: Broker, bars: int) -> int:
    """Move the market on bar by bar, letting waiting orders fill; how far it got."""
    moved = 0
    with broker.state.transaction():
        matching.fill_due(broker)
        while moved < bars and broker.market.advance(1):
            moved += 1
            matching.new_day(broker)
    return moved


def reset(broker: Broker, balance: float) -> None:
    """Start over: the first bar, a new balance, no orders, counters, faults or scenario's options.
    Logins stay."""
    with broker.state.transaction():
        broker.state.clear_account()
        for table in FORGOTTEN:
            broker.state.run(f"DELETE FROM {table}")  # noqa: S608
        for name in ("scenario", "options"):
            broker.state.set(name, "")
        broker.follow_options()
        broker.state.set("initial_balance", balance)
        broker.state.set("cursor", START)


def leave_unseen(broker: Broker) -> None:
    """Whoever serves this state next is the first to see the bar under the cursor."""
    broker.state.set("unseen", "yes")


def take_unseen(broker: Broker) -> bool:
    """Was it left unseen? Only the first to ask is told so."""
    with broker.state.transaction():
        return bool(broker.state.run("DELETE FROM meta WHERE name = 'unseen'"))


def overview(broker: Broker) -> dict[str, Any]:
    """Where the simulation stands."""

    def count(table: str, where: str = "1") -> int:
        return int(broker.state.one(f"SELECT count(*) FROM {table} WHERE {where}")[0])  # noqa: S608

    return {
        "cursor": broker.market.cursor,
        "last_cursor": broker.market.last,
        "market_date": broker.market.date.isoformat(),
        "at_end": broker.market.at_end,
        "orders": count("orders"),
        "open_orders": count("orders", "status IN ('Working', 'Parked')"),
        "positions": count("positions"),
        "closed_positions": count("closed_positions"),
        "audit_rows": count("audit"),
        "faults": count("faults", "remaining IS NULL OR remaining > 0"),
        "sequences": count("sequences", "used < json_array_length(steps)"),
        "mixes": count("mixes"),
        "requests": int(broker.state.one("SELECT coalesce(sum(count), 0) FROM request_counts")[0]),
    }
