"""The examples of `tradebot logs` in docs/operations.md: each is run, on a log that is always the
same, and what it prints is what the page shows.

    python scripts/log_examples.py --write    after a change of a command or an example
    python scripts/log_examples.py --check    exit code 1 when the page shows something else

An example is a line that begins with `$ ` in a ```console block between the two markers; whatever
stands below it, up to the next one or the block's end, is its output: stdout, and then stderr.
Pipes are run as they are typed; one that ends early (`head`) would make the notes a matter of luck.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.log_corpus import CorpusOptions, make  # noqa: E402 - the path comes first
from tradebot.journal.files import path_of  # noqa: E402

PAGE = ROOT / "docs" / "operations.md"
BEGIN = "<!-- log examples: begin (python scripts/log_examples.py --write) -->"
END = "<!-- log examples: end -->"
OPTIONS = CorpusOptions(
    days=3, mb_per_day=0.5, orders_per_day=12, instruments=4, seed=7, first_day="2025-12-15",
    journal=True,
)  # fmt: skip
_BLOCK = re.compile(r"(?ms)^```console\n(.*?)^```$")
_TIMEOUT_SECONDS = 60


def with_outputs(page: str) -> str:
    """`page` with the output of each example made anew. Raises ValueError without the markers."""
    before, begin, rest = page.partition(BEGIN)
    examples, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} lacks {BEGIN!r} or {END!r}")
    with tempfile.TemporaryDirectory(prefix="log-examples-") as name:
        folder = Path(name)
        make(folder / "logs", OPTIONS)
        journal = path_of(folder / "state" / "default" / "SIM", dry_run=False)
        journal.parent.mkdir(parents=True)
        (folder / "logs" / "journal.db").replace(journal)
        (folder / "bin").mkdir()
        _put_command(folder / "bin" / "tradebot")
        examples = _BLOCK.sub(
            lambda block: f"```console\n{''.join(_made_anew(block[1], folder))}```", examples
        )
    return f"{before}{begin}{examples}{end}{after}"


def _put_command(path: Path) -> None:
    program = "from tradebot.entry import main; main()"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{program}" "$@"\n')
    path.chmod(0o755)


def _made_anew(block: str, folder: Path) -> Iterator[str]:
    for line in block.splitlines():
        if line.startswith("$ "):
            yield f"{line}\n{_output(line[2:], folder)}"


def _output(command: str, folder: Path) -> str:
    environment = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "LOG_DIR": str(folder / "logs"),
        "STATE_DIR": str(folder / "state"),
        "SAXO_ENV": "SIM",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "TZ": "UTC",
    }
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    # What comes through a pipe may come before or after what does not: here it always comes first.
    text = (done.stdout + done.stderr).replace(f"{folder}/", "")
    return text if text.endswith("\n") or not text else f"{text}\n"


def main(arguments: list[str]) -> int:
    """Write or check the page. Exit code 0, or 1 when `--check` finds that it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="run the examples, write the page")
    action.add_argument("--check", action="store_true", help="fail when the page is out of date")
    chosen = parser.parse_args(arguments)
    old = PAGE.read_text(encoding="utf-8")
    new = with_outputs(old)
    if chosen.write:
        PAGE.write_text(new, encoding="utf-8")
        return 0
    if old != new:
        sys.stderr.write(f"{PAGE} is out of date: run python scripts/log_examples.py --write\n")
    return int(old != new)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
