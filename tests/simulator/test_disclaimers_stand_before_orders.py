"""Pre-trade disclaimers: asked for at precheck and placement, read, answered, asked for again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.simulator_client import Answer, SimulatorClient


def wanted(answer: Answer) -> dict[str, Any]:
    """The disclaimers that a precheck or a placement asks for."""
    body = answer.json
    found = body.get("PreTradeDisclaimers") or body["ErrorInfo"]["PreTradeDisclaimers"]
    assert isinstance(found, dict)
    return found


def accept(api: SimulatorClient, context: str, token: str, **more: Any) -> Answer:
    body = {
        "DisclaimerContext": context,
        "DisclaimerToken": token,
        "ResponseType": "Accepted",
        **more,
    }
    return api.api("POST", "/dm/v2/disclaimers", body)


def switch_on(api: SimulatorClient, *texts: dict[str, Any]) -> None:
    api.fault("disclaimers", count=None, disclaimers=list(texts))


def test_a_normal_one_is_accepted_once(api: SimulatorClient) -> None:
    api.fault("disclaimers", count=None)
    checked = api.precheck()
    assert checked.json["PreCheckResult"] == "Ok"
    assert checked.json["EstimatedCashRequired"] > 0
    asked = wanted(checked)
    (token,) = asked["DisclaimerTokens"]
    refused = api.place(request_id="1")
    assert refused.status == 400
    assert set(wanted(refused)) == {"DisclaimerContext", "DisclaimerTokens"}
    assert api.audit() == []
    answered = accept(api, asked["DisclaimerContext"], token)
    assert (answered.status, answered.body) == (201, b"")
    assert api.place(request_id="2").status == 200
    assert api.place(request_id="3").status == 200


def test_what_is_read_has_the_documented_shape(api: SimulatorClient) -> None:
    switch_on(api, {"checkbox": "I have read the rules"}, {"input": "I see", "title": "Risk"})
    first, second = wanted(api.precheck())["DisclaimerTokens"]
    answer = api.get("/dm/v2/disclaimers", DisclaimerTokens=[first, second])
    assert answer.json["MaxRows"] == 100
    rows = answer.data
    assert set(rows[0]) == {
        "Body",
        "Conditions",
        "DisclaimerToken",
        "IsBlocking",
        "ResponseOptions",
        "Title",
    }
    assert rows[0]["Conditions"] == [{"Label": "I have read the rules", "Type": "Checkbox"}]
    assert rows[1]["Conditions"][0]["InputText"] == "I see"
    assert api.get("/dm/v2/disclaimers", DisclaimerTokens=f"{first},{second}").data == rows
    assert api.get("/dm/v2/disclaimers", DisclaimerTokens="unknown").data == []
    assert api.get("/dm/v2/disclaimers").status == 400


def test_a_sentence_has_to_be_typed(api: SimulatorClient) -> None:
    switch_on(api, {"input": "I see"})
    asked = wanted(api.precheck())
    (token,) = asked["DisclaimerTokens"]
    assert accept(api, asked["DisclaimerContext"], token).status == 400
    assert accept(api, asked["DisclaimerContext"], token, UserInput="I see").status == 201
    assert api.place().status == 200


def test_a_blocking_one_cannot_be_accepted(api: SimulatorClient) -> None:
    switch_on(api, {"blocking": True})
    asked = wanted(api.precheck())
    (token,) = asked["DisclaimerTokens"]
    shown = api.get("/dm/v2/disclaimers", DisclaimerTokens=token).data[0]
    assert (shown["IsBlocking"], shown["ResponseOptions"]) == (True, [])
    assert accept(api, asked["DisclaimerContext"], token).status == 400


def test_a_recurring_one_is_needed_before_every_order(api: SimulatorClient) -> None:
    switch_on(api, {"recurring": True})
    for n in range(2):
        refused = api.place(request_id=f"{n}a")
        assert refused.status == 400
        asked = wanted(refused)
        accept(api, asked["DisclaimerContext"], asked["DisclaimerTokens"][0])
        assert "PreTradeDisclaimers" not in api.precheck(Amount=10 + n).json
        assert api.place(request_id=f"{n}b").status == 200


def test_answers_that_do_not_count(api: SimulatorClient) -> None:
    switch_on(api, {})
    asked = wanted(api.precheck())
    (token,) = asked["DisclaimerTokens"]
    context = asked["DisclaimerContext"]
    assert accept(api, "other", token).status == 404
    assert accept(api, context, "other").status == 404
    assert accept(api, context, token, ResponseType="Maybe").status == 400
    assert accept(api, context, token, ResponseType="Dismissed").status == 201
    assert api.place().status == 400


@pytest.mark.parametrize(
    ("where", "at_precheck", "at_placement"),
    [
        ("", "PreTradeDisclaimers", "ErrorInfo"),
        ("top", "PreTradeDisclaimers", "PreTradeDisclaimers"),
        ("ErrorInfo", "ErrorInfo", "ErrorInfo"),
        ("Orders", "Orders", "Orders"),
    ],
)
def test_they_stand_where_they_are_put(
    api: SimulatorClient, where: str, at_precheck: str, at_placement: str
) -> None:
    def place_of(body: dict[str, Any]) -> str:
        [name] = [name for name, value in body.items() if "DisclaimerTokens" in json.dumps(value)]
        return name

    api.fault("disclaimers", count=None, where=where)
    assert place_of(api.precheck().json) == at_precheck
    assert place_of(api.place().json) == at_placement


def test_what_is_not_documented_of_them_can_be_chosen(api: SimulatorClient) -> None:
    unsure = {"code": "DisclaimersNotAccepted", "status": 403, "precheck_result": "Error"}
    api.fault("disclaimers", count=None, **unsure)
    assert api.precheck().json["PreCheckResult"] == "Error"
    refused = api.place()
    assert refused.status == 403
    assert refused.json["ErrorInfo"]["ErrorCode"] == "DisclaimersNotAccepted"


def test_they_may_be_asked_for_at_the_placement_alone(api: SimulatorClient) -> None:
    api.fault("disclaimers", endpoint="/trade/v2/orders", count=None)
    assert "PreTradeDisclaimers" not in api.precheck().json
    assert wanted(api.place())
