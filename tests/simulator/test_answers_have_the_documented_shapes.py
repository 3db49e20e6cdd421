"""The keys of every answer are those of Saxo's documented and recorded examples."""

from __future__ import annotations

import re

import pytest

from support.simulator_client import SimulatorClient

USER = """Active ClientKey Culture Language LastLoginStatus LastLoginTime LegalAssetTypes
MarketDataViaOpenApiTermsAccepted Name TimeZoneId UserId UserKey"""
CLIENT = """AllowedNettingProfiles AllowedTradingSessions ClientId ClientKey CurrencyDecimals
DefaultAccountId DefaultAccountKey DefaultCurrency ForceOpenDefaultValue IsMarginTradingAllowed
IsVariationMarginEligible LegalAssetTypes LegalAssetTypesAreIndicative MarginCalculationMethod Name
PositionNettingMethod PositionNettingMode PositionNettingProfile ReduceExposureOnly
SupportsAccountValueProtectionLimit"""
ACCOUNT = """AccountGroupKey AccountId AccountKey AccountType Active
CanUseCashPositionsAsMarginCollateral CfdBorrowingCostsActive ClientId ClientKey CreationDate
Currency CurrencyDecimals DirectMarketAccess FractionalOrderEnabled IndividualMargining
IsCurrencyConversionAtSettlementTime IsMarginTradingAllowed IsShareable IsTrialAccount
LegalAssetTypes ManagementType MarginCalculationMethod MarginLendingEnabled
PortfolioBasedMarginEnabled Sharing SupportsAccountValueProtectionLimit
UseCashPositionsAsMarginCollateral"""
BALANCE = """CalculationReliability CashAvailableForTrading CashBalance CashBlocked ChangesScheduled
ClosedPositionsCount CollateralAvailable CorporateActionUnrealizedAmounts CostToClosePositions
Currency CurrencyDecimals InitialMargin IntradayMarginDiscount IsPortfolioMarginModelSimple
MarginAndCollateralUtilizationPct MarginAvailableForTrading MarginCollateralNotAvailable
MarginExposureCoveragePct MarginNetExposure MarginUsedByCurrentPositions MarginUtilizationPct
NetEquityForMargin NetPositionsCount NonMarginPositionsValue OpenIpoOrdersCount OpenPositionsCount
OptionPremiumsMarketValue OrdersCount OtherCollateral SettlementValue TotalValue
TransactionsNotBooked TriggerOrdersCount UnrealizedMarginClosedProfitLoss
UnrealizedMarginOpenProfitLoss UnrealizedMarginProfitLoss UnrealizedPositionsValue"""
INITIAL_MARGIN = """CollateralAvailable MarginAvailable MarginCollateralNotAvailable
MarginUsedByCurrentPositions MarginUtilizationPct NetEquityForMargin OtherCollateralDeduction"""
QUOTE = """Amount Ask Bid DelayedByMinutes ErrorCode MarketState Mid PriceSource PriceTypeAsk
PriceTypeBid"""
DETAILS = """AmountDecimals AssetType CurrencyCode DefaultAmount DefaultSlippage DefaultSlippageType
Description Exchange Format GroupId IncrementSize IsTradable LotSizeType MinimumTradeSize
NonTradableReason StandardAmounts SupportedOrderTypes SupportedOrderTypeSettings Symbol TradableAs
TradableOn TradingStatus Uic"""
SHARE_DETAILS = """IsComplex IsExtendedTradingHoursEnabled LotSize OrderSetting PriceCurrency
PrimaryListing ShortTradeDisabled TickSizeScheme TradingSessions"""
ORDER = """AccountId AccountKey Amount AssetType BuySell CalculationReliability ClientId ClientKey
ClientName CorrelationKey CurrentPrice CurrentPriceDelayMinutes CurrentPriceType DisplayAndFormat
DistanceToMarket Duration Exchange ExternalReference IsForceOpen IsMarketOpen MarketPrice
MarketState NonTradableReason OpenOrderType OrderAmountType OrderId OrderRelation OrderTime Price
RelatedOpenOrders Status TradingStatus Uic"""
POSITION = """AccountId AccountKey Amount AssetType CanBeClosed ClientId CloseConversionRateSettled
CorrelationKey ExecutionTimeOpen ExternalReference IsForceOpen IsMarketOpen LockedByBackOffice
OpenPrice OpenPriceIncludingCosts RelatedOpenOrders SourceOrderId SpotDate Status Uic ValueDate"""
POSITION_VIEW = """Ask Bid CalculationReliability ConversionRateCurrent ConversionRateOpen
CurrentPrice CurrentPriceDelayMinutes CurrentPriceType Exposure ExposureCurrency
ExposureInBaseCurrency InstrumentPriceDayPercentChange MarketState MarketValue
MarketValueInBaseCurrency ProfitLossOnTrade ProfitLossOnTradeInBaseCurrency TradeCostsTotal
TradeCostsTotalInBaseCurrency"""
NET_BASE = """AccountId Amount AssetType CanBeClosed ClientId HasForceOpenPositions IsMarketOpen
NonTradableReason NumberOfRelatedOrders OpeningDirection OpenIpoOrdersCount OpenOrdersCount
OpenTriggerOrdersCount PositionsAccount SinglePositionStatus Uic ValueDate"""
NET_VIEW = """AverageOpenPrice AverageOpenPriceIncludingCosts CurrentPriceDelayMinutes
CurrentPriceType Exposure PositionCount PositionsNotClosedCount ProfitLossOnTrade Status
TradeCostsTotal"""
CLOSED = """AccountId Amount AssetType BuyOrSell ClientId ClosedProfitLoss
ClosedProfitLossInBaseCurrency ClosingExternalReferenceId ClosingMethod ClosingPositionId
ClosingPrice ConversionRateInstrumentToBaseSettledClosing
ConversionRateInstrumentToBaseSettledOpening CostClosing CostOpening ExecutionTimeClose
ExecutionTimeOpen OpenPrice OpeningExternalReferenceId OpeningPositionId ProfitLossOnTrade
ProfitLossOnTradeInBaseCurrency Uic"""
ACTIVITY = """AccountId ActivityTime Amount AssetType BuySell ClientId CorrelationKey Duration
ExternalReference HandledBy LogId OrderId OrderRelation OrderType RelatedOrders Status SubStatus Uic
UserId"""
FILL = "AveragePrice ExecutionPrice FillAmount FilledAmount PositionId"
ENS = """AccountId ActivityTime ActivityType Amount AssetType BuySell ClientId CorrelationKey
ExternalReference FillAmount FilledAmount OrderId OrderRelation OrderType SequenceId Status
SubStatus Symbol Uic"""
PRECHECK = """Cost CostInAccountCurrency EstimatedCashRequired EstimatedCashRequiredCurrency
EstimatedTotalCost EstimatedTotalCostInAccountCurrency InstrumentToAccountConversionRate
MarginImpactBuySell PreCheckResult"""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def names(text: str) -> set[str]:
    return set(text.split())


