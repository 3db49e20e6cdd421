"""Our lines in somebody else's crontab: put in, taken out, nothing else touched."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tradebot.deploy.cron import block
from tradebot.errors import UsageError

OURS = f"{block.begin('paper')}\n*/5 * * * * true\n{block.end('paper')}\n"
OTHER = f"{block.begin('live')}\n*/5 * * * * false\n{block.end('live')}\n"
LINES = st.lists(
    st.one_of(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=20),
              st.just(OTHER.rstrip("\n"))),
    max_size=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(LINES)
@example(["a\r", "\x0c", "\u2028", ""])
def test_in_and_out_again_leaves_every_byte(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    with_ours = block.put(text, "paper", OURS, "crontab")
    assert with_ours == text + OURS
    assert block.put(with_ours, "paper", OURS, "crontab") == with_ours
    assert block.put(with_ours, "paper", "", "crontab") == text


def test_a_new_version_takes_the_place_of_the_old() -> None:
    text = "# mine\n" + OURS + "1 2 3 4 5 mine\n"
    newer = OURS.replace("*/5", "*")
    assert block.put(text, "paper", newer, "crontab") == "# mine\n" + newer + "1 2 3 4 5 mine\n"


def test_a_last_line_without_an_end_gets_one() -> None:
    """cron would not read it, and crontab refuses it: ours must not be glued to it."""
    assert block.put("# mine", "paper", OURS, "crontab") == "# mine\n" + OURS


def test_other_instances_are_not_touched() -> None:
    both = OTHER + OURS
    assert block.find(both, "live", "crontab") == OTHER
    assert block.put(both, "paper", "", "crontab") == OTHER
    assert block.find(both, "pap", "crontab") is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (block.begin("paper") + "\n1 2 3 4 5 mine\n", "line 1: BEGIN"),
        ("x\n" + block.end("paper") + "\n", "line 2: END"),
        (OURS + OURS, "line 1: BEGIN, line 3: END, line 4: BEGIN, line 6: END"),
        (block.end("paper") + "\n" + block.begin("paper") + "\n", "line 1: END, line 2: BEGIN"),
    ],
)
def test_damaged_markers_are_refused_by_line(text: str, named: str) -> None:
    with pytest.raises(UsageError, match=named) as caught:
        block.put(text, "paper", OURS, "crontab of bob")
    assert "crontab of bob" in str(caught.value)
    with pytest.raises(UsageError):
        block.put(text, "paper", "", "crontab of bob")
