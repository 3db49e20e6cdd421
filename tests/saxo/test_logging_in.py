"""The address a person opens, what may come back from it, and the simulator's login."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

import base64
import dataclasses
import hashlib
import queue
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from support.scripted_http import ScriptedServer, reply
from tradebot.clock import Clock, ManualClock, SystemClock
from tradebot.errors import BadAnswer, LoginError, SettingsError
from tradebot.saxo.auth import RotatingTokenSource, open_token_source
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.login import ForeignRedirect, LoginAttempt
from tradebot.saxo.redirect_listener import RedirectListener
from tradebot.saxo.token_endpoint import App
from tradebot.saxo.token_store import TokenStore
from tradebot.saxo.transport import Transport
from tradebot.simulator import Simulator, SimulatorOptions

OAUTH = App("oauth", "app-key-1234", "app-secret-5678", "http://localhost/my app")
PKCE = App("pkce", "app-key-1234", None, "http://localhost/myapp")


@dataclasses.dataclass(frozen=True)
class LocalSettings:
    saxo_token_file: Path
    saxo_env: str = "LOCAL"
    saxo_auth_mode: str = "oauth"
    saxo_app_key: str | None = None
    saxo_app_secret: str | None = None
    saxo_redirect_uri: str | None = None
    saxo_access_token: str | None = None


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_address_asks_for_a_code() -> None:
    attempt = LoginAttempt.begin(OAUTH)
    url = attempt.authorize_url("https://sim.logonvalidation.net/")
    assert url.startswith("https://sim.logonvalidation.net/authorize?")
    assert query_of(url) == {
        "response_type": "code",
        "client_id": "app-key-1234",
        "state": attempt.state,
        "redirect_uri": "http://localhost/my app",
    }
    assert LoginAttempt.begin(OAUTH).state != attempt.state


def test_pkce_shows_a_challenge_and_keeps_the_verifier() -> None:
    attempt = LoginAttempt.begin(PKCE)
    assert attempt.verifier is not None
    assert 43 <= len(attempt.verifier) <= 128
    query = query_of(attempt.authorize_url("https://x.example"))
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    assert query["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert query["code_challenge_method"] == "S256"
    assert attempt.verifier not in attempt.authorize_url("https://x.example")
    assert attempt.verifier not in repr(attempt)
    assert attempt.state not in repr(attempt)


def test_the_code_is_taken_from_where_the_browser_ends() -> None:
    attempt = LoginAttempt.begin(OAUTH)
    ended = f"  http://localhost/myapp?code=a%2Bb&state={attempt.state}\n"
    assert attempt.code_from(ended) == "a+b"


@pytest.mark.parametrize(
    "ended",
    [
        "http://localhost/myapp?code=x&state=of-somebody-else",
        "http://localhost/myapp?code=x",
        "http://localhost/myapp?code=x&state={state}&state={state}",
        "http://localhost/myapp?state={state}",
        "http://localhost/myapp?state=%C3%BC",
        "nonsense",
        "",
    ],
)
def test_what_is_not_this_logins_answer_is_refused(ended: str) -> None:
    attempt = LoginAttempt.begin(OAUTH)
    with pytest.raises(ForeignRedirect) as caught:
        attempt.code_from(ended.format(state=attempt.state))
    assert attempt.state not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "shown"), [("access_denied", "access_denied"), ("%3Cscript%3E", "error")]
)
def test_a_login_given_up_is_said(error: str, shown: str) -> None:
    attempt = LoginAttempt.begin(OAUTH)
    with pytest.raises(LoginError) as caught:
        attempt.code_from(f"http://localhost/myapp?error={error}&state={attempt.state}")
    assert f"({shown})" in str(caught.value)
    assert not isinstance(caught.value, ForeignRedirect)


def test_an_oauth_app_has_a_secret_and_does_not_show_it() -> None:
    with pytest.raises(SettingsError, match="SAXO_APP_SECRET"):
        App("oauth", "key", None, "http://localhost")
    assert "app-secret" not in repr(OAUTH)


# -- catching the redirect ---------------------------------------------------------------------


def get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_the_browsers_redirect_is_caught_on_its_path_only() -> None:
    arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    with RedirectListener("http://127.0.0.1/myapp", arrived, any_port=True) as listener:
        base = listener.redirect_uri.removesuffix("/myapp")
        assert get(f"{base}/favicon.ico") == 404
        assert get(f"{listener.redirect_uri}?code=x&state=y") == 200
    assert arrived.get(timeout=10) == "/myapp?code=x&state=y"
    assert arrived.empty()


def test_an_address_with_a_port_is_listened_at_as_it_is() -> None:
    arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    with RedirectListener("http://127.0.0.1", arrived, any_port=True) as first:
        address = first.redirect_uri
        with pytest.raises(OSError, match="in use"):
            RedirectListener(address, arrived, any_port=False)
    with RedirectListener(address, arrived, any_port=False) as second:
        assert second.redirect_uri == address
        assert get(f"{address}/?code=1") == 200
    assert arrived.get(timeout=10) == "/?code=1"


@pytest.mark.parametrize("address", ["https://localhost/x", "http://bot.example/x", "x"])
def test_only_this_machines_addresses_are_listened_at(address: str) -> None:
    with pytest.raises(ValueError, match="this machine"):
        RedirectListener(address, queue.SimpleQueue(), any_port=True)


# -- the simulator's login ---------------------------------------------------------------------


@pytest.fixture
def sim_clock() -> ManualClock:
    return ManualClock(SystemClock().now())


@pytest.fixture
def sim(tmp_path: Path, sim_clock: ManualClock) -> Iterator[Simulator]:
    options = SimulatorOptions(clock=sim_clock)
    with Simulator(tmp_path / "simulator.db", options=options) as simulator:
        yield simulator


@pytest.fixture
def transport(sim: Simulator, sim_clock: ManualClock) -> Iterator[Transport]:
    with Transport(
        sim.rest_base, sim_clock, allow_orders=False, auth_base=sim.auth_base
    ) as transport:
        yield transport


def open_source(
    sim: Simulator, transport: Transport, clock: Clock, tmp_path: Path, mode: str = "oauth"
) -> RotatingTokenSource:
    app = App(mode, sim.app_key, sim.app_secret if mode == "oauth" else None, sim.redirect_uri)
    settings = LocalSettings(tmp_path / "tokens.json", saxo_auth_mode=mode)
    source = open_token_source(settings, transport, clock, app=app)
    assert isinstance(source, RotatingTokenSource)
    return source


@pytest.mark.parametrize("mode", ["oauth", "pkce"])
def test_the_bot_logs_in_at_the_simulator_by_itself(
    sim: Simulator, transport: Transport, sim_clock: ManualClock, tmp_path: Path, mode: str
) -> None:
    source = open_source(sim, transport, sim_clock, tmp_path, mode)
    client = SaxoClient(transport, source, sim_clock)
    assert client.user().client_key == sim.client_key
    calls = client.http_calls
    # A refresh at half-life, with the secret or the verifier.
    sim_clock.advance(700)
    assert client.user().client_key == sim.client_key
    assert client.http_calls == calls + 2
    assert client.server_time_offset == pytest.approx(0, abs=1)


@pytest.mark.parametrize(
    "content", [b"damaged", None, b'{"env":"SIM","mode":"oauth","access_token":"x"}']
)
def test_at_the_simulator_no_login_is_ever_lost(
    sim: Simulator,
    transport: Transport,
    sim_clock: ManualClock,
    tmp_path: Path,
    content: bytes | None,
) -> None:
    open_source(sim, transport, sim_clock, tmp_path).access_token()
    if content is not None:
        (tmp_path / "tokens.json").write_bytes(content)
    sim_clock.advance(timedelta(days=3).total_seconds())
    source = open_source(sim, transport, sim_clock, tmp_path)
    client = SaxoClient(transport, source, sim_clock)
    assert client.user().client_key == sim.client_key


def test_tokens_of_a_simulator_that_is_gone_are_replaced(
    sim: Simulator, transport: Transport, sim_clock: ManualClock, tmp_path: Path
) -> None:
    open_source(sim, transport, sim_clock, tmp_path).access_token()
    options = SimulatorOptions(clock=sim_clock)
    with Simulator(tmp_path / "new" / "simulator.db", options=options) as other:
        with Transport(
            other.rest_base, sim_clock, allow_orders=False, auth_base=other.auth_base
        ) as its_transport:
            source = open_source(other, its_transport, sim_clock, tmp_path)
            client = SaxoClient(its_transport, source, sim_clock)
            assert client.user().client_key == other.client_key


def test_a_wrong_secret_at_the_simulator_is_said(
    sim: Simulator, transport: Transport, sim_clock: ManualClock, tmp_path: Path
) -> None:
    app = App("oauth", sim.app_key, "not-the-secret", sim.redirect_uri)
    settings = LocalSettings(tmp_path / "tokens.json")
    source = open_token_source(settings, transport, sim_clock, app=app)
    with pytest.raises(LoginError, match="SAXO_APP_SECRET"):
        source.access_token()
    assert TokenStore(tmp_path / "tokens.json").load() is None


def test_a_server_that_does_not_redirect_is_no_simulator(tmp_path: Path) -> None:
    with ScriptedServer([reply(200, b"<html>log in here</html>")]) as server:
        clock = ManualClock(SystemClock().now())
        with Transport(server.base, clock, allow_orders=False, auth_base=server.base) as transport:
            settings = LocalSettings(tmp_path / "tokens.json")
            source = open_token_source(settings, transport, clock, app=OAUTH)
            with pytest.raises(BadAnswer, match="SAXO_AUTH_BASE"):
                source.access_token()


def test_a_text_that_is_no_address_is_refused_as_such() -> None:
    attempt = LoginAttempt.begin(App("oauth", "app-key-1", "app-secret-1", "http://localhost/x"))
    with pytest.raises(ForeignRedirect, match="not an address"):
        attempt.code_from("http://[bad?code=1&state=2")
