"""Only root's cron outside of containers reads this machine's crontabs: no other one counts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradebot.deploy.cron.machine import Machine

ZONE = "Asia/Kathmandu"


def process(root: Path, pid: str, name: str, uid: int, *pids: int) -> None:
    folder = root / "proc" / pid
    folder.mkdir(parents=True)
    spaces = "\t".join(map(str, pids))
    uids = "\t".join([str(uid)] * 4)
    (folder / "status").write_text(f"Name:\t{name}\nUid:\t{uids}\nNSpid:\t{spaces}\n")
    (folder / "environ").write_bytes(f"A=b\0TZ={ZONE}\0".encode())


@pytest.mark.parametrize(
    ("name", "uid", "pids", "counts"),
    [
        ("cron", 0, (42,), True),
        ("crond", 0, (42,), True),
        ("cron", 65534, (42,), False),
        ("crond", 0, (42, 7), False),
        ("cronjob", 0, (42,), False),
    ],
)
def test_whose_it_is_and_where_it_runs(
    tmp_path: Path, name: str, uid: int, pids: tuple[int, ...], counts: bool
) -> None:
    process(tmp_path, "self", "python", 1000, 99)
    process(tmp_path, "42", name, uid, *pids)

    assert Machine(tmp_path).daemon() == (42 if counts else None)
    assert str(Machine(tmp_path).zone()) == (ZONE if counts else "UTC"), "its zone is no other's"


def test_one_of_a_container_hides_no_real_one(tmp_path: Path) -> None:
    process(tmp_path, "self", "python", 1000, 99)
    process(tmp_path, "42", "cron", 0, 42, 7)
    process(tmp_path, "43", "cron", 0, 43)

    assert Machine(tmp_path).daemon() == 43


def test_in_a_container_its_own_counts(tmp_path: Path) -> None:
    process(tmp_path, "self", "python", 0, 99, 9)
    process(tmp_path, "42", "cron", 0, 42, 7)

    assert Machine(tmp_path).daemon() == 42


_OTHERS = {
    "another user": ("setpriv", "--reuid=nobody", "--clear-groups"),
    "a container": ("unshare", "--pid", "--fork", "--kill-child=KILL"),
}


@pytest.fixture(params=list(_OTHERS))
def stranger(request: pytest.FixtureRequest) -> Iterator[None]:
    """A real process called cron."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root makes processes of other users and containers")
    words, sleep = _OTHERS[request.param], shutil.which("sleep")
    if sleep is None or shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} or no sleep")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        program = shutil.copy(sleep, Path(folder, "cron"))
        running = subprocess.Popen([*words, str(program), "60"], env={**os.environ, "TZ": ZONE})
        try:
            for _ in range(500):
                if running.poll() is not None:
                    pytest.skip(f"{words[0]} may not do that here")
                if "cron" in _names(running.pid):
                    break
                time.sleep(0.02)
            assert "cron" in _names(running.pid)
            yield
        finally:
            running.kill()
            running.wait()


def _names(pid: int) -> set[str]:
    """Of the process and its children."""
    proc = Path("/proc")
    children = (proc / f"{pid}/task/{pid}/children").read_text().split()
    return {(proc / one / "comm").read_text().strip() for one in (str(pid), *children)}


def test_a_real_stranger_does_not_count(stranger: None) -> None:
    assert str(Machine().zone()) != ZONE
