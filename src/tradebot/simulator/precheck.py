"""Asking what an order would do: POST /trade/v2/orders/precheck.

Answers 200 also when the order could not be placed (`PreCheckResult` Error with ErrorInfo). Too
little money is Ok *together with* ErrorInfo: the request is fine, the account is not. Nothing is
reserved. As documented in Saxo's reference and seen in its own sample code.
"""

from __future__ import annotations

from typing import Any

from tradebot.simulator import rules
from tradebot.simulator.broker import Broker, Call
from tradebot.simulator.disclaimers import add_to_precheck
from tradebot.simulator.netting import funds
from tradebot.simulator.orders import error_info, shape_error
from tradebot.simulator.rules import Refusal, Ticket
from tradebot.simulator.web import JsonObject, Reply, error, json_reply


def precheck(call: Call) -> Reply:
    """POST /trade/v2/orders/precheck."""
    body = call.body()
    if body is None:
        return error(400, "InvalidRequest", "The body must be a JSON object")
    if (wrong := shape_error(body)) is not None:
        return wrong
    order = rules.ticket(call.broker, body)
    if isinstance(order, Refusal):
        return _error(order)
    refusal = rules.check_order(call.broker, order, placing=False)
    if (wanted := call.fired.get("precheck_error")) is not None:
        refusal = Refusal(wanted["code"], wanted["message"])
    if refusal is None:
        money = rules.check_money(call.broker, order)
        refusal = money if money and money.code in NOT_THE_MONEY else None
    else:
        money = None
    if refusal is not None:
        return _error(refusal)
    groups = body.get("FieldGroups")
    answer = estimates(call.broker, order, groups if isinstance(groups, list) else [])
    if (wanted := call.fired.get("precheck_error_info")) is not None:
        money = Refusal(wanted["code"], wanted["message"])
    if money is not None:
        answer["ErrorInfo"] = error_info(money)
    return json_reply(add_to_precheck(call, answer))


NOT_THE_MONEY = {"NotOwned", "SellOrdersAlreadyExistForOwnedContracts"}
"""Refusals that make the precheck an Error rather than Ok with a warning."""


def _error(refusal: Refusal) -> Reply:
    return json_reply(
        {
            "ErrorInfo": error_info(refusal),
            "EstimatedCashRequired": 0.0,
            "PreCheckResult": "Error",
        }
    )


def estimates(broker: Broker, order: Ticket, groups: list[Any]) -> JsonObject:
    """The answer for an order that could be placed. Account and instruments share a currency."""
    cost = rules.estimate(broker, order)
    total = round(cost.value + cost.commission, 2)
    fees = {
        "Commission": cost.commission,
        "ExchangeFee": 0.0,
        "GuaranteedStopFee": 0.0,
        "StampDuty": 0.0,
    }
    answer: JsonObject = {
        "EstimatedCashRequired": round(cost.cash, 2),
        "EstimatedCashRequiredCurrency": broker.currency,
        "EstimatedTotalCost": total,
        "EstimatedTotalCostInAccountCurrency": total,
        "InstrumentToAccountConversionRate": 1.0,
        "PreCheckResult": "Ok",
    }
    if "Costs" in groups:
        answer["Cost"] = fees
        answer["CostInAccountCurrency"] = fees
    if "MarginImpactBuySell" in groups:
        free = funds(broker).available
        answer["MarginImpactBuySell"] = {
            "Currency": broker.currency,
            "InitialMarginAvailableCurrent": round(free, 2),
            f"InitialMarginAvailable{order.side}": round(free - cost.cash, 2),
            f"InitialMargin{order.side}": round(cost.margin, 2),
            f"MaintenanceMargin{order.side}": round(cost.margin, 2),
        }
    if order.reference is not None:
        answer["ExternalReference"] = order.reference
    return answer
