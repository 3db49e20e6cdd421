"""The benchmarks run in small, whether or not the peers are installed. No figure is judged."""

from __future__ import annotations

import functools
import re
import subprocess
import sys

import pytest

from benchmarks.__main__ import SECTIONS
from benchmarks.peers import PEERS
from support.program import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the benchmarks need wait4 and SIGKILL"
)

ROW = {
    "speed": "| **tradebot log_event** | ",
    "leaks": "| tradebot log_event | 0 of ",
    "processes": "| tradebot log_event | by time | 0 / 0 | 0 / 0 | 0 / 0 | ",
    "redaction": "| masked among them | ",
    "slow disk": "| tradebot, LOG_QUEUE=true | ",
    "start-up": "| tradebot, with the vocabulary | ",
    "journal": "| 8,000 old orders, ",
    "reading": "| **trace** | ",
    "stages": "| head of the line | ",
}
"""How a row of the section's own table begins."""

_TABLES = 10
"""Tables of figures, that of the goals apart; two of them are of speed."""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@functools.cache
def small(section: str) -> str:
    done = bench("--rounds", "1", "--events", "8", "--batches", "1", "--sections", section)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_fills_its_own_table(section: str) -> None:
    page = small(section)
    assert ROW[section] in page
    for reasons in re.findall(r"^Not measured: (.*)\.$", page, re.MULTILINE):
        assert all(reason.endswith(" (not installed)") for reason in reasons.split("; "))
    assert page.count("Not measured in this run") == _TABLES - (2 if section == "speed" else 1)


def test_a_peer_that_is_not_installed_is_named() -> None:
    page = small("speed")
    for peer in PEERS:
        assert peer.installed == (f"{peer.title} in speed (not installed)" not in page)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sections", "speed,tempo"), "no section tempo: there are speed, leaks"),
        (("--rounds", "0"), "at least 1"),
        (("--events", "8", "--write"), "leave --events out"),
    ],
)
def test_a_mistake_is_answered_before_anything_runs(arguments: tuple[str, ...], said: str) -> None:
    done = bench(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_what_a_peer_leaks_is_found() -> None:
    assert re.search(
        r"^\| logging, f-string, redacting \| [1-9]\d* of ", small("leaks"), re.MULTILINE
    )
