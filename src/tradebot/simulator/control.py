"""The simulator's own endpoints, beside the broker's: /simulator/…

    GET    /simulator/state                 cursor, market date, counts
    GET    /simulator/requests              counters; ?reference=, ?method=, ?endpoint=
    POST   /simulator/advance {"bars": 1}   move the market on
    POST   /simulator/reset {"balance": n}  a new account: no orders, positions, counters, faults
    POST   /simulator/token {"seconds": n}  a bearer token without a login, like the 24-hour one
    GET    /simulator/orders                orders that came to exist, by themselves and by
                                            instrument and side; ?reference=
    GET, POST, DELETE /simulator/faults, DELETE /simulator/faults/{id}
    GET, POST, DELETE /simulator/sequences, DELETE /simulator/sequences/{id}
    GET, POST, DELETE /simulator/mixes, DELETE /simulator/mixes/{id}
    GET, POST, DELETE /simulator/scenario   all of that at once, in place of what was on

They take no token: whoever can reach them is on this machine. Nothing here is part of OpenAPI.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from tradebot.simulator import counters, faults, mixes, scenario, sequences, tokens
from tradebot.simulator.broker import Broker, json_object
from tradebot.simulator.running import advance, overview, reset
from tradebot.simulator.web import JsonObject, Reply, Request, empty, json_reply

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
            ("GET", "orders"): self._orders,
            ("GET", "scenario"): self._show_scenario,
            ("POST", "scenario"): self._load_scenario,
            ("DELETE", "scenario"): self._clear_scenario,
        }
        switches: tuple[tuple[str, Switches[Any], Callable[[JsonObject], Any]], ...] = (
            ("faults", broker.faults, faults.parse),
            ("sequences", broker.sequences, sequences.parse),
            ("mixes", broker.mixes, mixes.parse),
        )
        for name, store, parse in switches:
            self._actions["GET", name] = partial(_list, name, store)
            self._actions["POST", name] = partial(_add, store, parse)
            self._actions["DELETE", name] = partial(_remove, name, store)

    def __call__(self, request: Request) -> Reply:
        name, _, rest = request.path.removeprefix(PREFIX).strip("/").partition("/")
        action = self._actions.get((request.method, name))
        if action is None or (rest and (request.method != "DELETE" or name == "scenario")):
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

    def _orders(self, request: Request) -> Reply:
        state, reference = self._broker.state, request.value("reference")
        return json_reply(
            {
                "orders": counters.orders(state, reference),
                "instruments": counters.by_instrument(state, reference),
            }
        )

    def _show_scenario(self, _request: Request) -> Reply:
        return json_reply(scenario.switched_on(self._broker))

    def _load_scenario(self, request: Request) -> Reply:
        body = json_object(request.body)
        if body is None:
            return _problem(400, "the body must be a JSON object")
        try:
            wanted = scenario.parse(body, "the body")
        except scenario.BadScenario as problem:
            return _problem(400, str(problem))
        scenario.load(self._broker, wanted)
        return json_reply(scenario.switched_on(self._broker), 201)

    def _clear_scenario(self, _request: Request) -> Reply:
        scenario.clear(self._broker)
        return empty(204)


T_contra = TypeVar("T_contra", contravariant=True)


class Switches(Protocol[T_contra]):
    """What can be switched on and off: single faults, sequences, mixes."""

    def add(self, wanted: T_contra, /) -> int: ...

    def remove(self, number: int | None = None, /) -> int: ...

    def list(self) -> list[JsonObject]: ...


def _list(name: str, store: Switches[Any], _request: Request) -> Reply:
    return json_reply({name: store.list()})


def _add(store: Switches[Any], parse: Callable[[JsonObject], Any], request: Request) -> Reply:
    body = json_object(request.body)
    if body is None:
        return _problem(400, "the body must be a JSON object")
    try:
        wanted = parse(body)
    except faults.BadFault as problem:
        return _problem(400, str(problem))
    return json_reply({"id": store.add(wanted)}, 201)


def _remove(name: str, store: Switches[Any], request: Request) -> Reply:
    number = request.path.rstrip("/").rpartition("/")[2]
    if number == name:
        store.remove()
    elif not number.isdecimal() or not store.remove(int(number)):
        return _problem(404, f"there is no {number} among the {name}")
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
