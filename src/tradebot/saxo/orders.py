"""Orders: what is sent, and the many shapes in which the broker answers.

Documented in Saxo's reference for trade/v2/orders, learn/order-placement-return-codes and
learn/pre-trade-disclaimers. HTTP 200 is no success by itself, HTTP 400 no refusal by itself: an
answer that holds an OrderId means that something exists, whatever else it says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from tradebot.errors import OutcomeUnknown
from tradebot.model import InstrumentId
from tradebot.observability import mask_sensitive
from tradebot.saxo.answers import decode, find_text, loose
from tradebot.saxo.exchange import Response
from tradebot.saxo.messages import Message

MAX_REFERENCE_LENGTH: Final = 50
UNKNOWN_OUTCOME_CODES: Final = frozenset(
    {"TradeNotCompleted", "OrderCommandTimeout", "OrderCommandPending"}
)
"""Codes that say that the broker does not know yet: neither placed nor refused."""
UNNAMED_ERROR: Final = "UnnamedError"
"""Ours, for an ErrorInfo without an ErrorCode: an error all the same."""

_MAX_DEPTH = 8
_BROKERS_HEADERS = ("x-correlation", "x-ratelimit-")


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order for one instrument. Raises ValueError for what no broker could accept.

    `amount` is in base units (shares, or currency units for FX); `price` in the instrument's
    currency, None for a market order.
    """

    account_key: str = field(repr=False)
    instrument: InstrumentId
    buy_sell: Literal["Buy", "Sell"]
    amount: Decimal
    external_reference: str
    order_type: Literal["Market", "Limit"] = "Market"
    price: float | None = None
    duration: str = "DayOrder"

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or self.amount <= 0:
            raise ValueError(f"an order's amount must be positive: {self.amount}")
        if not 0 < len(self.external_reference) <= MAX_REFERENCE_LENGTH:
            raise ValueError(f"a reference has 1 to {MAX_REFERENCE_LENGTH} characters")
        if (self.price is None) != (self.order_type == "Market"):
            raise ValueError("a limit order has a price, a market order has none")
        if self.price is not None and not (math.isfinite(self.price) and self.price > 0):
            raise ValueError(f"an order's price must be positive: {self.price}")

    def body(self, **more: object) -> bytes:
        """The JSON to post. `ManualOrder` is mandatory, and false for a bot."""
        fields: dict[str, object] = {
            "AccountKey": self.account_key,
            "Uic": self.instrument.uic,
            "AssetType": self.instrument.asset_type,
            "BuySell": self.buy_sell,
            "Amount": _number(self.amount),
            "OrderType": self.order_type,
            "OrderDuration": {"DurationType": self.duration},
            "ManualOrder": False,
            "ExternalReference": self.external_reference,
        }
        if self.price is not None:
            fields["OrderPrice"] = self.price
        return msgspec.json.encode(fields | more)


