"""Answers about instruments (ref/v1), the audit log (cs/v1) and disclaimers (dm/v2), typed.

The conventions are those of `messages`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from tradebot.model import InstrumentId
from tradebot.saxo.messages import Message


class InstrumentSummary(Message, frozen=True, kw_only=True):
    """One hit of a search. `identifier` is a Uic only when summary_type is `Instrument`."""

    identifier: int
    asset_type: str
    symbol: str | None = None
    description: str | None = None
    currency_code: str | None = None
    exchange_id: str | None = None
    summary_type: str | None = None
    tradable_as: tuple[str, ...] = ()


class Exchange(Message, frozen=True, kw_only=True):
    exchange_id: str | None = None
    name: str | None = None
    country_code: str | None = None
    time_zone_id: str | None = None


class PriceFormat(Message, frozen=True, kw_only=True):
    decimals: int | None = None
    order_decimals: int | None = None
    format: str | None = None


class TickSizeElement(Message, frozen=True, kw_only=True):
    high_price: float
    tick_size: float


class TickSizeScheme(Message, frozen=True, kw_only=True):
    default_tick_size: float
    elements: tuple[TickSizeElement, ...] = ()


class OrderSetting(Message, frozen=True, kw_only=True):
    currency: str | None = None
    max_order_size: float | None = None
    max_order_value: float | None = None
    min_order_value: float | None = None


class SupportedOrderTypeSetting(Message, frozen=True, kw_only=True):
    order_type: str
    duration_types: tuple[str, ...] = ()


class Session(Message, frozen=True, kw_only=True):
    """One stretch of an exchange's day. Only `AutomatedTrading` is ordinary trading."""

    start_time: datetime
    end_time: datetime
    state: str
    times: ClassVar[tuple[str, ...]] = ("start_time", "end_time")


class TradingSessions(Message, frozen=True, kw_only=True):
    """Named `Sessions` in a trading schedule and `TradingSessions` in instrument details."""

    sessions: tuple[Session, ...] = ()
    time_zone: int | None = None
    time_zone_abbreviation: str | None = None
    time_zone_offset: str | None = None


class InstrumentDetails(Message, frozen=True, kw_only=True):
    uic: int
    asset_type: str
    symbol: str | None = None
    description: str | None = None
    currency_code: str | None = None
    exchange: Exchange | None = None
    format: PriceFormat | None = None
    tick_size: float | None = None
    tick_size_limit_order: float | None = None
    tick_size_stop_order: float | None = None
    tick_size_scheme: TickSizeScheme | None = None
    amount_decimals: int | None = None
    increment_size: Decimal | None = None
    lot_size: Decimal | None = None
    lot_size_type: str | None = None
    minimum_trade_size: Decimal | None = None
    minimum_lot_size: Decimal | None = None
    is_tradable: bool | None = None
    non_tradable_reason: str | None = None
    trading_status: str | None = None
    supported_order_types: tuple[str, ...] = ()
    supported_order_type_settings: tuple[SupportedOrderTypeSetting, ...] = ()
    order_setting: OrderSetting | None = None
    tradable_on: tuple[str, ...] = ()
    trading_sessions: TradingSessions | None = None

    @property
    def instrument(self) -> InstrumentId:
        return InstrumentId(self.asset_type, self.uic)

    def tick_at(self, price: float) -> float | None:
        """The tick of a limit order at `price`; None when the broker names none.

        With a scheme: the first element whose HighPrice reaches the price, else the default.
        """
        if self.tick_size_scheme is not None:
            scheme = self.tick_size_scheme
            for element in sorted(scheme.elements, key=lambda e: e.high_price):
                if element.high_price >= price:
                    return element.tick_size
            return scheme.default_tick_size
        return self.tick_size if self.tick_size_limit_order is None else self.tick_size_limit_order


class OrderActivity(Message, frozen=True, kw_only=True):
    """One row of the audit log. Read `status` and `sub_status` as a pair: `Placed/Rejected` is a
    rejection, `Cancelled/Requested` not yet a cancellation, `FinalFill/Confirmed` the end.

    `fill_amount` is this event's, `filled_amount` the sum so far; prices only on fill rows.
    """

    order_id: str
    log_id: str | None = None
    activity_time: datetime | None = None
    external_reference: str | None = None
    correlation_key: str | None = None
    account_id: str | None = None
    client_id: str | None = None
    uic: int | None = None
    asset_type: str | None = None
    buy_sell: str | None = None
    amount: Decimal | None = None
    order_type: str | None = None
    order_relation: str | None = None
    price: float | None = None
    status: str | None = None
    sub_status: str | None = None
    fill_amount: Decimal | None = None
    filled_amount: Decimal | None = None
    execution_price: float | None = None
    average_price: float | None = None
    position_id: str | None = None
    times: ClassVar[tuple[str, ...]] = ("activity_time",)


class DisclaimerCondition(Message, frozen=True, kw_only=True):
    """What acceptance needs: `Checkbox`, or `UserInput` (the sentence `input_text`, typed)."""

    type: str | None = None
    label: str | None = None
    input_text: str | None = None


class ResponseOption(Message, frozen=True, kw_only=True):
    response_type: str
    label: str | None = None


class Disclaimer(Message, frozen=True, kw_only=True):
    """One pre-trade disclaimer. A blocking one can only be shown: the order is impossible."""

    disclaimer_token: str
    title: str | None = None
    body: str | None = None
    """HTML."""
    is_blocking: bool | None = None
    conditions: tuple[DisclaimerCondition, ...] = ()
    response_options: tuple[ResponseOption, ...] = ()
