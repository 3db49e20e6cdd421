"""What every API request passes through, in the broker's order.

    sequences and mixes → faults before → token → quotas → duplicates → faults inside → endpoint
    → faults after

One request is one transaction: what it changed, the faults it used up and the counters are stored
together or not at all. Waiting (the delay faults) happens outside of it.
"""

from __future__ import annotations

import secrets
from typing import Any

from tradebot.simulator import counters, duplicates, faults, matching, tokens
from tradebot.simulator.broker import Broker, Call, json_object
from tradebot.simulator.control import Control
from tradebot.simulator.fault_plan import FaultPlan
from tradebot.simulator.rate_limits import Limiter, is_order_request
from tradebot.simulator.routing import below_base, route, service_group
from tradebot.simulator.spoiling import afterwards, instead
from tradebot.simulator.web import Reply, Request, empty, guid

TURNED_AWAY = (401, 409, 429)


class Gateway:
    """Turns requests into replies; the handler of the HTTP server."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._control = Control(broker)
        self._limiter = Limiter(lambda: broker.options.rate_limits, broker.options.clock.monotonic)
        self._served = 0

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/simulator"):
            return self._control(request)
        path = below_base(request.path)
        if path is None and request.path not in ("/authorize", "/token"):
            return empty(404)
        where = request.path if path is None else path
        reference = _reference(request)
        pattern, _, _ = route(request.method, where)
        with self._broker.state.transaction():
            self._broker.follow_options()
            plan = FaultPlan(self._broker, request.method, where, pattern, reference)
            before = plan.stage(faults.BEFORE)
        self._wait(before.get("delay"))
        after: faults.Fired = {}
        reply = instead(before)
        with self._broker.state.transaction():
            if reply is None:
                if (lost := before.get("session_lost")) is not None:
                    tokens.end_sessions(self._broker, refresh_tokens=lost["refresh_tokens"])
                reply = self._answer(request, path, plan)
                if reply.status not in TURNED_AWAY:
                    after = plan.stage(faults.AFTER)
            self._count(request, where, reply.status, reference)
        if path is not None and "html" not in before:
            self._stamp(request, reply)
        self._wait(after.get("delay_after"))
        return afterwards(reply, after)

    def _wait(self, params: dict[str, Any] | None) -> None:
        if params is not None:
            self._broker.stopping.wait(float(params["seconds"]))

    def _answer(self, request: Request, path: str | None, plan: FaultPlan) -> Reply:
        broker = self._broker
        if path is None:
            answer = tokens.token if request.path == "/token" else tokens.authorize
            return answer(broker, request)
        session = tokens.session_of(broker, request.headers.get("authorization", ""))
        if session is None:
            return empty(401)
        order = is_order_request(broker.options.rate_limits, request.method, path)
        ruling = self._limiter.take(session, service_group(path), order=order)
        if not ruling.allowed:
            return Reply(429, headers=ruling.headers)
        if duplicates.covers(request.method, path) and duplicates.is_duplicate(
            broker, request, session
        ):
            return Reply(409, headers=ruling.headers)
        _, endpoint, params = route(request.method, path)
        if endpoint is None:
            return Reply(404, headers=ruling.headers)
        matching.fill_due(broker)
        reply = endpoint(Call(broker, request, params, plan.stage(faults.INSIDE)))
        reply.headers.update(ruling.headers)
        return reply

    def _count(self, request: Request, path: str, status: int, reference: str | None) -> None:
        pattern, _, _ = route(request.method, path)
        counters.count(self._broker.state, request.method, pattern, status)
        if request.method != "GET" and path.startswith("/trade/v2/orders"):
            self._broker.state.insert(
                "order_requests",
                time=self._broker.now(),
                method=request.method,
                endpoint=pattern,
                reference=reference,
                request_id=request.headers.get("x-request-id"),
                status=status,
            )

    def _stamp(self, request: Request, reply: Reply) -> None:
        """The headers of every API reply."""
        self._served += 1
        reply.headers["X-Correlation"] = f"{secrets.token_hex(16)}#123#{guid()}#{self._served}"
        if "x-request-id" in request.headers:
            reply.headers["X-Request-Id"] = request.headers["x-request-id"]


def _reference(request: Request) -> str | None:
    """The external reference of an order request, for faults and counters."""
    if not request.body or b"ExternalReference" not in request.body:
        return None
    reference = (json_object(request.body) or {}).get("ExternalReference")
    return reference if isinstance(reference, str) else None
