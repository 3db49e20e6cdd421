"""The runbook's made parts are whole: every exit code, every finding, each command's option."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tradebot.deploy.runbooks import with_blocks
from tradebot.deploy.systemd.checks import RULES
from tradebot.deploy.systemd.runbook import BLOCKS, FILES
from tradebot.errors import ExitCode

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"
PAGE = (FOLDER / "systemd.md").read_text(encoding="utf-8")


def test_the_page_says_what_would_be_rendered_now() -> None:
    assert with_blocks(PAGE, BLOCKS) == PAGE


@pytest.mark.parametrize("name", FILES)
def test_the_unit_files_are_what_would_be_rendered_now(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == FILES[name]()


def test_every_block_that_is_made_is_shown() -> None:
    assert set(re.findall(r"<!-- made: (\S+) -->", PAGE)) == set(BLOCKS)


def test_every_exit_code_has_its_row() -> None:
    table = BLOCKS["systemd-exit-codes"]()

    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == [
        str(int(code)) for code in sorted(ExitCode)
    ]


def test_every_finding_has_its_row() -> None:
    table = BLOCKS["systemd-findings"]()

    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == [rule.name for rule in RULES]
