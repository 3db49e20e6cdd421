"""The limits of `tradebot logs check`: what is just right is no fault, and the next step is one."""

from __future__ import annotations

import pytest

from tradebot.logtools.linting.findings import Kind
from tradebot.logtools.linting.lint import lint
from tradebot.observability.line import LINE_LIMIT

SIX = "run_id=- cycle_id=- dry_run=- single_cycle=- env=- strategy=-"


@pytest.mark.parametrize(("more", "faults"), [(0, 0), (1, 1)])
def test_the_length_of_a_line(more: int, faults: int) -> None:
    words = "word " * 1500
    head = f'2025-12-17T07:12:03.214Z | INFO  | a | log_message | {SIX} a="{words}" b="{words}"'
    rest = LINE_LIMIT + more - len(f'{head} msg=""\n')
    line = f'{head} msg="{(words * 2)[:rest]}"\n'
    assert len(line) == LINE_LIMIT + more
    assert lint([line]).counts[Kind.TOO_LONG] == faults


@pytest.mark.parametrize(("second", "faults"), [("05.000", 0), ("04.900", 1)])
def test_how_far_time_may_go_back_between_two_processes(second: str, faults: int) -> None:
    rest = f" | INFO  | a | log_message | {SIX} msg=fine\n"
    found = lint([f"2025-12-17T07:12:10.000Z{rest}", f"2025-12-17T07:12:{second}Z{rest}"])
    assert found.counts[Kind.TIME_BACKWARDS] == faults


@pytest.mark.parametrize(("value", "forgiven"), [("true", True), ("false", False)])
def test_only_a_line_that_was_cut_may_lack_a_field(value: str, forgiven: bool) -> None:
    line = f"2025-12-17T07:12:03.214Z | INFO  | a | execution_order_sending | {SIX}"
    found = lint([f"{line} truncated={value}\n"])
    assert (found.counts[Kind.MISSING_FIELD] == 0) is forgiven
