"""A file system of its own for one process, small enough to be full. Nobody else sees it."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

_MOUNT_AND_RUN = 'mount -t tmpfs -o size="$1",mode=0700 none "$2" && shift 2 && exec "$@"'
_FILL = """
import os, sys
def fill(folder, leave=0):
    '''Take every free page but so many.'''
    with open(os.path.join(folder, "ballast"), "wb", buffering=0) as ballast:
        size = 0
        try:
            while True:
                size += ballast.write(bytes(4096))
        except OSError:
            ballast.truncate(max(size - leave * 4096, 0))
def free(folder):
    os.unlink(os.path.join(folder, "ballast"))
"""


@functools.cache
def _namespace() -> tuple[str, ...]:
    """The command that starts a process with mounts of its own. Skips where that cannot be."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("mounts of its own are given to a process like this on Linux alone (unshare)")
    command = ["unshare", "--mount"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    probe = [*command, "mount", "-t", "tmpfs", "none", "/tmp"]
    tried = subprocess.run(probe, capture_output=True, text=True, timeout=60)
    if tried.returncode:
        pytest.skip(f"no file system can be mounted here: {tried.stderr.strip()}")
    return tuple(command)


def run_on_small_disk(
    mounted: Path,
    program: str,
    *arguments: str,
    size: str = "128k",
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Python text in a process that finds an empty file system of `size` at `mounted`.

    The text may call `fill(folder, leave=0)` and `free(folder)`. What it leaves in `mounted` is
    gone when it ends.
    """
    mounted.mkdir(parents=True, exist_ok=True)
    python: Sequence[str] = [sys.executable, "-c", _FILL + program, *arguments]
    return subprocess.run(
        [*_namespace(), "sh", "-c", _MOUNT_AND_RUN, "sh", size, str(mounted), *python],
        env=None if environment is None else dict(environment),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
