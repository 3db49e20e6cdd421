"""Reading a month of logs back, beside the tools that people search text with.

A gigabyte in thirty files with known contents. Each sample is a whole process, start-up included,
with the files in the system's cache; each answer is held against what is known, and a wrong one is
no sample.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks import measure
from benchmarks.log_corpus import CorpusOptions, Truth, make
from tradebot.journal.files import path_of

DAYS = 30
MB_PER_DAY = 34.0
ORDERS_PER_DAY = 200
_WARM_BYTES = 1 << 22
_TIMEOUT_SECONDS = 120

_EACH_LINE = (
    "import sys\n"
    "needle = sys.argv[1].encode()\n"
    "for name in sys.argv[2:]:\n"
    "    with open(name, 'rb') as file:\n"
    "        sys.stdout.buffer.writelines(line for line in file if needle in line)\n"
)
_AWK = r"""{ events[$4]++
  at = index($0, " latency_ms=")
  if (at && index($0, "| http_request |")) {
    value = substr($0, at + 12, 12); sub(/ .*/, "", value)
    path = substr($0, index($0, " http_url_path=") + 15, 80); sub(/ .*/, "", path)
    seen[path " " value]++ } }
END { for (name in events) print "event", name, events[name]
      for (key in seen) print "latency", key, seen[key] }"""


OURS = ("trace", "summary")
"""How our own jobs' names begin."""
BASELINES = {"trace": "rg", "absent": "rg, absent", "summary": "mawk, summary"}
QUESTIONS = {
    "trace": "the story of one order",
    "absent": "of one that is not there",
    "summary": "events, latencies by endpoint",
}


def kind_of(name: str) -> str:
    """Which question a job answers."""
    return next((word for word in ("summary", "absent") if word in name), "trace")


@dataclass(frozen=True, slots=True)
class Job:
    """A command, and whether what it printed is the right answer."""

    command: Sequence[str]
    right: Callable[[bytes], bool]
    exit_codes: Sequence[int] = (0,)
    environment: Mapping[str, str] = field(default_factory=dict)


def run(rounds: int, share: float = 1.0) -> tuple[dict[str, Any], dict[str, str]]:
    """Seconds, ratios to ripgrep and mawk, and MiB of memory; `share` of a month's bytes."""
    options = CorpusOptions(
        days=max(4, round(DAYS * min(1.0, share * 4))),
        mb_per_day=max(0.3, MB_PER_DAY * share),
        orders_per_day=max(4, round(ORDERS_PER_DAY * share)),
        journal=True,
    )
    with measure.scratch() as folder:
        logs = folder / "logs"
        truth = make(logs, options, procs=os.cpu_count() or 1)
        journal = path_of(logs / "state" / "default" / "SIM", dry_run=False)
        journal.parent.mkdir(parents=True)
        (logs / "journal.db").replace(journal)
        bytes_, files = _warm(logs)
        jobs = _jobs(logs, truth)
        failed = {name: "not installed" for name, job in jobs.items() if not _there(job)}
        names = [name for name in jobs if name not in failed]
        samples, wrong = measure.in_turn(rounds, names, lambda name: _sample(jobs[name], folder))
        figures = {name: measure.medians(taken) for name, taken in samples.items()}
        for name, figure in figures.items():
            figure["mib"] = _peak_mib(jobs[name], folder)
    _add_ratios(figures, samples)
    corpus = {"bytes": bytes_, "files": files, "lines": truth.summary.lines}
    return {"corpus": corpus, "jobs": figures}, {**failed, **wrong}


def _warm(logs: Path) -> tuple[int, int]:
    """Have every file in the system's cache. How many bytes, and files."""
    total = 0
    paths = list(logs.glob("bot.log*"))
    for path in paths:
        with path.open("rb") as file:
            while data := file.read(_WARM_BYTES):
                total += len(data)
    return total, len(paths)


def _there(job: Job) -> bool:
    return shutil.which(job.command[0]) is not None


