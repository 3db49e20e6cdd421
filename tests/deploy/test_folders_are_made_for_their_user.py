"""Root makes a folder for the bot's user, and no trick of that user makes another one his."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tradebot.deploy.cron import host as cron
from tradebot.deploy.cron.machine import Machine
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, posix_program
from tradebot.deploy.folders import making
from tradebot.deploy.model import Schedule
from tradebot.deploy.plan import Command, Plan
from tradebot.deploy.systemd import host as systemd
from tradebot.deploy.systemd.accounts import find_account
from tradebot.errors import StorageError, UsageError

USER = "nobody"


def _why_not() -> str | None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root acts for another user"
    if shutil.which("setpriv") is None or find_account(USER) is None:
        return f"there is no setpriv, or no user {USER}"
    return None


pytestmark = pytest.mark.skipif(_why_not() is not None, reason=str(_why_not()))


@pytest.fixture
def place() -> Iterator[Path]:
    """Root's, and everybody can reach it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def home(place: Path) -> Path:
    """The user's."""
    return given(place / "home")


def given(folder: Path, mode: int = 0o755) -> Path:
    folder.mkdir()
    folder.chmod(mode)
    entry = pwd.getpwnam(USER)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return folder


def roots(folder: Path) -> Path:
    folder.mkdir(mode=0o755)
    return folder


def do(command: Command) -> None:
    Plan(commands=(command,)).apply()


def owner(folder: Path) -> tuple[str, str]:
    about = folder.stat()
    return pwd.getpwuid(about.st_uid).pw_name, f"{about.st_mode & 0o777:o}"


def test_in_the_users_place_all_of_it_is_made_by_the_user(home: Path) -> None:
    folder = home / ".local" / "state" / "bot"
    command = making(folder, USER, home)

    assert command.argv[:2] == ("setpriv", f"--reuid={USER}")
    do(command)
    for made in (folder, *folder.parents[:2]):
        assert owner(made) == (USER, "700")


def test_in_roots_place_all_of_it_becomes_the_users(place: Path) -> None:
    folder = place / "state" / "default" / "x"
    do(making(folder, USER, place / "state"))

    for made in (folder, *folder.parents[:2]):
        assert owner(made) == (USER, "700")


def test_what_is_above_the_users_stays_roots(place: Path) -> None:
    do(making(place / "lib" / "state", USER, Path("/nonexistent")))

    assert owner(place / "lib") == ("root", "755")
    assert owner(place / "lib" / "state") == (USER, "700")


def test_a_link_put_there_meanwhile_gives_nothing_away(place: Path, home: Path) -> None:
    command = making(home / "logs", USER, home)
    etc = roots(place / "etc")
    (home / "logs").symlink_to(etc)

    with pytest.raises(StorageError):
        do(command)
    assert owner(etc) == ("root", "755")


def test_a_link_on_the_way_gives_nothing_away(place: Path, home: Path) -> None:
    etc = roots(place / "etc")
    (home / ".local").symlink_to(etc)

    with pytest.raises(UsageError, match=f"{USER} cannot make {home}/.local/state"):
        making(home / ".local" / "state" / "bot", USER, home)
    assert list(etc.iterdir()) == []


def test_a_link_in_everybodys_folder_is_not_followed_as_root(place: Path) -> None:
    etc, everybodys = roots(place / "etc"), roots(place / "tmp")
    everybodys.chmod(0o1777)
    (everybodys / "bot").symlink_to(etc)

    for folder in (everybodys / "bot" / "state", everybodys / "bot" / "a" / "b"):
        with pytest.raises(UsageError, match=f"{USER} cannot make"):
            making(folder, USER, folder)


def test_a_link_of_roots_own_is_passed_as_the_user(place: Path, home: Path) -> None:
    (place / "link").symlink_to(home)

    for folder in (place / "link" / "logs", place / "link" / "state" / "default"):
        command = making(folder, USER, folder)
        assert command.argv[0] == "setpriv"
        do(command)
        assert owner(folder) == (USER, "700")


def test_where_everybody_may_write_root_makes_nothing(place: Path) -> None:
    everybodys = roots(place / "tmp")
    everybodys.chmod(0o1777)

    assert making(everybodys / "state", USER, everybodys).argv[0] == "setpriv"
    below = roots(everybodys / "root")
    assert making(below / "state", USER, below).argv[0] == "install", "nobody can replace that"


def test_inside_of_a_third_users_folder_root_makes_nothing(place: Path) -> None:
    theirs = roots(place / "theirs")
    os.chown(theirs, 1, 1)
    inner = roots(theirs / "inner")

    for folder in (theirs, inner):
        with pytest.raises(UsageError, match=f"install -d -m 700 -o {USER}"):
            making(folder / "logs", USER, folder)


def test_a_user_who_is_not_there_is_named(place: Path) -> None:
    with pytest.raises(UsageError, match="there is no user no-such-bot"):
        making(place / "logs", "no-such-bot", place)


@pytest.fixture
def schedule(place: Path, home: Path) -> Schedule:
    program = replace(
        posix_program(str(place)),
        log_dir=home / "logs",
        state_dir=home / "state",
        token_file=home / "state" / "tokens.json",
    )
    return replace(example_schedule(EVERY_FIVE_MINUTES, program), system=True, user=USER)


def test_so_does_the_install_for_cron(place: Path, home: Path, schedule: Schedule) -> None:
    plan = cron.plan_install(Machine(place / "machine"), schedule)
    etc = roots(place / "etc")
    (home / "state").symlink_to(etc)

    with pytest.raises(StorageError, match="setpriv"):
        plan.apply()
    assert owner(etc) == ("root", "755")


def test_so_does_the_install_for_systemd(place: Path, home: Path, schedule: Schedule) -> None:
    account = find_account(USER)
    assert account is not None
    commands = list(systemd._folders(schedule, replace(account, home=home)))
    etc = roots(place / "etc")
    (home / "logs").symlink_to(etc)

    assert commands
    for command in commands:
        try:
            do(command)
        except StorageError:
            assert str(home / "logs") in command.argv
    assert owner(etc) == ("root", "755")
    assert owner(home / ".local" / "state" / "ai-tradebot") == (USER, "700")
