"""Runs of the program as children of a process that has imported it already (Linux)."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.native import library
from support.program import ROOT, unmeasured
from support.torture.plan import Calls, KillPlan, read_calls, write_plan

LONGEST_RUN_SECONDS = 60.0
_SCRIPT = Path(__file__).with_name("zygote_process.py")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: with an exit code, or by a signal."""

    exit_code: int | None
    signal: int | None
    calls: Calls
    console: str
    """What it wrote to stdout and stderr."""

    @property
    def killed(self) -> bool:
        return self.signal == signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Order:
    """A run that is asked for. `root` is the folder whose files are numbered."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    root: Path
    clock: Path
    name: str
    """Of the run, different for each in `folder`."""
    plan: KillPlan | None = None
    hooks: Sequence[str] = ()

    @property
    def plan_path(self) -> Path:
        return self.folder / f"{self.name}.plan"

    @property
    def console_path(self) -> Path:
        return self.folder / f"{self.name}.console"

    def ended(self, status: int) -> Ended:
        """`status` as `os.waitpid` gives it."""
        code = os.waitstatus_to_exitcode(status)
        return Ended(
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            calls=read_calls(self.plan_path),
            console=self.console_path.read_text(encoding="utf-8", errors="replace"),
        )


class Running:
    """A child that was started; `wait` for it, or it ends with its zygote."""

    def __init__(self, zygote: Zygote, number: int, order: Order) -> None:
        self._zygote = zygote
        self._number = number
        self._order = order
        self.pid = zygote._pid_of(number)

    def wait(self) -> Ended:
        """Until it has ended. Raises AssertionError when that takes longer than any run may."""
        return self._order.ended(self._zygote._status_of(self._number))

    def wait_until_stopped(self) -> bool:
        """Until it stands still at the call of its plan. False when it ended without coming to it.

        Raises AssertionError when neither happens.
        """
        end = time.monotonic() + LONGEST_RUN_SECONDS
        while time.monotonic() < end:
            if self._zygote._has_ended(self._number):
                return False
            if _state_of(self.pid) == "T":
                return True
            time.sleep(0.002)
        raise AssertionError(f"the run neither stopped nor ended: {self._order.console_path}")

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)


def _state_of(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "-"
    return text.rpartition(")")[2].split()[0]


class Zygote:
    """`start` it, use it in a `with`. Not for several threads of the harness at once."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ready = False
        self._numbers = 0
        self._waiting = b""
        self._pids: dict[int, int] = {}
        self._statuses: dict[int, int] = {}

    @classmethod
    def start(cls) -> Zygote:
        """Skips the test where a library cannot be preloaded."""
        environment = {
            **unmeasured(),
            "LD_PRELOAD": str(library("kill_at")),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
        }
        environment.pop("TEST_KILL_AT", None)
        process = subprocess.Popen(
            [sys.executable, "-B", str(_SCRIPT)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for the harness, not for the bots
        )
        zygote = cls(process)
        zygote._pump(lambda: zygote._ready)
        return zygote

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; children that still run are killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def begin(self, order: Order) -> Running:
        """Start a run and come back at once."""
        write_plan(order.plan_path, order.root, order.plan)
        order.console_path.touch()
        self._numbers += 1
        number = self._numbers
        line = {
            "id": number,
            "arguments": list(order.arguments),
            "environment": dict(order.environment),
            "folder": str(order.folder),
            "plan": str(order.plan_path),
            "clock": str(order.clock),
            "console": str(order.console_path),
            "hooks": list(order.hooks),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        self._process.stdin.flush()
        return Running(self, number, order)

    # -- for Running ---------------------------------------------------------------------------

    def _pid_of(self, number: int) -> int:
        self._pump(lambda: number in self._pids)
        return self._pids[number]

    def _status_of(self, number: int) -> int:
        self._pump(lambda: number in self._statuses)
        return self._statuses[number]

    def _has_ended(self, number: int) -> bool:
        self._read(0.0)
        return number in self._statuses

    def _pump(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + LONGEST_RUN_SECONDS
        while not done():
            left = end - time.monotonic()
            assert left > 0, "a run takes longer than any run may"
            self._read(left)

    def _read(self, seconds: float) -> None:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        if not select.select([descriptor], [], [], seconds)[0]:
            return
        data = os.read(descriptor, 65536)
        assert data, "the zygote has ended; see its stderr"
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, told: Mapping[str, Any]) -> None:
        if "ready" in told:
            self._ready = True
        elif "pid" in told:
            self._pids[told["id"]] = told["pid"]
        elif "status" in told:
            self._statuses[told["id"]] = told["status"]
