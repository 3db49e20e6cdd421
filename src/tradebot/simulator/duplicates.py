"""Duplicate detection: the same order request twice within 15 seconds is refused with 409.

Same method, URL and body *and* the same X-Request-ID (or none twice): another id makes it another
request, and a second order (Saxo learn/rate-limiting and its sample code). It is no idempotency
key: the 409 does not say what became of the first request, and after the window it forgets. What
is not documented (whether another session's request counts, whether the same JSON in other bytes
does, whether a refused one begins the window anew) is an option. What was seen is kept in the
state, since the broker does not forget when a bot dies.
"""

from __future__ import annotations

import hashlib
import json

from tradebot.simulator.broker import Broker, json_object
from tradebot.simulator.web import Request


def covers(method: str, path: str) -> bool:
    """Placements, changes and prechecks are covered; cancelling is not."""
    if method == "POST":
        return path in ("/trade/v2/orders", "/trade/v2/orders/precheck")
    return method == "PATCH" and path == "/trade/v2/orders"


def is_duplicate(broker: Broker, request: Request, session: str) -> bool:
    """Was exactly this request seen in the window? Remembers it if not."""
    now, options = broker.now(), broker.options
    digest = hashlib.sha256()
    scope = session if options.duplicate_scope == "session" else ""
    for part in (request.method, request.target, request.headers.get("x-request-id", ""), scope):
        digest.update(part.encode())
        digest.update(b"\0")
    digest.update(_body(request) if options.duplicate_body == "normalised" else request.body)
    fingerprint = digest.hexdigest()
    window = options.duplicate_window_seconds
    broker.state.run("DELETE FROM seen WHERE time <= ?", (now - window,))
    if broker.state.one("SELECT 1 FROM seen WHERE fingerprint = ?", (fingerprint,)):
        if options.duplicate_restarts:
            broker.state.run("UPDATE seen SET time = ? WHERE fingerprint = ?", (now, fingerprint))
        return True
    broker.state.insert("seen", fingerprint=fingerprint, time=now)
    return False


def _body(request: Request) -> bytes:
    body = json_object(request.body)
    return request.body if body is None else json.dumps(body, sort_keys=True).encode()
