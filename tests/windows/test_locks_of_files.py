"""The kernel's lock on a file under Windows: exclusive, readable around, freed by death."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.windows import windows
from tradebot.clock import SystemClock
from tradebot.errors import LockBusy
from tradebot.observability.system_files import exclusive_lock
from tradebot.saxo.refresh_lock import refresh_lock
from tradebot.scheduling.run_lock import RunLock

pytestmark = windows

_HOLDERS = {
    "folder": "from tradebot.observability.system_files import exclusive_lock\n"
    "with exclusive_lock(path) as held:\n    wait(held)\n",
    "tokens": "from tradebot.saxo.refresh_lock import refresh_lock\n"
    "from tradebot.clock import SystemClock\n"
    "with refresh_lock(path, SystemClock(), timeout=0) as held:\n    wait(held)\n",
    "run": "from tradebot.scheduling.run_lock import RunLock\n"
    "with RunLock(path) as lock:\n    lock.acquire(run_id='theirs'); wait(lock.held)\n",
}
_WAIT = """
import sys
from pathlib import Path
path = Path(sys.argv[1])
def wait(held):
    print(held, flush=True)
    sys.stdin.readline()
"""


def is_free(kind: str, path: Path) -> bool:
    if kind == "run":
        lock = RunLock(path)
        try:
            lock.acquire(run_id="ours")
        except LockBusy as busy:
            assert "run_id=theirs" in str(busy.holder)  # the record can be read while it is held
            return False
        lock.release()
        return True
    if kind == "tokens":
        with refresh_lock(path, SystemClock(), timeout=0) as held:
            return held
    with exclusive_lock(path) as held:
        return held


@contextmanager
def holder(kind: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _WAIT + _HOLDERS[kind], str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            yield process
        finally:
            process.kill()


def free_in_the_end(kind: str, path: Path) -> bool:
    """Windows frees the lock of a process that was ended in its own time."""
    for _ in range(200):
        if is_free(kind, path):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("kind", list(_HOLDERS))
def test_it_excludes_other_processes_and_is_freed_by_death(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    with holder(kind, path) as process:
        assert not is_free(kind, path)
        process.kill()
        process.wait()
        assert free_in_the_end(kind, path)


@pytest.mark.parametrize("kind", list(_HOLDERS))
def test_it_is_free_at_once_after_its_holder_let_go(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    with holder(kind, path) as process:
        process.communicate("\n")
        assert process.returncode == 0
        assert is_free(kind, path)
        assert is_free(kind, path)


if sys.platform == "win32":
    from tradebot.observability import windows_files

    def test_two_descriptors_of_one_process_exclude_each_other(tmp_path: Path) -> None:
        path = tmp_path / "file"
        one, two = (os.open(path, os.O_RDWR | os.O_CREAT) for _ in range(2))
        try:
            assert windows_files.try_lock(one)
            assert not windows_files.try_lock(two)
            os.write(two, b"what a file says stays open to others")
            windows_files.unlock(one)
            assert windows_files.try_lock(two)
        finally:
            os.close(one)
            os.close(two)

    def test_what_cannot_be_locked_is_an_error_and_not_busy() -> None:
        reader, writer = os.pipe()
        try:
            with pytest.raises(OSError) as caught:
                windows_files.try_lock(reader)
            assert caught.value.strerror
        finally:
            os.close(reader)
            os.close(writer)
