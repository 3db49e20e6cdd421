"""The log in the hands of programs that are not ours (`make test-readers`).

They are not part of the locked environment: scripts/install_readers.sh gets them where it can, and
a test that has to do without its reader skips.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.program import environment, run_bot
from tradebot.logtools.lnav.format import FILE_NAME, format_file

BREAKING_STRATEGY = """\
class Breaks:
    name, version, horizon_minutes, bars_needed = "breaks", "1.0", 1440, 1

    def decide(self, view):
        raise RuntimeError('a "quoted" text | with order_id=77 \\\\ and\\nmore\\u2028lines')
"""


def needed(program: str) -> str:
    """Its path. Skips the test where it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: scripts/install_readers.sh gets it")
    return found


@dataclass
class Lnav:
    """lnav without a screen, in a home of its own."""

    program: str
    home: Path
    formats: Path | None
    """A folder for -I, with formats/NAME/*.json in it; None: only what the home has."""
    more: dict[str, str] = field(default_factory=dict)
    """Of the environment."""

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "XDG_CONFIG_HOME"}
        return {
            **kept,
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TZ": "America/New_York",
            **self.more,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        more = [] if self.formats is None else ["-I", str(self.formats)]
        return subprocess.run(
            [self.program, *more, *arguments],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def rows(self, query: str, files: Sequence[Path]) -> list[dict[str, Any]]:
        """What a query answers about these files."""
        done = self.run("-n", "-q", "-c", f";{query}", "-c", ":write-json-to -", *map(str, files))
        assert done.stdout, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows


@pytest.fixture
def lnav(tmp_path_factory: pytest.TempPathFactory) -> Lnav:
    """lnav, with the bot's format."""
    folder = tmp_path_factory.mktemp("lnav")
    (folder / "home").mkdir()
    formats = folder / "with" / "formats" / "tradebot"
    formats.mkdir(parents=True)
    (formats / FILE_NAME).write_text(format_file(), encoding="utf-8")
    return Lnav(needed("lnav"), folder / "home", folder / "with")


@pytest.fixture
def plain_lnav(lnav: Lnav) -> Lnav:
    """lnav as it comes."""
    lnav.formats = None
    return lnav


@pytest.fixture(scope="session")
def real_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that real runs wrote, at DEBUG: good ones, troubled ones, a strategy's traceback."""
    folder = tmp_path_factory.mktemp("bot")
    (folder / "breaking.py").write_text(BREAKING_STRATEGY, encoding="utf-8")
    modules = os.pathsep.join((str(folder), os.environ.get("PYTHONPATH", "")))
    settings = {"SAXO_ENV": "LOCAL", "LOG_LEVEL": "DEBUG", "PYTHONPATH": modules}
    for scenario, cycles in (("second_thoughts", 3), ("bad_day", 2), ("maintenance", 1)):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("tradebot")), "simulator", "scenario", scenario],
            env=environment(folder, **settings),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for _ in range(cycles):
            run_bot(folder, "--single-cycle", **settings)
        run_bot(folder, "--single-cycle", **settings, STRATEGY_NAME="breaking:Breaks")
    run_bot(folder, "--single-cycle", **settings, SCHEDULE_CADENCE="banana")
    return folder / "logs" / "bot.log"
