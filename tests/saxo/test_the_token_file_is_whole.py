"""The token file is private, replaced as a whole, and clear about damage."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.login_scene import NOW, OpenScene, scenes, tokens
from tradebot.clock import ManualClock
from tradebot.errors import LoginError, StorageError
from tradebot.saxo.refresh_lock import refresh_lock
from tradebot.saxo.token_store import TokenStore


@pytest.fixture
def open_scene(tmp_path: Path) -> Iterator[OpenScene]:
    with scenes(tmp_path) as build:
        yield build


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_the_token_file_is_private(open_scene: OpenScene) -> None:
    scene = open_scene()
    old = os.umask(0)
    try:
        scene.store.save(tokens())
    finally:
        os.umask(old)
    assert stat.S_IMODE(scene.store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(scene.store.path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in scene.store.path.parent.iterdir()] == ["tokens.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"env": "SIM"}',
        b'{"env":"SIM","mode":"oauth","access_token":"a","obtained_at":"2026-07-20T14:00:00",'
        b'"access_expires_at":"2026-07-20T14:20:00"}',
    ],
)
def test_a_damaged_file_is_a_login_to_be_made(open_scene: OpenScene, content: bytes) -> None:
    scene = open_scene()
    scene.store.path.parent.mkdir()
    scene.store.path.write_bytes(content)
    with pytest.raises(LoginError, match=r"damaged.*tradebot auth login") as caught:
        scene.source.access_token()
    assert str(scene.store.path) in str(caught.value)
    scene.source.login_with_code("code-1")
    assert scene.fresh_source().access_token() == "access-token-1"


def test_a_file_that_cannot_be_read_is_said(open_scene: OpenScene) -> None:
    scene = open_scene()
    scene.store.path.mkdir(parents=True)
    with pytest.raises(StorageError, match="SAXO_TOKEN_FILE"):
        scene.source.access_token()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "tokens.json"
    with pytest.raises(StorageError, match="SAXO_TOKEN_FILE"):
        TokenStore(path).save(tokens())
    with pytest.raises(StorageError, match="SAXO_TOKEN_FILE"):
        with refresh_lock(path, ManualClock(NOW), timeout=0):
            pass


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    store.save(tokens())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        store.save(tokens(access_token="another"))
    stored = store.load()
    assert stored is not None
    assert stored.access_token == "access-token-0"
    assert [entry.name for entry in tmp_path.iterdir()] == ["tokens.json"]


def test_tokens_do_not_show_themselves() -> None:
    assert "token-0" not in repr(tokens())