def test_user_client_and_account(api: SimulatorClient) -> None:
    assert set(api.get("/port/v1/users/me").json) == names(USER)
    assert set(api.get("/port/v1/clients/me").json) == names(CLIENT)
    accounts = api.get("/port/v1/accounts/me").json
    assert set(accounts) == {"__count", "Data"}
    assert set(accounts["Data"][0]) == names(ACCOUNT)
    assert TIME.fullmatch(accounts["Data"][0]["CreationDate"])


def test_balance(api: SimulatorClient) -> None:
    balance = api.balance()
    assert set(balance) == names(BALANCE)
    assert set(balance["InitialMargin"]) == names(INITIAL_MARGIN)
    both = {"ClientKey": api.sim.client_key, "AccountKey": api.sim.account_key}
    assert api.get("/port/v1/balances", **both).json == balance


def test_info_prices_with_all_field_groups(api: SimulatorClient) -> None:
    groups = "Quote,PriceInfo,PriceInfoDetails,DisplayAndFormat,InstrumentPriceDetails,Commissions"
    price = api.get("/trade/v1/infoprices", Uic=21, AssetType="FxSpot", FieldGroups=groups).json
    assert set(price) == names(
        "AssetType Commissions DisplayAndFormat InstrumentPriceDetails LastUpdated PriceInfo"
        " PriceInfoDetails PriceSource Quote Uic"
    )
    assert set(price["Quote"]) == names(QUOTE)
    assert set(price["PriceInfo"]) == names("High Low NetChange PercentChange")
    assert set(price["PriceInfoDetails"]) == names(
        "AskSize BidSize LastClose LastTraded LastTradedSize Open Volume"
    )
    assert set(price["InstrumentPriceDetails"]) == names(
        "IsMarketOpen ShortTradeDisabled ValueDate"
    )
    assert set(price["DisplayAndFormat"]) == names(
        "Currency Decimals Description Format OrderDecimals Symbol"
    )
    assert price["Quote"]["PriceTypeBid"] == "Tradable"
    bare = api.get("/trade/v1/infoprices", Uic=21, AssetType="FxSpot").json
    assert set(bare) == names("AssetType LastUpdated PriceSource Quote Uic")


