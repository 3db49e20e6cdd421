"""A value, a line and each of the six have a limit in bytes: not one more, and the rest stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tradebot.observability import (
    build_log_context,
    log_event,
    mask_sensitive,
    setup_logging,
)
from tradebot.observability.assembly import _shorten
from tradebot.observability.line import LINE_LIMIT, VALUE_LIMIT, LogLine, parse
from tradebot.observability.redaction import ITEM_LIMIT

WORDS = "word " * 1500
"""Nothing in it looks like a secret."""


@pytest.fixture
def written(folder: Path, bare_root: str) -> Callable[[], list[bytes]]:
    """Everything that is in the file, line by line."""
    return lambda: (folder / "bot.log").read_bytes().splitlines(keepends=True)


def only(lines: list[bytes]) -> LogLine:
    [line] = lines
    return parse(line.decode().rstrip("\n"))


def test_a_line_is_as_long_as_it_may_be_and_not_a_byte_longer(
    folder: Path, written: Callable[[], list[bytes]]
) -> None:
    def say(text: str) -> int:
        log_event("log_message", "é" * 1000, a="w" + " w" * 4000, b=text)
        return len(written()[-1])

    with setup_logging(folder, console=False):
        rest = LINE_LIMIT - say("w w")
        text = "w w" + " w" * (rest // 2) + "." * (rest % 2)
        assert say(text) == LINE_LIMIT
        assert b" truncated=true" not in written()[-1]
        for more in (".", "..", " w" * 100):
            assert say(text + more) <= LINE_LIMIT
            assert b" truncated=true" in written()[-1]


def test_a_line_of_few_characters_and_many_bytes_is_cut_however_often_its_shape_was_seen(
    folder: Path, written: Callable[[], list[bytes]]
) -> None:
    text = "é " * 2600
    with setup_logging(folder, console=False):
        for _ in range(2):
            log_event("log_message", text, a=text, b=text)
    assert [len(line) <= LINE_LIMIT for line in written()] == [True, True]


def test_a_value_is_cut_at_its_limit_to_the_byte(
    folder: Path, written: Callable[[], list[bytes]]
) -> None:
    with setup_logging(folder, console=False):
        for size in range(VALUE_LIMIT - 12, VALUE_LIMIT + 8):
            log_event("log_message", a="é" * 800 + "w " * ((size - 1600) // 2) + "." * (size % 2))
    for line in written():
        value = line.decode().rstrip("\n").split(" a=")[1].removesuffix(" truncated=true")
        assert len(value.encode()) <= VALUE_LIMIT


def test_each_of_the_six_leaves_room_for_the_rest(
    folder: Path, written: Callable[[], list[bytes]]
) -> None:
    context = build_log_context("r", 1, env="x y " * 2000, strategy="a b " * 2000)
    with setup_logging(folder, console=False, context=context):
        log_event("log_message", "the text")
    line = only(written())
    assert line.fields["msg"] == "the text"
    assert len(line.fields["env"]) <= 256


def test_of_a_stack_in_a_line_that_is_too_long_the_end_stays(
    folder: Path, written: Callable[[], list[bytes]]
) -> None:
    calls = [f"def f{n}(): {f'f{n + 1}()' if n < 150 else '1/0'}" for n in range(151)]
    with setup_logging(folder, console=False):
        try:
            exec(compile("\n".join([*calls, "f0()"]), "a file", "exec"), {})
        except ZeroDivisionError as error:
            log_event("log_message", WORDS, exc_info=error, other=WORDS)
    line = only(written())
    assert line.fields["truncated"] == "true"
    assert line.fields["stack"].endswith("ZeroDivisionError: division by zero")


def test_where_the_line_cuts_a_stack_its_end_stays_too() -> None:
    stack = 'stack="begin ' + "x " * 3900 + 'end"'
    line = _shorten("head", ["msg=" + "w" * 7000, "other=" + "w" * 7000, stack])
    assert 'end"' in line
    assert "begin" not in line


@pytest.mark.parametrize("value", [[[[1] * 50] * 50] * 50, {"a": [[1] * 50] * 50}])
def test_of_many_values_in_one_only_so_many_are_looked_at(value: object) -> None:
    assert json.dumps(value).count("1") > 10 * ITEM_LIMIT
    assert 0 < mask_sensitive(value, "x").count("1") <= ITEM_LIMIT
