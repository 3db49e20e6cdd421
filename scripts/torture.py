"""Kill the bot at its system calls, let it recover, count orders. Used by `make torture`.

Every scene (a purchase, a sale, each thing that a broker can do to an order, a recovery) is run
once to number its calls. Then it is begun again for each call: killed before it, and again in the
midst of it where it has halves; recovered; judged. Random points follow, with random faults and up
to three deaths in a row, until there were N. Where N is too small for every call, they are thinned
out evenly, so that a quarter of N is random.

    python scripts/torture.py -n 20000 --seed 1               all of it
    python scripts/torture.py -n 20000 --write                … and write docs/reliability.md
    python scripts/torture.py --again sale:journal:12:half    exactly this point
    python scripts/torture.py --again 1/4711                  exactly this random one

Exit code 1 when anything was found: the folder is kept, and the command that does exactly this
once more is printed. Ctrl-C ends it after the points that were begun.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from support.torture.judge import Breach  # noqa: E402
from support.torture.plan import Calls  # noqa: E402
from support.torture.scenes import SCENES  # noqa: E402
from support.torture.torturer import Torturer, every_point  # noqa: E402
from support.torture.zygote import Zygote  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- torture: begin -->", "<!-- torture: end -->"
WORKERS = 2
TOGETHER = 10
"""Points that a worker takes at a time: a Ctrl-C waits for these."""
RANDOM_SHARE = 0.25
MOST_PRINTED = 20
AT_RANDOM = "at random, under random faults"
COUNTED = (Breach.SECOND_ORDER, Breach.NO_OUTCOME, Breach.UNKNOWN_ORDER)
"""Breaches with a column of their own; the others share one."""
FAST_DISK = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


@dataclass(frozen=True)
class Row:
    """What came of one point, in a form that goes from process to process."""

    scene: str
    kills: int
    recovery_runs: int
    breaches: tuple[str, ...]
    told: str


@dataclass
class Tally:
    """The points of one scene, added up."""

    points: int = 0
    kills: int = 0
    recovery_runs: int = 0
    breaches: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        self.points += 1
        self.kills += row.kills
        self.recovery_runs += row.recovery_runs
        self.breaches.update(set(row.breaches))

    def cells(self) -> list[str]:
        known = [self.breaches[breach] for breach in COUNTED]
        other = sum(self.breaches.values()) - sum(known)
        numbers = [self.points, self.kills, self.recovery_runs, *known, other]
        return [f"{number:,}" for number in numbers]


# -- in the workers ------------------------------------------------------------------------------

_torturers: list[Torturer] = []
"""The one of this worker."""


def begin_work(folder: str) -> None:
    """Once in each worker. The zygote ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own = Path(folder) / str(os.getpid())
    own.mkdir()
    _torturers.append(Torturer(own, Zygote.start()))


def count(scene: str) -> Calls:
    """The calls of a scene that nobody disturbs."""
    return _torturers[0].calls(SCENES[scene])


def carry_out(names: Sequence[str]) -> list[Row]:
    """Points by their names, one after the other."""
    return [_one(name) for name in names]


def _one(name: str) -> Row:
    torturer = _torturers[0]
    point = torturer.named(name)
    scene = point.scene.name if ":" in name.partition("@")[0] else AT_RANDOM
    try:
        result = torturer.carry_out(point)
    except AssertionError as error:  # a run that does not end, a zygote that did
        return Row(scene, 0, 0, ("the torture itself",), f"{name}\n  {error}")
    breaches = tuple(found.breach for found in result.found)
    return Row(
        scene, result.kills, result.recovery_runs, breaches, str(result) if result.found else ""
    )


# -- what is to be done --------------------------------------------------------------------------


