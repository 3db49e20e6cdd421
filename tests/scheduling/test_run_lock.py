"""The run lock, with real processes: one holder, freed by death, inherited by nobody."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.lock_holder import LockHolder
from tradebot.errors import ExitCode, LockBusy, StorageError
from tradebot.scheduling.lock_record import (
    Holder,
    parse_record,
    parse_records,
    process_birth,
    render_record,
    this_process,
)
from tradebot.scheduling.run_lock import HOLDER_UNKNOWN, RunLock

SLOT = datetime(2025, 12, 17, 7, 15, tzinfo=UTC)
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "run.lock"


@pytest.fixture
def other(path: Path) -> Iterator[LockHolder]:
    with LockHolder(path) as other:
        assert other.said == "held\n"
        yield other


def holder_seen_by_a_loser(path: Path) -> str | None:
    with pytest.raises(LockBusy) as caught:
        RunLock(path).acquire(run_id="loser")
    assert caught.value.exit_code is ExitCode.BUSY
    return caught.value.holder


def can_be_taken(path: Path) -> bool:
    lock = RunLock(path)
    try:
        lock.acquire(run_id="probe")
    except LockBusy:
        return False
    lock.release()
    return True


def test_a_second_process_is_refused_and_told_who_holds_it(path: Path, other: LockHolder) -> None:
    held_by = holder_seen_by_a_loser(path)
    assert held_by is not None
    words = dict(word.split("=") for word in held_by.split(" "))
    assert words.pop("started").startswith("20")
    assert words == {
        "pid": str(other.process.pid),
        "run_id": "their-run",
        "slot": "-",
        "phase": "execute",
    }


def test_it_is_free_after_its_holder_ends_in_order(path: Path, other: LockHolder) -> None:
    assert not can_be_taken(path)
    other.process.communicate("\n")
    assert can_be_taken(path)


@posix
def test_kill_minus_9_frees_it_and_the_next_holder_learns_how_far_it_came(
    path: Path, other: LockHolder
) -> None:
    os.kill(other.process.pid, signal.SIGKILL)
    other.process.wait()
    with RunLock(path) as lock:
        lock.acquire(run_id="next")
        assert lock.previous is not None
        assert (lock.previous.run_id, lock.previous.phase) == ("their-run", "execute")
        assert lock.previous.pid == other.process.pid


def test_a_holder_that_let_go_leaves_no_record(path: Path) -> None:
    with RunLock(path) as lock:
        lock.acquire(run_id="first")
    assert path.read_bytes() == b""
    with RunLock(path) as lock:
        lock.acquire(run_id="second")
        assert lock.previous is None


@posix
@pytest.mark.parametrize(
    "start_child",
    [
        # Each prints the child's pid only when the child has begun: after exec, or after fork.
        "import subprocess\n"
        "print(subprocess.Popen(['sleep', '60'], close_fds=False).pid, flush=True)",
        "import os, time\n"
        "if os.fork() == 0:\n    os.write(1, b'%d\\n' % os.getpid()); time.sleep(60)",
        "import multiprocessing, os, time\n"
        "def child():\n    os.write(1, b'%d\\n' % os.getpid()); time.sleep(60)\n"
        "multiprocessing.get_context('fork').Process(target=child).start()",
    ],
    ids=["exec", "fork", "multiprocessing"],
)
def test_a_child_that_outlives_the_holder_does_not_keep_it(path: Path, start_child: str) -> None:
    with LockHolder(path, start_child) as other:
        said = {other.said, other.next_line()}
        child = int(next(line for line in said if line != "held\n"))
        try:
            assert "held\n" in said
            assert not can_be_taken(path)
            other.process.kill()
            other.process.wait()
            os.kill(child, 0)  # it lives
            assert can_be_taken(path)
        finally:
            os.kill(child, signal.SIGKILL)


@posix
def test_a_forked_child_that_ends_does_not_free_it_for_others(path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from tradebot.scheduling.run_lock import RunLock\n"
        "lock = RunLock(Path(sys.argv[1])); lock.acquire(run_id='parent')\n"
        "child = os.fork()\n"
        "if child == 0:\n    lock.enter_phase('child'); lock.release(); sys.exit(lock.held)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "try:\n    RunLock(lock.path).acquire(run_id='again')\n"
        "except Exception as error:\n    print(type(error).__name__, error.holder)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("LockBusy pid=")
    assert done.stdout.endswith("phase=lock\n")


def test_two_objects_in_one_process_exclude_each_other(path: Path) -> None:
    with RunLock(path) as lock:
        lock.acquire(run_id="mine", slot=SLOT)
        held_by = holder_seen_by_a_loser(path)
        assert held_by == str(parse_record(path.read_bytes()))
        assert held_by.startswith(f"pid={os.getpid()} started=")
        assert held_by.endswith(" run_id=mine slot=2025-12-17T07:15:00Z phase=lock")
        with pytest.raises(RuntimeError, match="already"):
            lock.acquire(run_id="mine")


def test_the_record_follows_the_phase(path: Path) -> None:
    with RunLock(path) as lock:
        lock.acquire(run_id="mine")
        for phase in ("a_rather_long_name_for_a_phase", "end"):
            lock.enter_phase(phase)
            assert str(holder_seen_by_a_loser(path)).endswith(f"phase={phase}")


def test_the_file_stays_and_is_the_owners_alone(path: Path) -> None:
    lock = RunLock(path)
    lock.acquire(run_id="mine")
    held = [lock.held]
    lock.release()
    lock.release()
    lock.enter_phase("after")
    assert [*held, lock.held] == [True, False]
    assert path.exists()
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
def test_every_folder_it_has_to_make_is_the_owners_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "state" / "instance" / "LOCAL" / "run.lock"
    with RunLock(path) as lock:
        lock.acquire(run_id="mine")
    modes = [stat.S_IMODE(folder.stat().st_mode) for folder in path.parents[:4]]
    assert modes == [0o700, 0o700, 0o700, 0o755]


def leave_a_killed_runs_record(path: Path) -> None:
    with LockHolder(path) as other:
        assert other.said == "held\n"
    # Windows frees a dead process's lock in its own time.
    assert any(can_be_taken_for_a_look(path) for _ in range(50))


def can_be_taken_for_a_look(path: Path) -> bool:
    lock = RunLock(path)
    try:
        lock.acquire(run_id="probe", keep_previous=True)
    except LockBusy:
        return False
    lock.release()
    return True


def test_a_command_that_only_needs_to_be_alone_leaves_a_killed_runs_record(path: Path) -> None:
    leave_a_killed_runs_record(path)
    with RunLock(path) as lock:
        lock.acquire(run_id="resolve-by-hand", keep_previous=True)
        for phase in ("a_rather_long_name_for_a_phase", "end"):
            lock.enter_phase(phase)
            first, kept = parse_records(path.read_bytes())
            assert (first.run_id, first.phase) == ("resolve-by-hand", phase)
            assert (kept.run_id, kept.phase) == ("their-run", "execute")
        assert "run_id=resolve-by-hand" in str(holder_seen_by_a_loser(path))
    with RunLock(path) as lock:
        lock.acquire(run_id="next")
        assert lock.previous is not None
        assert lock.previous.run_id == "their-run"
    with RunLock(path) as lock:
        lock.acquire(run_id="the-one-after")
        assert lock.previous is None


@posix
def test_also_when_that_command_is_killed_itself(path: Path) -> None:
    leave_a_killed_runs_record(path)
    with LockHolder(path, more=", keep_previous=True") as by_hand:
        assert by_hand.said == "held\n"
    with RunLock(path) as lock:
        lock.acquire(run_id="by-hand-again", keep_previous=True)
    with RunLock(path) as lock:
        lock.acquire(run_id="next")
        assert lock.previous is not None
        assert (lock.previous.run_id, lock.previous.phase) == ("their-run", "execute")


@posix
def test_somebody_who_only_looks_costs_no_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared lock of an instant, as `look` takes it, at the worst of times."""
    import fcntl

    path.parent.mkdir()
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    pauses = []

    def stop_looking(seconds: float) -> None:
        pauses.append(seconds)
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    monkeypatch.setattr("tradebot.scheduling.run_lock.time.sleep", stop_looking)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with RunLock(path) as lock:
            lock.acquire(run_id="mine")
            assert lock.held
    finally:
        os.close(descriptor)
    assert len(pauses) == 1
    assert 0 < pauses[0] <= 0.01  # a real loser does not wait long


