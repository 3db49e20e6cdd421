"""The Windows runbook shows what the program renders, and what it shows is approved."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from support.program import ROOT
from tradebot.cli import main as tradebot
from tradebot.deploy.examples import EVERY_FIVE_MINUTES, example_schedule, windows_program
from tradebot.deploy.rules import is_approved
from tradebot.deploy.runbooks import with_blocks
from tradebot.deploy.windows.checks import RULES, check_tasks
from tradebot.deploy.windows.runbook import BLOCKS, USER
from tradebot.errors import ExitCode

PATH = ROOT / "docs" / "runbooks" / "windows-task-scheduler.md"
PAGE = PATH.read_text(encoding="utf-8")
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def test_the_page_is_fresh_and_uses_every_block() -> None:
    assert with_blocks(PAGE, BLOCKS) == PAGE, "python -m tradebot.deploy.runbooks --write"
    used = set(re.findall(r"<!-- made: ([a-z0-9-]+) -->", PAGE))
    assert used == set(BLOCKS)


def test_a_task_copied_from_the_page_is_approved() -> None:
    first = re.findall(r"```xml\n(.*?)```\n", PAGE, re.DOTALL)[0]
    plan = example_schedule(EVERY_FIVE_MINUTES, windows_program(), user=USER)
    found = check_tasks({r"\AI-Tradebot\default": first}, plan, now=NOW, here=False)
    assert found == []
    assert is_approved(found)


def test_every_rule_and_every_exit_code_is_explained() -> None:
    for rule in RULES:
        assert f"| `{rule.name}` ({rule.severity}) |" in PAGE
    for code in ExitCode:
        assert f"| `{code.value:#x}` ({code.value}) |" in PAGE


def test_what_is_to_be_typed_are_commands_that_exist() -> None:
    typed = set(re.findall(r"^\.venv\\Scripts\\tradebot (.+)$", PAGE, re.MULTILINE))
    assert len(typed) >= 9
    for line in typed:
        words = [word for word in line.split() if word != "--version"]
        with pytest.raises(SystemExit) as ended:
            tradebot([*words[:2], "--help"] if words else ["--version"])
        assert ended.value.code == 0, line
    assert not re.search(r"[ \t]$", PAGE, re.MULTILINE)
