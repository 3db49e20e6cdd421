"""Maintenance: faults that begin and end by the simulator's clock, and logins that are lost."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlencode

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock

ME = "/port/v1/users/me"
GONE = (http.client.RemoteDisconnected, ConnectionResetError)


def log_in(api: SimulatorClient) -> dict[str, Any]:
    """A pair of tokens, as after a login by a person."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": api.sim.app_key,
            "redirect_uri": api.sim.redirect_uri,
        }
    )
    location = api.send("GET", f"/authorize?{query}").header("Location") or ""
    code = location.partition("code=")[2]
    pair = token(api, grant_type="authorization_code", code=code).json
    assert isinstance(pair, dict)
    return pair


def token(api: SimulatorClient, **form: str) -> Any:
    app = {"client_id": api.sim.app_key, "client_secret": api.sim.app_secret}
    body = urlencode({"redirect_uri": api.sim.redirect_uri, **app, **form})
    return api.send("POST", "/token", body.encode())


def refresh(api: SimulatorClient, refresh_token: str) -> Any:
    return token(api, grant_type="refresh_token", refresh_token=refresh_token)


def test_a_window_begins_and_ends(api: SimulatorClient, clock: ManualClock) -> None:
    window = {"starts_in_seconds": 60, "lasts_seconds": 120}
    api.control("POST", "faults", {"kind": "status", "count": "always", **window})
    statuses = []
    for _ in range(8):
        statuses.append(api.get(ME).status)
        clock.advance(30)
    assert statuses == [200, 200, 503, 503, 503, 503, 200, 200]
    [fault] = api.control("GET", "faults").json["faults"]
    assert (fault["matched"], fault["fired"], fault["ends_in_seconds"]) == (4, 4, -60)


def test_sequences_and_mixes_have_their_time_too(api: SimulatorClient, clock: ManualClock) -> None:
    api.control("POST", "sequences", {"steps": ["html", "html"], "starts_in_seconds": 10})
    mix = {"seed": 1, "probability": 1, "kinds": ["empty"], "lasts_seconds": 5}
    api.control("POST", "mixes", mix)
    assert api.get(ME).body == b""
    clock.advance(5)
    assert api.get(ME).status == 200
    assert api.get(ME).body != b""
    clock.advance(5)
    assert api.get(ME).status == 503


def test_closed_connections_on_end(api: SimulatorClient, clock: ManualClock) -> None:
    api.control("POST", "faults", {"kind": "drop_before", "count": "always", "lasts_seconds": 60})
    for _ in range(3):
        with pytest.raises(GONE):
            api.get(ME)
    clock.advance(60)
    assert api.get(ME).status == 200


def test_a_session_is_lost_and_refreshed(api: SimulatorClient) -> None:
    pair = log_in(api)
    api.token = pair["access_token"]
    api.fault("session_lost", endpoint="/port/*")
    lost = api.get(ME)
    assert (lost.status, lost.body) == (401, b"")
    assert api.get("/trade/v1/infoprices", Uic=21, AssetType="FxSpot").status == 401
    assert api.get(ME).status == 401, "it stays lost"
    fresh = refresh(api, pair["refresh_token"])
    assert fresh.status == 201
    api.token = fresh.json["access_token"]
    assert api.get(ME).status == 200


def test_a_login_is_lost_for_good(api: SimulatorClient) -> None:
    pair = log_in(api)
    api.fault("session_lost", refresh_tokens=True)
    assert api.get(ME).status == 401
    refused = refresh(api, pair["refresh_token"])
    assert (refused.status, refused.json["error"]) == (401, "invalid_grant")
    assert "access_token" in log_in(api), "a person can log in again"


def test_the_answer_of_a_refresh_is_lost(api: SimulatorClient) -> None:
    """The broker has rotated, the new pair never arrives: the old refresh token is dead."""
    pair = log_in(api)
    api.fault("drop_after", endpoint="/token", method="POST")
    with pytest.raises(GONE):
        refresh(api, pair["refresh_token"])
    assert refresh(api, pair["refresh_token"]).status == 401


def test_the_login_server_is_down_before_it_rotates(api: SimulatorClient) -> None:
    pair = log_in(api)
    api.control("POST", "sequences", {"endpoint": "/token", "steps": ["status", "drop_before"]})
    assert refresh(api, pair["refresh_token"]).status == 503
    with pytest.raises(GONE):
        refresh(api, pair["refresh_token"])
    assert refresh(api, pair["refresh_token"]).status == 201


@pytest.mark.parametrize(
    ("status", "word"), [(400, "invalid_grant"), (401, "invalid_grant"), (401, "invalid_client")]
)
def test_the_login_server_refuses(api: SimulatorClient, status: int, word: str) -> None:
    pair = log_in(api)
    api.fault("status", endpoint="/token", status=status, body={"error": word})
    refused = refresh(api, pair["refresh_token"])
    assert (refused.status, refused.json) == (status, {"error": word})


@pytest.mark.parametrize("kind", ["truncate", "status_after", "bad_gzip", "no_length", "chunked"])
def test_the_wire_is_spoiled_for_the_login_too(api: SimulatorClient, kind: str) -> None:
    pair = log_in(api)
    api.fault(kind, endpoint="/token")
    whole = kind in ("no_length", "chunked")
    try:
        answer = refresh(api, pair["refresh_token"])
        usable = answer.status == 201 and answer.header("Content-Encoding") is None
        assert usable is whole
    except http.client.IncompleteRead:
        assert kind == "truncate"
    assert refresh(api, pair["refresh_token"]).status == 401, "it was rotated all the same"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("starts_in_seconds", -1),
        ("lasts_seconds", "1h"),
        ("lasts_seconds", True),
        ("endpoint", "trade/*"),
        ("endpoint", "/a /b"),
        ("endpoint", [3]),
        ("reference", 3),
    ],
)
def test_a_matcher_that_cannot_be_meant(api: SimulatorClient, field: str, value: object) -> None:
    answer = api.control("POST", "faults", {"kind": "html", field: value})
    assert answer.status == 400
    assert answer.json["error"].startswith(f"{field} is")
