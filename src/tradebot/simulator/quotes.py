"""Prices: /trade/v1/infoprices and what the rest of the broker trades at.

Shapes as documented in Saxo's reference for trade/v1/infoprices; the NoAccess answer is the one
that SIM users without a share feed get (no Bid and Ask, LastUpdated in the year 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradebot.simulator.broker import Broker, Call
from tradebot.simulator.instruments import ASSET_TYPES, Instrument, find
from tradebot.simulator.market import DayBar
from tradebot.simulator.schedules import is_open
from tradebot.simulator.web import JsonObject, Reply, error, json_reply, timestamp

NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Price:
    """Bid and ask around the close of the bar under the cursor."""

    bar: DayBar
    bid: float
    ask: float
    mid: float


def price_of(broker: Broker, instrument: Instrument) -> Price:
    """What the market trades at, whether or not this user may see it."""
    bar = broker.market.bar(instrument)
    digits = instrument.price_decimals
    return Price(
        bar,
        round(bar.close - instrument.half_spread, digits),
        round(bar.close + instrument.half_spread, digits),
        bar.close,
    )


def info_price(call: Call) -> Reply:
    """GET /trade/v1/infoprices: one instrument."""
    request = call.request
    asset_type = request.value("AssetType")
    if asset_type not in ASSET_TYPES:
        return error(400, "InvalidRequest", f"AssetType '{asset_type}' is not valid")
    instrument = find(asset_type, request.value("Uic"))
    if instrument is None:
        return error(404, "IllegalInstrumentId", "Instrument ID is invalid")
    if _hit(call, "missing_uics", instrument):
        return error(404, "InvalidPriceRequest", "No price for this instrument")
    return json_reply(info(call, instrument))


def info_price_list(call: Call) -> Reply:
    """GET /trade/v1/infoprices/list: instruments of one asset type; unknown ones are left out."""
    request = call.request
    asset_type = request.value("AssetType")
    if asset_type not in ASSET_TYPES:
        return error(400, "InvalidRequest", f"AssetType '{asset_type}' is not valid")
    uics = [u for value in request.values("Uics") for u in value.split(",") if u]
    if not uics or not all(u.strip().isdecimal() for u in uics):
        return error(400, "InvalidUic", "Uics must be a list of instrument ids")
    if len(set(uics)) < len(uics):
        return error(400, "UicsInListNotUnique", "The UICs in the list must be unique.")
    if len(uics) > call.broker.options.max_uics:
        return error(
            400, "InvalidRequest", f"At most {call.broker.options.max_uics} Uics are allowed"
        )
    found = (find(asset_type, uic) for uic in uics)
    return json_reply(
        {"Data": [info(call, i) for i in found if i and not _hit(call, "missing_uics", i)]}
    )


def _hit(call: Call, kind: str, instrument: Instrument) -> bool:
    """Does a fault of this kind concern this instrument?"""
    params = call.fired.get(kind)
    return params is not None and instrument.uic in (params["uics"] or [instrument.uic])


def info(call: Call, instrument: Instrument) -> JsonObject:
    """One price object with the field groups that were asked for."""
    groups = call.groups() or {"Quote"}
    broker = call.broker
    hidden = _price_type(call, instrument)
    open_now = is_open(broker.options, instrument, call.now)
    delay = 0 if instrument.is_fx or hidden else broker.options.quote_delay_minutes
    price = price_of(broker, instrument)
    answer: JsonObject = {
        "AssetType": instrument.asset_type,
        "LastUpdated": NEVER if hidden else timestamp(call.now - 60 * delay),
        "PriceSource": instrument.exchange.exchange_id,
        "Uic": instrument.uic,
    }
    if "DisplayAndFormat" in groups:
        answer["DisplayAndFormat"] = instrument.display()
    if "Quote" in groups:
        answer["Quote"] = (
            _no_quote(instrument, hidden)
            if hidden
            else _quote(instrument, price, delay, open_now=open_now)
        )
    if "InstrumentPriceDetails" in groups:
        answer["InstrumentPriceDetails"] = {
            "IsMarketOpen": open_now,
            "ShortTradeDisabled": not instrument.is_fx,
            "ValueDate": value_date(call.now, instrument),
        }
    if not hidden:
        answer.update(_optional_groups(call, instrument, price, groups))
    return answer


def _price_type(call: Call, instrument: Instrument) -> str:
    """NoAccess or Pending where the price is withheld, else nothing."""
    if _hit(call, "pending", instrument):
        return "Pending"
    if _hit(call, "no_access", instrument) or instrument.id in call.broker.options.no_access:
        return "NoAccess"
    return ""


def _quote(instrument: Instrument, price: Price, delay: int, *, open_now: bool) -> JsonObject:
    kind = "Tradable" if instrument.is_fx else "Indicative"
    if not open_now:
        kind = "OldIndicative"
    return {
        "Amount": 100000 if instrument.is_fx else 1,
        "Ask": price.ask,
        "Bid": price.bid,
        "DelayedByMinutes": delay,
        "ErrorCode": "None",
        "MarketState": "Open" if open_now else "Closed",
        "Mid": price.mid,
        "PriceSource": instrument.exchange.exchange_id,
        "PriceTypeAsk": kind,
        "PriceTypeBid": kind,
    }


def _no_quote(instrument: Instrument, kind: str) -> JsonObject:
    return {
        "Amount": 0,
        "DelayedByMinutes": 0,
        "ErrorCode": "None",
        "MarketState": "Unknown",
        "PriceSource": instrument.exchange.exchange_id,
        "PriceTypeAsk": kind,
        "PriceTypeBid": kind,
    }


def _optional_groups(
    call: Call, instrument: Instrument, price: Price, groups: set[str]
) -> JsonObject:
    broker, bar = call.broker, price.bar
    answer: JsonObject = {}
    last = broker.market.bar(instrument, max(0, broker.market.cursor - 1)).close
    if "PriceInfo" in groups:
        change = price.mid - last
        answer["PriceInfo"] = {
            "High": bar.high,
            "Low": bar.low,
            "NetChange": round(change, instrument.price_decimals),
            "PercentChange": round(100 * change / last, 2),
        }
    if "PriceInfoDetails" in groups:
        fx = instrument.is_fx
        size = 1_000_000.0 if fx else 500.0
        answer["PriceInfoDetails"] = {
            "AskSize": size,
            "BidSize": size,
            "LastClose": last,
            "LastTraded": 0.0 if fx else bar.close,
            "LastTradedSize": 0.0 if fx else 100.0,
            "Open": 0.0 if fx else bar.open,
            "Volume": bar.volume,
        }
    if "Commissions" in groups:
        fee = broker.commission(instrument)
        answer["Commissions"] = {"CostBuy": fee, "CostSell": fee}
    return answer


def value_date(now: float, instrument: Instrument) -> str:
    """The settlement date: two working days on for FX, one for shares."""
    moment = datetime.fromtimestamp(now, UTC).date()
    for _ in range(2 if instrument.is_fx else 1):
        moment += timedelta(days=1)
        while moment.weekday() >= 5:
            moment += timedelta(days=1)
    return str(moment)
