"""Pre-trade disclaimers (Saxo learn/pre-trade-disclaimers, reference dm/v2/disclaimers).

The `disclaimers` fault says which texts an order needs. A normal one is accepted once, a recurring
one before every order, a blocking one never. The documents do not say how an answer is tied to an
order; here an answer counts for the text, and a recurring one is used up by the next placement.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from tradebot.simulator.broker import Call, json_object
from tradebot.simulator.web import JsonObject, Reply, empty, error, json_reply

RESPONSES = ("Accepted", "AlternateAccepted", "Dismissed", "None")


def stop_placement(call: Call) -> Reply | None:
    """The refusal of a placement that needs disclaimers, or None.

    Documented is `PreTradeDisclaimers` inside ErrorInfo; `where` puts it elsewhere.
    """
    waiting = _outstanding(call, placing=True)
    if waiting is None:
        return None
    params = call.fired["disclaimers"]
    return json_reply(_put({}, waiting, params, "ErrorInfo"), params["status"])


def add_to_precheck(call: Call, answer: JsonObject) -> JsonObject:
    """The answer of a precheck with what is left to accept; documented at its top level."""
    waiting = _outstanding(call, placing=False)
    if waiting is None:
        return answer
    params = call.fired["disclaimers"]
    answer = {**answer, "PreCheckResult": params["precheck_result"]}
    return _put(answer, waiting, params, "top")


def _put(
    answer: JsonObject, waiting: JsonObject, params: Mapping[str, Any], usual: str
) -> JsonObject:
    where = params["where"] or usual
    named: JsonObject = {"PreTradeDisclaimers": waiting}
    info: JsonObject = {
        "ErrorCode": params["code"],
        "Message": "Outstanding pre-trade disclaimers",
    }
    if where == "ErrorInfo":
        return {**answer, "ErrorInfo": {**info, **named}}
    if where == "Orders":
        return {**answer, "Orders": [{"ErrorInfo": {**info, **named}}]}
    return {**answer, **named} if usual == "top" else {**answer, "ErrorInfo": info, **named}


def _outstanding(call: Call, *, placing: bool) -> JsonObject | None:
    """The `PreTradeDisclaimers` of this order request, or None when nothing is left to accept."""
    params = call.fired.get("disclaimers")
    if params is None:
        return None
    context = secrets.token_hex(16)
    tokens = []
    used = []
    for wanted in params["disclaimers"]:
        name = json.dumps(wanted, sort_keys=True)
        answer = call.state.one(
            "SELECT token FROM disclaimers WHERE name = ? AND accepted IS NOT NULL AND spent = 0",
            (name,),
        )
        if answer is None:
            tokens.append(_issue(call, name, context, wanted))
        elif wanted.get("recurring"):
            used.append(answer[0])
    if tokens:
        return {"DisclaimerContext": context, "DisclaimerTokens": tokens}
    if placing:
        for token in used:
            call.state.run("UPDATE disclaimers SET spent = 1 WHERE token = ?", (token,))
    return None


def _issue(call: Call, name: str, context: str, wanted: dict[str, Any]) -> str:
    token = b64encode(secrets.token_bytes(32)).decode()
    conditions: list[JsonObject] = []
    if label := wanted.get("checkbox"):
        conditions.append({"Label": label, "Type": "Checkbox"})
    if sentence := wanted.get("input"):
        conditions.append(
            {"InputText": sentence, "Label": "Your confirmation", "Type": "UserInput"}
        )
    blocking = bool(wanted.get("blocking"))
    options = [
        {"Label": "Accept", "ResponseType": "Accepted"},
        {"Label": "Not now", "ResponseType": "Dismissed"},
    ]
    body = {
        "Body": wanted.get("body", "<p>Please read this before you trade.</p>"),
        "Conditions": conditions,
        "DisclaimerToken": token,
        "IsBlocking": blocking,
        "ResponseOptions": [] if blocking else options,
        "Title": wanted.get("title", "Exchange trading rules"),
    }
    call.state.insert(
        "disclaimers",
        token=token,
        name=name,
        context=context,
        body=json.dumps(body),
        recurring=int(bool(wanted.get("recurring"))),
    )
    return token


def get(call: Call) -> Reply:
    """GET /dm/v2/disclaimers: the texts behind tokens, repeated or as a list with commas."""
    tokens = [t for v in call.request.values("DisclaimerTokens") for t in v.split(",") if t]
    if not tokens:
        return error(400, "InvalidRequest", "DisclaimerTokens is required")
    found = (call.state.one("SELECT body FROM disclaimers WHERE token = ?", (t,)) for t in tokens)
    return json_reply({"Data": [json.loads(row[0]) for row in found if row], "MaxRows": 100})


def post(call: Call) -> Reply:
    """POST /dm/v2/disclaimers: one answer to one token."""
    answer = json_object(call.request.body) or {}
    row = call.state.one(
        "SELECT * FROM disclaimers WHERE token = ? AND context = ?",
        (answer.get("DisclaimerToken"), answer.get("DisclaimerContext")),
    )
    if row is None:
        return error(404, "NotFound", "Unknown DisclaimerToken or DisclaimerContext")
    if answer.get("ResponseType") not in RESPONSES:
        return error(400, "InvalidRequest", f"ResponseType must be one of {', '.join(RESPONSES)}")
    text = json.loads(row["body"])
    if text["IsBlocking"]:
        return error(400, "InvalidRequest", "A blocking disclaimer cannot be answered")
    sentences = [c["InputText"] for c in text["Conditions"] if c["Type"] == "UserInput"]
    accepting = answer["ResponseType"] in ("Accepted", "AlternateAccepted")
    if accepting and sentences and answer.get("UserInput") != sentences[0]:
        return error(400, "InvalidRequest", "UserInput is not the sentence that was asked for")
    if accepting:
        call.state.run(
            "UPDATE disclaimers SET accepted = ? WHERE token = ?", (call.now, row["token"])
        )
    return empty(201)
