"""The broker's answers, typed. Names follow Saxo's, in snake case (`ClientKey` → `client_key`).

Saxo leaves out what is null or irrelevant, adds fields at will, and lets SIM run ahead of LIVE: so
unknown fields are ignored and leaves are optional, except those without which a row means nothing.
A wrong type is an error. Amounts are Decimals (they are added up), prices and money floats; times
are aware UTC datetimes. Documented in Saxo's reference for each service group, version in the
client's paths.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar, Generic, TypeVar

import msgspec

from tradebot.model import Bar, InstrumentId

T = TypeVar("T")


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The base of all answers."""

    times: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        # All of Saxo's times are UTC; one without its `Z` must not become a naive datetime.
        for name in self.times:
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                msgspec.structs.force_setattr(self, name, value.replace(tzinfo=UTC))


class Page(Message, Generic[T], frozen=True, kw_only=True):
    """The envelope of lists. `data` is required: a list that is not there is not an empty list."""

    data: tuple[T, ...]
    count: int | None = msgspec.field(default=None, name="__count")
    next: str | None = msgspec.field(default=None, name="__next")


# -- portfolio (port/v1) -----------------------------------------------------------------------


class User(Message, frozen=True, kw_only=True):
    client_key: str
    user_key: str | None = None
    user_id: str | None = None
    name: str | None = None
    active: bool | None = None
    legal_asset_types: tuple[str, ...] = ()
    market_data_via_open_api_terms_accepted: bool | None = None


class ClientInfo(Message, frozen=True, kw_only=True):
    client_key: str
    client_id: str | None = None
    name: str | None = None
    default_account_id: str | None = None
    default_account_key: str | None = None
    default_currency: str | None = None
    legal_asset_types: tuple[str, ...] = ()
    position_netting_mode: str | None = None
    position_netting_profile: str | None = None
    reduce_exposure_only: bool | None = None


class Account(Message, frozen=True, kw_only=True):
    account_key: str
    account_id: str | None = None
    account_group_key: str | None = None
    account_type: str | None = None
    active: bool | None = None
    client_id: str | None = None
    client_key: str | None = None
    currency: str | None = None
    currency_decimals: int | None = None
    display_name: str | None = None
    is_trial_account: bool | None = None
    fractional_order_enabled: bool | None = None
    legal_asset_types: tuple[str, ...] = ()


class Balance(Message, frozen=True, kw_only=True):
    """In the account's `currency`. After a stock fill the cost sits in transactions_not_booked."""

    currency: str | None = None
    currency_decimals: int | None = None
    calculation_reliability: str | None = None
    cash_available_for_trading: float | None = None
    cash_balance: float | None = None
    cash_blocked: float | None = None
    margin_available_for_trading: float | None = None
    net_equity_for_margin: float | None = None
    net_positions_count: int | None = None
    open_positions_count: int | None = None
    orders_count: int | None = None
    total_value: float | None = None
    transactions_not_booked: float | None = None
    unrealized_positions_value: float | None = None


class DisplayAndFormat(Message, frozen=True, kw_only=True):
    currency: str | None = None
    decimals: int | None = None
    description: str | None = None
    format: str | None = None
    order_decimals: int | None = None
    symbol: str | None = None


class PositionBase(Message, frozen=True, kw_only=True):
    uic: int
    asset_type: str
    amount: Decimal
    """Signed: negative is short."""
    account_id: str | None = None
    account_key: str | None = None
    can_be_closed: bool | None = None
    correlation_key: str | None = None
    execution_time_open: datetime | None = None
    external_reference: str | None = None
    is_market_open: bool | None = None
    open_price: float | None = None
    source_order_id: str | None = None
    status: str | None = None
    times: ClassVar[tuple[str, ...]] = ("execution_time_open",)

    @property
    def instrument(self) -> InstrumentId:
        return InstrumentId(self.asset_type, self.uic)


class PositionView(Message, frozen=True, kw_only=True):
    calculation_reliability: str | None = None
    current_price: float | None = None
    current_price_delay_minutes: int | None = None
    current_price_type: str | None = None
    exposure: float | None = None
    exposure_currency: str | None = None
    exposure_in_base_currency: float | None = None
    market_value: float | None = None
    market_value_in_base_currency: float | None = None
    profit_loss_on_trade: float | None = None


class Position(Message, frozen=True, kw_only=True):
    position_id: str
    position_base: PositionBase
    net_position_id: str | None = None
    position_view: PositionView | None = None
    display_and_format: DisplayAndFormat | None = None


class NetPositionBase(Message, frozen=True, kw_only=True):
    uic: int
    asset_type: str
    amount: Decimal
    """Signed: negative is short; 0 when square."""
    account_id: str | None = None
    positions_account: str | None = None
    can_be_closed: bool | None = None
    open_orders_count: int | None = None
    single_position_id: str | None = None
    trading_status: str | None = None

    @property
    def instrument(self) -> InstrumentId:
        return InstrumentId(self.asset_type, self.uic)


