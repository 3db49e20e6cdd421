"""What faults make of a request that is not processed, and of the reply of one that is."""

from __future__ import annotations

import json
import zlib
from typing import Any

from tradebot.simulator.faults import Fired
from tradebot.simulator.web import Reply, empty
from tradebot.simulator.wire import Wire

HTML = b"<html><body>Service Unavailable</body></html>"


def instead(fired: Fired) -> Reply | None:
    """The reply of a fault that keeps the request from being processed at all."""
    if (params := fired.get("drop_before")) is not None:
        return Reply(0, wire=Wire(drop=True, reset=params["reset"]))
    if (params := fired.get("status")) is not None:
        return Reply(
            params["status"],
            _body(params),
            params["content_type"],
            {str(k): str(v) for k, v in params["headers"].items()},
        )
    if (params := fired.get("empty")) is not None:
        return empty(params["status"])
    if (params := fired.get("html")) is not None:
        return Reply(params["status"], HTML, "text/html")
    return None


def _body(params: dict[str, Any]) -> bytes:
    body = params["body"]
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def afterwards(reply: Reply, fired: Fired) -> Reply:
    """What faults do to the reply of a request that has been processed."""
    if (params := fired.get("drop_after")) is not None:
        reply.wire = Wire(drop=True, reset=params["reset"])
        return reply
    if (params := fired.get("status_after")) is not None:
        headers = {k: v for k, v in reply.headers.items() if k.startswith("X-Correlation")}
        reply = Reply(params["status"], _body(params), "text/html", headers)
    _spoil_body(reply, fired)
    _spoil_sending(reply.wire, fired)
    if (params := fired.get("truncate")) is not None:
        half = len(reply.body) // 2
        reply.wire.keep_bytes = half if params["bytes"] is None else params["bytes"]
    return reply


def _spoil_body(reply: Reply, fired: Fired) -> None:
    if (params := fired.get("oversize")) is not None:
        reply.body += b" " * params["bytes"]
    if "bad_gzip" in fired:
        packer = zlib.compressobj(1, wbits=31)
        packed = packer.compress(reply.body) + packer.flush()
        reply.body = packed[: len(packed) // 2]
        reply.headers["Content-Encoding"] = "gzip"


def _spoil_sending(wire: Wire, fired: Fired) -> None:
    if (params := fired.get("drip")) is not None:
        wire.pause = params["seconds"]
        wire.pause_in_headers = params["headers"]
    if (params := fired.get("wrong_length")) is not None:
        wire.length_off = params["by"]
    if (params := fired.get("chunked")) is not None:
        wire.chunk = max(1, params["bytes"])
    elif "no_length" in fired:
        wire.no_length = True
    if (params := fired.get("date_off")) is not None:
        wire.date_off = params["seconds_off"]
