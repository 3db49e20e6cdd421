"""How samples are taken: each in a new process, everybody in turn, medians of the rounds."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

_TIMEOUT_SECONDS = 300


class ChildFailed(Exception):
    """A sample could not be taken; the text is the last thing the process said."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder)


def environment() -> dict[str, str]:
    """What a child gets: this code, and no setting of this machine's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SAXO_", "LOG_", "TRADING_", "SCHEDULE"))
    }
    # What was asked for comes first: another version of the log can be measured that way.
    paths = [
        *filter(None, [os.environ.get("PYTHONPATH")]),
        str(ROOT),
        str(ROOT / "src"),
        str(ROOT / "tests"),
    ]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def child_command(module: str, function: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.child", module, function, json.dumps(arguments)]


def ask(module: str, function: str, *arguments: object) -> Any:
    """Call a function of `benchmarks` in a new process and have its answer.

    Raises ChildFailed when it did not end well.
    """
    with scratch() as folder:
        done = subprocess.run(
            child_command(module, function, *arguments),
            env=environment(),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ChildFailed(said[-1])
    return json.loads(done.stdout.splitlines()[-1])


def in_turn(
    rounds: int, jobs: Sequence[str], sample: Callable[[str], Any]
) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """`rounds` samples of each job, shuffled anew in each round; and why some have none."""
    order = list(jobs)
    shuffle = random.Random(7).shuffle
    samples: dict[str, list[Any]] = {job: [] for job in jobs}
    failed: dict[str, str] = {}
    for _ in range(rounds):
        shuffle(order)
        for job in order:
            try:
                samples[job].append(sample(job))
            except ChildFailed as error:
                failed[job] = str(error)
    return {job: taken for job, taken in samples.items() if taken}, failed


def medians(samples: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    taken = list(samples)
    return {name: statistics.median([one[name] for one in taken]) for name in taken[0]}


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
