"""The program with a journal that cannot be used: 74, words that help, and no order."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.program import ROOT, log_text, run_bot
from support.program import environment as environment_of
from support.small_disk import run_on_small_disk
from tradebot.cli.simulator import environment
from tradebot.journal import Journal
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

not_root = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind root"
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="an open file is not removed there")

PAGE = 4096


MEDDLER = """
import os, shutil, sqlite3
from pathlib import Path
from tradebot.model import Action, Signal

def fill(folder):
    with open(folder / "ballast", "wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4096)):
                pass
        except OSError:
            pass

class Meddler:
    '''Always wants to buy, and does something to the journal while its own run is under way.'''
    name, version, horizon_minutes, bars_needed = "meddler", "1", 1440, 1
    def decide(self, view):
        path = Path(os.environ["STATE_DIR"], "default", "LOCAL", "live", "journal.db")
        what = os.environ.get("MEDDLE")
        if what == "fill":
            fill(path.parent)
        elif what == "replace":
            shutil.copy(path, f"{path}.new")
            os.replace(f"{path}.new", path)
        elif what == "hold" and not hasattr(self, "held"):
            self.held = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self.held.execute("BEGIN IMMEDIATE")
        elif what and path.with_name(what).exists():
            path.with_name(what).unlink()
        return Signal(Action.BUY, "because")
"""


class Scene:
    """A folder for the bot, and a broker that is asked afterwards what it received."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.simulator = simulator
        self.journal = folder / "state" / "default" / "LOCAL" / "live" / "journal.db"
        (folder / "meddler.py").write_text(MEDDLER, encoding="utf-8")

    def run(self, **more: str) -> tuple[int, str]:
        """One run's exit code, and what it said on stderr, which is the log as well."""
        done = run_bot(self.folder, "--single-cycle", **{**environment(self.simulator), **more})
        return done.returncode, done.stderr

    def eager(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.folder), "STRATEGY_NAME": "meddler:Meddler"}

    def placements(self) -> int:
        row = self.simulator.broker.state.one(
            "SELECT count(*) FROM order_requests WHERE method='POST' AND endpoint NOT LIKE '%check'"
        )
        return int(row[0])

    def refuses(self, *words: str, **more: str) -> None:
        """A run that wants to buy ends with 74, says these words and sends nothing."""
        before = self.placements()
        code, said = self.run(**self.eager(), **more)
        assert code == 74, said
        for word in (*words, str(self.journal)):
            assert word in said
            assert word in log_text(self.folder)
        assert "Traceback" not in said
        assert self.placements() == before

    def made(self, runs: int = 1) -> Path:
        """The journal after some runs that went well; the broker's market moves on."""
        for _ in range(runs):
            assert self.run()[0] == 0
        self.simulator.advance()
        return self.journal


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
    with Simulator(tmp_path / "broker.db", options=options) as simulator:
        yield Scene(tmp_path, simulator)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def root_page(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT rootpage FROM sqlite_master WHERE name=?", (name,))
        return int(row.fetchone()[0])


def test_a_run_that_wants_to_buy_does_so_with_a_good_journal(scene: Scene) -> None:
    """Else the tests below would say nothing."""
    scene.made()
    before = scene.placements()
    assert scene.run(**scene.eager())[0] == 0
    assert scene.placements() > before


def test_a_header_that_is_rubbish(scene: Scene) -> None:
    overwrite(scene.made(), 0, b"rubbish" * 20)
    scene.refuses("damaged", "restore a backup")


@pytest.mark.parametrize("table", ["attempts", "runs", "decisions", "verdicts", "fills"])
def test_a_page_that_is_rubbish(scene: Scene, table: str) -> None:
    path = scene.made()
    overwrite(path, (root_page(path, table) - 1) * PAGE, b"\xa5" * PAGE)
    scene.refuses("damaged", "restore a backup")


def test_a_journal_that_was_cut_off(scene: Scene) -> None:
    os.truncate(scene.made(), 3 * PAGE)
    scene.refuses("damaged", "restore a backup")


def test_a_value_that_nobody_wrote(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.made())) as connection, connection:
        connection.execute("UPDATE positions SET quantity = 'ten'")
    scene.refuses("damaged", "restore a backup")


