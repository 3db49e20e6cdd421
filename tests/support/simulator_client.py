"""A plain HTTP client for the simulator, so that its tests do not lean on the bot's own client."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from tradebot.simulator import Simulator


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names as a case-insensitive lookup through `header`."""

    status: int
    body: bytes
    headers: dict[str, str]

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> list[Any]:
        """The rows of a list answer."""
        rows = self.json["Data"]
        assert isinstance(rows, list)
        return rows


class SimulatorClient:
    """Keep-alive connection to one simulator, with a bearer token unless told otherwise."""

    def __init__(self, sim: Simulator, *, token: str | None = None) -> None:
        self.sim = sim
        self.token: str | None = token or sim.access_token()
        self._connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=20)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """A request to any target of the server. Raises what http.client raises."""
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        try:
            self._connection.request(method, target, body, sent)
            response = self._connection.getresponse()
            content = response.read()
        except BaseException:
            self._connection.close()
            raise
        return Answer(response.status, content, {k.lower(): v for k, v in response.getheaders()})

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """A request below the OpenAPI base; `query` values may be lists (`_top` means `$top`)."""
        text = urlencode(
            {("$" + k[1:] if k.startswith("_") else k): v for k, v in query.items()}, doseq=True
        )
        target = f"/sim/openapi{path}" + (f"?{text}" if text else "")
        sent = None if body is None else json.dumps(body).encode()
        return self.send(method, target, sent, headers)

    def get(self, path: str, **query: Any) -> Answer:
        return self.api("GET", path, **query)

    def follow(self, url: str) -> Answer:
        """GET an absolute link that the server gave."""
        parts = urlsplit(url)
        return self.send("GET", f"{parts.path}?{parts.query}")

    def control(self, method: str, path: str, body: object = None) -> Answer:
        """A request to the simulator's own endpoints."""
        sent = None if body is None else json.dumps(body).encode()
        return self.send(method, f"/simulator/{path}", sent)

    def fault(self, kind: str, **more: object) -> int:
        """Switch a fault on; its number. Keywords beyond the matcher's are its params."""
        matcher = {"endpoint", "method", "reference", "count", "skip", "probability", "seed"}
        body: dict[str, object] = {k: v for k, v in more.items() if k in matcher}
        body["params"] = {k: v for k, v in more.items() if k not in matcher}
        answer = self.control("POST", "faults", {"kind": kind, **body})
        assert answer.status == 201, answer.body
        number = answer.json["id"]
        assert isinstance(number, int)
        return number

    def order(self, **changed: Any) -> dict[str, object]:
        """The body of a market order for 10 MSFT, with changes; None leaves a property out."""
        body: dict[str, object] = {
            "AccountKey": self.sim.account_key,
            "Uic": 10001,
            "AssetType": "Stock",
            "BuySell": "Buy",
            "Amount": 10,
            "OrderType": "Market",
            "OrderDuration": {"DurationType": "DayOrder"},
            "ManualOrder": False,
            **changed,
        }
        return {name: value for name, value in body.items() if value is not None}

    def place(self, *, request_id: str | None = None, **changed: Any) -> Answer:
        """POST an order."""
        headers = {} if request_id is None else {"X-Request-ID": request_id}
        return self.api("POST", "/trade/v2/orders", self.order(**changed), headers)

    def placed(self, **changed: Any) -> str:
        """Place an order that must be accepted; its id."""
        answer = self.place(**changed)
        assert answer.status == 200, answer.body
        number = answer.json["OrderId"]
        assert isinstance(number, str)
        return number

    def precheck(self, **changed: Any) -> Answer:
        return self.api("POST", "/trade/v2/orders/precheck", self.order(**changed))

    def audit(self, **query: Any) -> list[Any]:
        """The rows of the audit log."""
        answer = self.get("/cs/v1/audit/orderactivities", **query)
        assert answer.status == 200, answer.body
        return answer.data

    def story(self, order_id: str) -> list[str]:
        """What the audit log says of an order, as `Status/SubStatus`."""
        return [f"{r['Status']}/{r['SubStatus']}" for r in self.audit(OrderId=order_id)]

    def open_orders(self) -> list[Any]:
        return self.get("/port/v1/orders/me", Status="All").data

    def balance(self) -> dict[str, Any]:
        body = self.get("/port/v1/balances/me").json
        assert isinstance(body, dict)
        return body

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
