"""Reference data: instrument search, details and trading schedules (Saxo's ref/v1)."""

from __future__ import annotations

from tradebot.simulator.broker import Call
from tradebot.simulator.instruments import (
    ASSET_TYPES,
    INSTRUMENTS,
    Instrument,
    details,
    find,
    matches,
    summary,
)
from tradebot.simulator.schedules import schedule
from tradebot.simulator.web import JsonObject, Reply, empty, error, json_reply, page


def search(call: Call) -> Reply:
    """GET /ref/v1/instruments: fuzzy by keywords, exact by everything else."""
    request = call.request
    types, uics = request.names("AssetTypes"), request.names("Uics")
    exchange = request.value("ExchangeId")
    words = request.value("Keywords").split()
    found = [
        summary(instrument, words)
        for instrument in INSTRUMENTS.values()
        if (not types or instrument.asset_type in types)
        and (not uics or str(instrument.uic) in uics)
        and (not exchange or instrument.exchange.exchange_id == exchange)
        and matches(instrument, words)
    ]
    return page(found, request, count=False)


def details_list(call: Call) -> Reply:
    """GET /ref/v1/instruments/details: what is not found is left out."""
    request = call.request
    types, uics = request.names("AssetTypes"), request.names("Uics")
    if unknown := sorted(types - set(ASSET_TYPES)):
        return error(400, "InvalidAssetType", f"AssetType '{unknown[0]}' is not valid")
    found = [
        _details(call, instrument)
        for instrument in INSTRUMENTS.values()
        if (not types or instrument.asset_type in types)
        and (not uics or str(instrument.uic) in uics)
    ]
    return page(found, request)


def details_one(call: Call) -> Reply:
    """GET /ref/v1/instruments/details/{Uic}/{AssetType}: 404 on a wrong pair."""
    instrument = find(call.params["AssetType"], call.params["Uic"])
    return empty(404) if instrument is None else json_reply(_details(call, instrument))


def _details(call: Call, instrument: Instrument) -> JsonObject:
    groups = call.groups()
    answer = details(instrument, call.broker.account_id, groups)
    if "TradingSessions" in groups:
        answer["TradingSessions"] = schedule(call.broker.options, instrument, call.now)
    return answer


def trading_schedule(call: Call) -> Reply:
    """GET /ref/v1/instruments/tradingschedule/{Uic}/{AssetType}: 404 on a wrong pair."""
    instrument = find(call.params["AssetType"], call.params["Uic"])
    if instrument is None:
        return empty(404)
    return json_reply(schedule(call.broker.options, instrument, call.now))