@dataclass(frozen=True, slots=True)
class Disclaimers:
    """Outstanding pre-trade disclaimers of one precheck or placement; `context` is its id."""

    context: str | None
    tokens: tuple[str, ...] = field(repr=False)
    more: tuple[Disclaimers, ...] = ()
    """Those of other contexts in the same answer; each is answered in its own."""

    @property
    def parts(self) -> tuple[Disclaimers, ...]:
        """All of them, one context each."""
        return (self, *self.more)


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What the broker said to an order; what it means is judged in `execution.answers`."""

    http_status: int
    order_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    disclaimers: Disclaimers | None = None
    external_reference: str | None = None
    by_the_broker: bool = True
    """Does it bear headers of the broker's own? Without, something on the way answered (Saxo
    learn/requesting-support, learn/rate-limiting)."""


@dataclass(frozen=True, slots=True)
class PrecheckAnswer:
    """What a precheck found. It reserves nothing and promises nothing."""

    http_status: int
    result: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    disclaimers: Disclaimers | None = None
    estimated_cash_required: float | None = None
    estimated_cash_required_currency: str | None = None
    estimated_total_cost: float | None = None
    estimated_total_cost_in_account_currency: float | None = None
    conversion_rate: float | None = None
    """Instrument's currency to the account's."""


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    """One order's part of a cancellation's answer; `error_code` None when it was taken."""

    order_id: str | None
    error_code: str | None = None
    error_message: str | None = None


class _Precheck(Message, frozen=True, kw_only=True):
    pre_check_result: str | None = None
    estimated_cash_required: float | None = None
    estimated_cash_required_currency: str | None = None
    estimated_total_cost: float | None = None
    estimated_total_cost_in_account_currency: float | None = None
    instrument_to_account_conversion_rate: float | None = None


def read_order_answer(response: Response) -> OrderAnswer:
    """The answer to a placement, for any status from 200 to 499.

    Raises OutcomeUnknown when it cannot be read and might hold an OrderId.
    """
    content = _content(response)
    if response.ok and not isinstance(content, dict):
        raise OutcomeUnknown(
            f"{response.endpoint}: answered {response.status} without an order's data",
            endpoint=response.endpoint,
            status=response.status,
        )
    code, message = _error(content)
    return OrderAnswer(
        http_status=response.status,
        order_id=_order_id(content),
        error_code=code,
        error_message=message,
        disclaimers=find_disclaimers(content),
        external_reference=find_text(content, ("ExternalReference",)),
        by_the_broker=any(name.startswith(_BROKERS_HEADERS) for name in response.headers),
    )


def read_precheck_answer(response: Response) -> PrecheckAnswer:
    """The answer to a precheck, for 2xx and 4xx. Raises BadAnswer."""
    content = loose(response.body)
    code, message = _error(content)
    found = decode(response, _Precheck) if response.ok else _Precheck()
    return PrecheckAnswer(
        http_status=response.status,
        result=found.pre_check_result,
        error_code=code,
        error_message=message,
        disclaimers=find_disclaimers(content),
        estimated_cash_required=found.estimated_cash_required,
        estimated_cash_required_currency=found.estimated_cash_required_currency,
        estimated_total_cost=found.estimated_total_cost,
        estimated_total_cost_in_account_currency=found.estimated_total_cost_in_account_currency,
        conversion_rate=found.instrument_to_account_conversion_rate,
    )


def read_cancel_answer(response: Response) -> tuple[CancelAnswer, ...]:
    """One entry per order; one without an id for an error that concerns the whole request."""
    content = _content(response)
    rows = content.get("Orders") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        code, message = _error(content)
        return (CancelAnswer(None, code or UNNAMED_ERROR, message),) if code or not rows else ()
    return tuple(CancelAnswer(_order_id(row), *_error(row)) for row in rows)


def find_disclaimers(value: object) -> Disclaimers | None:
    """The PreTradeDisclaimers anywhere in an answer, by context.

    A precheck has them at the top, a placement inside ErrorInfo, either may have them per order;
    which of these occurs with which code is not documented, so their presence decides.
    """
    found = _all_disclaimers(value, 0)
    if not found:
        return None
    by_context: dict[str | None, dict[str, None]] = {}
    for part in found:
        by_context.setdefault(part.context, {}).update(dict.fromkeys(part.tokens))
    first, *rest = (Disclaimers(context, tuple(tokens)) for context, tokens in by_context.items())
    return Disclaimers(first.context, first.tokens, tuple(rest))


def _all_disclaimers(value: object, depth: int) -> list[Disclaimers]:
    if depth > _MAX_DEPTH or not isinstance(value, (dict, list)):
        return []
    found: list[Disclaimers] = []
    if isinstance(value, dict) and isinstance(value.get("PreTradeDisclaimers"), dict):
        part: dict[str, Any] = value["PreTradeDisclaimers"]
        context, tokens = part.get("DisclaimerContext"), part.get("DisclaimerTokens")
        texts = tuple(t for t in tokens if isinstance(t, str)) if isinstance(tokens, list) else ()
        if texts or context:
            found.append(Disclaimers(context if isinstance(context, str) else None, texts))
    children = list(value.values()) if isinstance(value, dict) else value
    for child in children:
        found.extend(_all_disclaimers(child, depth + 1))
    return found


def _content(response: Response) -> object:
    """The body's JSON; None for HTML, nothing or the like. Raises OutcomeUnknown for half of it."""
    content = loose(response.body)
    if content is None and response.body.lstrip()[:1] in (b"{", b"["):
        raise OutcomeUnknown(
            f"{response.endpoint}: answered {response.status} with broken JSON, which may hold"
            " an order's id",
            endpoint=response.endpoint,
            status=response.status,
        )
    return content


def _order_id(content: object) -> str | None:
    """The order's id, or that of any part of it: one leg alive is something alive."""
    if not isinstance(content, dict):
        return None
    own = content.get("OrderId")
    if isinstance(own, (str, int)) and not isinstance(own, bool) and str(own):
        return str(own)
    parts = content.get("Orders")
    found = (_order_id(part) for part in parts) if isinstance(parts, list) else iter(())
    return next((order_id for order_id in found if order_id is not None), None)


def _error(content: object) -> tuple[str | None, str | None]:
    """The error's code and message from whichever of the documented places holds it.

    One that leaves the outcome open counts before all others: an order of which one part is
    refused and another pending is not refused.
    """
    open_ended = _open_ended(content, 0)
    if open_ended is not None:
        return _code(open_ended), _message(open_ended)
    if not isinstance(content, dict):
        return None, None
    for place in (content.get("ErrorInfo"), content):
        if isinstance(place, dict) and (
            place is not content or "ErrorCode" in place or "ModelState" in place
        ):
            return _code(place), _message(place)
    parts = content.get("Orders")
    errors = [_error(part) for part in parts] if isinstance(parts, list) else []
    named = [error for error in errors if error[0] is not None]
    # An untouched sibling says only that another order of the request was refused.
    return next((e for e in named if e[0] != "OrderNotPlaced"), named[0] if named else (None, None))


def _open_ended(value: object, depth: int) -> dict[str, Any] | None:
    """The first error anywhere whose code says that the outcome is not known."""
    if depth > _MAX_DEPTH or not isinstance(value, (dict, list)):
        return None
    if isinstance(value, dict) and _code(value) in UNKNOWN_OUTCOME_CODES:
        return value
    children = value.values() if isinstance(value, dict) else value
    return next(filter(None, (_open_ended(child, depth + 1) for child in children)), None)


def _code(place: dict[str, Any]) -> str:
    code = place.get("ErrorCode")
    return code if isinstance(code, str) and code else UNNAMED_ERROR


def _message(place: dict[str, Any]) -> str | None:
    parts = [place.get("Message")]
    model_state = place.get("ModelState")
    if isinstance(model_state, dict):
        parts += [f"{name}: {texts}" for name, texts in model_state.items()]
    text = " ".join(" ".join(str(part) for part in parts if part).split())
    # Masked before it is cut: half a secret would no longer be recognised.
    return mask_sensitive(text, "msg")[:300] if text else None


def _number(amount: Decimal) -> int | float:
    whole = int(amount)
    return whole if whole == amount else float(amount)
