"""What passes by itself does no harm; a refused refresh is the end of a login, and stays it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.login_scene import NOW, REFUSED, OpenScene, Scene, TokenServer, scenes, tokens
from support.scripted_http import CLOSE, HANG, Received, Step, free_port, reply
from tradebot.errors import BrokerUnavailable, LoginError
from tradebot.saxo.auth import open_token_source
from tradebot.saxo.token_store import StoredTokens
from tradebot.saxo.transport import Transport


@pytest.fixture
def open_scene(tmp_path: Path) -> Iterator[OpenScene]:
    with scenes(tmp_path) as build:
        yield build


@pytest.mark.parametrize(
    "failure",
    [
        reply(500),
        reply(503, b"<html>maintenance</html>"),
        reply(408),
        reply(429),
        CLOSE,
        HANG,
        reply(200, b""),
        reply(200, b"<html>"),
        reply(200, {"access_token": "", "expires_in": 1200}),
        reply(403, b"<html>a firewall</html>"),
        reply(404),
        reply(302),
    ],
)
def test_a_passing_failure_is_no_harm_while_the_old_token_lives(
    open_scene: OpenScene, failure: Step
) -> None:
    scene = open_scene(failure, failure)
    scene.store.save(tokens())
    scene.clock.advance(700)
    assert scene.source.access_token() == "access-token-0"
    asked = len(scene.server.received)
    # Not at every request, but soon again.
    assert scene.source.access_token() == "access-token-0"
    assert len(scene.server.received) == asked
    scene.clock.advance(31)
    scene.server.script = TokenServer()
    assert scene.source.access_token() == "access-token-1"
    assert not scene.stored.lost


@pytest.mark.parametrize("failure", [reply(500), CLOSE, reply(429), reply(200, b"")])
def test_without_a_living_token_the_same_failure_is_unavailable(
    open_scene: OpenScene, failure: Step
) -> None:
    scene = open_scene(failure, failure)
    scene.store.save(tokens())
    scene.clock.advance(1195)
    with pytest.raises(BrokerUnavailable, match="refreshed"):
        scene.source.access_token()
    assert not scene.stored.lost


def test_a_refresh_is_repeated_once_where_that_is_safe(open_scene: OpenScene) -> None:
    scene = open_scene(reply(503))
    scene.store.save(tokens())
    scene.clock.advance(700)
    assert scene.source.access_token() == "access-token-1"
    assert len(scene.server.received) == 2


def test_a_refresh_whose_answer_was_lost_is_not_repeated_at_once(
    open_scene: OpenScene,
) -> None:
    """The server may have exchanged the token: a second use would end the login."""
    scene = open_scene(CLOSE)
    scene.store.save(tokens())
    scene.clock.advance(700)
    assert scene.source.access_token() == "access-token-0"
    assert len(scene.server.received) == 1
    assert scene.stored.refresh_started_at is not None


def test_no_connection_is_no_lost_login(open_scene: OpenScene, tmp_path: Path) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(1300)
    address = f"http://127.0.0.1:{free_port()}"
    with Transport(address, scene.clock, allow_orders=False, auth_base=address) as transport:
        source = open_token_source(scene.settings, transport, scene.clock)
        with pytest.raises(BrokerUnavailable):
            source.access_token()
        assert transport.http_calls == 2


@pytest.mark.parametrize("refusal", [REFUSED, reply(400), reply(401)])
def test_a_refused_refresh_is_a_lost_login_and_remembered(
    open_scene: OpenScene, refusal: Step
) -> None:
    scene = open_scene(refusal)
    scene.store.save(tokens())
    scene.clock.advance(700)
    with pytest.raises(LoginError, match="tradebot auth login") as caught:
        scene.source.access_token()
    assert int(caught.value.exit_code) == 77
    assert scene.stored.lost
    assert len(scene.server.received) == 1
    # The next run does not ask again.
    with pytest.raises(LoginError, match="tradebot auth login"):
        scene.fresh_source().access_token()
    assert len(scene.server.received) == 1


def test_an_interrupted_refresh_is_named_as_a_cause(open_scene: OpenScene) -> None:
    scene = open_scene(REFUSED)
    scene.store.save(tokens(refresh_started_at=NOW + timedelta(seconds=610)))
    scene.clock.advance(700)
    with pytest.raises(LoginError, match="2026-07-20T14:10:10Z was interrupted"):
        scene.source.access_token()


def test_a_refresh_is_on_the_disk_as_begun_before_it_is_sent(
    open_scene: OpenScene,
) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(700)
    seen: list[bool] = []
    server = TokenServer()

    def look(request: Received) -> Step:
        seen.append(scene.stored.refresh_started_at is not None)
        return server(request)

    scene.server.script = look
    scene.source.access_token()
    assert seen == [True]


def rotated_elsewhere(scene: Scene, found: StoredTokens) -> None:
    """While we refresh, somebody who does not share our lock puts `found` into the file."""
    server = TokenServer()
    server.alive = "refresh-token-of-elsewhere"

    def script(request: Received) -> Step:
        if not scene.server.received[1:]:
            scene.store.save(found)
        return server(request)

    scene.server.script = script


def test_a_pair_from_another_machine_is_used(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(700)
    rotated_elsewhere(
        scene,
        tokens(
            access_token="access-of-elsewhere",
            refresh_token="refresh-token-of-elsewhere",
            obtained_at=scene.clock.now(),
            access_expires_at=scene.clock.now() + timedelta(seconds=1200),
        ),
    )
    assert scene.source.access_token() == "access-of-elsewhere"
    assert len(scene.server.received) == 1
    assert not scene.stored.lost


def test_an_old_pair_from_another_machine_is_refreshed(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(1300)
    rotated_elsewhere(scene, tokens(refresh_token="refresh-token-of-elsewhere"))
    assert scene.source.access_token() == "access-token-1"
    assert len(scene.server.received) == 2


def test_two_refusals_are_the_end(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(1300)
    rotated_elsewhere(scene, tokens(refresh_token="refresh-token-x"))
    with pytest.raises(LoginError):
        scene.source.access_token()
    assert len(scene.server.received) == 2


def test_a_token_that_cannot_be_refreshed_runs_out(open_scene: OpenScene) -> None:
    scene = open_scene(reply(201, {"access_token": "access-token-x", "expires_in": "1200"}))
    scene.source.login_with_code("code-1")
    assert scene.source.access_token() == "access-token-x"
    assert scene.stored.refresh_token is None
    scene.clock.advance(1200)
    with pytest.raises(LoginError, match="expired"):
        scene.source.access_token()


def test_nobody_has_logged_in(open_scene: OpenScene) -> None:
    scene = open_scene()
    with pytest.raises(LoginError, match="tradebot auth login"):
        scene.source.access_token()
    assert scene.server.received == []


def test_tokens_of_another_environment_are_not_used(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens(env="LIVE"))
    with pytest.raises(LoginError, match="nobody has logged in"):
        scene.source.access_token()


def test_a_login_ends_a_lost_one(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens(login_lost_at=NOW, login_lost_reason="because"))
    with pytest.raises(LoginError, match="because"):
        scene.source.access_token()
    scene.source.login_with_code("code-1")
    assert scene.source.access_token() == "access-token-1"
    assert not scene.stored.lost
    assert scene.server.received[0].form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": "http://localhost/myapp",
    }


def test_a_refused_code_is_said(open_scene: OpenScene) -> None:
    scene = open_scene(REFUSED)
    with pytest.raises(LoginError, match="invalid_grant"):
        scene.source.login_with_code("code-1")
    assert scene.store.load() is None


def test_only_the_simulator_logs_in_by_itself(open_scene: OpenScene) -> None:
    with pytest.raises(LoginError, match="simulator"):
        open_scene().source.login_without_person()


@pytest.mark.parametrize("word", ["invalid_client", "unauthorized_client"])
def test_a_wrong_app_secret_does_not_end_the_login(open_scene: OpenScene, word: str) -> None:
    scene = open_scene(reply(401, {"error": word}))
    scene.store.save(tokens())
    scene.clock.advance(700)
    with pytest.raises(LoginError, match="SAXO_APP_SECRET"):
        scene.source.access_token()
    assert not scene.stored.lost


@pytest.mark.parametrize(
    ("body", "life"),
    [
        ({"expires_in": 1200.5, "refresh_token": "refresh-token-new"}, 1200.5),
        ({"expires_in": "900", "refresh_token": "refresh-token-new"}, 900),
        ({"expires_in": 0, "refresh_token": "refresh-token-new"}, 300),
        ({"refresh_token": "refresh-token-new", "refresh_token_expires_in": 10**14}, 300),
    ],
)
def test_a_rotated_pair_is_kept_whatever_else_the_answer_says(
    open_scene: OpenScene, body: dict[str, object], life: float
) -> None:
    scene = open_scene(reply(201, {"access_token": "access-token-new", **body}))
    scene.store.save(tokens())
    scene.clock.advance(700)
    assert scene.source.access_token() == "access-token-new"
    assert scene.stored.refresh_token == "refresh-token-new"
    assert (scene.stored.access_expires_at - scene.stored.obtained_at).total_seconds() == life


def test_without_a_new_refresh_token_the_old_one_stays(open_scene: OpenScene) -> None:
    scene = open_scene(reply(201, {"access_token": "access-token-new", "expires_in": 1200}))
    old = tokens()
    scene.store.save(old)
    scene.clock.advance(700)
    scene.source.access_token()
    assert scene.stored.refresh_token == old.refresh_token
    assert scene.stored.refresh_expires_at == old.refresh_expires_at


def test_tokens_of_another_mode_are_not_sent_and_not_called_lost(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens(mode="pkce"))
    scene.clock.advance(700)
    with pytest.raises(LoginError, match="nobody has logged in"):
        scene.source.access_token()
    assert scene.server.received == []
    assert not scene.stored.lost


def test_a_token_that_no_header_can_carry_is_a_bad_answer(open_scene: OpenScene) -> None:
    bad = reply(201, {"access_token": "access-token\r\nnew", "expires_in": 1200})
    scene = open_scene(bad)
    scene.store.save(tokens())
    scene.clock.advance(700)
    assert scene.source.access_token() == tokens().access_token  # which lives a while yet
    assert not scene.stored.lost
