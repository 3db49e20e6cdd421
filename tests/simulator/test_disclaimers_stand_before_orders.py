"""Pre-trade disclaimers: asked for at precheck and placement, read, answered, asked for again."""

from __future__ import annotations

from typing import Any

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
