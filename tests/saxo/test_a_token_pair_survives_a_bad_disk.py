"""What the disk can refuse is found before the old refresh token is spent; a pair that it refuses
afterwards stays in memory and is saved as soon as it can be."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.login_scene import REFUSED, OpenScene, Scene, TokenServer, scenes, tokens
from support.scripted_http import CLOSE, Received, ScriptedServer, Step, reply
from support.small_disk import run_on_small_disk
from tradebot.errors import LoginError, StorageError
from tradebot.saxo import token_store
from tradebot.saxo.token_store import TokenStore


@pytest.fixture
def open_scene(tmp_path: Path) -> Iterator[OpenScene]:
    with scenes(tmp_path) as build:
        yield build


def due(scene: Scene) -> Scene:
    scene.store.save(tokens())
    scene.clock.advance(700)
    return scene


def when_asked(scene: Scene, act: Callable[[], object]) -> None:
    """Let `act` happen while the login server has the request."""
    server = TokenServer()

    def script(request: Received) -> Step:
        act()
        return server(request)

    scene.server.script = script


def left_beside(scene: Scene) -> list[str]:
    names = {entry.name for entry in scene.store.path.parent.iterdir()}
    return sorted(names - {"tokens.json", "tokens.json.lock"})


def replacements(scene: Scene) -> list[bytes]:
    return [path.read_bytes() for path in scene.store.path.parent.glob(".tokens.json.*")]


def test_before_the_request_the_file_is_there_with_its_room_and_nothing_secret(
    open_scene: OpenScene,
) -> None:
    scene = due(open_scene())
    seen: list[bytes] = []
    when_asked(scene, lambda: seen.extend(replacements(scene)))
    scene.source.access_token()
    assert seen == [b" " * 16384]
    assert left_beside(scene) == []
    content = scene.store.path.read_text("utf-8")
    assert len(content) == 16384
    assert json.loads(content)["access_token"] == "access-token-1"


def test_a_pair_longer_than_the_room_is_saved_whole(open_scene: OpenScene) -> None:
    scene = due(open_scene())
    server = TokenServer()
    long = "access-token-" + "x" * 20000

    def script(request: Received) -> Step:
        step = server(request)
        body = step.content.partition(b"\r\n\r\n")[2].replace(b"access-token-1", long.encode())
        head = f"HTTP/1.1 201 Scripted\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        return Step(head + body)

    scene.server.script = script
    assert scene.source.access_token() == long
    assert scene.stored.access_token == long


@pytest.mark.parametrize("answer", [REFUSED, reply(503), reply(201, b"{"), CLOSE])
def test_a_refresh_that_fails_leaves_nothing_beside(open_scene: OpenScene, answer: Step) -> None:
    scene = due(open_scene(answer, answer))
    with contextlib.suppress(LoginError):
        scene.source.access_token()
    assert scene.server.received
    assert left_beside(scene) == []


def test_a_disk_that_fails_beforehand_spends_no_token(
    open_scene: OpenScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = due(open_scene())

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(StorageError, match="Input/output error"):
            scene.source.access_token()
    assert scene.server.received == []
    assert left_beside(scene) == []
    assert scene.stored == tokens()
    assert scene.source.access_token() == "access-token-1"


def test_a_write_that_is_not_durable_is_made_anew_elsewhere(
    open_scene: OpenScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = due(open_scene())

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(token_store, "_sync", fail)
    assert scene.source.access_token() == "access-token-1"
    assert scene.stored.refresh_token == "refresh-token-1"
    assert left_beside(scene) == []


def take_the_folder_away(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.write_text("in the way")


def bring_it_back(folder: Path) -> None:
    folder.unlink()
    folder.with_name("away").rename(folder)


def test_a_pair_that_cannot_be_saved_is_saved_before_anything_else_is_sent(
    open_scene: OpenScene,
) -> None:
    scene = due(open_scene())
    folder = scene.store.path.parent
    when_asked(scene, lambda: take_the_folder_away(folder))
    for _ in range(2):
        with pytest.raises(StorageError, match="SAXO_TOKEN_FILE"):
            scene.source.access_token()
    bring_it_back(folder)
    for left in folder.glob(".*.next"):  # what could be written is gone, too
        left.unlink()
    assert scene.source.access_token() == "access-token-1"
    assert scene.stored.refresh_token == "refresh-token-1"
    assert len(scene.server.received) == 1
    assert left_beside(scene) == []


def test_another_process_takes_up_what_could_only_be_written(open_scene: OpenScene) -> None:
    scene = due(open_scene())
    folder = scene.store.path.parent
    when_asked(scene, lambda: take_the_folder_away(folder))
    with pytest.raises(StorageError):
        scene.source.access_token()
    bring_it_back(folder)
    assert scene.fresh_source().access_token() == "access-token-1"
    assert len(scene.server.received) == 1


@pytest.mark.parametrize("content", [b" " * 16384, b'{"env":"SIM","mo' + b" " * 100, b"\xff"])
def test_what_is_no_pair_is_not_taken_up(open_scene: OpenScene, content: bytes) -> None:
    scene = due(open_scene())
    scene.store.path.with_name(".tokens.json.0123456789ab.next").write_bytes(content)
    assert scene.source.access_token() == "access-token-1"
    assert [r.form["refresh_token"] for r in scene.server.received] == ["refresh-token-0"]
    assert left_beside(scene) == []


def test_what_is_older_than_the_login_is_not_taken_up(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.clock.advance(60)
    login = tokens(obtained_at=scene.clock.now())
    scene.store.save(tokens(refresh_token="refresh-token-of-before"))
    scene.store.path.rename(scene.store.path.with_name(".tokens.json.0123456789ab.next"))
    scene.store.save(login)
    scene.clock.advance(1300)
    assert scene.source.access_token() == "access-token-1"
    assert [r.form["refresh_token"] for r in scene.server.received] == ["refresh-token-0"]
    assert left_beside(scene) == []


def test_what_a_person_removed_is_not_brought_back(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.save(tokens())
    scene.store.path.rename(scene.store.path.with_name(".tokens.json.0123456789ab.next"))
    assert scene.store.take_up() is False
    assert scene.store.load() is None
    assert left_beside(scene) == []


# -- whole processes ---------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
from types import SimpleNamespace
from tradebot.clock import SystemClock
from tradebot.saxo.auth import open_token_source
from tradebot.saxo.transport import Transport

base, token_file = sys.argv[1], Path(sys.argv[2])
clock = SystemClock()
settings = SimpleNamespace(
    saxo_env="SIM", saxo_auth_mode="oauth", saxo_app_key="app-key-1234",
    saxo_app_secret="app-secret-5678", saxo_redirect_uri="http://localhost/x",
    saxo_access_token=None, saxo_token_file=token_file,
)
transport = Transport(base, clock, allow_orders=False, auth_base=base)
source = open_token_source(settings, transport, clock)
"""
SETTING = """
import json, subprocess
from datetime import UTC, datetime, timedelta
from tradebot.errors import StorageError
from tradebot.saxo.token_store import StoredTokens, TokenStore

folder = token_file.parent
now = datetime.now(UTC) - timedelta(seconds=700)
TokenStore(token_file).save(StoredTokens(
    env="SIM", mode="oauth", access_token="access-token-0", obtained_at=now,
    access_expires_at=now + timedelta(seconds=1200), refresh_token="refresh-token-0",
))
def attempt():
    try:
        return source.access_token()
    except StorageError as error:
        return f"refused: {error}"
"""
FULL = """
before = token_file.read_bytes()
fill(folder)
full = attempt()
asked = transport.http_calls
same = token_file.read_bytes() == before
free(folder)
print(json.dumps([full, asked, same, attempt(), transport.http_calls]))
"""
FULL_MEANWHILE = """
real = transport.send
def send(request):
    fill(folder)  # everything that is free, once the request is on its way
    return real(request)
transport.send = send
print(json.dumps([attempt(), TokenStore(token_file).load().refresh_token]))
"""
READ_ONLY = """
def remount(mode):
    subprocess.run(["mount", "-o", f"remount,{mode}", str(folder)], check=True)
remount("ro")
refused, asked = attempt(), transport.http_calls
remount("rw")
print(json.dumps([refused, asked, attempt()]))
"""