@pytest.mark.parametrize("record", [b"", b"pid=1\n", b"\xff\xfe", b"x" * 5000])
def test_a_record_that_cannot_be_read_is_holder_unknown(path: Path, record: bytes) -> None:
    with RunLock(path) as lock:
        lock.acquire(run_id="mine")
        path.write_bytes(record)
        assert holder_seen_by_a_loser(path) == HOLDER_UNKNOWN


@linux
def test_the_record_of_a_dead_process_is_not_taken_for_the_holders(path: Path) -> None:
    """A holder that has not yet written its record has its predecessor's in the file."""
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    stale = Holder(dead.pid, "2025-12-17T07:15:00Z", "dead", "-", "execute", birth="12345")
    reused = Holder(os.getpid(), "2025-12-17T07:15:00Z", "dead", "-", "execute", birth="1")
    with RunLock(path) as lock:
        lock.acquire(run_id="mine")
        for record in (stale, reused):
            path.write_bytes(render_record(record))
            assert holder_seen_by_a_loser(path) == HOLDER_UNKNOWN


@posix
def test_a_removed_file_is_noticed_by_the_holder(path: Path) -> None:
    with RunLock(path) as lock:
        assert not lock.is_intact()
        lock.acquire(run_id="mine")
        assert lock.is_intact()
        path.unlink()
        assert not lock.is_intact()
        path.touch()
        assert not lock.is_intact()


