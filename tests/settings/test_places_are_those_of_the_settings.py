"""Log and state are found the quick way where the whole way finds them, also by wrong settings."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tradebot.settings import load_lenient
from tradebot.settings.places import Places, find_places

VALUES: dict[str, tuple[str | None, ...]] = {
    "LOG_DIR": (None, "", "elsewhere", "/var/log/bot", " spaced "),
    "STATE_DIR": (None, "kept", "/var/lib/bot"),
    "INSTANCE": (None, "two", "no/slash", "x" * 40),
    "SAXO_ENV": (None, "SIM", "live", "MARS"),
}
EVERY = [
    {name: value for name, value in zip(VALUES, values, strict=True) if value is not None}
    for values in itertools.product(*VALUES.values())
]


def whole(environ: dict[str, str], home: Path, env_file: Path | None = None) -> Places:
    settings, _ = load_lenient(environ, home=home, env_file=env_file)
    return Places(settings.log_dir, settings.state_path)


def test_whatever_is_set(tmp_path: Path) -> None:
    for environ in EVERY:
        assert find_places(environ, home=tmp_path) == whole(environ, tmp_path), environ


@pytest.mark.parametrize("named", [False, True])
def test_from_a_file_with_the_environment_before_it(tmp_path: Path, named: bool) -> None:
    file = tmp_path / ("other.env" if named else ".env")
    file.write_text("LOG_DIR='of the file'\nINSTANCE=of-the-file\nSAXO_ENV=SIM\nSTATE_DIR=\n")
    path = file if named else None
    for environ in ({}, {"LOG_DIR": "of the environment"}, {"INSTANCE": "?"}):
        found = find_places(environ, home=tmp_path, env_file=path)
        assert found == whole(environ, tmp_path, path)
    assert find_places({}, home=tmp_path, env_file=path).log_dir == tmp_path / "of the file"


def test_from_a_credential(tmp_path: Path) -> None:
    (tmp_path / "INSTANCE").write_text("of-the-credential\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert find_places(environ, home=tmp_path) == whole(environ, tmp_path)


def test_a_file_that_is_no_settings_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe rubbish \x00 LOG_DIR=x\n")
    assert find_places({}, home=tmp_path) == whole({}, tmp_path)
