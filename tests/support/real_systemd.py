"""A machine of a test's own: a real systemd as its first process, and nothing else on it.

It has its own processes, mounts, network (loopback alone), /etc, /run, /var/log and /opt, and the
program in /opt/ai-tradebot as a user would have it there. Its systemd loads the few units that are
written here and what the test installs. When the test is over, the kernel ends all of it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from support.native import WallClock
from support.program import ROOT

HOME = "/opt/ai-tradebot"
PYTHON = f"{HOME}/.venv/bin/python"
_SET_UP = Path(__file__).with_suffix(".sh")
_SYSTEMD = Path("/lib/systemd/systemd")
_SHIPPED = Path("/lib/systemd/system")
_NAMESPACES = ("--mount", "--pid", "--ipc", "--uts", "--net", "--cgroup")
_TOOLS = (
    *("unshare", "nsenter", "setpriv", "runuser", "mount", "ldconfig", "useradd", "pgrep"),
    *("systemctl", "journalctl", "systemd-analyze", "systemd-run"),
)
_NOT_SYSTEM = ("/root", "/home", "/tmp", "/run")
_MOVED = {
    "LD_PRELOAD": "/mnt/clock/wall_clock.so",
    "TEST_WALL_CLOCK": "/mnt/clock/wall-clock",
}
_BOUND = 60.0
"""Seconds for anything to happen that must."""
_T = TypeVar("_T")


@functools.cache
def _what_is_missing() -> str | None:
    if sys.platform != "linux":
        return "systemd is Linux's alone"
    if os.getuid() != 0:
        return "a machine with systemd takes root to make"
    if not _SYSTEMD.exists():
        return f"no {_SYSTEMD} here"
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        return f"not here: {', '.join(missing)}"
    tried = subprocess.run(
        ["unshare", *_NAMESPACES, "--fork", "--mount-proc", "true"],
        capture_output=True,
        text=True,
        timeout=_BOUND,
    )
    if tried.returncode:
        return f"no namespaces of our own here: {tried.stderr.strip()}"
    if _cgroup_folder() is None:
        return "no cgroup2 hierarchy that may be written here"
    return None


def need_systemd() -> None:
    """Skips the test, with the reason, where no such machine can be made."""
    if reason := _what_is_missing():
        pytest.skip(reason)


@dataclass(frozen=True)
class Machine:
    """A machine that runs."""

    folder: Path
    pid: int
    """Of its systemd, as this computer counts."""
    clock: WallClock | None

    @property
    def home(self) -> Path:
        """Its /opt/ai-tradebot, as seen from here."""
        return self.folder / "opt" / "ai-tradebot"

    def moved_clock(self) -> dict[str, str]:
        """The environment of a process of the machine that goes by the moved clock, too."""
        return dict(_MOVED) if self.clock else {}

    def run(
        self, *argv: str, env: dict[str, str] | None = None, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command of root's on the machine, until it ends."""
        enter = ("nsenter", f"--target={self.pid}", *_NAMESPACES, f"--wd=/proc/{self.pid}/root")
        return subprocess.run(
            [*enter, "env", "-i", *self._environment(env or {}), *argv],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=_BOUND,
        )

    def _environment(self, more: dict[str, str]) -> Iterator[str]:
        usual = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
        return (
            f"{name}={value}" for name, value in {**usual, **more, **self.moved_clock()}.items()
        )

    def do(self, *argv: str) -> str:
        """A command that must succeed; what it printed."""
        done = self.run(*argv)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}\n{self.story()}"
        return done.stdout

    def write(self, path: str, text: str) -> None:
        """A file of the machine's /etc or /opt."""
        place = self.folder / path.removeprefix("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def write_unit(self, name: str, text: str) -> None:
        """A unit file, or (`x.service.d/y.conf`) a part of one. Known to systemd after `reload`."""
        self.write(f"/etc/systemd/system/{name}", text)

    def reload(self) -> None:
        self.do("systemctl", "daemon-reload")

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.do("systemctl", "show", unit, f"--property={name}", "--value").strip()

    def journal(self, unit: str, *, whole: bool = False) -> list[dict[str, Any]]:
        """What systemd's journal has of a unit, oldest first: what it wrote, and what was said
        about it. `whole`: also what was only just said, rather than what it has got to."""
        if whole:
            self.do("journalctl", "--sync")
        lines = self.do("journalctl", "--output=json", f"--unit={unit}", "--no-pager").splitlines()
        return [json.loads(line) for line in lines]

    def story(self) -> str:
        """All that happened on the machine, for the message of a failure."""
        done = self.run("journalctl", "--no-pager", "--output=short-precise")
        return done.stdout[-20_000:]

    def wait(self, what: str, fact: Callable[[], _T | None]) -> _T:
        """Until `fact` gives something true; that. Fails with the machine's story."""
        end = time.monotonic() + _BOUND
        while time.monotonic() < end:
            if found := fact():
                return found
            time.sleep(0.05)
        raise AssertionError(f"never came: {what}\n{self.story()}")


@contextlib.contextmanager
def machine(
    folder: Path, *, zone: str = "Etc/UTC", clock: WallClock | None = None
) -> Iterator[Machine]:
    """A machine in `folder`, which is empty. With a `clock`, its systemd goes by that one."""
    need_systemd()
    packages = Path(sysconfig.get_path("purelib"))
    place = f"{HOME}/.venv/{packages.relative_to(sys.prefix)}"
    _furnish(folder, zone)
    _put_program(folder, packages, place)
    python = sys.base_prefix if sys.base_prefix.startswith(_NOT_SYSTEM) else ""
    preload = _put_clock(folder, clock)
    with _own_cgroup() as cgroup, (folder / "console").open("wb") as console:
        start = f'echo $$ > {cgroup}/cgroup.procs && exec setpriv --pdeathsig KILL unshare "$@"'
        flags = (*_NAMESPACES, "--fork", "--mount-proc", "--kill-child=KILL")
        of_inner = (str(folder), python, str(packages), place, preload, str(ROOT))
        outer = subprocess.Popen(
            ["sh", "-c", start, "sh", *flags, "sh", str(_SET_UP), *of_inner],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        )
        try:
            yield _booted(Machine(folder, _first_process(outer, folder), clock), outer)
        finally:
            outer.kill()
            outer.wait(_BOUND)


def _furnish(folder: Path, zone: str) -> None:
    """The machine's /etc, and the units that every machine has."""
    shutil.copytree("/etc", folder / "etc", symlinks=True, ignore=shutil.ignore_patterns("systemd"))
    (folder / "etc" / "machine-id").write_text(f"{uuid.uuid4().hex}\n")
    (folder / "etc" / "localtime").unlink(missing_ok=True)
    (folder / "etc" / "localtime").symlink_to(f"/usr/share/zoneinfo/{zone}")
    (folder / "etc" / "timezone").write_text(f"{zone}\n")
    for name in ("etc/systemd/system", "opt/python", "units", "paths", "clock"):
        (folder / name).mkdir(parents=True)
    if sys.base_prefix.startswith(_NOT_SYSTEM):
        libraries = folder / "etc" / "ld.so.conf.d"
        libraries.mkdir(exist_ok=True)
        (libraries / "00-python.conf").write_text("/opt/python/lib\n")
    targets = ("sysinit", "sockets", "timers", "time-set", "time-sync", "shutdown", "multi-user")
    for name in (*targets, "network", "network-online"):
        (folder / "units" / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    # The kernel speaks of the whole computer.
    (folder / "etc" / "systemd" / "journald.conf").write_text(
        "[Journal]\nReadKMsg=no\nRateLimitIntervalSec=0\n"
    )
    for name in ("systemd-journald.service", "systemd-journald.socket"):
        shutil.copy(_SHIPPED / name, folder / "units" / name)
    (folder / "units" / "basic.target").write_text(
        "[Unit]\nDefaultDependencies=no\n"
        "Wants=timers.target systemd-journald.service\nAfter=systemd-journald.service\n"
    )


def _put_program(folder: Path, packages: Path, place: str) -> None:
    """The program as a clone that was set up by `make` looks, without what tests alone need."""
    home = folder / "opt" / "ai-tradebot"
    skipped = shutil.ignore_patterns("__pycache__")
    for name in ("src", "docs", "examples"):
        shutil.copytree(ROOT / name, home / name, ignore=skipped)
    for name in ("main.py", "pyproject.toml", ".env.example", "README.md"):
        shutil.copy(ROOT / name, home / name)
    scripts = home / ".venv" / "bin"
    scripts.mkdir(parents=True)
    base = "/opt/python" if sys.base_prefix.startswith(_NOT_SYSTEM) else sys.base_prefix
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (scripts / version).symlink_to(f"{base}/bin/{version}")
    (scripts / "python").symlink_to(version)
    command = (Path(sys.prefix) / "bin" / "tradebot").read_text().splitlines(keepends=True)
    (scripts / "tradebot").write_text("".join([f"#!{PYTHON}\n", *command[1:]]))
    (scripts / "tradebot").chmod(0o755)
    (home / ".venv" / "pyvenv.cfg").write_text(f"home = {base}/bin\n")
    (folder / place.removeprefix("/")).mkdir(parents=True)
    for path in packages.glob("*.pth"):
        # The package is installed as a link to its source, which is elsewhere on this computer.
        if any((Path(line) / "tradebot").is_dir() for line in path.read_text().splitlines()):
            (folder / "paths" / path.name).write_text(f"{HOME}/src\n")


def _put_clock(folder: Path, clock: WallClock | None) -> str:
    if clock is None:
        return ""
    shutil.copy(clock.library, folder / "clock" / "wall_clock.so")
    os.link(clock.path, folder / "clock" / "wall-clock")
    return _MOVED["LD_PRELOAD"]


def _cgroup_folder() -> Path | None:
    """Of this process, in the hierarchy that systemd uses."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    root = next((Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"), None)
    own = Path("/proc/self/cgroup").read_text().splitlines()
    here = next((line[3:].strip("/") for line in own if line.startswith("0::")), None)
    if root is None or here is None or not os.access(root / here, os.W_OK):
        return None
    return root / here


@contextlib.contextmanager
def _own_cgroup() -> Iterator[Path]:
    parent = _cgroup_folder()
    assert parent is not None
    cgroup = parent / f"tradebot-test-{uuid.uuid4().hex}"
    cgroup.mkdir()
    try:
        yield cgroup
    finally:
        end = time.monotonic() + _BOUND
        while cgroup.exists() and time.monotonic() < end:
            # Processes that are being ended keep their group a moment longer.
            for path in sorted((cgroup, *cgroup.rglob("*/")), reverse=True):
                with contextlib.suppress(OSError):
                    path.rmdir()
            time.sleep(0.01)


def _first_process(outer: subprocess.Popen[bytes], folder: Path) -> int:
    """The only child of `unshare`."""
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    for _ in _moments():
        assert outer.poll() is None, (folder / "console").read_text()
        with contextlib.suppress(OSError):
            if found := children.read_text().split():
                return int(found[0])
    raise AssertionError("unshare started nothing")


def _booted(machine: Machine, outer: subprocess.Popen[bytes]) -> Machine:
    socket = Path(f"/proc/{machine.pid}/root/run/systemd/private")
    said = ""
    for _ in _moments():
        assert outer.poll() is None, (machine.folder / "console").read_text()
        if socket.exists():
            said = machine.run("systemctl", "is-active", "basic.target").stdout
            if said == "active\n":
                return machine
    raise AssertionError(f"not up: {said}{(machine.folder / 'console').read_text()}")


def _moments() -> Iterator[None]:
    end = time.monotonic() + _BOUND
    while time.monotonic() < end:
        yield
        time.sleep(0.02)