@posix
def test_a_file_removed_while_it_was_opened_is_opened_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open, removals = os.open, iter([True, True, False])

    def open_and_lose(name: str, flags: int, mode: int = 0o777) -> int:
        descriptor = real_open(name, flags, mode)
        if next(removals):
            os.unlink(name)  # noqa: PTH108 - the same call that another program would make
        return descriptor

    monkeypatch.setattr(os, "open", open_and_lose)
    with RunLock(path) as lock:
        lock.acquire(run_id="mine")
        assert lock.is_intact()


@posix
def test_a_file_that_is_removed_for_ever_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = os.open

    def open_and_lose(name: str, flags: int, mode: int = 0o777) -> int:
        descriptor = real_open(name, flags, mode)
        os.unlink(name)  # noqa: PTH108
        return descriptor

    monkeypatch.setattr(os, "open", open_and_lose)
    with pytest.raises(StorageError, match="again and again"):
        RunLock(path).acquire(run_id="mine")


@posix
def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("data", encoding="utf-8")
    (tmp_path / "run.lock").symlink_to(target)
    with pytest.raises(StorageError, match="cannot be opened") as caught:
        RunLock(tmp_path / "run.lock").acquire(run_id="mine")
    assert caught.value.exit_code is ExitCode.IOERR
    assert target.read_text(encoding="utf-8") == "data"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be opened"):
        RunLock(tmp_path / "file" / "run.lock").acquire(run_id="mine")


@posix
def test_a_file_system_that_cannot_lock_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import fcntl

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StorageError, match="No locks available; put STATE_DIR on a local disk"):
        RunLock(path).acquire(run_id="mine")


@linux
def test_a_full_disk_costs_the_record_and_not_the_lock(path: Path) -> None:
    """A limit on the file's size stands in for the disk."""
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from tradebot.scheduling.run_lock import RunLock\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "lock = RunLock(Path(sys.argv[1])); lock.acquire(run_id='mine')\n"
        "try:\n    RunLock(lock.path).acquire(run_id='again')\n"
        "except Exception as error:\n    print(type(error).__name__, error.holder)\n"
        "lock.release()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "LockBusy holder_unknown\n"


def test_a_record_is_one_line_per_key_whatever_it_is_given() -> None:
    holder = this_process("run id\nphase=x", SLOT, "")
    assert parse_record(render_record(holder)) == holder
    assert holder.run_id == "run_id_phase_x"
    assert holder.phase == "-"


def test_a_record_with_other_keys_or_values_is_not_believed() -> None:
    import zlib

    def sealed(lines: str) -> bytes:
        return f"{lines}sum={zlib.crc32(lines.encode()):08x}\n".encode()

    good = "pid=1\nstarted=x\nrun_id=x\nslot=-\nphase=x\nbirth=-\n"
    assert parse_record(sealed(good)) == Holder(1, "x", "x", "-", "x", "-")
    newer = Holder(1, "x", "x", "-", "x", "-", since="2025", deadline="2026")
    assert parse_record(sealed(f"{good}since=2025\ndeadline=2026\n")) == newer
    assert parse_records(sealed(good) + render_record(newer) + b"torn") == (
        parse_record(sealed(good)),
        newer,
    )
    assert parse_record(sealed(good.replace("pid=1", "pid=one"))) is None
    assert parse_record(sealed(good.replace("phase=x", "phase=a b"))) is None
    assert parse_record(sealed(good + "more=1\n")) is None
    assert parse_record(sealed(good.replace("phase=x\n", ""))) is None
    assert parse_record(sealed(good)[:-3]) is None


@linux
def test_a_process_is_told_from_a_later_one_with_its_pid() -> None:
    holder = this_process("mine", None, "lock")
    assert holder.is_running
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1
    ) as other:
        assert process_birth(other.pid) != "-"
        other.communicate()
    assert process_birth(other.pid) == "-"
    age = datetime.now(UTC) - datetime.fromisoformat(holder.started)
    assert age.total_seconds() >= 0


def test_many_processes_at_once_have_one_winner(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom tradebot.errors import LockBusy\n"
        "from tradebot.scheduling.run_lock import RunLock\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "lock = RunLock(Path(sys.argv[1]))\n"
        "try:\n    lock.acquire(run_id='x'); print('won', flush=True)\n"
        "except LockBusy:\n    print('lost', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    results = [racer.stdout.readline() for racer in racers if racer.stdout is not None]
    for racer in racers:
        racer.communicate("\n")
    assert sorted(results) == ["lost\n"] * 7 + ["won\n"]
