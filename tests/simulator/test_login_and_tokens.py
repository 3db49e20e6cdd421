"""Logging in: codes, PKCE, rotating refresh tokens, and tokens that run out."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from support.simulator_client import Answer, SimulatorClient
from tradebot.clock import ManualClock
from tradebot.simulator import Simulator

VERIFIER = "v" * 50
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


@pytest.fixture
def guest(api: SimulatorClient) -> SimulatorClient:
    """A client that has not logged in."""
    api.token = None
    return api


def authorize(guest: SimulatorClient, **changed: str) -> Answer:
    query = {
        "response_type": "code",
        "client_id": guest.sim.app_key,
        "state": "a b&c",
        "redirect_uri": guest.sim.redirect_uri,
        **changed,
    }
    return guest.send("GET", f"/authorize?{urlencode(query)}")


def landed(answer: Answer) -> dict[str, str]:
    """What the redirect carries."""
    assert answer.status == 302
    location = answer.header("Location")
    assert location is not None
    return {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}


def token(guest: SimulatorClient, *, basic: bool = True, **form: Any) -> Answer:
    pair = f"{guest.sim.app_key}:{guest.sim.app_secret}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if basic:
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return guest.send("POST", "/token", urlencode(form).encode(), headers)


def log_in(guest: SimulatorClient, **more: Any) -> Any:
    code = landed(authorize(guest))["code"]
    answer = token(
        guest,
        grant_type="authorization_code",
        code=code,
        redirect_uri=guest.sim.redirect_uri,
        **more,
    )
    assert answer.status == 201
    return answer.json


def refresh(guest: SimulatorClient, refresh_token: str, **more: Any) -> Answer:
    return token(guest, grant_type="refresh_token", refresh_token=refresh_token, **more)


def test_authorize_needs_no_person(guest: SimulatorClient) -> None:
    answer = authorize(guest)
    assert (answer.header("Location") or "").startswith(guest.sim.redirect_uri + "?")
    assert landed(answer)["state"] == "a b&c"


def test_a_login_gives_a_pair_that_works(guest: SimulatorClient) -> None:
    pair = log_in(guest)
    assert list(pair) == [
        "access_token",
        "expires_in",
        "token_type",
        "refresh_token",
        "refresh_token_expires_in",
        "base_uri",
    ]
    assert (pair["expires_in"], pair["refresh_token_expires_in"]) == (1200, 2400)
    guest.token = pair["access_token"]
    assert guest.get("/port/v1/users/me").status == 200


def test_the_access_token_is_a_jwt_with_the_known_claims(guest: SimulatorClient) -> None:
    head, payload, _ = log_in(guest)["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert set(claims) == {"oaa", "iss", "isa", "aid", "dgi", "uid", "cid", "tid", "sid", "exp"}
    assert claims["cid"] == guest.sim.client_key
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["typ"] == "JWT"


def test_client_authentication_in_the_form(guest: SimulatorClient) -> None:
    code = landed(authorize(guest))["code"]
    answer = token(
        guest,
        basic=False,
        grant_type="authorization_code",
        code=code,
        redirect_uri=guest.sim.redirect_uri,
        client_id=guest.sim.app_key,
        client_secret=guest.sim.app_secret,
    )
    assert answer.status == 201
    assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize(
    ("form", "headers", "status", "problem"),
    [
        ({}, {}, 401, "invalid_client"),
        ({"client_id": "someone"}, {}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, {}, 401, "invalid_client"),
        ({}, {"Authorization": "Basic !!!"}, 401, "invalid_client"),
        ({}, {"Authorization": "Basic eDp5"}, 401, "invalid_client"),
        ({"grant_type": "password"}, {}, 400, "unsupported_grant_type"),
    ],
)
def test_a_wrong_client_is_refused(
    guest: SimulatorClient,
    form: dict[str, str],
    headers: dict[str, str],
    status: int,
    problem: str,
) -> None:
    code = landed(authorize(guest))["code"]
    body = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": guest.sim.redirect_uri,
        **form,
    }
    answer = guest.send("POST", "/token", urlencode(body).encode(), headers)
    assert (answer.status, answer.json["error"]) == (status, problem)


def test_a_code_is_used_once_and_soon(guest: SimulatorClient, clock: ManualClock) -> None:
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "redirect_uri": guest.sim.redirect_uri,
    }
    code = landed(authorize(guest))["code"]
    assert token(guest, **form, code=code).status == 201
    assert token(guest, **form, code=code).status == 401
    code = landed(authorize(guest))["code"]
    clock.advance(61)
    assert token(guest, **form, code=code).json["error"] == "invalid_grant"
    code = landed(authorize(guest))["code"]
    other = {**form, "redirect_uri": "http://localhost/other"}
    assert token(guest, **other, code=code).status == 400


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": "x", "code_challenge_method": "MD5"}, "invalid_request"),
    ],
)
def test_authorize_reports_errors_in_the_redirect(
    guest: SimulatorClient, changed: dict[str, str], error: str
) -> None:
    assert landed(authorize(guest, **changed))["error"] == error


def test_authorize_never_redirects_for_a_stranger(guest: SimulatorClient) -> None:
    assert authorize(guest, client_id="someone").status == 400
    assert authorize(guest, redirect_uri="").status == 400


@pytest.mark.parametrize(
    ("method", "challenge"), [("S256", CHALLENGE), ("plain", VERIFIER)], ids=["S256", "plain"]
)
def test_pkce_checks_the_verifier_without_a_secret(
    guest: SimulatorClient, method: str, challenge: str
) -> None:
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "client_id": guest.sim.app_key,
        "redirect_uri": guest.sim.redirect_uri,
    }
    asked = {"code_challenge": challenge, "code_challenge_method": method}
    for verifier, status in (("w" * 50, 401), ("short", 401), (VERIFIER, 201)):
        code = landed(authorize(guest, **asked))["code"]
        answer = token(guest, basic=False, **form, code=code, code_verifier=verifier)
        assert answer.status == status
    renewal = answer.json["refresh_token"]
    assert refresh(guest, renewal, basic=False, code_verifier="w" * 50).status == 401
    assert refresh(guest, renewal, basic=False, code_verifier=VERIFIER).status == 201


def test_refresh_tokens_rotate_and_die_once_used(guest: SimulatorClient) -> None:
    first = log_in(guest)
    second = refresh(guest, first["refresh_token"], redirect_uri=guest.sim.redirect_uri)
    assert second.status == 201
    assert second.json["access_token"] != first["access_token"]
    dead = refresh(guest, first["refresh_token"])
    assert dead.status == 401
    assert dead.json == {
        "error": "invalid_grant",
        "error_description": "refresh token is invalid or expired",
    }
    assert refresh(guest, second.json["refresh_token"]).status == 201
    assert refresh(guest, "unknown").status == 401


def test_refreshing_needs_the_client_too(guest: SimulatorClient) -> None:
    pair = log_in(guest)
    assert refresh(guest, pair["refresh_token"], basic=False).json["error"] == "invalid_client"


def test_refresh_tokens_run_out(guest: SimulatorClient, clock: ManualClock) -> None:
    pair = log_in(guest)
    clock.advance(2400)
    assert refresh(guest, pair["refresh_token"]).status == 401


def test_access_tokens_run_out(guest: SimulatorClient, clock: ManualClock) -> None:
    guest.token = log_in(guest)["access_token"]
    clock.advance(1199)
    assert guest.get("/port/v1/users/me").status == 200
    clock.advance(2)
    expired = guest.get("/port/v1/users/me")
    assert (expired.status, expired.body) == (401, b"")
    assert expired.header("X-Correlation")


@pytest.mark.parametrize(
    "header", [None, "Bearer nonsense", "Bearer a.b.c", "Basic eDp5", "Bearer"]
)
def test_without_a_good_token_401_with_an_empty_body(
    guest: SimulatorClient, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = guest.api("GET", "/port/v1/users/me", headers=headers)
    assert (answer.status, answer.body) == (401, b"")


def test_a_token_of_another_simulator_is_unknown(guest: SimulatorClient, sim: Simulator) -> None:
    with Simulator(sim.state_path.with_name("other.db")) as other:
        guest.token = other.access_token()
        assert guest.get("/port/v1/users/me").status == 401


def test_the_scheme_is_matched_without_case(guest: SimulatorClient, sim: Simulator) -> None:
    headers = {"Authorization": f"BEARER {sim.access_token()}"}
    assert guest.api("GET", "/port/v1/users/me", headers=headers).status == 200


def test_a_token_without_login_from_the_control_endpoint(
    guest: SimulatorClient, clock: ManualClock
) -> None:
    guest.token = guest.control("POST", "token").json["access_token"]
    clock.advance(86_000)
    assert guest.get("/port/v1/users/me").status == 200
    guest.token = guest.control("POST", "token", {"seconds": 5}).json["access_token"]
    clock.advance(6)
    assert guest.get("/port/v1/users/me").status == 401
    assert guest.control("POST", "token", {"seconds": "5"}).status == 400
