"""Four processes write and rotate one file: lines lost, torn and doubled, and lines per second.

`size`: as many lines each as were asked for, the file moves away whenever it is full. `time`:
everybody writes as fast as he can while a shared clock, set for the purpose, crosses midnight.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import IO

from benchmarks import measure
from benchmarks.rotating import KINDS, MODES, installed

PROCESSES = 4
BEFORE_SECONDS = 0.4
"""From the start to midnight, and as long again after it."""

_LINE = re.compile(rb"20\d\d-.* run_id=\S+ .* uic=(\d+) .* order_id=(\d+)")


def run(rounds: int, lines: int) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, str]]:
    """{mode: {kind: medians, and the worst of lost, torn and doubled}} and who is missing."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    missing = {KINDS[kind].title: "not installed" for kind in KINDS if not installed(kind)}
    for mode in MODES:
        figures[mode], failed = _mode(rounds, mode, lines)
        missing |= failed
    return figures, missing


def _mode(rounds: int, mode: str, lines: int) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    def one(kind: str) -> dict[str, float]:
        return sample(kind, mode, lines)

    kinds = [kind for kind in KINDS if installed(kind) and mode in KINDS[kind].modes]
    taken, failed = measure.in_turn(rounds, kinds, one)
    figures: dict[str, dict[str, float]] = {}
    for kind, samples in taken.items():
        worst = {
            f"{name}_worst": max(each[name] for each in samples)
            for name in ("lost", "torn", "doubled")
        }
        figures[kind] = {**measure.medians(samples), **worst}
    return figures, {KINDS[kind].title: why for kind, why in failed.items()}


def sample(kind: str, mode: str, lines: int) -> dict[str, float]:
    """One round of one kind: start the processes, release them at once, count what is there."""
    with measure.scratch() as folder:
        place = folder / "logs"
        place.mkdir(mode=0o700)
        running = [_start(kind, mode, place, tag, lines) for tag in range(PROCESSES)]
        try:
            for process in running:
                _expect_ready(process)
            for process in running:
                _stdin(process).write(f"{time.time() + BEFORE_SECONDS}\n")
                _stdin(process).flush()
            told = [_outcome(process) for process in running]
        finally:
            for process in running:
                process.kill()
                process.communicate()
        written, begins, ends = zip(*told, strict=True)
        took = max(ends) - min(begins)
        return {"rate": sum(written) / took, "lines": sum(written), **_count(place, sum(written))}


def _start(kind: str, mode: str, place: Path, tag: int, lines: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        measure.child_command("rotating", "write", kind, mode, str(place / "bot.log"), tag, lines),
        env=measure.environment(),
        cwd=place.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin is not None
    return process.stdin


def _expect_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise measure.ChildFailed(_last_words(process))


def _outcome(process: subprocess.Popen[str]) -> tuple[int, float, float]:
    """How many lines it logged, from when to when; its stderr is read meanwhile."""
    said, complaints = process.communicate(timeout=300)
    if process.returncode or not said.strip():
        raise measure.ChildFailed(
            complaints.strip().splitlines()[-1] if complaints else "no answer"
        )
    lines, begin, end = json.loads(said.splitlines()[-1])
    return lines, begin, end


def _last_words(process: subprocess.Popen[str]) -> str:
    said = process.communicate()[1].strip().splitlines()
    return said[-1] if said else f"exit code {process.returncode}"


def _count(place: Path, written: int) -> dict[str, float]:
    """Every line of every file, held against what was logged."""
    seen: set[tuple[int, int]] = set()
    torn = doubled = files = 0
    for path in place.iterdir():
        if "lock" in path.name or not path.is_file():
            continue
        files += 1
        for line in path.read_bytes().splitlines():
            match = _LINE.fullmatch(line)
            if match is None or line.count(b"run_id=") != 1:
                torn += 1
                continue
            key = int(match[1]), int(match[2])
            doubled += key in seen
            seen.add(key)
    return {"lost": written - len(seen), "torn": torn, "doubled": doubled, "files": files}
