"""The instruments that can be traded, and the rules each one sets for an order.

Uics 21, 31, 211 and 307 are Saxo's own numbers. 10001 (MSFT:xnas) and 10002 (SP500:arcx, the
S&P 500 divided by ten) are the simulator's: Saxo has other instruments under these numbers.
AAPL:xnas follows the NASDAQ Composite and KO:xnys the S&P 500, both scaled to a share's price;
neither is that share's real history. `data/README.md` says more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tradebot.model import InstrumentId
from tradebot.simulator.web import JsonObject


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where an instrument is traded."""

    exchange_id: str
    name: str
    country: str


NASDAQ = Exchange("NASDAQ", "NASDAQ", "US")
NYSE = Exchange("NYSE", "New York Stock Exchange", "US")
ARCA = Exchange("NYSE_ARCA", "NYSE Arca", "US")
INTERBANK = Exchange("SBFX", "Inter Bank", "DK")

DAY = ("DayOrder",)
STANDING = ("DayOrder", "GoodTillDate", "GoodTillCancel")
SHARE_ORDERS = {
    "Limit": (*STANDING, "AtTheOpening", "AtTheClose"),
    "Market": DAY,
    "StopIfTraded": STANDING,
    "StopLimit": STANDING,
    "TrailingStopIfTraded": STANDING,
}
FX_ORDERS = {
    "Market": ("DayOrder", "ImmediateOrCancel", "FillOrKill"),
    "Limit": (*STANDING, "ImmediateOrCancel"),
    "Stop": STANDING,
    "TrailingStop": STANDING,
    "StopLimit": STANDING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One tradable instrument. Prices are in `currency`, `scale` turns the series into them."""

    uic: int
    asset_type: str
    symbol: str
    description: str
    series: str
    exchange: Exchange
    scale: float = 1.0
    decimals: int = 2
    half_spread: float
    currency: str = "USD"
    minimum: float = 1
    lot: float | None = 1
    increment: float = 1
    tick: float = 0.01
    limit_tick: float | None = None

    @property
    def id(self) -> InstrumentId:
        return InstrumentId(self.asset_type, self.uic)

    @property
    def is_fx(self) -> bool:
        """Quoted with bid and ask and traded on margin, not for cash."""
        return self.asset_type == "FxSpot"

    @property
    def orders(self) -> dict[str, tuple[str, ...]]:
        """The supported order types, and the durations of each."""
        return FX_ORDERS if self.is_fx else SHARE_ORDERS

    @property
    def price_decimals(self) -> int:
        """The decimals of a quoted price; FX prices have one more (`AllowDecimalPips`)."""
        return 5 if self.is_fx else self.decimals

    def tick_for(self, order_type: str, price: float) -> Decimal:
        """The step that an order's price must be a multiple of."""
        if not self.is_fx:
            return Decimal("0.0001") if price <= 0.9999 else Decimal("0.01")
        if order_type == "Limit" and self.limit_tick:
            return Decimal(str(self.limit_tick))
        return Decimal(str(self.tick))

    def display(self) -> JsonObject:
        return {
            "Currency": self.currency,
            "Decimals": self.decimals,
            "Description": self.description,
            "Format": "AllowDecimalPips" if self.is_fx else "Normal",
            "OrderDecimals": self.decimals,
            "Symbol": self.symbol,
        }


def _share(
    uic: int, asset_type: str, symbol: str, description: str, series: str, exchange: Exchange,
    scale: float = 1.0,
) -> Instrument:  # fmt: skip
    return Instrument(
        uic=uic,
        asset_type=asset_type,
        symbol=symbol,
        description=description,
        series=series,
        exchange=exchange,
        scale=scale,
        half_spread=0.01,
    )


def _rate(uic: int, symbol: str, description: str, half_spread: float) -> Instrument:
    return Instrument(
        uic=uic,
        asset_type="FxSpot",
        symbol=symbol,
        description=description,
        series=symbol.lower(),
        exchange=INTERBANK,
        decimals=4,
        half_spread=half_spread,
        minimum=1000,
        lot=None,
        increment=5000,
        tick=0.00005,
        limit_tick=0.0001,
    )


INSTRUMENTS: dict[InstrumentId, Instrument] = {
    instrument.id: instrument
    for instrument in (
        _rate(21, "EURUSD", "Euro/US Dollar", 0.00007),
        _rate(31, "GBPUSD", "British Pound/US Dollar", 0.0001),
        _share(211, "Stock", "AAPL:xnas", "Apple Inc.", "nasdaq", NASDAQ, 1 / 25),
        _share(307, "Stock", "KO:xnys", "Coca-Cola Co.", "sp500", NYSE, 1 / 40),
        _share(10001, "Stock", "MSFT:xnas", "Microsoft Corp.", "msft", NASDAQ),
        _share(10002, "Etf", "SP500:arcx", "S&P 500 tracker", "sp500", ARCA, 1 / 10),
    )
}
ASSET_TYPES = ("FxSpot", "Stock", "Etf")


def find(asset_type: str, uic: object) -> Instrument | None:
    """The instrument with exactly this asset type and Uic, however the Uic was written."""
    try:
        number = int(str(uic))
    except ValueError:
        return None
    return INSTRUMENTS.get(InstrumentId(asset_type, number))


def details(instrument: Instrument, account_id: str, groups: set[str]) -> JsonObject:
    """The object of /ref/v1/instruments/details; `groups` are its optional field groups."""
    exchange = instrument.exchange
    place = {"CountryCode": exchange.country, "ExchangeId": exchange.exchange_id}
    answer: JsonObject = {
        "AmountDecimals": 0,
        "AssetType": instrument.asset_type,
        "CurrencyCode": instrument.currency,
        "DefaultAmount": 100000.0 if instrument.is_fx else 1.0,
        "DefaultSlippage": 0.01 if instrument.is_fx else 1.0,
        "DefaultSlippageType": "Percentage",
        "Description": instrument.description,
        "Exchange": {**place, "Name": exchange.name},
        "Format": {"Decimals": instrument.decimals, "OrderDecimals": instrument.decimals},
        "GroupId": 0 if instrument.is_fx else 12001,
        "IncrementSize": float(instrument.increment),
        "IsTradable": True,
        "LotSizeType": "NotUsed" if instrument.is_fx else "OddLotsAllowed",
        "MinimumTradeSize": float(instrument.minimum),
        "NonTradableReason": "None",
        "StandardAmounts": _standard_amounts(instrument),
        "SupportedOrderTypes": list(instrument.orders),
        "Symbol": instrument.symbol,
        "TradableAs": _tradable_as(instrument),
        "TradableOn": [account_id],
        "TradingStatus": "Tradable",
        "Uic": instrument.uic,
    }
    answer.update(_fx_fields(instrument) if instrument.is_fx else _share_fields(instrument))
    if instrument.is_fx:
        answer["Format"]["Format"] = "AllowDecimalPips"
    else:
        answer["Exchange"]["TimeZoneId"] = "3"
    if "OrderSetting" in groups:
        answer["OrderSetting"] = {
            "Currency": instrument.currency,
            "MaxOrderSize": 50_000_000 if instrument.is_fx else 1_000_000,
            "MaxOrderValue": 25_000_000,
            "MinOrderValue": 1,
        }
    if "SupportedOrderTypeSettings" in groups:
        answer["SupportedOrderTypeSettings"] = [
            {"DurationTypes": list(durations), "OrderType": order_type}
            for order_type, durations in instrument.orders.items()
        ]
    return answer


def _fx_fields(instrument: Instrument) -> JsonObject:
    return {
        "TickSize": instrument.tick,
        "TickSizeLimitOrder": instrument.limit_tick,
        "TickSizeStopOrder": instrument.tick,
    }


def _share_fields(instrument: Instrument) -> JsonObject:
    return {
        "IsComplex": False,
        "IsExtendedTradingHoursEnabled": False,
        "LotSize": 1.0,
        "PriceCurrency": instrument.currency,
        "PrimaryListing": instrument.uic,
        "ShortTradeDisabled": True,
        "TickSizeScheme": {
            "DefaultTickSize": 0.01,
            "Elements": [{"HighPrice": 0.9999, "TickSize": 0.0001}],
        },
    }


def _standard_amounts(instrument: Instrument) -> Sequence[float]:
    if instrument.is_fx:
        return [10000.0, 50000.0, 100000.0, 250000.0, 500000.0, 1000000.0]
    return [1.0, 10.0, 50.0, 100.0, 500.0, 1000.0]


def _tradable_as(instrument: Instrument) -> list[str]:
    return {
        "FxSpot": ["FxSpot", "FxForwards"],
        "Stock": ["Stock", "CfdOnStock"],
        "Etf": ["Etf", "CfdOnEtf"],
    }[instrument.asset_type]


def summary(instrument: Instrument, keywords: Sequence[str]) -> JsonObject:
    """One hit of the instrument search."""
    answer: JsonObject = {
        "AssetType": instrument.asset_type,
        "CurrencyCode": instrument.currency,
        "Description": instrument.description,
        "ExchangeId": instrument.exchange.exchange_id,
        "GroupId": 0 if instrument.is_fx else 12001,
        "Identifier": instrument.uic,
        "IsKeywordMatch": bool(keywords),
        "SummaryType": "Instrument",
        "Symbol": instrument.symbol,
        "TradableAs": _tradable_as(instrument),
    }
    if not instrument.is_fx:
        answer["PrimaryListing"] = instrument.uic
    return answer


def matches(instrument: Instrument, keywords: Sequence[str]) -> bool:
    """Saxo's search is fuzzy: every word is looked for anywhere in symbol and description."""
    text = f"{instrument.symbol} {instrument.description}".lower()
    return all(word.lower() in text for word in keywords)
