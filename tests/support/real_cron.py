"""A real cron daemon of its own: Debian's, in mounts and process ids that nobody else sees.

    with RealCron(tmp_path, zone="Europe/London", speed=60) as cron:
        cron.begin()
        cron.system_file("ai-tradebot-default", "*/5 * * * * root /bin/true\\n")
        cron.wait_for(lambda: len(cron.started()) > 3)

Its crontabs are empty at first, its system log goes to a file, its clock may start elsewhere and
run faster than the real one. The jobs get an environment of cron's making and so are on the real
clock, unless the crontab has the lines of `cron.clock`. The first process in there carries out
commands that come on its stdin, and when it ends, so does everything else.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_SPOOL = "/var/spool/cron/crontabs"
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_PROBE = """
mount --make-rprivate / && mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work
mount -t overlay none -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
"""
_COMMAND = re.compile(r"\((?P<user>[^)]*)\) CMD \((?P<command>.*)\)$")
_CLOCK = ("LD_PRELOAD", "FAKETIME")


def why_not(*, fast_clock: bool = False) -> str | None:
    """What this machine lacks for a real cron; None when nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a cron daemon of one's own takes root on Linux (mounts, process ids)"
    for program in ("/usr/sbin/cron", "/usr/bin/crontab", "/usr/bin/flock", "/usr/bin/unshare"):
        if not Path(program).exists():
            return f"no {program} here: apt-get install cron util-linux"
    if fast_clock and not Path("/usr/bin/faketime").exists():
        return "no faketime here: apt-get install faketime"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-ec", _PROBE],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return f"no mounts of one's own here: {tried.stderr.strip()}" if tried.returncode else None


