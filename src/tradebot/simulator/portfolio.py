"""Positions, net positions and closed positions (Saxo's port/v1).

Shapes as documented in Saxo's reference; without a price feed the view has no prices, as seen from
real servers.
"""

from __future__ import annotations

from typing import Any

from tradebot.simulator.broker import Broker, Call
from tradebot.simulator.instruments import INSTRUMENTS, Instrument, find
from tradebot.simulator.quotes import Price, price_of, value_date
from tradebot.simulator.schedules import is_open
from tradebot.simulator.web import JsonObject, Reply, empty, page, timestamp


def net_position_id(instrument: Instrument) -> str:
    return f"{instrument.symbol}__FxSpot" if instrument.is_fx else f"{instrument.uic}__Share"


def foreign(call: Call) -> Reply | None:
    """401 for another client's data; `…/me` names no client."""
    if call.request.value("ClientKey", call.broker.client_key) != call.broker.client_key:
        return empty(401)
    return None


def positions(call: Call) -> Reply:
    """GET /port/v1/positions/me and /port/v1/positions."""
    if (refusal := foreign(call)) is not None:
        return refusal
    rows = call.state.all("SELECT * FROM positions ORDER BY position_id")
    return page([_position(call, row) for row in rows], call.request)


def _position(call: Call, row: Any) -> JsonObject:
    instrument = find(row["asset_type"], row["uic"])
    assert instrument is not None  # noqa: S101  (only known instruments can be traded)
    groups = call.groups() or {"PositionBase", "PositionView"}
    answer: JsonObject = {
        "NetPositionId": net_position_id(instrument),
        "PositionId": str(row["position_id"]),
    }
    if "DisplayAndFormat" in groups:
        answer["DisplayAndFormat"] = instrument.display()
    if "PositionBase" in groups:
        answer["PositionBase"] = _base(call, instrument, row)
    if "PositionView" in groups:
        answer["PositionView"] = _view(
            call.broker, instrument, row["amount"], row["price"], row["cost"]
        )
    return answer


def _base(call: Call, instrument: Instrument, row: Any) -> JsonObject:
    broker = call.broker
    date = value_date(row["opened"], instrument)
    cost = -row["cost"] / abs(row["amount"])
    base: JsonObject = {
        "AccountId": broker.account_id,
        "AccountKey": broker.account_key,
        "Amount": row["amount"],
        "AssetType": instrument.asset_type,
        "CanBeClosed": True,
        "ClientId": broker.client_id,
        "CloseConversionRateSettled": False,
        "CorrelationKey": row["correlation"],
        "ExecutionTimeOpen": timestamp(row["opened"]),
        "IsForceOpen": False,
        "IsMarketOpen": is_open(broker.options, instrument, call.now),
        "LockedByBackOffice": False,
        "OpenPrice": row["price"],
        "OpenPriceIncludingCosts": round(row["price"] + cost * (1 if row["amount"] > 0 else -1), 6),
        "RelatedOpenOrders": [],
        "SourceOrderId": str(row["order_id"]),
        "SpotDate": date,
        "Status": "Open",
        "Uic": instrument.uic,
        "ValueDate": f"{date}T00:00:00.000000Z",
    }
    if row["reference"] is not None:
        base["ExternalReference"] = row["reference"]
    return base


def _view(
    broker: Broker, instrument: Instrument, amount: float, price: float, cost: float
) -> JsonObject:
    """What a position is worth, as far as this user may see prices."""
    costs = round(2 * cost, 6)  # opening and closing
    common: JsonObject = {
        "CurrentPriceDelayMinutes": 0 if instrument.is_fx else broker.options.quote_delay_minutes,
        "Exposure": amount,
        "ExposureCurrency": instrument.symbol[:3] if instrument.is_fx else instrument.currency,
        "TradeCostsTotal": costs,
        "TradeCostsTotalInBaseCurrency": costs,
    }
    if instrument.id in broker.options.no_access:
        return {
            **common,
            "CalculationReliability": "NoMarketAccess",
            "CurrentPriceType": "NoAccess",
            "InstrumentPriceDayPercentChange": 0.0,
        }
    now = price_of(broker, instrument)
    current = now.bid if amount > 0 else now.ask
    profit = round(amount * (current - price), 6)
    view: JsonObject = {
        **common,
        "Ask": now.ask,
        "Bid": now.bid,
        "CalculationReliability": "Ok",
        "ConversionRateCurrent": 1.0,
        "ConversionRateOpen": 1.0,
        "CurrentPrice": current,
        "CurrentPriceType": "Bid" if amount > 0 else "Ask",
        "ExposureInBaseCurrency": round(amount * now.mid, 2),
        "InstrumentPriceDayPercentChange": _day_change(broker, instrument, now),
        "MarketState": "Open" if is_open(broker.options, instrument, broker.now()) else "Closed",
        "ProfitLossOnTrade": profit,
        "ProfitLossOnTradeInBaseCurrency": round(profit, 2),
    }
    if not instrument.is_fx:
        view["MarketValue"] = round(amount * current, 6)
        view["MarketValueInBaseCurrency"] = round(amount * current, 2)
    return view


def _day_change(broker: Broker, instrument: Instrument, now: Price) -> float:
    before = broker.market.bar(instrument, max(0, broker.market.cursor - 1)).close
    return round(100 * (now.mid - before) / before, 2)


