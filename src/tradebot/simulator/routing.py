"""Which function answers which method and path.

Paths are those below the OpenAPI base. A variable segment is written `{Name}` and is matched before
it is decoded, because keys may contain an encoded slash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import unquote

from tradebot.simulator import (
    accounts,
    audit,
    charts,
    disclaimers,
    open_orders,
    orders,
    portfolio,
    precheck,
    quotes,
    reference,
)
from tradebot.simulator.broker import Call
from tradebot.simulator.web import Reply

Endpoint: TypeAlias = Callable[[Call], Reply]

BASES = ("/sim/openapi", "/openapi")

ENDPOINTS: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/port/v1/users/me", accounts.user),
    ("GET", "/port/v1/clients/me", accounts.client),
    ("GET", "/port/v1/accounts/me", accounts.accounts),
    ("PUT", "/port/v1/accounts/{AccountKey}/reset", accounts.reset),
    ("GET", "/port/v1/balances/me", accounts.balance),
    ("GET", "/port/v1/balances", accounts.balance),
    ("GET", "/port/v1/positions/me", portfolio.positions),
    ("GET", "/port/v1/positions", portfolio.positions),
    ("GET", "/port/v1/netpositions/me", portfolio.net_positions),
    ("GET", "/port/v1/netpositions", portfolio.net_positions),
    ("GET", "/port/v1/closedpositions/me", portfolio.closed_positions),
    ("GET", "/port/v1/closedpositions", portfolio.closed_positions),
    ("GET", "/port/v1/orders/me", open_orders.list_mine),
    ("GET", "/port/v1/orders", open_orders.list_mine),
    ("GET", "/port/v1/orders/{ClientKey}/{OrderId}", open_orders.get_one),
    ("GET", "/trade/v1/infoprices/list", quotes.info_price_list),
    ("GET", "/trade/v1/infoprices", quotes.info_price),
    ("POST", "/trade/v2/orders/precheck", precheck.precheck),
    ("POST", "/trade/v2/orders", orders.place),
    ("PATCH", "/trade/v2/orders", open_orders.change),
    ("DELETE", "/trade/v2/orders", open_orders.cancel_instrument),
    ("DELETE", "/trade/v2/orders/{OrderIds}", open_orders.cancel),
    ("GET", "/chart/v3/charts", charts.chart),
    ("GET", "/chart/v1/charts", charts.chart),
    ("GET", "/ref/v1/instruments", reference.search),
    ("GET", "/ref/v1/instruments/details", reference.details_list),
    ("GET", "/ref/v1/instruments/details/{Uic}/{AssetType}", reference.details_one),
    ("GET", "/ref/v1/instruments/tradingschedule/{Uic}/{AssetType}", reference.trading_schedule),
    ("GET", "/dm/v2/disclaimers", disclaimers.get),
    ("POST", "/dm/v2/disclaimers", disclaimers.post),
    ("GET", "/cs/v1/audit/orderactivities", audit.order_activities),
    ("GET", "/ens/v1/activities", audit.ens_activities),
    ("GET", "/root/v1/sessions/capabilities", accounts.capabilities),
    ("PUT", "/root/v1/sessions/capabilities", accounts.capabilities),
    ("PATCH", "/root/v1/sessions/capabilities", accounts.capabilities),
)

_FIXED = {(method, pattern): endpoint for method, pattern, endpoint in ENDPOINTS}
_VARIABLE = [
    (method, pattern, pattern.split("/"), endpoint)
    for method, pattern, endpoint in ENDPOINTS
    if "{" in pattern
]


def below_base(path: str) -> str | None:
    """The path below the OpenAPI base, or None when it is not an API path."""
    for base in BASES:
        if path.startswith(base + "/"):
            return path[len(base) :].rstrip("/")
    return None


def service_group(path: str) -> str:
    """The first segment: port, trade, ref, chart, cs, ens, dm, root."""
    return f"{path}/".split("/", 2)[1]


def route(method: str, path: str) -> tuple[str, Endpoint | None, dict[str, str]]:
    """The pattern that a path matches (or the path itself), who answers, and its variables."""
    if endpoint := _FIXED.get((method, path)):
        return path, endpoint, {}
    segments = path.split("/")
    for wanted, pattern, parts, endpoint in _VARIABLE:
        if wanted != method or len(parts) != len(segments):
            continue
        values: dict[str, str] = {}
        for part, segment in zip(parts, segments, strict=True):
            if part.startswith("{"):
                values[part[1:-1]] = unquote(segment)
            elif part != segment:
                break
        else:
            return pattern, endpoint, values
    return path, None, {}