class RealCron:
    """The daemon, from `with` to its end."""

    def __init__(
        self, folder: Path, *, zone: str = "UTC", start: datetime | None = None, speed: float = 1
    ) -> None:
        """`start` (aware) is where its clock begins; `speed` how many seconds pass in one."""
        self._folder = folder / "cron-here"
        self._folder.mkdir(parents=True)
        self.syslog = self._folder / "syslog"
        self.syslog.touch()
        clock = []
        if start is not None or speed != 1:
            at = int((start or datetime.now(UTC)).timestamp())
            clock = ["/usr/bin/faketime", "-f", f"@{at} x{speed:g}"]
        self.clock: dict[str, str] = {}
        """Variables that put a process on the daemon's clock, once it has begun."""
        self._wanted = {"folder": str(self._folder), "zone": zone, "clock": clock}

    def __enter__(self) -> Self:
        command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"]
        with (self._folder / "stderr").open("w") as errors:
            self._process = subprocess.Popen(
                [*command, sys.executable, __file__, json.dumps(self._wanted)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._answer() == {"ready": True}, (self._folder / "stderr").read_text()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def begin(self) -> None:
        """Start the daemon; crontabs written before are there from its first minute on."""
        self.clock = self._ask({"begin": True})["clock"]

    def run(
        self, *argv: str, stdin: str = "", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command beside the daemon."""
        told = self._ask({"argv": argv, "stdin": stdin, "variables": variables or {}})
        return subprocess.CompletedProcess(argv, told["code"], told["out"], told["err"])

    def system_file(self, name: str, text: str) -> None:
        """A file in /etc/cron.d.

        The folder gets a time of its own: cron sees changes by the second, and this one may come in
        the very second in which it read the folder.
        """
        later = f"@{int(time.time()) + 5}"
        script = 'cat > "/etc/cron.d/$1" && touch -d "$2" /etc/cron.d'
        done = self.run("sh", "-c", script, "sh", name, later, stdin=text)
        assert done.returncode == 0, done.stderr

    def log_lines(self) -> list[str]:
        """What came over syslog so far."""
        return self.syslog.read_text(encoding="utf-8").splitlines()

    def started(self, part: str = "") -> list[str]:
        """The lines about a command's start that have `part` in the command."""
        return [
            line
            for line in self.log_lines()
            if (found := _COMMAND.search(line)) is not None and part in found["command"]
        ]

    def wait_for(self, happened: Callable[[], bool], seconds: float = 60) -> None:
        """Until it has happened. Fails with the log when it does not."""
        for _ in range(int(seconds * 20)):
            if happened():
                return
            time.sleep(0.05)
        raise AssertionError("it did not happen; cron's log:\n" + "\n".join(self.log_lines()))

    def _ask(self, what: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


def _sh(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def _furnish(folder: Path, zone: str) -> None:
    """The mounts, seen by these processes alone: /etc with changes of its own, crontabs, /run, the
    zone, and a /dev with a system log."""
    _sh("mount", "--make-rprivate", "/")
    layers = folder / "etc"
    layers.mkdir()
    _sh("mount", "-t", "tmpfs", "tmpfs", str(layers))
    for name in ("upper", "work"):
        (layers / name).mkdir(mode=0o755)
    changes = f"lowerdir=/etc,upperdir={layers}/upper,workdir={layers}/work"
    _sh("mount", "-t", "overlay", "overlay", "-o", changes, "/etc")
    for place in ("/etc/cron.d", "/var/spool/cron", "/run"):
        _sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place)
    _sh("install", "-d", "-m", "1730", "-g", "crontab", _SPOOL)
    for name in ("cron.allow", "cron.deny", "localtime", "timezone"):
        Path("/etc", name).unlink(missing_ok=True)
    Path("/etc/crontab").write_text("")
    Path("/etc/localtime").symlink_to(f"/usr/share/zoneinfo/{zone}")
    devices = folder / "dev"
    devices.mkdir()
    _sh("mount", "-t", "tmpfs", "tmpfs", str(devices))
    for name in _DEVICES:
        (devices / name).touch()
        _sh("mount", "--bind", f"/dev/{name}", str(devices / name))
    (devices / "shm").mkdir(mode=0o1777)
    (devices / "fd").symlink_to("/proc/self/fd")
    _sh("mount", "--rbind", str(devices), "/dev")


def _collect(listener: socket.socket, path: Path) -> None:
    """Syslog's datagrams as the lines of its file."""
    with path.open("a", encoding="utf-8") as file:
        while True:
            text = listener.recv(65536).decode(errors="replace").rstrip("\0\n")
            stamp, _, rest = text.partition(">")[2][:15], "", text.partition(">")[2][15:]
            file.write(f"{stamp} testhost{rest}\n")
            file.flush()


def _run(argv: Sequence[str], stdin: str, variables: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        argv,
        input=stdin.encode(errors="surrogateescape"),
        capture_output=True,
        timeout=60,
        env={**os.environ, **variables},
    )
    # Every byte, also those of a line's end.
    out, err = (said.decode(errors="surrogateescape") for said in (done.stdout, done.stderr))
    return {"code": done.returncode, "out": out, "err": err}


def _begin(wanted: dict[str, Any]) -> dict[str, Any]:
    """Start the daemon. The answer is what puts another process on its clock."""
    # As Debian's own start script does: the zone by name, in the daemon's environment.
    # In seconds since 1970: a clock's reading would mean two instants in autumn.
    fake = {"FAKETIME_DONT_RESET": "1", "FAKETIME_FMT": "%s"} if wanted["clock"] else {}
    variables = {**os.environ, "TZ": wanted["zone"], **fake}
    command = [*wanted["clock"], "/usr/sbin/cron", "-f", "-L", "5"]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, env=variables)
    for _ in range(500):
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _name(path) == "cron"]
        if pids:
            environment = Path(f"/proc/{pids[0]}/environ").read_bytes().decode().split("\0")
            pairs = (part.split("=", 1) for part in environment if part.startswith(_CLOCK))
            return {"clock": dict(pairs)}
        time.sleep(0.02)
    return {"clock": {}}


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return ""


def _answer(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _inside(wanted: dict[str, Any]) -> None:
    """The first process in there."""
    folder = Path(wanted["folder"])
    _furnish(folder, wanted["zone"])
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind("/dev/log")
    threading.Thread(
        target=_collect, args=(listener, folder / "syslog"), name="syslog", daemon=True
    ).start()
    _answer({"ready": True})
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        if "begin" in asked:
            # As Debian's own start script does: the zone by name, in the daemon's environment.
            answer = _begin(wanted)
        else:
            answer = _run(asked["argv"], asked["stdin"], asked["variables"])
        _answer(answer)


if __name__ == "__main__":
    _inside(json.loads(sys.argv[1]))
