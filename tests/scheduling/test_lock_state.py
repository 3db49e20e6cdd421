"""A look at a lock: each state it can be in, with real processes, and no run the worse for it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.lock_holder import LockHolder
from support.program import unmeasured
from tradebot.scheduling import lock_holders
from tradebot.scheduling.lock_record import Holder, parse_record, render_record
from tradebot.scheduling.lock_state import LockState, State, look
from tradebot.scheduling.run_lock import RunLock

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

_IN_FOUR_MINUTES = ", deadline=datetime.now(UTC) + timedelta(minutes=4)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "run.lock"


@pytest.fixture
def other(path: Path) -> Iterator[LockHolder]:
    with LockHolder(path, more=_IN_FOUR_MINUTES) as other:
        assert other.said == "held\n"
        yield other


def pids(state: LockState) -> list[int]:
    return [process.pid for process in state.processes]


def test_where_no_run_has_been_it_is_free_and_no_file_is_made(path: Path) -> None:
    found = look(path)
    assert (found.state, found.is_wrong, found.advice) == (State.FREE, False, "")
    assert not path.parent.exists()


def test_after_a_run_that_ended_it_is_free(path: Path) -> None:
    with RunLock(path) as lock:
        lock.acquire(run_id="mine")
    assert (look(path).state, look(path).holder) == (State.FREE, None)


def test_a_run_at_work_is_named_with_its_phase_and_age(path: Path, other: LockHolder) -> None:
    found = look(path, datetime.now(UTC) + timedelta(seconds=100))
    assert (found.state, found.is_wrong) == (State.HELD, False)
    assert f"pid {other.pid}, run_id their-run, phase execute, slot -" in found.text
    assert found.age is not None
    assert 95 <= found.age.total_seconds() <= 200
    assert found.holder is not None
    assert (found.holder.pid, found.holder.run_id) == (other.pid, "their-run")
    assert pids(found) == [other.pid]


def test_a_look_changes_neither_the_record_nor_the_lock(path: Path, other: LockHolder) -> None:
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    for _ in range(3):
        look(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    other.process.communicate("\n")
    look(path)
    assert path.read_bytes() == b""


@linux
def test_while_the_kernel_shows_the_holder_the_lock_is_not_touched(
    path: Path, other: LockHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def touched(descriptor: int, operation: int) -> None:
        raise AssertionError("the lock was tried")

    monkeypatch.setattr(fcntl, "flock", touched)
    assert look(path).state is State.HELD
    other.process.communicate("\n")
    assert look(path).state is State.FREE


@linux
def test_a_killed_runs_record_is_stale_and_harmless(path: Path, other: LockHolder) -> None:
    other.process.kill()
    other.process.wait()
    found = look(path)
    assert (found.state, found.is_wrong, found.advice) == (State.STALE, False, "")
    assert "The run their-run " in found.text
    assert "was killed or crashed in the phase execute" in found.text
    assert "run_killed_found" in found.text
    assert found.processes == ()


@linux
def test_a_run_that_ended_with_the_machine_is_said_to_have(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(render_record(Holder(4711, "2001-01-01T00:00:00Z", "old", "-", "execute")))
    booted = lock_holders.boot_time()
    assert booted is not None
    text = f"{datetime.fromtimestamp(booted, UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert f"ended with the machine, which was started at {text}" in look(path).text


def test_a_record_kept_by_a_command_is_shown_beside_it(path: Path) -> None:
    with LockHolder(path) as killed:
        assert killed.said == "held\n"
    with RunLock(path) as lock:
        lock.acquire(run_id="by-hand", phase="resolve", keep_previous=True)
        found = look(path)
        assert (found.state, found.holder and found.holder.run_id) == (State.HELD, "by-hand")
        assert found.killed is not None
        assert found.killed.run_id == "their-run"


def test_a_run_long_past_its_deadline_hangs(path: Path, other: LockHolder) -> None:
    record = parse_record(path.read_bytes())
    assert record is not None
    deadline = datetime.fromisoformat(record.deadline)
    at_work = look(path, deadline + timedelta(seconds=45))
    assert (at_work.state, at_work.is_wrong) == (State.HELD, False)
    found = look(path, deadline + timedelta(seconds=46))
    assert (found.state, found.is_wrong) == (State.HUNG, True)
    assert f"should have ended at {record.deadline}" in found.text
    assert re.search(rf"(kill|/PID) {other.pid}\b", found.advice)


def test_a_run_that_started_after_its_deadline_is_given_its_time(path: Path) -> None:
    """It skips its slot as late, but first puts earlier orders in order."""
    now = datetime.now(UTC)
    with RunLock(path) as lock:
        lock.acquire(run_id="late", deadline=now - timedelta(minutes=7))
        assert look(path, now).state is State.HELD
        assert look(path, now + timedelta(seconds=40)).state is State.HELD
        assert look(path, now + timedelta(seconds=50)).state is State.HUNG


def test_a_command_without_a_deadline_never_hangs(path: Path) -> None:
    with RunLock(path) as lock:
        lock.acquire(run_id="resolve-by-hand")
        assert look(path, datetime.now(UTC) + timedelta(days=1)).state is State.HELD


@linux
def test_a_stopped_run_is_told_from_one_at_work(path: Path, other: LockHolder) -> None:
    os.kill(other.pid, signal.SIGSTOP)
    os.waitpid(other.pid, os.WUNTRACED)
    found = look(path)
    assert (found.state, found.is_wrong) == (State.STOPPED, True)
    assert f"kill -CONT {other.pid}" in found.advice
    assert f"kill -KILL {other.pid}" in found.advice
    os.kill(other.pid, signal.SIGCONT)
    os.waitpid(other.pid, os.WCONTINUED)
    assert look(path).state is State.HELD


@linux
def test_a_child_that_inherited_the_lock_is_found(path: Path) -> None:
    """The bot's own children do not; one that a library started by other means may."""
    inherit = (
        "import subprocess\n"
        "os.set_inheritable(lock._descriptor, True)\n"
        "child = subprocess.Popen(['sleep', '60'], close_fds=False)\n"
        "os.write(1, b'%d\\n' % child.pid)"
    )
    with LockHolder(path, inherit, _IN_FOUR_MINUTES) as holder:
        child = int(holder.said)
        try:
            assert holder.next_line() == "held\n"
            found = look(path)
            assert (found.state, pids(found)) == (State.HELD, [holder.pid, child])
            holder.process.kill()
            holder.process.wait()
            found = look(path)
            assert (found.state, found.is_wrong, pids(found)) == (State.OTHER, True, [child])
            assert f"pid {child} (sleep 60), which inherited it" in found.text
            assert found.advice.endswith(f"kill {child}")
        finally:
            os.kill(child, signal.SIGKILL)