class NetPositionView(Message, frozen=True, kw_only=True):
    average_open_price: float | None = None
    current_price: float | None = None
    exposure: float | None = None
    exposure_in_base_currency: float | None = None
    market_value: float | None = None
    market_value_in_base_currency: float | None = None
    position_count: int | None = None
    profit_loss_on_trade: float | None = None
    status: str | None = None


class NetPosition(Message, frozen=True, kw_only=True):
    net_position_base: NetPositionBase
    net_position_id: str | None = None
    net_position_view: NetPositionView | None = None
    display_and_format: DisplayAndFormat | None = None


class OrderDuration(Message, frozen=True, kw_only=True):
    duration_type: str | None = None


class OpenOrder(Message, frozen=True, kw_only=True):
    order_id: str
    uic: int
    asset_type: str
    amount: Decimal | None = None
    filled_amount: Decimal | None = None
    account_id: str | None = None
    account_key: str | None = None
    buy_sell: str | None = None
    client_key: str | None = None
    correlation_key: str | None = None
    duration: OrderDuration | None = None
    external_reference: str | None = None
    open_order_type: str | None = None
    order_relation: str | None = None
    order_time: datetime | None = None
    price: float | None = None
    status: str | None = None
    times: ClassVar[tuple[str, ...]] = ("order_time",)

    @property
    def instrument(self) -> InstrumentId:
        return InstrumentId(self.asset_type, self.uic)


class ClosedPositionDetail(Message, frozen=True, kw_only=True):
    uic: int
    asset_type: str
    amount: Decimal | None = None
    buy_or_sell: str | None = None
    open_price: float | None = None
    closing_price: float | None = None
    closed_profit_loss: float | None = None
    execution_time_open: datetime | None = None
    execution_time_close: datetime | None = None
    opening_position_id: str | None = None
    closing_position_id: str | None = None
    opening_external_reference_id: str | None = None
    closing_external_reference_id: str | None = None
    times: ClassVar[tuple[str, ...]] = ("execution_time_open", "execution_time_close")


class ClosedPosition(Message, frozen=True, kw_only=True):
    closed_position: ClosedPositionDetail
    closed_position_unique_id: str | None = None
    net_position_id: str | None = None


# -- prices (trade/v1, chart/v3) ---------------------------------------------------------------


class PriceQuote(Message, frozen=True, kw_only=True):
    """`bid` and `ask` are absent without access to the feed; see the price types."""

    bid: float | None = None
    ask: float | None = None
    mid: float | None = None
    amount: float | None = None
    delayed_by_minutes: int | None = None
    error_code: str | None = None
    market_state: str | None = None
    price_type_bid: str | None = None
    price_type_ask: str | None = None


class InstrumentPriceDetails(Message, frozen=True, kw_only=True):
    is_market_open: bool | None = None
    short_trade_disabled: bool | None = None


class InfoPrice(Message, frozen=True, kw_only=True):
    uic: int
    asset_type: str | None = None
    last_updated: datetime | None = None
    """The year 1 when there is no price. Can be the request's own time on a closed market."""
    price_source: str | None = None
    quote: PriceQuote | None = None
    instrument_price_details: InstrumentPriceDetails | None = None
    display_and_format: DisplayAndFormat | None = None
    error_code: str | None = None
    error_message: str | None = None
    times: ClassVar[tuple[str, ...]] = ("last_updated",)


class ChartBar(Message, frozen=True, kw_only=True):
    """Traded instruments have `open` … `close`, quoted ones (FX) a bid and an ask of each."""

    time: datetime
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: float | None = None
    open_bid: float | None = None
    open_ask: float | None = None
    high_bid: float | None = None
    high_ask: float | None = None
    low_bid: float | None = None
    low_ask: float | None = None
    close_bid: float | None = None
    close_ask: float | None = None
    times: ClassVar[tuple[str, ...]] = ("time",)

    def to_bar(self) -> Bar | None:
        """This bar with mid prices where it is quoted; None when a price is missing."""
        open_ = _mid(self.open, self.open_bid, self.open_ask)
        high = _mid(self.high, self.high_bid, self.high_ask)
        low = _mid(self.low, self.low_bid, self.low_ask)
        close = _mid(self.close, self.close_bid, self.close_ask)
        if open_ is None or high is None or low is None or close is None:
            return None
        return Bar(self.time, open_, high, low, close, self.volume)


class ChartInfo(Message, frozen=True, kw_only=True):
    delayed_by_minutes: int | None = None
    exchange_id: str | None = None
    first_sample_time: datetime | None = None
    horizon: int | None = None
    times: ClassVar[tuple[str, ...]] = ("first_sample_time",)


class Chart(Message, frozen=True, kw_only=True):
    """Bars oldest first; the last one may still be forming."""

    data: tuple[ChartBar, ...]
    chart_info: ChartInfo | None = None
    data_version: int | None = None
    """Another number than last time: the history was revised, load it again."""
    display_and_format: DisplayAndFormat | None = None


def _mid(traded: float | None, bid: float | None, ask: float | None) -> float | None:
    if traded is not None:
        return traded
    return None if bid is None or ask is None else (bid + ask) / 2
