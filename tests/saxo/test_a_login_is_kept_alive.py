"""Tokens are refreshed in good time, by one process at a time, and saved before use."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.login_scene import NOW, REFUSED, OpenScene, TokenServer, scenes, tokens
from support.scripted_http import reply
from tradebot.errors import BrokerUnavailable, LoginError, SettingsError, Terminated
from tradebot.observability import setup_logging
from tradebot.saxo.auth import ManualTokenSource, open_token_source
from tradebot.saxo.refresh_lock import refresh_lock
from tradebot.vocabulary import CATALOGUE


@pytest.fixture
def open_scene(tmp_path: Path) -> Iterator[OpenScene]:
    with scenes(tmp_path) as build:
        yield build


def test_a_young_token_is_used_as_it_is(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(599)
    assert scene.source.access_token() == "access-token-0"
    assert scene.server.received == []


def test_a_token_is_refreshed_at_half_its_life(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(600)
    assert scene.source.access_token() == "access-token-1"
    (request,) = scene.server.received
    assert (request.method, request.target) == ("POST", "/auth/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-token-0",
        "redirect_uri": "http://localhost/myapp",
    }
    basic = base64.b64encode(b"app-key-1234:app-secret-5678").decode()
    assert request.headers["authorization"] == f"Basic {basic}"
    assert scene.stored.access_token == "access-token-1"
    assert scene.stored.refresh_token == "refresh-token-1"
    assert scene.stored.access_expires_at == NOW + timedelta(seconds=600 + 1200)
    assert scene.stored.refresh_expires_at == NOW + timedelta(seconds=600 + 2400)
    assert scene.stored.refresh_started_at is None


def test_a_pkce_refresh_sends_the_verifier_and_no_secret(open_scene: OpenScene) -> None:
    scene = open_scene(saxo_auth_mode="pkce", saxo_app_secret=None)
    scene.store.save(tokens(mode="pkce", code_verifier="v" * 43))
    scene.clock.advance(600)
    scene.source.access_token()
    (request,) = scene.server.received
    assert "authorization" not in request.headers
    assert request.form["client_id"] == "app-key-1234"
    assert request.form["code_verifier"] == "v" * 43
    assert scene.stored.code_verifier == "v" * 43


def test_a_chain_of_refreshes_goes_on(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    for number in range(1, 5):
        scene.clock.advance(700)
        assert scene.source.access_token() == f"access-token-{number}"
        assert scene.source.access_token() == f"access-token-{number}"
    assert len(scene.server.received) == 4


def test_what_another_process_refreshed_is_used(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    assert scene.source.access_token() == "access-token-0"
    scene.clock.advance(700)
    other = scene.fresh_source()
    assert other.access_token() == "access-token-1"
    assert scene.source.access_token() == "access-token-1"
    assert len(scene.server.received) == 1


def test_after_a_401_a_new_token_is_fetched(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    old = scene.source.access_token()
    assert scene.source.refresh_after_401(old) == "access-token-1"
    assert scene.source.access_token() == "access-token-1"


def test_after_a_401_the_token_of_another_process_will_do(
    open_scene: OpenScene,
) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    old = scene.source.access_token()
    scene.fresh_source().refresh_after_401(old)
    assert scene.source.refresh_after_401(old) == "access-token-1"
    assert len(scene.server.received) == 1


def test_a_clock_stepped_back_does_not_stretch_a_tokens_life(
    open_scene: OpenScene,
) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.step(-7200)
    assert scene.source.access_token() == "access-token-1"


def test_while_another_process_refreshes_the_old_token_is_used(
    open_scene: OpenScene,
) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    assert scene.source.access_token() == "access-token-0"
    scene.clock.advance(700)
    with refresh_lock(scene.store.path, scene.clock, timeout=0) as held:
        assert held
        assert scene.source.access_token() == "access-token-0"
    assert scene.server.received == []
    assert scene.source.access_token() == "access-token-1"


def test_without_an_old_token_another_process_is_waited_for_in_vain(
    open_scene: OpenScene,
) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(1300)
    with refresh_lock(scene.store.path, scene.clock, timeout=0):
        with pytest.raises(BrokerUnavailable, match="another process"):
            scene.source.access_token()
    assert scene.clock.now() > NOW + timedelta(seconds=1330)


def test_a_stop_ends_the_wait_for_another_process(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(1300)
    scene.clock.request_stop()
    with refresh_lock(scene.store.path, scene.clock, timeout=0):
        with pytest.raises(Terminated):
            scene.source.access_token()


def test_a_stop_ends_the_repetition_of_a_refresh(open_scene: OpenScene) -> None:
    scene = open_scene(reply(503))
    scene.store.save(tokens())
    scene.clock.advance(700)
    scene.clock.request_stop()
    assert scene.source.access_token() == "access-token-0"
    assert len(scene.server.received) == 1


def test_a_manual_token_is_used_and_cannot_be_refreshed(open_scene: OpenScene) -> None:
    scene = open_scene(saxo_auth_mode="manual", saxo_access_token="manual-token-1")
    source = open_token_source(scene.settings, scene.transport, scene.clock)
    assert isinstance(source, ManualTokenSource)
    assert source.access_token() == "manual-token-1"
    with pytest.raises(LoginError, match="SAXO_ACCESS_TOKEN") as caught:
        source.refresh_after_401("manual-token-1")
    assert "manual-token-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"saxo_auth_mode": "manual"}, ["SAXO_ACCESS_TOKEN"]),
        ({"saxo_app_secret": None}, ["SAXO_APP_SECRET"]),
        (
            {"saxo_app_key": None, "saxo_redirect_uri": None},
            ["SAXO_APP_KEY", "SAXO_REDIRECT_URI"],
        ),
    ],
)
def test_what_is_missing_is_named(
    open_scene: OpenScene, changes: dict[str, object], named: list[str]
) -> None:
    scene = open_scene(**changes)
    with pytest.raises(SettingsError) as caught:
        open_token_source(scene.settings, scene.transport, scene.clock)
    assert [problem.split()[0] for problem in caught.value.problems] == named


def test_logging_in_is_logged_without_any_secret(open_scene: OpenScene, tmp_path: Path) -> None:
    with setup_logging(
        tmp_path / "logs", level="DEBUG", catalogue=CATALOGUE, strict=True, console=False
    ):
        scene = open_scene(reply(503), reply(201, TokenServer().pair()), REFUSED)
        scene.store.save(tokens())
        scene.clock.advance(700)
        scene.source.access_token()
        scene.clock.advance(700)
        with pytest.raises(LoginError):
            scene.source.access_token()
    text = (tmp_path / "logs" / "bot.log").read_text("utf-8")
    for event in (
        "auth_mode_selected",
        "auth_token_refresh_begin",
        "auth_token_refresh_success",
        "auth_token_refresh_failure",
        "auth_login_required",
    ):
        assert f"| {event} |" in text
    assert "failure_reason=login_server_unavailable recoverable=true" in text.replace(
        "grant=refresh_token ", ""
    )
    assert "failure_reason=grant_refused" in text
    assert "error_code=invalid_grant" in text
    basic = base64.b64encode(b"app-key-1234:app-secret-5678").decode()
    for secret in ("app-secret-5678", "access-token-", "refresh-token-", basic):
        assert secret not in text


def test_the_file_is_plain_json(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    content = json.loads(scene.store.path.read_text("utf-8"))
    assert content["access_expires_at"] == "2026-07-20T14:20:00Z"
