"""The file in /etc/cron.d: our lines are put in and taken out, an administrator's own are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tradebot.deploy.cron import host
from tradebot.deploy.cron.machine import Machine
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, posix_program
from tradebot.deploy.model import Schedule
from tradebot.errors import StorageError, UsageError

THEIRS = "0 4 * * * root /usr/local/bin/back-up\r\n# \u2028æ\n"


@pytest.fixture
def schedule(tmp_path: Path) -> Schedule:
    program = replace(posix_program(str(tmp_path / "bot")), state_dir=tmp_path / "state")
    return replace(example_schedule(EVERY_FIVE_MINUTES, program), system=True)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


@pytest.fixture
def file(machine: Machine, schedule: Schedule) -> Path:
    path = machine.system_file(schedule)
    path.parent.mkdir(parents=True)
    return path


def test_what_we_made_alone_goes_whole(machine: Machine, schedule: Schedule, file: Path) -> None:
    host.plan_install(machine, schedule).apply()
    assert "ai-tradebot@default" in file.read_text()
    assert host.plan_install(machine, schedule).is_empty
    host.plan_uninstall(machine, schedule).apply()
    assert not file.exists()
    assert host.plan_uninstall(machine, schedule).is_empty


def test_lines_that_were_added_stay(machine: Machine, schedule: Schedule, file: Path) -> None:
    host.plan_install(machine, schedule).apply()
    ours = file.read_bytes()
    file.write_bytes(ours + THEIRS.encode())
    file.chmod(0o600)

    host.plan_install(machine, replace(schedule, dry_run=True)).apply()
    changed = file.read_bytes()
    assert b"--dry-run" in changed
    assert changed.endswith(THEIRS.encode())
    there = host.installed(machine, replace(schedule, dry_run=True))
    assert there is not None
    zone = machine.zone()
    assert there.text == host.text_of(replace(schedule, dry_run=True), zone), "that is current"

    host.plan_uninstall(machine, schedule).apply()
    assert file.read_bytes() == host._FILE_HEAD.encode() + THEIRS.encode()
    assert file.stat().st_mode & 0o777 == 0o600
    assert host.installed(machine, schedule) is None
    assert host.plan_uninstall(machine, schedule).is_empty

    host.plan_install(machine, schedule).apply()
    assert file.read_bytes().startswith(host._FILE_HEAD.encode() + THEIRS.encode())


def test_a_file_of_somebody_elses_is_refused(
    machine: Machine, schedule: Schedule, file: Path
) -> None:
    file.write_bytes(THEIRS.encode())

    for plan in (host.plan_install, host.plan_uninstall):
        with pytest.raises(UsageError, match=r"was not made by .* move what is in it"):
            plan(machine, schedule)
    assert file.read_bytes() == THEIRS.encode()
    assert host.installed(machine, schedule) is None


def test_damaged_markers_are_refused(machine: Machine, schedule: Schedule, file: Path) -> None:
    host.plan_install(machine, schedule).apply()
    file.write_text(file.read_text().replace("# END ai-tradebot@default\n", "1 2 3 4 5 root x\n"))

    with pytest.raises(UsageError, match="line 2: BEGIN"):
        host.plan_uninstall(machine, schedule)


def test_bytes_that_could_not_be_kept_are_refused(
    machine: Machine, schedule: Schedule, file: Path
) -> None:
    host.plan_install(machine, schedule).apply()
    file.write_bytes(file.read_bytes() + b"# \xe9\n")

    with pytest.raises(StorageError, match="is not UTF-8"):
        host.plan_install(machine, schedule)
