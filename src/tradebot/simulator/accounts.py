"""Who the customer is and what the account is worth (Saxo's port/v1 and root/v1)."""

from __future__ import annotations

from tradebot.simulator.broker import Broker, Call, json_object
from tradebot.simulator.instruments import ASSET_TYPES
from tradebot.simulator.netting import funds
from tradebot.simulator.web import JsonObject, Reply, empty, error, json_reply, page, timestamp


def user(call: Call) -> Reply:
    """GET /port/v1/users/me."""
    broker = call.broker
    return json_reply(
        {
            "Active": True,
            "ClientKey": broker.client_key,
            "Culture": "en-GB",
            "Language": "en",
            "LastLoginStatus": "Successful",
            "LastLoginTime": timestamp(float(broker.state.get("last_login", "0"))),
            "LegalAssetTypes": list(ASSET_TYPES),
            "MarketDataViaOpenApiTermsAccepted": True,
            "Name": broker.client_name,
            "TimeZoneId": 28,
            "UserId": broker.client_id,
            "UserKey": broker.user_key,
        }
    )


def client(call: Call) -> Reply:
    """GET /port/v1/clients/me."""
    broker = call.broker
    profile = broker.options.netting_profile
    return json_reply(
        {
            "AllowedNettingProfiles": ["FifoRealTime", "FifoEndOfDay"],
            "AllowedTradingSessions": "Regular",
            "ClientId": broker.client_id,
            "ClientKey": broker.client_key,
            "CurrencyDecimals": 2,
            "DefaultAccountId": broker.account_id,
            "DefaultAccountKey": broker.account_key,
            "DefaultCurrency": broker.currency,
            "ForceOpenDefaultValue": False,
            "IsMarginTradingAllowed": True,
            "IsVariationMarginEligible": False,
            "LegalAssetTypes": list(ASSET_TYPES),
            "LegalAssetTypesAreIndicative": False,
            "MarginCalculationMethod": "Default",
            "Name": broker.client_name,
            "PositionNettingMethod": "FIFO",
            "PositionNettingMode": "Intraday" if profile == "FifoRealTime" else "EndOfDay",
            "PositionNettingProfile": profile,
            "ReduceExposureOnly": False,
            "SupportsAccountValueProtectionLimit": False,
        }
    )


def accounts(call: Call) -> Reply:
    """GET /port/v1/accounts/me: always one."""
    broker = call.broker
    account: JsonObject = {
        "AccountGroupKey": broker.client_key,
        "AccountId": broker.account_id,
        "AccountKey": broker.account_key,
        "AccountType": "Normal",
        "Active": True,
        "CanUseCashPositionsAsMarginCollateral": True,
        "CfdBorrowingCostsActive": False,
        "ClientId": broker.client_id,
        "ClientKey": broker.client_key,
        "CreationDate": timestamp(float(broker.state.get("created", "0"))),
        "Currency": broker.currency,
        "CurrencyDecimals": 2,
        "DirectMarketAccess": False,
        "FractionalOrderEnabled": False,
        "IndividualMargining": False,
        "IsCurrencyConversionAtSettlementTime": True,
        "IsMarginTradingAllowed": True,
        "IsShareable": False,
        "IsTrialAccount": True,
        "LegalAssetTypes": list(ASSET_TYPES),
        "ManagementType": "Client",
        "MarginCalculationMethod": "Default",
        "MarginLendingEnabled": "None",
        "PortfolioBasedMarginEnabled": False,
        "Sharing": ["NoSharing"],
        "SupportsAccountValueProtectionLimit": False,
        "UseCashPositionsAsMarginCollateral": True,
    }
    return page([account], call.request)


def balance(call: Call) -> Reply:
    """GET /port/v1/balances and /port/v1/balances/me."""
    request, broker = call.request, call.broker
    if not request.path.rstrip("/").endswith("/me"):
        if not request.value("ClientKey"):
            return error(400, "NoValidInput", "ClientKey is required")
        if request.value("ClientKey") != broker.client_key:
            return error(
                400, "InvalidClientId", "Indicates that the requested client id was invalid."
            )
    if request.value("AccountKey", broker.account_key) != broker.account_key:
        return error(400, "NoValidInput", "Unknown AccountKey")
    return json_reply(balance_of(broker))


