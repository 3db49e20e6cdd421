"""A secret as a file of its own, as systemd's LoadCredential= hands it over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tradebot.errors import SettingsError
from tradebot.settings import Settings, load

FX = '[{"asset_type":"FxSpot","uic":21,"symbol":"EURUSD","quantity":10000}]'
SECRET = "from-a-credential-0123456789"


def settings_with(folder: Path, **environ: str) -> Settings:
    """The settings of a SIM bot whose app secret is to be found."""
    return load(
        {
            "SAXO_ENV": "SIM",
            "SAXO_APP_KEY": "key-0123456789",
            "SAXO_REDIRECT_URI": "http://localhost/callback",
            "WATCHLIST_JSON": FX,
            "CREDENTIALS_DIRECTORY": str(folder / "credentials"),
            **environ,
        },
        home=folder,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "credentials").mkdir()
    return tmp_path


def hand_over(folder: Path, content: bytes, name: str = "SAXO_APP_SECRET") -> None:
    (folder / "credentials" / name).write_bytes(content)


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_it_counts_without_the_line_break_an_editor_left(folder: Path, ending: bytes) -> None:
    hand_over(folder, SECRET.encode() + ending)
    settings = settings_with(folder)
    assert settings.saxo_app_secret == SECRET
    assert settings.origins["SAXO_APP_SECRET"] == "credential"
    assert SECRET in settings.secrets()


def test_it_wins_over_the_env_file_and_the_environment_wins_over_it(folder: Path) -> None:
    (folder / ".env").write_text("SAXO_APP_SECRET=from-the-file-0123456789\n")
    hand_over(folder, SECRET.encode())
    assert settings_with(folder).saxo_app_secret == SECRET
    by_environment = settings_with(folder, SAXO_APP_SECRET="from-the-environment-0123456789")
    assert by_environment.saxo_app_secret == "from-the-environment-0123456789"


def test_files_of_other_names_are_left_alone(folder: Path) -> None:
    hand_over(folder, SECRET.encode())
    hand_over(folder, b"\xff\xfe", name="tls.key")
    assert settings_with(folder).warnings == ()


def test_a_folder_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    assert settings_with(tmp_path, SAXO_APP_SECRET=SECRET).saxo_app_secret == SECRET


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"\xff\xfe\x00secret", "not UTF-8"), (b"x" * 70_000, "more than 65536 bytes")],
)
def test_one_that_cannot_be_used_is_named_and_not_repeated(
    folder: Path, content: bytes, told: str
) -> None:
    hand_over(folder, content)
    with pytest.raises(SettingsError) as caught:
        settings_with(folder)
    [problem] = [text for text in caught.value.problems if "credential" in text]
    assert problem.startswith("SAXO_APP_SECRET (credential ")
    assert told in problem
    assert "xxx" not in problem


def test_a_value_that_is_wrong_is_said_to_come_from_a_credential(folder: Path) -> None:
    hand_over(folder, b"Kq7z")
    with pytest.raises(SettingsError) as caught:
        settings_with(folder)
    assert any("SAXO_APP_SECRET (in the credential)" in text for text in caught.value.problems)
    assert not any("Kq7z" in text for text in caught.value.problems)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read every file")
def test_one_that_may_not_be_read_is_a_problem(folder: Path) -> None:
    hand_over(folder, SECRET.encode())
    (folder / "credentials" / "SAXO_APP_SECRET").chmod(0)
    with pytest.raises(SettingsError, match="Permission denied"):
        settings_with(folder)
