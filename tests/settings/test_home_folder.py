"""The folder that relative paths start from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tradebot
from tradebot.settings.home import clone_root, home, user_state_folder


def test_in_a_clone_it_is_the_folder_of_main_py(tmp_path: Path) -> None:
    package = tmp_path / "src" / "tradebot"
    package.mkdir(parents=True)
    assert clone_root(package) is None
    (tmp_path / "main.py").touch()
    assert clone_root(package) == tmp_path


def test_installed_it_is_not_the_library_folder_whatever_lies_there(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "tradebot"
    package.mkdir(parents=True)
    (tmp_path / "main.py").touch()
    assert clone_root(package) is None


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {}, "/home/me/.local/state/ai-tradebot"),
        ("linux", {"XDG_STATE_HOME": "/var/me"}, "/var/me/ai-tradebot"),
        ("linux", {"XDG_STATE_HOME": "relative"}, "/home/me/.local/state/ai-tradebot"),
        ("darwin", {}, "/home/me/Library/Application Support/ai-tradebot"),
        ("win32", {"LOCALAPPDATA": "/c/local"}, "/c/local/ai-tradebot"),
        ("win32", {}, "/home/me/AppData/Local/ai-tradebot"),
    ],
)
def test_the_users_state_folder(platform: str, environ: dict[str, str], folder: str) -> None:
    assert user_state_folder(environ, platform, Path("/home/me")) == Path(folder)


def test_home_is_absolute_and_one_of_the_two() -> None:
    package = Path(tradebot.__file__).resolve().parent
    expected = clone_root(package) or user_state_folder({"XDG_STATE_HOME": "/state"})
    assert home({"XDG_STATE_HOME": "/state"}) == expected
    assert home().is_absolute()


@pytest.mark.skipif(os.name == "nt", reason="HOME is POSIX")
def test_a_relative_home_is_not_taken_from_where_one_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "somewhere")
    assert user_state_folder({}, "linux").is_absolute()