def net_positions(call: Call) -> Reply:
    """GET /port/v1/netpositions/me: one row per instrument that has positions."""
    if (refusal := foreign(call)) is not None:
        return refusal
    rows = (
        _net_position(call, instrument, found)
        for instrument in INSTRUMENTS.values()
        if (
            found := call.state.all(
                "SELECT * FROM positions WHERE asset_type = ? AND uic = ? ORDER BY position_id",
                (instrument.asset_type, instrument.uic),
            )
        )
    )
    return page(list(rows), call.request)


def _net_position(call: Call, instrument: Instrument, rows: list[Any]) -> JsonObject:
    broker = call.broker
    amount = sum(row["amount"] for row in rows)
    long = sum(row["amount"] for row in rows if row["amount"] > 0)
    short = amount - long
    open_now = is_open(broker.options, instrument, call.now)
    orders = int(
        call.state.one(
            "SELECT count(*) FROM orders WHERE status = 'Working' AND asset_type = ? AND uic = ?",
            (instrument.asset_type, instrument.uic),
        )[0]
    )
    base: JsonObject = {
        "AccountId": broker.account_id,
        "Amount": amount,
        "AmountLong": long,
        "AmountShort": short,
        "AssetType": instrument.asset_type,
        "CanBeClosed": amount != 0,
        "ClientId": broker.client_id,
        "HasForceOpenPositions": False,
        "IsMarketOpen": open_now,
        "MarketState": "Open" if open_now else "Closed",
        "NonTradableReason": "None",
        "NumberOfRelatedOrders": 0,
        "OpenIpoOrdersCount": 0,
        "OpenOrdersCount": orders,
        "OpenTriggerOrdersCount": 0,
        "OpeningDirection": "Buy" if rows[0]["amount"] > 0 else "Sell",
        "PositionsAccount": broker.account_id,
        "SinglePositionStatus": "Open",
        "TradingStatus": "Tradable",
        "Uic": instrument.uic,
        "ValueDate": f"{value_date(rows[0]['opened'], instrument)}T00:00:00.000000Z",
    }
    if len(rows) == 1:
        base["SinglePositionId"] = str(rows[0]["position_id"])
    return {
        "NetPositionBase": base,
        "NetPositionId": net_position_id(instrument),
        "NetPositionView": _net_view(broker, instrument, rows, amount),
        **(
            {"DisplayAndFormat": instrument.display()}
            if "DisplayAndFormat" in call.groups()
            else {}
        ),
    }


def _net_view(broker: Broker, instrument: Instrument, rows: list[Any], amount: float) -> JsonObject:
    size = sum(abs(row["amount"]) for row in rows)
    average = sum(abs(row["amount"]) * row["price"] for row in rows) / size
    cost = sum(row["cost"] for row in rows)
    view = _view(broker, instrument, amount, average, cost)
    if "ProfitLossOnTrade" in view and amount == 0:
        # Square: both sides are still open and their result does not depend on the market.
        profit = -sum(row["amount"] * row["price"] for row in rows)
        view["ProfitLossOnTrade"] = view["ProfitLossOnTradeInBaseCurrency"] = round(profit, 6)
    return {
        **view,
        "AverageOpenPrice": round(average, 6),
        "AverageOpenPriceIncludingCosts": round(
            average - cost / size * (1 if amount >= 0 else -1), 6
        ),
        "PositionCount": len(rows),
        "PositionsNotClosedCount": len(rows),
        "RealizedProfitLoss": 0.0,
        "Status": "Open" if amount else "Square",
    }


def closed_positions(call: Call) -> Reply:
    """GET /port/v1/closedpositions/me: pairs of an opening and a closing position."""
    if (refusal := foreign(call)) is not None:
        return refusal
    rows = call.state.all("SELECT * FROM closed_positions ORDER BY closing_id, opening_id")
    return page([_closed(call.broker, row) for row in rows], call.request)


def _closed(broker: Broker, row: Any) -> JsonObject:
    instrument = find(row["asset_type"], row["uic"])
    assert instrument is not None  # noqa: S101
    closed: JsonObject = {
        "AccountId": broker.account_id,
        "Amount": row["amount"],
        "AssetType": row["asset_type"],
        "BuyOrSell": "Buy" if row["amount"] > 0 else "Sell",
        "ClientId": broker.client_id,
        "ClosedProfitLoss": row["profit"],
        "ClosedProfitLossInBaseCurrency": round(row["profit"], 2),
        "ClosingMethod": "Fifo",
        "ClosingPositionId": str(row["closing_id"]),
        "ClosingPrice": row["close_price"],
        "ConversionRateInstrumentToBaseSettledClosing": False,
        "ConversionRateInstrumentToBaseSettledOpening": False,
        "CostClosing": row["cost_close"],
        "CostOpening": row["cost_open"],
        "ExecutionTimeClose": timestamp(row["closed"]),
        "ExecutionTimeOpen": timestamp(row["opened"]),
        "OpenPrice": row["open_price"],
        "OpeningPositionId": str(row["opening_id"]),
        "ProfitLossOnTrade": row["profit"],
        "ProfitLossOnTradeInBaseCurrency": round(row["profit"], 2),
        "Uic": row["uic"],
    }
    for name, reference in (
        ("OpeningExternalReferenceId", row["opening_reference"]),
        ("ClosingExternalReferenceId", row["closing_reference"]),
    ):
        if reference is not None:
            closed[name] = reference
    return {
        "ClosedPosition": closed,
        "ClosedPositionUniqueId": f"{row['opening_id']}-{row['closing_id']}",
        "NetPositionId": net_position_id(instrument),
    }
