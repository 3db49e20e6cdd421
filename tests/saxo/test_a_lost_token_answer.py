"""The answer of a token request is lost. Whether the server had exchanged the token decides what
becomes of the login, and nobody can know beforehand; both ways through whole cycles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.bench import Bench
from support.login_scene import NOW, OpenScene, log_in_at, scenes, tokens
from support.scripted_http import CLOSE, free_port, reply
from tradebot.cycle_report import CycleReport
from tradebot.errors import BrokerUnavailable, ExitCode, LoginError
from tradebot.saxo.auth import open_token_source
from tradebot.saxo.token_store import StoredTokens, TokenStore
from tradebot.saxo.transport import Transport

WATCHED = '[{"asset_type":"Stock","uic":10001,"quantity":10}]'


class Login:
    """A bench whose login only a person could make anew."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.file = bench.folder / "login" / "tokens.json"
        self.first = log_in_at(bench.simulator, self.file, bench.clock)

    def cycle(self) -> CycleReport:
        return self.bench.cycle(
            SAXO_ENV="SIM", SAXO_TOKEN_FILE=str(self.file), WATCHLIST_JSON=WATCHED
        )

    def lose_an_answer(self, *, processed: bool) -> None:
        self.bench.fault("drop_after" if processed else "drop_before", endpoint="/token")

    def requests(self) -> int:
        return len(self.bench.lines("auth_token_refresh_begin"))

    @property
    def stored(self) -> StoredTokens:
        found = TokenStore(self.file).load()
        assert found is not None
        return found


@pytest.fixture
def login(bench: Bench) -> Login:
    return Login(bench)


@pytest.fixture
def open_scene(tmp_path: Path) -> Iterator[OpenScene]:
    with scenes(tmp_path) as build:
        yield build


@pytest.mark.parametrize("processed", [True, False])
def test_at_half_life_the_run_goes_on_with_the_old_token(login: Login, processed: bool) -> None:
    login.bench.clock.advance(700)
    login.lose_an_answer(processed=processed)
    assert login.cycle().exit_code is ExitCode.OK
    assert login.requests() == 1
    assert login.stored.refresh_started_at is not None
    [line] = login.bench.lines("auth_token_refresh_failure")
    assert (line["failure_reason"], line["recoverable"]) == ("answer_lost", "true")
    [lost] = login.bench.lines("http_error")
    assert lost["msg"] == "no whole answer to POST /token (connection_lost)"


def test_the_next_run_finds_that_the_server_had_done_nothing(login: Login) -> None:
    login.bench.clock.advance(700)
    login.lose_an_answer(processed=False)
    login.cycle()
    assert login.cycle().exit_code is ExitCode.OK
    assert login.stored.refresh_token != login.first.refresh_token
    assert login.stored.refresh_started_at is None


def test_the_next_run_finds_that_the_login_is_lost_and_says_why(login: Login) -> None:
    login.bench.clock.advance(700)
    begun = login.bench.clock.now()
    login.lose_an_answer(processed=True)
    login.cycle()
    login.bench.clock.advance(60)
    report = login.cycle()
    assert report.exit_code is ExitCode.NOPERM
    assert report.error is not None
    assert f"a refresh begun at {begun:%Y-%m-%dT%H:%M:%SZ} was interrupted" in report.error
    assert "tradebot auth login" in report.error
    [line] = login.bench.lines("auth_login_required")
    assert line["command"] == "tradebot auth login"
    asked = login.requests()
    assert login.cycle().exit_code is ExitCode.NOPERM
    assert login.requests() == asked


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 503}, "the login server answered 503 to POST /token"),
        (
            {"status": 201, "body": "{"},
            "no usable tokens in the login server's answer to POST /token",
        ),
    ],
)
def test_a_cycle_that_got_no_tokens_says_so_in_words_that_are_not_masked(
    login: Login, fault: dict[str, object], told: str
) -> None:
    login.bench.clock.advance(1300)
    login.bench.fault("status", count=None, endpoint="/token", params=fault)
    login.cycle()
    [failed] = login.bench.lines("cycle_failed")
    assert failed["msg"].endswith(told)


@pytest.mark.parametrize(("processed", "code"), [(False, ExitCode.OK), (True, ExitCode.NOPERM)])
def test_without_a_living_token_the_same_run_finds_out(
    login: Login, processed: bool, code: ExitCode
) -> None:
    login.bench.clock.advance(1300)
    login.lose_an_answer(processed=processed)
    assert login.cycle().exit_code is code
    assert login.requests() == 2


# -- what is named as the cause ----------------------------------------------------------------