@linux
def test_another_program_that_locks_the_same_file_is_named(path: Path) -> None:
    path.parent.mkdir()
    flock = shutil.which("flock")
    if flock is None:
        pytest.skip("flock(1) is not installed")
    with subprocess.Popen(
        [flock, "--no-fork", str(path), "sh", "-c", "echo held; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        found = look(path)
        program.communicate("\n")
    assert (found.state, pids(found)) == (State.OTHER, [program.pid])
    assert "without a record: by another program than the bot" in found.text


@linux
@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_the_holder_of_a_file_that_is_gone_is_found(
    path: Path, other: LockHolder, replaced: bool
) -> None:
    path.unlink()
    if replaced:
        path.touch()
    found = look(path)
    assert (found.state, found.is_wrong, pids(found)) == (State.GHOST, True, [other.pid])
    assert ("was replaced" if replaced else "is gone") in found.text
    assert f"kill {other.pid};" in found.advice
    other.process.communicate("\n")
    assert look(path).state is State.FREE


@linux
def test_a_second_holder_beside_the_first_is_named_too(path: Path, other: LockHolder) -> None:
    path.unlink()
    with LockHolder(path) as second:
        assert second.said == "held\n"
        found = look(path)
    assert (found.state, pids(found)) == (State.GHOST, [other.pid, second.pid])


@linux
def test_a_holder_that_is_nowhere_to_be_seen(
    path: Path, other: LockHolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As from inside of a container: only trying the lock shows that it is held."""
    nothing = tmp_path / "proc"
    nothing.mkdir()
    monkeypatch.setattr(lock_holders, "PROC", nothing)
    record = parse_record(path.read_bytes())
    assert record is not None
    elsewhere = Holder(**{f: getattr(record, f) for f in record.__slots__} | {"birth": "1"})
    path.write_bytes(render_record(elsewhere))
    found = look(path)
    assert (found.state, found.is_wrong) == (State.UNSEEN, False)
    assert "another container or user" in found.text
    assert "run_id=their-run" in found.text
    found = look(path, datetime.now(UTC) + timedelta(hours=1))
    assert (found.state, found.is_wrong) == (State.UNSEEN, True)
    assert "as root on the host" in found.advice


@linux
def test_a_holder_in_a_container_is_known_by_its_pid_there(path: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no pid namespaces here")
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from tradebot.scheduling.run_lock import RunLock\n"
        "lock = RunLock(Path(sys.argv[1])); lock.acquire(run_id='inside')\n"
        "print(os.getpid(), flush=True); sys.stdin.readline()\n"
    )
    mounted = [*unshare, "--mount-proc", sys.executable, "-c", code, str(path)]
    with subprocess.Popen(
        mounted, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as inside:
        assert inside.stdout is not None
        there = inside.stdout.readline()
        found = look(path)
        inside.communicate("\n")
    if not there:
        pytest.skip("no /proc of one's own here")
    assert found.holder is not None
    assert (found.holder.pid, found.holder.run_id) == (int(there), "inside")
    assert found.state is State.HELD
    [seen] = found.processes
    assert seen.pid != seen.pids[-1] == int(there)


@linux
def test_another_users_run_is_seen_by_its_pid() -> None:
    """Its open files cannot be looked into: the list of all locks and the record have to do."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from tradebot.scheduling.lock_state import look\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "found = look(Path(sys.argv[1]))\n"
        "print(found.state, *[process.pid for process in found.processes])\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.lock"
        Path(folder).chmod(0o755)
        with LockHolder(path) as other:
            path.chmod(0o644)
            done = subprocess.run(
                [sys.executable, "-c", code, str(path)],
                env=unmeasured(),
                capture_output=True,
                text=True,
                check=False,
            )
    assert done.stdout.split() == ["held", str(other.pid)], done.stderr


@pytest.mark.parametrize("rubbish", [b"pid=1\n", b"\xff\xfe", b"x" * 5000])
def test_what_is_no_record_is_harmless_while_nobody_holds_it(path: Path, rubbish: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(rubbish)
    found = look(path)
    assert (found.state, found.is_wrong) == (State.DAMAGED, False)
    assert "the next run writes over it" in found.text
    assert path.read_bytes() == rubbish


@posix
def test_a_file_that_is_none_is_said_to_be(path: Path, tmp_path: Path) -> None:
    path.mkdir(parents=True)
    assert look(path).state is State.UNREADABLE
    path.rmdir()
    os.mkfifo(path)
    assert look(path).state is State.UNREADABLE
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    found = look(path)
    assert (found.state, found.is_wrong) == (State.UNREADABLE, True)
    assert "as the user who runs the bot" in found.advice


@posix
def test_a_file_system_that_cannot_lock_is_said_to_be(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import fcntl

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    path.parent.mkdir()
    path.write_bytes(b"a record or not")
    monkeypatch.setattr(fcntl, "flock", refuse)
    found = look(path)
    assert (found.state, found.is_wrong) == (State.CANNOT_LOCK, True)
    assert "No locks available" in found.text
    assert found.advice == "put STATE_DIR on a local disk"


@linux
def test_a_folder_of_another_machine_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text(
        "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
        "23 22 0:40 / /srv/bots\\040here rw,relatime - nfs4 server:/bots rw\n"
        "24 23 0:41 / /srv/bots\\040here/local rw - tmpfs tmpfs rw\n"
    )
    monkeypatch.setattr(lock_holders, "PROC", tmp_path)
    kind = lock_holders.network_file_system
    assert kind(Path("/srv/bots here/state/run.lock")) == "nfs4"
    assert kind(Path("/srv/bots here/local/run.lock")) is None
    assert kind(Path("/srv/run.lock")) is None
