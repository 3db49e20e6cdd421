"""`tradebot auth`: log in, look, keep alive; exit codes that a scheduler can act on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from support.program import start_bot
from support.scripted_http import Received, ScriptedServer, Step, free_port, reply
from tradebot.saxo.token_store import StoredTokens, TokenStore
from tradebot.scheduling.run_lock import RunLock
from tradebot.simulator import Simulator

pytestmark = pytest.mark.usefixtures("coverage_follows")

NOW = datetime.now(UTC)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A real environment, with no settings in it but folders of our own."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k.startswith(("PATH", "PYTHONPATH", "SYSTEMROOT", "COV"))
    }
    (tmp_path / ".env").write_text("")
    return kept | {
        "LOG_DIR": str(tmp_path / "logs"),
        "STATE_DIR": str(tmp_path / "state"),
        "SAXO_TOKEN_FILE": str(tmp_path / "tokens.json"),
        "ENV_FILE": str(tmp_path / ".env"),
    }


@pytest.fixture
def broker() -> Iterator[ScriptedServer]:
    """A login server: a code or a living refresh token brings a pair, anything else is refused."""

    def script(request: Received) -> Step:
        assert request.path == "/auth/token"
        if request.form.get("code") != "good-code" and (
            request.form.get("refresh_token") != "refresh-token-0"
        ):
            return reply(401, {"error": "invalid_grant"})
        pair = {
            "access_token": "access-token-1",
            "expires_in": 1200,
            "refresh_token": "refresh-token-1",
            "refresh_token_expires_in": 2400,
        }
        return reply(201, pair)

    with ScriptedServer(script) as server:
        yield server


def sim_environment(environ: dict[str, str], base: str, **more: str) -> dict[str, str]:
    return environ | {
        "SAXO_ENV": "SIM",
        "SAXO_REST_BASE": f"{base}/rest",
        "SAXO_AUTH_BASE": f"{base}/auth",
        "SAXO_APP_KEY": "app-key-1234",
        "SAXO_APP_SECRET": "app-secret-5678",
        "SAXO_REDIRECT_URI": "http://localhost/myapp",
        **more,
    }


def start(environ: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from tradebot.cli import main; main()", "auth", *arguments,
         "--env-file", environ["ENV_FILE"]],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def run(environ: dict[str, str], *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    process = start(environ, *arguments)
    out, err = process.communicate(stdin, timeout=60)
    return process.returncode, out, err


def store(environ: dict[str, str], age: timedelta, **changes: object) -> TokenStore:
    obtained = NOW - age
    found = StoredTokens(
        env="SIM",
        mode="oauth",
        access_token="access-token-0",
        obtained_at=obtained,
        access_expires_at=obtained + timedelta(seconds=1200),
        refresh_token="refresh-token-0",
        refresh_expires_at=obtained + timedelta(seconds=2400),
    )
    kept = TokenStore(Path(environ["SAXO_TOKEN_FILE"]))
    kept.save(msgspec.structs.replace(found, **changes))
    return kept


def access_token(environ: dict[str, str]) -> str:
    stored = TokenStore(Path(environ["SAXO_TOKEN_FILE"])).load()
    assert stored is not None
    return stored.access_token


def printed_address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("http"):
            return line.strip()
    raise AssertionError("no address was printed")


def log_of(environ: dict[str, str]) -> str:
    return (Path(environ["LOG_DIR"]) / "bot.log").read_text("utf-8")


# -- login -------------------------------------------------------------------------------------


def test_a_pasted_address_logs_in(environ: dict[str, str], broker: ScriptedServer) -> None:
    environ = sim_environment(environ, broker.base)
    process = start(environ, "login", "--paste")
    query = parse_qs(urlsplit(printed_address(process)).query)
    state = query["state"][0]
    _, err = process.communicate(
        f"http://localhost/myapp?code=x&state=old\nhttp://localhost/myapp?code=good-code&state={state}\n",
        timeout=60,
    )
    assert process.returncode == 0
    assert "does not belong to this login" in err
    assert "logged in to SIM" in err
    assert access_token(environ) == "access-token-1"
    assert "access-token" not in err + log_of(environ)
    assert broker.received[0].form["redirect_uri"] == "http://localhost/myapp"


@pytest.mark.parametrize("mode", ["oauth", "pkce"])
def test_the_browsers_redirect_logs_in(
    environ: dict[str, str], broker: ScriptedServer, mode: str
) -> None:
    uri = "http://127.0.0.1/myapp" if mode == "pkce" else f"http://127.0.0.1:{free_port()}/myapp"
    environ = sim_environment(environ, broker.base, SAXO_AUTH_MODE=mode, SAXO_REDIRECT_URI=uri)
    process = start(environ, "login")
    query = parse_qs(urlsplit(printed_address(process)).query)
    back = f"{query['redirect_uri'][0]}?code=good-code&state={query['state'][0]}"
    with urllib.request.urlopen(back, timeout=10) as answer:
        assert answer.status == 200
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert access_token(environ) == "access-token-1"
    assert ("code_verifier" in broker.received[0].form) == (mode == "pkce")


def test_a_login_given_up_exits_77(environ: dict[str, str], broker: ScriptedServer) -> None:
    environ = sim_environment(environ, broker.base)
    process = start(environ, "login", "--paste")
    state = parse_qs(urlsplit(printed_address(process)).query)["state"][0]
    _, err = process.communicate(
        f"http://localhost/myapp?error=access_denied&state={state}\n", timeout=60
    )
    assert process.returncode == 77
    assert "access_denied" in err


def test_nobody_logging_in_exits_77(environ: dict[str, str], broker: ScriptedServer) -> None:
    environ = sim_environment(environ, broker.base)
    code, _, err = run(environ, "login", "--paste")
    assert code == 77
    assert "nobody logged in" in err
    taken = sim_environment(environ, broker.base, SAXO_REDIRECT_URI=f"{broker.base}/x")
    code, _, err = run(taken, "login", "--timeout", "1")
    assert code == 77


def test_waiting_for_the_browser_ends(environ: dict[str, str], broker: ScriptedServer) -> None:
    uri = f"http://127.0.0.1:{free_port()}/myapp"
    environ = sim_environment(environ, broker.base, SAXO_REDIRECT_URI=uri)
    code, _, err = run(environ, "login", "--timeout", "1")
    assert code == 77
    assert "nobody logged in" in err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "SAXO_ENV=SIM"),
        ({"SAXO_AUTH_MODE": "manual", "SAXO_ACCESS_TOKEN": "manual-token"}, "SAXO_ACCESS_TOKEN"),
    ],
)
@pytest.mark.parametrize("command", ["login", "keepalive"])
def test_where_there_is_nothing_to_log_in_to_it_is_said(
    environ: dict[str, str], changes: dict[str, str], said: str, command: str
) -> None:
    if changes:
        environ = environ | changes | {"SAXO_ENV": "SIM"}
    code, out, err = run(environ, command)
    assert (code, out) == (0, "")
    assert "nothing to log in to" in err
    assert said in err


def test_a_simulator_of_its_own_is_logged_in_to(environ: dict[str, str], tmp_path: Path) -> None:
    with Simulator(tmp_path / "simulator.db") as sim:
        environ = sim_environment(environ, sim.auth_base) | {
            "SAXO_ENV": "LOCAL",
            "SAXO_REST_BASE": sim.rest_base,
            "SAXO_AUTH_BASE": sim.auth_base,
            "SAXO_APP_KEY": sim.app_key,
            "SAXO_APP_SECRET": sim.app_secret,
            "SAXO_REDIRECT_URI": sim.redirect_uri,
        }
        code, _, err = run(environ, "login")
        assert code == 0, err
        assert "logged in to LOCAL" in err
        code, out, _ = run(environ, "status")
    assert code == 0
    assert "login=live" in out


def test_missing_settings_are_named(environ: dict[str, str]) -> None:
    code, _, err = run(environ | {"SAXO_ENV": "SIM"}, "login")
    assert code == 2
    assert "SAXO_APP_KEY" in err
    assert "SAXO_APP_SECRET" in err
    assert "WATCHLIST" not in err


# -- status ------------------------------------------------------------------------------------


def test_status_shows_times_and_no_token(environ: dict[str, str], broker: ScriptedServer) -> None:
    environ = sim_environment(environ, broker.base)
    kept = store(environ, timedelta(minutes=1)).load()
    assert kept is not None
    code, out, err = run(environ, "status", "--output", "json")
    assert code == 0
    facts = json.loads(out)
    assert facts["login"] == "live"
    assert facts["env"] == "SIM"
    assert facts["access_expires_at"] == f"{kept.access_expires_at:%Y-%m-%dT%H:%M:%SZ}"
    assert facts["refresh_expires_at"] == f"{kept.refresh_expires_at:%Y-%m-%dT%H:%M:%SZ}"
    assert "token-0" not in out + err
    assert broker.received == []


@pytest.mark.parametrize(
    ("age", "changes", "login", "code"),
    [
        (timedelta(minutes=25), {}, "refreshable", 0),
        (timedelta(minutes=36), {}, "ending", 1),
        (timedelta(minutes=16), {"refresh_token": None}, "ending", 1),
        (timedelta(minutes=45), {}, "expired", 1),
        (timedelta(minutes=25), {"refresh_token": None}, "expired", 1),
        (timedelta(0), {"login_lost_at": NOW, "login_lost_reason": "because"}, "lost", 1),
        (timedelta(0), {"env": "LIVE"}, "none", 1),
    ],
)
def test_status_of_other_logins(
    environ: dict[str, str], age: timedelta, changes: dict[str, object], login: str, code: int
) -> None:
    environ = sim_environment(environ, "http://127.0.0.1:9")
    store(environ, age, **changes)
    found, out, _ = run(environ, "status")
    assert (found, f"login={login}\n" in out) == (code, True)
    assert ("lost_because=because" in out) == (login == "lost")
    assert ("advice=-" in out) == (code == 0)


def test_status_says_when_the_schedule_is_too_slow_for_the_login(environ: dict[str, str]) -> None:
    environ = sim_environment(environ, "http://127.0.0.1:9")
    store(environ, timedelta(minutes=1))
    for cadence, too_slow in (("30m", False), ("40m", True), ("4h", True)):
        code, out, _ = run(environ | {"SCHEDULE_CADENCE": cadence}, "status", "--output", "json")
        assert code == 0
        assert ("keepalive" in (json.loads(out)["advice"] or "")) == too_slow


def test_status_says_when_the_login_ends_and_what_was_interrupted(
    environ: dict[str, str],
) -> None:
    environ = sim_environment(environ, "http://127.0.0.1:9")
    kept = store(environ, timedelta(minutes=11), refresh_started_at=NOW).load()
    assert kept is not None
    _, out, _ = run(environ, "status")
    assert f"lasts_until={kept.refresh_expires_at:%Y-%m-%dT%H:%M:%SZ}\n" in out
    assert f"interrupted_at={NOW:%Y-%m-%dT%H:%M:%SZ}\n" in out


def test_status_without_a_login(environ: dict[str, str]) -> None:
    code, out, _ = run(sim_environment(environ, "http://127.0.0.1:9"), "status")
    assert code == 1
    assert "login=none" in out


@pytest.mark.parametrize(
    "changes",
    [{}, {"SAXO_ENV": "SIM", "SAXO_AUTH_MODE": "manual", "SAXO_ACCESS_TOKEN": "manual-token"}],
)
def test_status_where_no_login_is_needed(environ: dict[str, str], changes: dict[str, str]) -> None:
    code, out, _ = run(environ | changes, "status")
    assert code == 0
    assert "login=not needed" in out


# -- keepalive ---------------------------------------------------------------------------------


def test_keepalive_refreshes_past_half_life(
    environ: dict[str, str], broker: ScriptedServer
) -> None:
    environ = sim_environment(environ, broker.base)
    store(environ, timedelta(minutes=1))
    code, out, err = run(environ, "keepalive")
    assert (code, out, broker.received) == (0, "", [])
    assert "lasts until" in err
    store(environ, timedelta(minutes=11))
    code, _, _ = run(environ, "keepalive")
    assert code == 0
    assert access_token(environ) == "access-token-1"
    assert "auth_token_refresh_success" in log_of(environ)
    assert "env=SIM" in log_of(environ)


def test_keepalive_of_a_lost_login_exits_77(
    environ: dict[str, str], broker: ScriptedServer
) -> None:
    environ = sim_environment(environ, broker.base)
    store(environ, timedelta(minutes=11), refresh_token="refresh-token-used")
    for _ in range(2):
        code, _, err = run(environ, "keepalive")
        assert code == 77
        assert "tradebot auth login" in err
    assert len(broker.received) == 1


def test_keepalive_without_a_server_exits_69(environ: dict[str, str]) -> None:
    environ = sim_environment(environ, f"http://127.0.0.1:{free_port()}")
    store(environ, timedelta(minutes=30))
    code, _, err = run(environ, "keepalive")
    assert code == 69
    assert "connection_refused" in err


def test_keepalive_says_when_it_could_not_refresh_although_the_token_lives(
    environ: dict[str, str],
) -> None:
    environ = sim_environment(environ, f"http://127.0.0.1:{free_port()}")
    store(environ, timedelta(minutes=11))
    code, _, err = run(environ, "keepalive")
    assert code == 69
    assert "the login until" in err
    assert "due to be refreshed, but" in err
    assert access_token(environ) == "access-token-0"


def test_two_keepalives_at_once_refresh_once(
    environ: dict[str, str], broker: ScriptedServer
) -> None:
    environ = sim_environment(environ, broker.base)
    store(environ, timedelta(minutes=30))
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(run(environ, "keepalive")[0]))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert codes == [0, 0, 0]
    assert len(broker.received) == 1


def test_a_run_that_holds_the_lock_does_not_keep_the_login_from_being_kept_alive(
    environ: dict[str, str], broker: ScriptedServer
) -> None:
    """A run that finds the lock taken ends at once; for a holder that hangs there is this."""
    environ = sim_environment(environ, broker.base)
    store(environ, timedelta(minutes=11))
    with RunLock(Path(environ["STATE_DIR"]) / "default" / "SIM" / "run.lock") as lock:
        lock.acquire(run_id="a-run-that-hangs")
        code, _, _ = run(environ, "keepalive")
    assert (code, access_token(environ)) == (0, "access-token-1")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("signals", [["SIGTERM"], ["SIGHUP"], ["SIGINT", "SIGTERM"]])
def test_a_stop_waits_until_the_new_tokens_are_saved(
    environ: dict[str, str], signals: list[str]
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def script(_request: Received) -> Step:
        asked.set()
        assert go_on.wait(30)
        pair = {"access_token": "access-token-1", "expires_in": 1200}
        return reply(201, pair | {"refresh_token": "refresh-token-1"})

    with ScriptedServer(script) as server:
        environ = sim_environment(environ, server.base)
        store(environ, timedelta(minutes=11))
        process = start(environ, "keepalive")
        assert asked.wait(30)
        for name in signals:
            process.send_signal(getattr(signal, name))
        go_on.set()
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert access_token(environ) == "access-token-1"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_second_stop_does_not_cut_off_a_running_bots_refresh(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """A second SIGTERM ends a run at once, but not between the answer and the saved pair."""
    asked, go_on = threading.Event(), threading.Event()

    def script(request: Received) -> Step:
        if request.path != "/auth/token":
            return reply(503)
        asked.set()
        assert go_on.wait(30)
        pair = {"access_token": "access-token-1", "expires_in": 1200}
        return reply(201, pair | {"refresh_token": "refresh-token-1"})

    with ScriptedServer(script) as server:
        watched = '[{"asset_type":"FxSpot","uic":21,"quantity":1000}]'
        environ = sim_environment(environ, server.base, WATCHLIST_JSON=watched)
        store(environ, timedelta(minutes=11))
        process = start_bot(
            tmp_path, "--single-cycle", "--env-file", environ.pop("ENV_FILE"), **environ
        )
        assert asked.wait(60)
        for number in (signal.SIGTERM, signal.SIGINT):  # two of one kind may become one
            process.send_signal(number)
        go_on.set()
        process.communicate(timeout=60)
    assert process.returncode == 143
    assert access_token(environ) == "access-token-1"


def test_a_pasted_address_in_the_wrong_place_is_not_repeated(environ: dict[str, str]) -> None:
    address = "http://localhost:5000/callback?code=SEKRETCODE1234&state=0123456789abcdef"
    code, out, err = run(environ, "login", address)
    assert code == 2
    assert "SEKRETCODE1234" not in out + err
