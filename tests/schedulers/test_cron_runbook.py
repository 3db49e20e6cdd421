"""docs/runbooks/cron.md, followed word by word, ends in a schedule that `verify` approves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.program import ROOT, unmeasured
from support.real_cron import RealCron, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

PAGE = ROOT / "docs" / "runbooks" / "cron.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# This very clone, with changes that only the test sees and that end with it.
OWN_COPY = """
mkdir "$1/layers" && mount -t tmpfs -o size=256m tmpfs "$1/layers"
mkdir "$1/layers/upper" "$1/layers/work"
mount -t overlay -o "lowerdir=$2,upperdir=$1/layers/upper,workdir=$1/layers/work" overlay "$2"
cd "$2" && rm -rf .env state logs
"""


def as_here(block: str) -> str:
    """What a reader types, in this clone. Nothing is fetched: what is here is the newest version.
    And no slot goes by while the test looks on, so that none is missed cannot be said."""
    here = block.replace("/opt/ai-tradebot", str(ROOT)).replace("git pull --ff-only", "true")
    return re.sub(r"(schedule missed .*)", r"\1 || true", here)


def test_followed_from_top_to_bottom_it_ends_well(tmp_path: Path) -> None:
    steps = [as_here(block) for block in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    assert sum("schedule verify cron" in step for step in steps) == 1
    with RealCron(tmp_path) as cron:
        made = cron.run("sh", "-ec", OWN_COPY, "sh", str(tmp_path), str(ROOT))
        assert made.returncode == 0, made.stderr
        cron.begin()
        for step in steps:
            done = cron.run("sh", "-ec", f"cd {ROOT}\n{step}", variables=unmeasured())
            said = done.stdout + done.stderr
            assert done.returncode == 0, f"{step}\n{said}"
            if "schedule verify" in step:
                assert "cron-no-kill" in said
            if "schedule install" in step:
                listed = cron.run("crontab", "-l").stdout
                assert f"{ROOT}/main.py --single-cycle --scheduled" in listed
        assert cron.run("crontab", "-l").returncode == 1  # the last step took it away again