def on_small_disk(tmp_path: Path, program: str) -> list[object]:
    with ScriptedServer(TokenServer()) as server:
        disk = tmp_path / "disk"
        ended = run_on_small_disk(
            disk, PROGRAM + SETTING + program, server.base, str(disk / "tokens.json")
        )
    assert ended.returncode == 0, ended.stderr
    found: list[object] = json.loads(ended.stdout)
    return found


def test_a_full_disk_is_found_before_the_old_token_is_spent(tmp_path: Path) -> None:
    full, asked, same, token, calls = on_small_disk(tmp_path, FULL)
    assert "No space left" in str(full)
    assert "free space" in str(full)
    assert (asked, same, token, calls) == (0, True, "access-token-1", 1)


def test_a_disk_that_fills_up_meanwhile_takes_the_pair(tmp_path: Path) -> None:
    assert on_small_disk(tmp_path, FULL_MEANWHILE) == ["access-token-1", "refresh-token-1"]


def test_a_disk_that_became_read_only_is_found_before_the_old_token_is_spent(
    tmp_path: Path,
) -> None:
    refused, asked, token = on_small_disk(tmp_path, READ_ONLY)
    assert "Read-only file system" in str(refused)
    assert (asked, token) == (0, "access-token-1")


def test_a_process_that_ends_saves_what_it_could_not_save_before(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    token_file = folder / "tokens.json"
    now = datetime.now(UTC) - timedelta(seconds=700)
    TokenStore(token_file).save(
        tokens(obtained_at=now, access_expires_at=now + timedelta(seconds=1200))
    )
    ending = """
from tradebot.errors import StorageError
try:
    source.access_token()
except StorageError:
    token_file.parent.unlink()
    token_file.parent.with_name("away").rename(token_file.parent)
    for left in token_file.parent.glob(".*.next"):
        left.unlink()
    print("refused", TokenStore(token_file).load().refresh_token)
"""
    server = TokenServer()

    def script(request: Received) -> Step:
        take_the_folder_away(folder)
        return server(request)

    with ScriptedServer(script) as scripted:
        program = PROGRAM + "from tradebot.saxo.token_store import TokenStore\n" + ending
        ended = subprocess.run(
            [sys.executable, "-c", program, scripted.base, str(token_file)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.stdout == "refused refresh-token-0\n", ended.stderr
    stored = TokenStore(token_file).load()
    assert stored is not None
    assert stored.refresh_token == "refresh-token-1"
