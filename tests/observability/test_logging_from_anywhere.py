"""Signal handlers, destructors and forked children log while their process is writing a line."""

from __future__ import annotations

import errno
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.log_folder import lines_of, texts
from support.native import LogDisk, preloaded
from support.program import unmeasured
from support.windows import posix

pytestmark = posix

START = """
    import faulthandler, gc, os, signal, sys, threading, time
    faulthandler.dump_traceback_later(40, exit=True)  # a deadlock ends in stacks
    from tradebot.observability import log_event, setup_logging
    folder, queue = sys.argv[1], sys.argv[2] == "queue"
    def say(text, level="WARN"):
        return log_event("log_message", text, level=level)
    def start(**more):
        return setup_logging(folder, console=False, queue=queue, **more)
    by_size = dict(rotation_mode="size", max_bytes=5000, backup_count=0)
"""


def run(
    folder: Path, mode: str, program: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore::DeprecationWarning"),
            *("-c", textwrap.dedent(START) + textwrap.dedent(program), str(folder), mode),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done


BOTH = pytest.mark.parametrize("mode", ["direct", "queue"])


def assert_exactly(folder: Path, expected: set[str]) -> None:
    counted = texts(folder)
    assert set(counted) == expected
    assert set(counted.values()) == {1}


@BOTH
def test_a_signal_handler_logs_in_the_midst_of_lines_and_rotations(folder: Path, mode: str) -> None:
    done = run(
        folder,
        mode,
        """
        handled = []
        def handle(number, frame):
            assert say(f"handler {len(handled)}")
            handled.append(1)
            signal.setitimer(signal.ITIMER_REAL, 0.0005)
        signal.signal(signal.SIGALRM, handle)
        with start(**by_size):
            signal.setitimer(signal.ITIMER_REAL, 0.0005)
            number = 0
            while len(handled) < 100:
                assert say(f"main {number}")
                number += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
        print(number, len(handled))
        """,
        # A tracer's lock, held by what is interrupted, is one that the queue's thread needs.
        unmeasured(),
    )
    number, handled = map(int, done.stdout.split())
    assert_exactly(
        folder,
        {f"main {one}" for one in range(number)} | {f"handler {one}" for one in range(handled)},
    )


@BOTH
def test_a_destructor_logs_whichever_thread_it_runs_in(folder: Path, mode: str) -> None:
    done = run(
        folder,
        mode,
        """
        gone = []
        class Loud:
            def __init__(self):
                self.me = self  # only the collector of cycles ends it, anywhere
            def __del__(self):
                gone.append(len(gone))
                say(f"destructor {gone[-1]}", "INFO" if len(gone) % 2 else "WARN")
        with start(**by_size):
            gc.set_threshold(20)
            for number in range(400):
                Loud()
                say(f"main {number}", "INFO" if number % 5 else "WARN")
            gc.collect()
        print(len(gone))
        """,
        unmeasured(),
    )
    gone = int(done.stdout)
    assert gone == 400
    assert_exactly(
        folder,
        {f"main {one}" for one in range(400)} | {f"destructor {one}" for one in range(gone)},
    )


@BOTH
def test_a_child_forked_while_threads_write_and_rotate(folder: Path, mode: str) -> None:
    """Whatever lock a thread held at that moment, the child has its own."""
    run(
        folder,
        mode,
        """
        stop = threading.Event()
        counts = [0, 0]
        def chatter(name):
            while not stop.is_set():
                level = "INFO" if counts[name] % 3 else "WARN"
                say(f"thread{name} {counts[name]}", level)
                counts[name] += 1
        with start(**by_size) as session:
            threads = [threading.Thread(target=chatter, args=(name,)) for name in range(2)]
            for thread in threads:
                thread.start()
            for number in range(30):
                if (child := os.fork()) == 0:
                    signal.alarm(20)
                    good = say(f"child {number}") and say(f"child {number} again")
                    session.close()
                    os._exit(0 if good else 9)
                assert os.waitpid(child, 0)[1] == 0
            stop.set()
            for thread in threads:
                thread.join()
        print(*counts)
        """,
    )
    counted = texts(folder)
    assert set(counted.values()) == {1}
    children = {text for text in counted if text.startswith("child")}
    assert len(children) == 60
    for name in ("thread0", "thread1"):
        numbers = sorted(int(text.split()[1]) for text in counted if text.startswith(name))
        assert numbers == list(range(len(numbers)))
        assert numbers


def test_a_child_forked_during_a_rotation_does_not_keep_the_lock(folder: Path) -> None:
    run(
        folder,
        "direct",
        """
        from pathlib import Path
        from tradebot.observability.rotation import folder_lock
        os.mkdir(folder)
        read, write = os.pipe()
        with folder_lock(Path(folder)) as held:
            assert held
            if (child := os.fork()) == 0:
                os.close(write)
                os.read(read, 1)  # lives until the parent has seen what it wants to
                os._exit(0)
        with folder_lock(Path(folder)) as held:
            assert held, "the child still has it"
        os.close(write)
        os.waitpid(child, 0)
        """,
    )


def test_what_the_parent_lost_the_parent_says(folder: Path, tmp_path: Path) -> None:
    disk = LogDisk(tmp_path)
    run(
        folder,
        "direct",
        f"""
        def disk(error):
            with open(os.environ["TEST_LOG_DISK"], "r+b") as orders:
                orders.seek(4)
                orders.write(error.to_bytes(4, sys.byteorder))
        with start():
            disk({errno.EIO})
            for _ in range(3):
                assert not say("lost")
            disk(0)
            if os.fork() == 0:
                os._exit(0 if say("child") else 9)
            assert os.wait()[1] == 0
            assert say("parent")
        """,
        preloaded(disk),
    )
    assert [line.fields.get("msg") or line.fields["count"] for line in
            lines_of(folder / "bot.log")] == ["child", "3", "parent"]  # fmt: skip