def test_a_quote_without_access_has_no_prices(api: SimulatorClient) -> None:
    price = api.get("/trade/v1/infoprices/list", Uics="307", AssetType="Stock").data[0]
    assert price["LastUpdated"] == "0001-01-01T00:00:00Z"
    assert set(price["Quote"]) == names(QUOTE) - {"Bid", "Ask", "Mid"}
    assert price["Quote"]["PriceTypeAsk"] == "NoAccess"


def test_charts(api: SimulatorClient) -> None:
    groups = "ChartInfo,Data,DisplayAndFormat"
    asked = {"Horizon": 1440, "Count": 2, "FieldGroups": groups}
    rate = api.get("/chart/v3/charts", Uic=21, AssetType="FxSpot", **asked).json
    share = api.get("/chart/v3/charts", Uic=10001, AssetType="Stock", **asked).json
    for chart in (rate, share):
        assert set(chart) == {"ChartInfo", "Data", "DataVersion", "DisplayAndFormat"}
        assert set(chart["ChartInfo"]) == names(
            "DelayedByMinutes ExchangeId FirstSampleTime Horizon"
        )
    assert set(rate["Data"][0]) == names(
        "CloseAsk CloseBid HighAsk HighBid LowAsk LowBid OpenAsk OpenBid Time"
    )
    assert set(share["Data"][0]) == names("Close High Interest Low Open Time Volume")
    assert TIME.fullmatch(share["Data"][0]["Time"])


def test_instrument_details(api: SimulatorClient) -> None:
    groups = "OrderSetting,SupportedOrderTypeSettings,TradingSessions"
    answer = api.get(
        "/ref/v1/instruments/details",
        Uics="211,21",
        AssetTypes="Stock,FxSpot",
        FieldGroups=groups,
    ).json
    assert answer["__count"] == 2
    rate, share = sorted(answer["Data"], key=lambda item: item["AssetType"])
    assert set(share) == names(DETAILS) | names(SHARE_DETAILS)
    assert set(rate) == names(DETAILS) | names(
        "OrderSetting TickSize TickSizeLimitOrder TickSizeStopOrder TradingSessions"
    )
    assert rate["Format"] == {"Decimals": 4, "Format": "AllowDecimalPips", "OrderDecimals": 4}
    assert share["Exchange"]["TimeZoneId"] == "3"
    assert set(share["TradingSessions"]) == names(
        "Sessions TimeZone TimeZoneAbbreviation TimeZoneOffset"
    )


def test_instrument_search(api: SimulatorClient) -> None:
    hits = api.get("/ref/v1/instruments", Keywords="AAPL", AssetTypes="Stock").json
    assert set(hits) == {"Data"}
    assert set(hits["Data"][0]) == names(
        "AssetType CurrencyCode Description ExchangeId GroupId Identifier IsKeywordMatch"
        " PrimaryListing SummaryType Symbol TradableAs"
    )


def test_an_open_order(api: SimulatorClient) -> None:
    api.placed(OrderType="Limit", OrderPrice=20.5, ExternalReference="ref-1")
    order = api.get(
        "/port/v1/orders/me", Status="All", FieldGroups="DisplayAndFormat,ExchangeInfo"
    ).data[0]
    assert set(order) == names(ORDER) | {"Ask", "Bid"}
    assert order["Price"] == 20.5


