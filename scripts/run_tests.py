"""Run every test in parallel and report line and branch coverage. Used by `make test`.

Arguments are passed to pytest; with any, coverage is printed but not required. Three rooms are
left to targets of their own, because what they start runs beyond the reach of this coverage: the
tests on real schedulers (`make test-schedulers`) boot machines of their own, for which it takes
root, and wait for timers; `make test-torture` kills processes by the hundred and tells long random
stories; `make test-readers` shows the log to lnav, awk, DuckDB and a browser.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = ("--ignore=tests/schedulers", "--ignore=tests/torture", "--ignore=tests/readers")


def main(arguments: list[str]) -> int:
    os.chdir(ROOT)
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    # One more than can work at once: some tests only wait, for a lock or a deadline.
    workers = str(max(2, os.cpu_count() or 2) + 1)
    spread = ("-n", workers, "--dist", "worksteal")
    tests = run("run", "-m", "pytest", *spread, *ELSEWHERE, *arguments)
    for data in ROOT.glob(".coverage.*"):
        if not data.stat().st_size:
            data.unlink()  # of a process that a test killed
    run("combine", "--quiet")
    floor = [] if not arguments else ["--fail-under=0"]
    report = run("report", *floor)
    return tests or report


def run(*arguments: str) -> int:
    # Compiled once and kept, whatever this machine prefers: hundreds of processes are started, and
    # a third of a second of each would go into compiling the same sources again.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "coverage", *arguments]
    return subprocess.run(command, env=kept, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
