"""What every API request passes through, in the broker's order.

    faults before → token → quotas → duplicates → faults inside → endpoint → faults after

One request is one transaction: what it changed, the faults it used up and the counters are stored
together or not at all. Waiting (the delay faults) happens outside of it.
"""

from __future__ import annotations

import secrets
from typing import Any, TypeAlias

from tradebot.simulator import counters, duplicates, faults, matching, tokens
from tradebot.simulator.broker import Broker, Call, json_object
from tradebot.simulator.control import Control
from tradebot.simulator.rate_limits import Limiter, is_order_request
from tradebot.simulator.routing import below_base, route, service_group
from tradebot.simulator.web import Reply, Request, empty, guid

Fired: TypeAlias = dict[str, dict[str, Any]]
TURNED_AWAY = (401, 409, 429)
HTML = b"<html><body>Service Unavailable</body></html>"


class Gateway:
    """Turns requests into replies; the handler of the HTTP server."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._control = Control(broker)
        self._limiter = Limiter(broker.options.rate_limits, broker.options.clock.monotonic)
        self._served = 0

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/simulator"):
            return self._control(request)
        path = below_base(request.path)
        if path is None and request.path not in ("/authorize", "/token"):
            return empty(404)
        where = request.path if path is None else path
        reference = _reference(request)
        with self._broker.state.transaction():
            before = self._draw(faults.BEFORE, request, where, reference)
        self._wait(before.get("delay"))
        after: Fired = {}
        reply = _instead(before)
        with self._broker.state.transaction():
            if reply is None:
                reply = self._answer(request, path, reference)
                if reply.status not in TURNED_AWAY:
                    after = self._draw(faults.AFTER, request, where, reference)
            self._count(request, where, reply.status, reference)
        if path is not None and "html" not in before:
            self._stamp(request, reply)
        self._wait(after.get("delay_after"))
        return _afterwards(reply, after)

    def _draw(
        self, kinds: tuple[str, ...], request: Request, path: str, reference: str | None
    ) -> Fired:
        return self._broker.faults.draw(kinds, request.method, path, reference)

    def _wait(self, params: dict[str, Any] | None) -> None:
        if params is not None:
            self._broker.stopping.wait(float(params.get("seconds", 1)))

    def _answer(self, request: Request, path: str | None, reference: str | None) -> Reply:
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
        if duplicates.covers(request.method, path) and duplicates.is_duplicate(broker, request):
            return Reply(409, headers=ruling.headers)
        _, endpoint, params = route(request.method, path)
        if endpoint is None:
            return Reply(404, headers=ruling.headers)
        matching.fill_due(broker)
        fired = self._draw(faults.INSIDE, request, path, reference)
        reply = endpoint(Call(broker, request, params, fired))
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


def _instead(fired: Fired) -> Reply | None:
    """The reply of a fault that keeps the request from being processed at all."""
    if "drop_before" in fired:
        return Reply(0, drop=True)
    if (params := fired.get("status")) is not None:
        return Reply(
            int(params.get("status", 503)),
            str(params.get("body", "")).encode(),
            params.get("content_type", "application/json; charset=utf-8"),
            {str(k): str(v) for k, v in params.get("headers", {}).items()},
        )
    if (params := fired.get("empty")) is not None:
        return empty(int(params.get("status", 200)))
    if (params := fired.get("html")) is not None:
        return Reply(int(params.get("status", 503)), HTML, "text/html")
    return None


def _afterwards(reply: Reply, fired: Fired) -> Reply:
    """What a fault does to the reply of a request that has been processed."""
    if "drop_after" in fired:
        reply.drop = True
    elif (params := fired.get("status_after")) is not None:
        body = str(params.get("body", "")).encode()
        headers = {k: v for k, v in reply.headers.items() if k.startswith("X-Correlation")}
        return Reply(int(params.get("status", 500)), body, "text/html", headers)
    elif (params := fired.get("truncate")) is not None:
        reply.keep_bytes = int(params.get("bytes", len(reply.body) // 2))
    return reply