def test_positions_before_and_after_closing(api: SimulatorClient) -> None:
    api.placed(ExternalReference="in")
    position = api.get("/port/v1/positions/me").data[0]
    assert set(position) == names("NetPositionId PositionBase PositionId PositionView")
    assert set(position["PositionBase"]) == names(POSITION)
    assert set(position["PositionView"]) == names(POSITION_VIEW)
    net = api.get("/port/v1/netpositions/me").data[0]
    assert set(net) == names("NetPositionBase NetPositionId NetPositionView")
    assert set(net["NetPositionBase"]) >= names(NET_BASE)
    assert set(net["NetPositionView"]) >= names(NET_VIEW)
    api.placed(BuySell="Sell", ExternalReference="out")
    closed = api.get("/port/v1/closedpositions/me").data[0]
    assert set(closed) == names("ClosedPosition ClosedPositionUniqueId NetPositionId")
    assert set(closed["ClosedPosition"]) == names(CLOSED)


def test_a_position_without_a_price_feed(api: SimulatorClient) -> None:
    api.placed(Uic=307)
    groups = "PositionBase,PositionView,DisplayAndFormat"
    position = api.get("/port/v1/positions/me", FieldGroups=groups).data[0]
    assert set(position["PositionView"]) == names(
        "CalculationReliability CurrentPriceDelayMinutes CurrentPriceType Exposure"
        " ExposureCurrency InstrumentPriceDayPercentChange TradeCostsTotal"
        " TradeCostsTotalInBaseCurrency"
    )
    assert position["NetPositionId"] == "307__Share"


def test_audit_rows_and_ens_activities(api: SimulatorClient) -> None:
    order_id = api.placed(ExternalReference="ref-2")
    requested, confirmed, filled = api.audit(OrderId=order_id)
    assert set(requested) == set(confirmed) == names(ACTIVITY)
    assert set(filled) == names(ACTIVITY) | names(FILL)
    ens = api.get("/ens/v1/activities", Activities="Orders").data[-1]
    assert set(ens) >= names(ENS)
    assert ens["Symbol"] == "MSFT:xnas"


def test_precheck(api: SimulatorClient) -> None:
    answer = api.precheck(FieldGroups=["Costs", "MarginImpactBuySell"]).json
    assert set(answer) == names(PRECHECK)
    assert set(answer["Cost"]) == names("Commission ExchangeFee GuaranteedStopFee StampDuty")
    assert set(answer["MarginImpactBuySell"]) == names(
        "Currency InitialMarginAvailableBuy InitialMarginAvailableCurrent InitialMarginBuy"
        " MaintenanceMarginBuy"
    )


def test_placing_changing_and_cancelling(api: SimulatorClient) -> None:
    placed = api.place(OrderType="Limit", OrderPrice=20, ExternalReference="ref-3")
    order_id = placed.json["OrderId"]
    assert placed.json == {"OrderId": order_id, "ExternalReference": "ref-3"}
    assert order_id.isdecimal()
    assert set(api.place(OrderType="Limit", OrderPrice=19).json) == {"OrderId"}
    changed = api.api(
        "PATCH",
        "/trade/v2/orders",
        api.order(OrderId=order_id, OrderType="Limit", OrderPrice=21, Uic=None, BuySell=None),
    )
    assert (changed.status, changed.json) == (200, {"OrderId": order_id})
    cancelled = api.api("DELETE", f"/trade/v2/orders/{order_id}", AccountKey=api.sim.account_key)
    assert (cancelled.status, cancelled.json) == (200, {"Orders": [{"OrderId": order_id}]})


@pytest.mark.parametrize("base", ["/sim/openapi", "/openapi"])
def test_both_base_paths(api: SimulatorClient, base: str) -> None:
    assert api.send("GET", f"{base}/port/v1/users/me").json["Name"] == "Sim Trader"
    assert api.send("GET", f"{base}/port/v1/users/me/").status == 200, "a slash at the end"


def test_every_reply_says_where_it_came_from(api: SimulatorClient) -> None:
    for path in ("/port/v1/users/me", "/no/v1/such"):
        answer = api.api("GET", path, headers={"X-Request-ID": "mine-1"})
        assert answer.header("X-Request-Id") == "mine-1"
        assert re.fullmatch(r"[0-9a-f]{32}#123#[0-9a-f-]{36}#\d+", answer.header("X-Correlation"))  # type: ignore[arg-type]
        assert answer.header("Date") == "Mon, 20 Jul 2026 14:09:05 GMT"
    assert api.get("/no/v1/such").status == 404
    assert api.send("GET", "/sim/openapi/").status == 404
    assert api.send("GET", "/elsewhere").status == 404
