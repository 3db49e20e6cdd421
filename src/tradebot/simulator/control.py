"""The simulator's own endpoints, beside the broker's: /simulator/…

    GET    /simulator/state                 cursor, market date, counts
    GET    /simulator/requests              counters; ?reference=, ?method=, ?endpoint=
    POST   /simulator/advance {"bars": 1}   move the market on
    POST   /simulator/reset {"balance": n}  a new account: no orders, positions, counters, faults
    POST   /simulator/token {"seconds": n}  a bearer token without a login, like the 24-hour one
    GET, POST, DELETE /simulator/faults, DELETE /simulator/faults/{id}

They take no token: whoever can reach them is on this machine. Nothing here is part of OpenAPI.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from tradebot.simulator import counters, faults, matching, tokens
from tradebot.simulator.broker import Broker, json_object
from tradebot.simulator.web import Reply, Request, empty, json_reply

PREFIX = "/simulator/"
DAY_SECONDS = 86400


class Control:
    """Answers requests under /simulator/."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._actions: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("GET", "state"): self._state,
            ("GET", "requests"): self._requests,
            ("POST", "advance"): self._advance,
            ("POST", "reset"): self._reset,
            ("POST", "token"): self._token,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._remove_faults,
        }

    def __call__(self, request: Request) -> Reply:
        name, _, rest = request.path.removeprefix(PREFIX).strip("/").partition("/")
        action = self._actions.get((request.method, name))
        if action is None or (rest and (request.method, name) != ("DELETE", "faults")):
            return _problem(404, f"there is no {request.method} {request.path}")
        with self._broker.state.transaction():
            return action(request)

    def _state(self, _request: Request) -> Reply:
        return json_reply(overview(self._broker))

    def _requests(self, request: Request) -> Reply:
        state, reference = self._broker.state, request.value("reference")
        return json_reply(
            {
                "requests": counters.requests(
                    state, request.value("method"), request.value("endpoint")
                ),
                "references": counters.references(state, reference),
                "order_requests": counters.order_requests(state, reference),
            }
        )

    def _advance(self, request: Request) -> Reply:
        bars = _number(request, "bars", 1)
        if bars is None or bars < 1 or bars != int(bars):
            return _problem(400, "bars must be a whole number from 1 up")
        moved = advance(self._broker, int(bars))
        body = {"moved": moved, **overview(self._broker)}
        if moved < bars:
            body["message"] = END_OF_HISTORY
        return json_reply(body, 200 if moved else 409)

    def _reset(self, request: Request) -> Reply:
        balance = _number(request, "balance", self._broker.options.initial_balance)
        if balance is None or balance < 0:
            return _problem(400, "balance must be a number from 0 up")
        reset(self._broker, balance)
        return json_reply(overview(self._broker))

    def _token(self, request: Request) -> Reply:
        seconds = _number(request, "seconds", DAY_SECONDS)
        if seconds is None:
            return _problem(400, "seconds must be a number")
        session = secrets.token_hex(16)
        token = tokens.issue_access_token(self._broker, session, seconds)
        return json_reply({"access_token": token, "expires_in": int(seconds)}, 201)

    def _list_faults(self, _request: Request) -> Reply:
        return json_reply({"faults": self._broker.faults.list()})

    def _add_fault(self, request: Request) -> Reply:
        body = json_object(request.body)
        if body is None:
            return _problem(400, "the body must be a JSON object with at least a kind")
        try:
            fault = faults.parse(body)
        except faults.BadFault as problem:
            return _problem(400, str(problem))
        return json_reply({"id": self._broker.faults.add(fault)}, 201)

    def _remove_faults(self, request: Request) -> Reply:
        number = request.path.rstrip("/").rpartition("/")[2]
        if number == "faults":
            self._broker.faults.remove()
        elif not number.isdecimal() or not self._broker.faults.remove(int(number)):
            return _problem(404, f"there is no fault {number}")
        return empty(204)


END_OF_HISTORY = "the price history ends here; reset the simulator to start over"


def _problem(status: int, message: str) -> Reply:
    return json_reply({"error": message}, status)


def _number(request: Request, name: str, default: float) -> float | None:
    """A number from the body, or None when it is something else."""
    if not request.body:
        return default
    body = json_object(request.body)
    value = None if body is None else body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


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
    """Start over: the first bar, a new balance, no orders, counters or faults. Logins stay."""
    from tradebot.simulator.market import START

    with broker.state.transaction():
        broker.state.clear_account()
        for table in ("faults", "request_counts", "order_requests", "disclaimers"):
            broker.state.run(f"DELETE FROM {table}")  # noqa: S608
        broker.state.set("initial_balance", balance)
        broker.state.set("cursor", START)


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
        "requests": int(broker.state.one("SELECT coalesce(sum(count), 0) FROM request_counts")[0]),
    }