def test_steps_that_are_left_beside_an_empty_journal(scene: Scene) -> None:
    path = crashed(scene.made())
    os.truncate(path, 0)
    scene.refuses("journal.db-wal", "Move journal.db-wal away")
    assert path.with_name("journal.db-wal").stat().st_size


def test_steps_that_are_left_beside_no_journal(scene: Scene) -> None:
    path = crashed(scene.made())
    path.unlink()
    scene.refuses("journal.db-wal", "Move journal.db-wal away")
    assert not path.exists()


def crashed(path: Path) -> Path:
    """The journal as a run leaves it that is killed: the newest steps are in the -wal alone."""
    with Journal(path) as journal:
        journal.control.pause("by_hand")
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", f"{path}{end}.kept")
    for end in ("", "-wal"):
        Path(f"{path}{end}.kept").replace(f"{path}{end}")
    return path


def test_another_programs_database(scene: Scene) -> None:
    scene.journal.parent.mkdir(parents=True)
    with closing(sqlite3.connect(scene.journal)) as other, other:
        other.execute("CREATE TABLE theirs (x)")
    before = scene.journal.read_bytes()
    scene.refuses("another program")
    assert scene.journal.read_bytes() == before


def test_a_journal_of_a_newer_version(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.made())) as newer:
        newer.execute("PRAGMA user_version=99")
    scene.refuses("newer version (schema 99", "Run that version")


def test_a_journal_that_another_program_holds(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.made(), isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        scene.refuses("database is locked", "close that program")
        holder.execute("ROLLBACK")
    assert scene.run()[0] == 0


@not_root
def test_a_folder_that_cannot_be_written(scene: Scene) -> None:
    folder = scene.made().parent
    folder.chmod(0o500)
    try:
        scene.refuses("Check the folder's owner")
    finally:
        folder.chmod(0o700)


@not_root
def test_a_journal_that_cannot_be_written(scene: Scene) -> None:
    scene.made().chmod(0o400)
    scene.refuses("not readable and writable")


@posix
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("journal.db", "journal.db was removed or replaced"),
        ("journal.db-wal", "journal.db-wal was removed or replaced"),
        ("journal.db-shm", "journal.db-shm was removed or replaced"),
        ("replace", "journal.db was removed or replaced"),
        ("hold", "close that program"),
    ],
)
def test_a_journal_that_is_lost_while_a_run_is_under_way(
    scene: Scene, what: str, words: str
) -> None:
    scene.refuses(words, MEDDLE=what)


ON_A_SMALL_DISK = """
import json, os, subprocess
from pathlib import Path
from support.program import run_bot
from tradebot.cli.simulator import environment
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions
folder, disk, meddle = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
with Simulator(folder / "broker.db", options=options) as simulator:
    kept = {"STATE_DIR": str(disk), "PYTHONPATH": os.environ["PYTHONPATH"]}
    more = {**environment(simulator), **kept}
    good = run_bot(folder, "--single-cycle", **more)
    if meddle == "remount":
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, timeout=60)
    done = run_bot(folder, "--single-cycle", **more, STRATEGY_NAME="meddler:Meddler", MEDDLE=meddle)
    sent = simulator.broker.state.one(
        "SELECT count(*) FROM order_requests WHERE method='POST' AND endpoint NOT LIKE '%check'"
    )[0]
print(json.dumps([good.returncode, done.returncode, sent, done.stderr]))
"""


@pytest.mark.parametrize(
    ("meddle", "words"),
    [
        ("fill", "database or disk is full. Free some disk space"),
        ("remount", "not readable and writable"),
    ],
)
def test_a_disk_that_takes_no_more(tmp_path: Path, meddle: str, words: str) -> None:
    (tmp_path / "meddler.py").write_text(MEDDLER, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT / "tests"), str(ROOT / "src")])
    done = run_on_small_disk(
        tmp_path / "disk",
        ON_A_SMALL_DISK,
        str(tmp_path),
        str(tmp_path / "disk"),
        meddle,
        size="2m",
        environment=environment_of(tmp_path, PYTHONPATH=path),
    )
    assert done.returncode == 0, done.stderr
    good, code, sent, said = json.loads(done.stdout)
    assert (good, code) == (0, 74), said
    assert sent == 1, "of the good run"
    assert words in said
    assert "Traceback" not in said