def _jobs(logs: Path, truth: Truth) -> dict[str, Job]:
    files = [str(path) for path in sorted(logs.glob("bot.log.*"))] + [str(logs / "bot.log")]
    ref = _middle(truth)
    known = truth.refs[ref]
    absent = ref[:-1] + ("A" if ref[-1] != "A" else "B")
    lines = _so_many_lines(known.lines)
    everywhere = _so_many_lines(known.lines + truth.mentioned.get(ref, 0))
    tradebot = [str(Path(sys.executable).with_name("tradebot")), "logs"]
    copied = [sys.executable, str(measure.ROOT / "scripts" / "log_tools.py")]
    own = {"LOG_DIR": str(logs), "STATE_DIR": str(logs / "state"), "SAXO_ENV": "SIM"}
    raw = ("--output", "raw")
    c = {"LC_ALL": "C"}
    return {
        "rg": Job(["rg", "--no-config", "-INF", ref, *files], everywhere),
        "grep": Job(["grep", "-hF", ref, *files], everywhere, environment=c),
        "mawk": Job(["mawk", "-v", f"r={ref}", "index($0, r)", *files], everywhere),
        "for line in file": Job([sys.executable, "-c", _EACH_LINE, ref, *files], everywhere),
        "trace": Job([*tradebot, "trace", ref, *raw], lines, environment=own),
        "trace, no journal": Job([*tradebot, "trace", ref, "--logs", str(logs), *raw], lines),
        "trace, order id": Job(
            [*tradebot, "trace", str(known.order_id), *raw], lines, environment=own
        ),
        "trace, log_tools.py": Job([*copied, "trace", ref, "--logs", str(logs), *raw], lines),
        "rg, absent": Job(["rg", "--no-config", "-INF", absent, *files], _so_many_lines(0), (1,)),
        "trace, absent": Job(
            [*tradebot, "trace", absent, *raw], _so_many_lines(0), (1,), environment=own
        ),
        "mawk, summary": Job(["mawk", "-F", " [|] ", _AWK, *files], _events_by_awk(truth)),
        "gawk, summary": Job(
            ["gawk", "-F", " [|] ", _AWK, *files], _events_by_awk(truth), environment=c
        ),
        "summary": Job(
            [*tradebot, "summary", "--output", "json"], _same_summary(truth), environment=own
        ),
    }


def _middle(truth: Truth) -> str:
    """A reference from the middle of the month whose story crosses midnight, if there is one."""
    stories = sorted(ref for ref, story in truth.refs.items() if story.order_id)
    crossing = [ref for ref in stories if len(truth.refs[ref].days) == 2]
    chosen = crossing or stories
    return chosen[len(chosen) // 2]


def _so_many_lines(count: int) -> Callable[[bytes], bool]:
    return lambda printed: printed.count(b"\n") == count


def _events_by_awk(truth: Truth) -> Callable[[bytes], bool]:
    def right(printed: bytes) -> bool:
        rows = [line.split() for line in printed.decode().splitlines()]
        events = {name: int(number) for kind, name, number, *_ in rows if kind == "event"}
        return events == dict(truth.summary.events)

    return right


def _same_summary(truth: Truth) -> Callable[[bytes], bool]:
    def right(printed: bytes) -> bool:
        told = json.loads(printed)
        return bool(told["events"] == dict(truth.summary.events))

    return right


def _sample(job: Job, folder: Path) -> dict[str, float]:
    """One process: its seconds. Raises ChildFailed for a wrong answer."""
    with (folder / "printed").open("w+b") as printed:
        begin = time.perf_counter()
        process = _start(job, folder, printed)
        code = process.wait(_TIMEOUT_SECONDS)
        seconds = time.perf_counter() - begin
        printed.seek(0)
        answer = printed.read()
    if code not in job.exit_codes:
        raise measure.ChildFailed(f"exit code {code}")
    if not job.right(answer):
        raise measure.ChildFailed("a wrong answer")
    return {"seconds": seconds}


def _start(job: Job, folder: Path, printed: IO[bytes] | int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        job.command,
        env={**_as_installed(), **job.environment},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=subprocess.DEVNULL,
    )


def _as_installed() -> dict[str, str]:
    """What a person's shell gives a command: each folder of a PYTHONPATH would be searched for
    each module of Python itself."""
    return {name: value for name, value in measure.environment().items() if name != "PYTHONPATH"}


def _peak_mib(job: Job, folder: Path) -> float:
    """The most memory that one more process of the job has, its own alone, looked at all the time.

    What the system counts for a process that has ended begins with its parent's.
    """
    peak = 0
    process = _start(job, folder, subprocess.DEVNULL)
    give_up = time.monotonic() + _TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        peak = max(peak, _high_water(process.pid))
        time.sleep(0.002)
    process.kill()
    process.wait()
    return peak / 1024


def _high_water(pid: int) -> int:
    """KiB; 0 for a process that is no more what it was."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) if found else 0


def _add_ratios(figures: dict[str, Any], samples: Mapping[str, list[Any]]) -> None:
    """Each job over the baseline of its kind, round by round."""
    for name, figure in figures.items():
        base = BASELINES[kind_of(name)]
        if base in samples and len(samples[base]) == len(samples[name]):
            pairs = zip(samples[name], samples[base], strict=True)
            figure["ratio"] = statistics.median(
                [one["seconds"] / other["seconds"] for one, other in pairs]
            )
