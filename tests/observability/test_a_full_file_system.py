"""A file system that is really full: nothing is raised, and what is missing is said exactly."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from support.program import ROOT, environment
from support.small_disk import run_on_small_disk
from tradebot.observability.line import parse

ONE_PROCESS = """
import shutil
from tradebot.observability import log_event, setup_logging
disk, kept, queue = sys.argv[1], sys.argv[2], sys.argv[3] == "queue"
answers = {}
def say(text, level="WARN"):
    answers[text] = log_event("log_message", text, level=level)
with setup_logging(disk + "/logs", console=False, queue=queue):
    say("first")
    for outage in range(2):
        fill(disk)
        for number in range(100):
            say(f"secret content {outage} {number}")
        free(disk)
        for number in range(5):
            say(f"room again {outage} {number}")
    session_path = disk + "/logs/bot.log"
shutil.copy(session_path, kept)
import json
print(json.dumps(answers))
"""


PAGE = 4096
"""A full file system tears a line where a page ends."""


def taken_apart(path: Path) -> tuple[Counter[str], set[int], int]:
    """The texts of a file, how many lines it may say are lost, and its fragments.

    Of a number that stands at a page's end nobody can tell whether all of its digits are there.
    """
    texts: Counter[str] = Counter()
    lost = {0}
    fragments = end = 0
    whole = path.read_text(encoding="ascii")
    assert whole.endswith("\n")
    for text in whole.splitlines(keepends=True):
        end += len(text)
        try:
            fields = parse(text[:-1]).fields
        except ValueError:
            fragments += 1
            continue
        if "count" in fields:
            more = {known + int(fields["count"]) for known in lost}
            lost = more | lost if (end - 1) % PAGE == 0 else more
        elif "msg" in fields:
            texts[fields["msg"]] += 1
        else:
            fragments += 1
    return texts, lost, fragments


@pytest.mark.parametrize("mode", ["direct", "queue"])
def test_two_outages_are_two_notes_and_an_exact_count(tmp_path: Path, mode: str) -> None:
    kept = tmp_path / "kept.log"
    done = run_on_small_disk(
        tmp_path / "disk", ONE_PROCESS, str(tmp_path / "disk"), str(kept), mode
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    texts, lost, fragments = taken_apart(kept)

    reached = {text for text, answer in answers.items() if answer}
    assert set(texts) == reached
    assert set(texts.values()) == {1}
    assert len(answers) - len(reached) in lost
    assert len(reached) < len(answers) - 150
    assert all(answers[f"room again {outage} 4"] for outage in range(2))
    notes = done.stderr.splitlines()
    assert len(notes) == 2, done.stderr
    assert "No space left on device" in notes[0]
    assert "secret" not in done.stderr
    assert fragments <= 4  # a note and a line in each outage


SEVERAL_PROCESSES = """
import json, shutil, time
from tradebot.observability import log_event, setup_logging
disk, kept = sys.argv[1], sys.argv[2]
def child(name):
    answers = {}
    with setup_logging(disk + "/logs", console=False):
        while not os.path.exists(kept + ".stop"):
            text = f"{name} {len(answers)}"
            answers[text] = log_event("log_message", text, level="WARN")
            with open(f"{kept}.{name}.count", "w") as file:
                file.write(str(len(answers)))
            time.sleep(0.001)
        free_again = log_event("log_message", f"{name} end", level="WARN")
        answers[f"{name} end"] = free_again
    with open(f"{kept}.{name}", "w") as file:
        json.dump(answers, file)
def count(name):
    try:
        with open(f"{kept}.{name}.count") as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0
def wait_for_more(lines):
    before = {name: count(name) for name in names}
    end = time.monotonic() + 60
    while any(count(name) < before[name] + lines for name in names):
        assert time.monotonic() < end
        time.sleep(0.002)
names = [f"p{number}" for number in range(3)]
children = []
for name in names:
    if (pid := os.fork()) == 0:
        child(name)
        os._exit(0)
    children.append(pid)
wait_for_more(5)
for _ in range(3):
    fill(disk)
    wait_for_more(40)
    free(disk)
    wait_for_more(5)
open(kept + ".stop", "w").close()
assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 3
shutil.copy(disk + "/logs/bot.log", kept)
"""


def test_several_processes_find_the_disk_full(tmp_path: Path) -> None:
    kept = tmp_path / "kept.log"
    disk = tmp_path / "disk"
    done = run_on_small_disk(disk, SEVERAL_PROCESSES, str(disk), str(kept), size="512k")
    assert done.returncode == 0, done.stderr
    answers = {
        text: answer
        for name in ("p0", "p1", "p2")
        for text, answer in json.loads((tmp_path / f"kept.log.{name}").read_text()).items()
    }
    texts, lost, _ = taken_apart(kept)
    reached = {text for text, answer in answers.items() if answer}
    assert set(texts) == reached
    assert set(texts.values()) == {1}
    assert len(answers) - len(reached) in lost
    assert len(reached) < len(answers)
    assert 3 <= len(done.stderr.splitlines()) <= 9


A_RUN = """
import json, subprocess
full, leave, main = sys.argv[1], int(sys.argv[2]), sys.argv[3]
fill(full, leave)
done = subprocess.run([sys.executable, main, "--single-cycle"], capture_output=True, text=True)
print(json.dumps([done.returncode, done.stderr]))
"""


def orders_at_the_broker(state: Path) -> int:
    path = state / "default" / "LOCAL" / "simulator.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as database:
        (placed,) = database.execute("SELECT count(*) FROM orders").fetchone()
        (asked,) = database.execute("SELECT count(*) FROM order_requests").fetchone()
    return int(placed) + int(asked)


@pytest.mark.parametrize("full", ["logs", "state/default/LOCAL/live"])
def test_a_run_without_room_for_its_log_or_journal_sends_nothing(tmp_path: Path, full: str) -> None:
    done = run_on_small_disk(
        tmp_path / full,
        A_RUN,
        *(str(tmp_path / full), "0", str(ROOT / "main.py")),
        environment=environment(tmp_path, SAXO_ENV="LOCAL", HOME=str(tmp_path)),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    code, said = json.loads(done.stdout)
    assert code == 74, said
    assert "Traceback" not in said
    assert orders_at_the_broker(tmp_path / "state") == 0
