"""`tradebot logs` is answered without the other commands' library, and all the same as with it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from support.trace_desk import REFERENCE, order_lines, write

QUICK = "from tradebot.entry import main; main()"
USUAL = "from tradebot.cli import main; main()"
BUG = (
    "import tradebot.logtools.commands.trace as trace\n"
    "def broken(*_): raise {error}\n"
    "trace.run = broken\n"
)
WAYS = pytest.mark.parametrize("way", [QUICK, USUAL], ids=["entry", "click"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "bot.log", order_lines("17T07:12:03"))
    return tmp_path


def run(way: str, folder: Path, *arguments: str, before: str = "") -> tuple[int, bytes, str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{before}{way}", *arguments],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("trace", REFERENCE, "--logs", "."), 0),
        (("trace", "ATB-20251217-0712-AAAAAAAAAA", "--logs", "."), 1),
        (("trace", "nonsense", "--logs", "."), 2),
        (("trace", REFERENCE, "--logs", "nowhere"), 2),
        (("trace", "--help"), 0),
        (("bogus",), 2),
        ((), 2),
    ],
)
def test_both_ways_answer_alike(folder: Path, arguments: tuple[str, ...], code: int) -> None:
    quick = run(QUICK, folder, "logs", *arguments)
    assert quick[0] == code, quick
    assert quick == run(USUAL, folder, "logs", *arguments)


@WAYS
@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            "ZeroDivisionError('token: Bearer abcdefghijklmnopqrstuvwxyz123456')",
            70,
            "this is a bug",
        ),
        ("KeyboardInterrupt", 130, ""),
        ("BrokenPipeError", 141, ""),
        ("OSError(28, 'No space left on device')", 2, "the output cannot be written: No space"),
        ("__import__('tradebot.errors').errors.StorageError('gone')", 2, "tradebot: gone"),
        ("__import__('tradebot.errors').errors.LoginError('lost')", 77, "tradebot: lost"),
        (
            "__import__('tradebot.errors').errors.StorageError('a\\x1b[31mb\\nc')",
            2,
            "tradebot: a\\u001b[31mb\nc\n",
        ),
    ],
)
def test_how_it_ends(way: str, folder: Path, error: str, code: int, told: str) -> None:
    arguments = ("logs", "trace", REFERENCE, "--logs", ".")
    returned, _, notes = run(way, folder, *arguments, before=BUG.format(error=error))
    assert returned == code, notes
    assert told in notes
    assert ("Traceback" in notes) is (code == 70)
    assert "abcdefghijklmnop" not in notes


@WAYS
@pytest.mark.skipif(os.name == "nt", reason="there is no such signal there")
def test_a_reader_that_has_seen_enough(way: str, folder: Path) -> None:
    write(folder / "bot.log", order_lines("17T07:12:03") * 2000)
    process = subprocess.Popen(
        [sys.executable, "-c", way, "logs", "trace", REFERENCE, "--logs", "."],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(100)
    process.stdout.close()
    notes = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 141, notes
    assert "Traceback" not in notes


NEVER = {"click", "rich", "msgspec", "urllib3", "shutil", "lzma", "sqlite3"}
NEVER |= {"tradebot.settings", "tradebot.logtools.linting.lint"}
MASKING = {"logging", "tradebot.vocabulary.catalogue", "tradebot.observability.redaction"}


@pytest.mark.parametrize(("output", "slow"), [("raw", NEVER | MASKING), ("text", NEVER)])
def test_what_is_loaded(folder: Path, output: str, slow: set[str]) -> None:
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('LOADED', *sorted(sys.modules), file=sys.stderr))\n"
    )
    arguments = ("logs", "trace", REFERENCE, "--output", output, "--logs", ".")
    code, _, notes = run(QUICK, folder, *arguments, before=program)
    assert code == 0
    loaded = set(notes.partition("LOADED ")[2].split())
    assert "tradebot.logtools.tracing.trace" in loaded
    assert loaded & slow == set()


@pytest.mark.parametrize(
    "package",
    ["tradebot.observability", "tradebot.journal", "tradebot.vocabulary", "tradebot.logtools"],
)
def test_every_name_of_a_package_is_there_when_it_is_asked_for(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nonsense'"):
        _ = module.nonsense