@pytest.mark.parametrize("answer", [reply(503), CLOSE, reply(201, b"{")])
def test_what_may_have_spent_the_token_is_remembered(open_scene: OpenScene, answer: object) -> None:
    scene = open_scene(answer, answer)
    scene.store.save(tokens())
    scene.clock.advance(700)
    scene.source.access_token()
    assert scene.stored.refresh_started_at == NOW + timedelta(seconds=700)


@pytest.mark.parametrize("answer", [reply(429), reply(403, b"<html>"), reply(404), reply(302)])
def test_what_cannot_have_spent_the_token_is_not_blamed_later(
    open_scene: OpenScene, answer: object
) -> None:
    scene = open_scene(answer, answer)
    scene.store.save(tokens())
    scene.clock.advance(700)
    scene.source.access_token()
    assert scene.stored == tokens()


def test_nor_is_a_server_that_was_not_reached(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.clock.advance(700)
    address = f"http://127.0.0.1:{free_port()}"
    with Transport(address, scene.clock, allow_orders=False, auth_base=address) as transport:
        open_token_source(scene.settings, transport, scene.clock).access_token()
    assert scene.stored == tokens()


def test_nor_is_a_wrong_app_secret(open_scene: OpenScene) -> None:
    scene = open_scene(reply(401, {"error": "invalid_client"}))
    scene.store.save(tokens())
    scene.clock.advance(700)
    with pytest.raises(LoginError, match="SAXO_APP_SECRET"):
        scene.source.access_token()
    assert scene.stored == tokens()


def test_the_first_request_without_an_answer_stays_the_one_to_name(open_scene: OpenScene) -> None:
    scene = open_scene(CLOSE, CLOSE, reply(401, {"error": "invalid_grant"}))
    scene.store.save(tokens())
    scene.clock.advance(700)
    scene.source.access_token()
    scene.clock.advance(40)
    scene.source.access_token()
    scene.clock.advance(40)
    with pytest.raises(LoginError, match="begun at 2026-07-20T14:11:40Z"):
        scene.source.access_token()


# -- bounds ------------------------------------------------------------------------------------


def test_a_login_server_that_is_down_is_asked_twice_a_run(open_scene: OpenScene) -> None:
    scene = open_scene(*[reply(503)] * 20)
    scene.store.save(tokens())
    scene.clock.advance(1300)
    for _ in range(6):  # as the reads of a run do, with their repetitions
        with pytest.raises(BrokerUnavailable, match="none is left to use"):
            scene.source.access_token()
        scene.clock.advance(20)
    assert len(scene.server.received) == 2
    scene.clock.advance(240)
    with pytest.raises(BrokerUnavailable):
        scene.source.access_token()
    assert len(scene.server.received) == 4


def test_what_another_process_got_ends_the_pause(open_scene: OpenScene) -> None:
    scene = open_scene(reply(503), reply(503))
    scene.store.save(tokens())
    scene.clock.advance(1300)
    with pytest.raises(BrokerUnavailable):
        scene.source.access_token()
    assert scene.fresh_source().access_token() == "access-token-1"
    assert scene.source.access_token() == "access-token-1"


def test_a_broker_that_refuses_new_tokens_too_does_not_wear_out_the_login(
    open_scene: OpenScene,
) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    token = scene.source.access_token()
    for _ in range(5):  # five reads, each refused
        try:
            token = scene.source.refresh_after_401(token)
        except LoginError as error:
            assert "just renewed" in str(error)
            assert "SAXO_ACCOUNT_KEY" in str(error)
    assert len(scene.server.received) == 1
    assert not scene.stored.lost
    # Later a token may be refused again for a reason of its own.
    scene.clock.advance(301)
    assert scene.source.refresh_after_401(token) == "access-token-2"


def test_a_persistent_401_rotates_the_tokens_once_a_run(login: Login) -> None:
    login.bench.fault("status", count=None, endpoint="/port/*", params={"status": 401})
    assert login.cycle().exit_code is ExitCode.NOPERM
    assert login.requests() == 1


def test_reads_of_many_kinds_that_are_refused_rotate_once(login: Login) -> None:
    login.bench.fault("status", count=None, endpoint="/trade/*", params={"status": 401})
    login.bench.fault("status", count=None, endpoint="/chart/*", params={"status": 401})
    login.cycle()
    assert login.requests() == 1


def test_in_these_cycles_nobody_logs_in_unasked(login: Login) -> None:
    """Nobody logs in by himself in these tests: else none of them would show a lost login."""
    login.file.unlink()
    assert login.cycle().exit_code is ExitCode.NOPERM