def names_of(calls: dict[str, Calls], number: int, seed: int) -> list[str]:
    """So many points: the calls of every scene, then random ones."""
    sweep = [
        point.name for name, seen in calls.items() for point in every_point(SCENES[name], seen)
    ]
    most = int(number * (1 - RANDOM_SHARE))
    if len(sweep) > most:
        sweep = [sweep[at * len(sweep) // most] for at in range(most)]
    return sweep + [f"{seed}/{index}" for index in range(number - len(sweep))]


def groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(names), TOGETHER):
        yield names[begin : begin + TOGETHER]


def torture(folder: Path, number: int, seed: int) -> tuple[dict[str, Tally], list[str], bool]:
    """The tallies, what was found in words, and whether it came to its end."""
    tallies = {name: Tally() for name in (*SCENES, AT_RANDOM)}
    told: list[str] = []
    progress = Progress(number)
    pool = ProcessPoolExecutor(
        WORKERS,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=begin_work,
        initargs=(str(folder),),
    )
    try:
        calls = dict(zip(SCENES, pool.map(count, SCENES), strict=True))
        work = [pool.submit(carry_out, group) for group in groups(names_of(calls, number, seed))]
        for done in as_completed(work):
            for row in done.result():
                tallies[row.scene].add(row)
                if row.told:
                    told.append(row.told)
                    progress.clear()
                    if len(told) <= MOST_PRINTED:
                        print(row.told, flush=True)
                progress.step(len(told))
    except KeyboardInterrupt:
        return tallies, told, False
    finally:
        progress.clear()
        pool.shutdown(cancel_futures=True)
    return tallies, told, True


class Progress:
    """One line on a terminal, nothing elsewhere."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._done = 0
        self._shown = sys.stderr.isatty()
        self._begun = time.monotonic()

    def step(self, found: int) -> None:
        self._done += 1
        if self._shown:
            left = (time.monotonic() - self._begun) / self._done * (self._number - self._done)
            sys.stderr.write(
                f"\r\033[K{self._done} of {self._number}, {found} found, {left / 60:.0f} min left"
            )
            sys.stderr.flush()

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


# -- what is said --------------------------------------------------------------------------------


def table(tallies: dict[str, Tally]) -> str:
    """Markdown, a line for each scene and one for the sum."""
    head = (
        "scene", "points", "kills", "recovery runs", "second orders", "intents without outcome",
        "unknown orders", "anything else",
    )  # fmt: skip
    total = Tally()
    for tally in tallies.values():
        total.points += tally.points
        total.kills += tally.kills
        total.recovery_runs += tally.recovery_runs
        total.breaches += tally.breaches
    rows = [(name.replace("_", " "), tally) for name, tally in tallies.items() if tally.points]
    cells = [[name, *tally.cells()] for name, tally in [*rows, ("**all**", total)]]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_page(text: str, number: int, seed: int) -> None:
    """Put the table where the page wants it. Raises SystemExit when the page has no such place."""
    page = PAGE.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        sys.exit(f"{PAGE} has no place for the table: add {BEGIN} and {END}")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    day = datetime.now(UTC).date().isoformat()
    said = f"`make torture N={number} SEED={seed}`, {day}, commit {commit()}:"
    PAGE.write_text(f"{before}{BEGIN}\n\n{said}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    done = subprocess.run(
        [git, "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


def again(folder: Path, name: str) -> int:
    """One point, looked at closely: everything stays."""
    with Zygote.start() as zygote:
        torturer = Torturer(folder, zygote)
        try:
            point = torturer.named(name)
        except (ValueError, KeyError) as error:
            shutil.rmtree(folder)
            sys.exit(f"{name} is no point ({error}); one is sale:journal:12:half or 1/4711")
        result = torturer.carry_out(point, keep=True)
    print(result)
    return 1 if result.found else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", "--number", type=int, default=10_000, help="how many points")
    parser.add_argument("--seed", type=int, default=1, help="of the random ones")
    parser.add_argument("--again", metavar="POINT", help="this point alone")
    parser.add_argument("--folder", type=Path, help="where everything happens; must not exist")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    given = parser.parse_args(arguments)
    if given.number < 1:
        parser.error("-n must be 1 or more")
    if given.folder is not None and given.folder.exists():
        parser.error(f"--folder {given.folder} exists already")
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    given = parse(arguments)
    try:
        Zygote.start().close()
    except pytest.skip.Exception as reason:
        sys.exit(f"this cannot run here: {reason}")
    if given.folder is None:
        fast = FAST_DISK if os.access(FAST_DISK, os.W_OK) else None
        folder = Path(tempfile.mkdtemp(prefix="tradebot-torture-", dir=fast))
    else:
        folder = given.folder.absolute()
        folder.mkdir(parents=True)
    if given.again is not None:
        return again(folder, given.again)
    begun = time.monotonic()
    tallies, told, ended = torture(folder, given.number, given.seed)
    text = table(tallies)
    print(text)
    print(f"\n{len(told)} found, {(time.monotonic() - begun) / 60:.1f} minutes")
    if told:
        print(f"kept in {folder}")
    else:
        shutil.rmtree(folder)
    if not ended:
        print("interrupted: nothing is written")
        return 130
    if given.write:
        write_page(text, given.number, given.seed)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