def balance_of(broker: Broker) -> JsonObject:
    """The balance object, in the account's currency."""
    money = funds(broker)

    def count(sql: str) -> int:
        return int(broker.state.one(sql)[0])

    positions = count("SELECT count(*) FROM positions")
    nets = count("SELECT count(*) FROM (SELECT DISTINCT asset_type, uic FROM positions)")
    equity = money.booked + money.not_booked + money.fx_profit - money.blocked
    available = round(money.available, 2)
    used = 0.0 - round(money.margin, 2)  # 0.0, never -0.0
    share = round(100 * money.margin / equity, 2) if equity > 0 else 0.0
    coverage = round(100 * equity / money.fx_exposure, 1) if money.fx_exposure else 0.0
    return {
        "CalculationReliability": "Ok",
        "CashAvailableForTrading": available,
        "CashBalance": round(money.booked, 2),
        "CashBlocked": round(money.blocked, 2),
        "ChangesScheduled": False,
        "ClosedPositionsCount": count("SELECT count(*) FROM closed_positions"),
        "CollateralAvailable": round(equity, 2),
        "CorporateActionUnrealizedAmounts": 0.0,
        "CostToClosePositions": 0.0,
        "Currency": broker.currency,
        "CurrencyDecimals": 2,
        "InitialMargin": {
            "CollateralAvailable": round(equity, 2),
            "MarginAvailable": available,
            "MarginCollateralNotAvailable": 0.0,
            "MarginUsedByCurrentPositions": used,
            "MarginUtilizationPct": share,
            "NetEquityForMargin": round(equity, 2),
            "OtherCollateralDeduction": 0.0,
        },
        "IntradayMarginDiscount": 0.0,
        "IsPortfolioMarginModelSimple": True,
        "MarginAndCollateralUtilizationPct": share,
        "MarginAvailableForTrading": available,
        "MarginCollateralNotAvailable": 0.0,
        "MarginExposureCoveragePct": coverage,
        "MarginNetExposure": round(money.fx_exposure, 2),
        "MarginUsedByCurrentPositions": used,
        "MarginUtilizationPct": share,
        "NetEquityForMargin": round(equity, 2),
        "NetPositionsCount": nets,
        "NonMarginPositionsValue": round(money.share_value, 2),
        "OpenIpoOrdersCount": 0,
        "OpenPositionsCount": positions,
        "OptionPremiumsMarketValue": 0.0,
        "OrdersCount": count("SELECT count(*) FROM orders WHERE status IN ('Working', 'Parked')"),
        "OtherCollateral": 0.0,
        "SettlementValue": 0.0,
        "TotalValue": round(money.total, 2),
        "TransactionsNotBooked": round(money.not_booked, 2),
        "TriggerOrdersCount": 0,
        "UnrealizedMarginClosedProfitLoss": 0.0,
        "UnrealizedMarginOpenProfitLoss": round(money.fx_profit, 2),
        "UnrealizedMarginProfitLoss": round(money.fx_profit, 2),
        "UnrealizedPositionsValue": round(money.share_value + money.fx_profit, 2),
    }


def reset(call: Call) -> Reply:
    """PUT /port/v1/accounts/{AccountKey}/reset: a trial account starts over with a new balance."""
    if call.params["AccountKey"] != call.broker.account_key:
        return empty(404)
    wanted = (json_object(call.request.body) or {}).get("NewBalance")
    if isinstance(wanted, bool) or not isinstance(wanted, int | float) or wanted < 0:
        return error(400, "InvalidRequest", "NewBalance must be a number")
    call.state.clear_account()
    call.state.set("initial_balance", float(wanted))
    return empty(204)


def capabilities(call: Call) -> Reply:
    """GET, PUT and PATCH /root/v1/sessions/capabilities."""
    if call.request.method == "GET":
        return json_reply(
            {
                "AuthenticationLevel": "Authenticated",
                "DataLevel": "Premium",
                "TradeLevel": call.state.get("trade_level", "OrdersOnly"),
            }
        )
    level = (json_object(call.request.body) or {}).get("TradeLevel")
    if level not in ("OrdersOnly", "FullTradingAndChat"):
        return error(400, "InvalidRequest", "TradeLevel must be OrdersOnly or FullTradingAndChat")
    call.state.set("trade_level", level)
    return empty(202)
