"""A refresh token works once: of several processes that want to refresh, one does."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.scripted_http import CLOSE, Received, ScriptedServer, Step, reply
from tradebot.clock import SystemClock
from tradebot.errors import StorageError
from tradebot.saxo import refresh_lock
from tradebot.saxo.token_store import StoredTokens, TokenStore

PROCESSES = 4

REFRESHER = """
import sys
from pathlib import Path
from types import SimpleNamespace
from tradebot.clock import SystemClock
from tradebot.saxo.auth import open_token_source
from tradebot.saxo.transport import Transport

base, token_file, mode = sys.argv[1:]
settings = SimpleNamespace(
    saxo_env="SIM", saxo_auth_mode="oauth", saxo_app_key="app-key-1234",
    saxo_app_secret="app-secret-5678", saxo_redirect_uri="http://localhost/x",
    saxo_access_token=None, saxo_token_file=Path(token_file),
)
clock = SystemClock()
with Transport(base, clock, allow_orders=False, auth_base=base) as transport:
    source = open_token_source(settings, transport, clock)
    print("ready", flush=True)
    sys.stdin.readline()
    print(source.refresh_after_401("access-token-0") if mode == "401" else source.access_token())
"""


def old_login(path: Path, age: timedelta) -> None:
    now = datetime.now(UTC)
    TokenStore(path).save(
        StoredTokens(
            env="SIM",
            mode="oauth",
            access_token="access-token-0",
            obtained_at=now - age,
            access_expires_at=now - age + timedelta(seconds=1200),
            refresh_token="refresh-token-0",
        )
    )


def race(
    tmp_path: Path, mode: str, age: timedelta, count: int = PROCESSES
) -> tuple[list[str], list[Received]]:
    """What each of several processes got as its token, and the requests that arrived."""
    path = tmp_path / "tokens.json"
    old_login(path, age)
    used: set[str] = set()
    answered = threading.Event()

    def once(request: Received) -> Step:
        token = request.form["refresh_token"]
        if token in used:
            return reply(401, {"error": "invalid_grant"})
        used.add(token)
        answered.wait(0.3)  # long enough for the others to run into the lock
        number = len(used)
        return reply(
            201,
            {
                "access_token": f"access-token-{number}",
                "expires_in": 1200,
                "refresh_token": f"refresh-token-{number}",
            },
        )

    with ScriptedServer(once) as server:
        processes = [start(server.base, path, mode) for _ in range(count)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            go(process)
        tokens = [process.communicate(timeout=60)[0].strip() for process in processes]
        received = list(server.received)
    return tokens, received


def start(base: str, token_file: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", REFRESHER, base, str(token_file), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_of_processes_without_a_living_token_one_refreshes(tmp_path: Path) -> None:
    tokens, received = race(tmp_path, "expired", timedelta(seconds=1300))
    assert tokens == ["access-token-1"] * PROCESSES
    assert len(received) == 1


def test_of_eight_processes_one_refreshes(tmp_path: Path) -> None:
    tokens, received = race(tmp_path, "expired", timedelta(seconds=1300), count=8)
    assert tokens == ["access-token-1"] * 8
    assert len(received) == 1


def test_when_the_one_that_refreshes_is_killed_another_one_does(tmp_path: Path) -> None:
    """It holds the lock while its request is at the server, which then does nothing with it."""
    path = tmp_path / "tokens.json"
    old_login(path, timedelta(seconds=1300))
    arrived, killed = threading.Event(), threading.Event()
    pair = {"access_token": "access-token-1", "expires_in": 1200, "refresh_token": "next"}

    def script(_: Received) -> Step:
        if arrived.is_set():
            return reply(201, pair)
        arrived.set()
        assert killed.wait(60)
        return CLOSE

    with ScriptedServer(script) as server:
        holder, *others = [start(server.base, path, "expired") for _ in range(3)]
        go(holder)
        assert arrived.wait(60)
        for process in others:
            go(process)
        holder.kill()
        killed.set()
        holder.communicate(timeout=60)
        tokens = [p.communicate(timeout=60)[0].split()[-1] for p in others]
    assert tokens == ["access-token-1"] * 2
    assert len(server.received) == 2


def test_of_processes_that_were_refused_one_refreshes(tmp_path: Path) -> None:
    tokens, received = race(tmp_path, "401", timedelta(seconds=60))
    assert tokens == ["access-token-1"] * PROCESSES
    assert len(received) == 1


def test_of_processes_at_half_life_one_refreshes_and_nobody_waits_in_vain(tmp_path: Path) -> None:
    tokens, received = race(tmp_path, "due", timedelta(seconds=700))
    assert set(tokens) <= {"access-token-0", "access-token-1"}
    assert "access-token-1" in tokens
    assert len(received) == 1


def test_a_disk_that_cannot_lock_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    lock = refresh_lock.refresh_lock(tmp_path / "tokens.json", SystemClock(), timeout=0)
    with pytest.raises(StorageError, match="local disk"), lock:
        raise AssertionError("the lock was not taken")
