"""`parse(render(x)) == x`, one record is one physical line, and nothing else is a line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tradebot.observability.line import (
    KEY_LIMIT,
    LineError,
    LogLine,
    TimestampWriter,
    clean_component,
    clean_key,
    cut,
    escape,
    format_fields,
    parse,
    quote,
    render,
    unescape,
)

TIMESTAMP = "2025-12-17T07:12:03.214Z"

nasty = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.sampled_from('\\"=| \n\r\t\x00\x1b\x85\u2028\u2029\ufeff\U000e0001aé😀%{}')),
    st.sampled_from(
        ["null", "true", "false", "-", "a=b", "a | b", '"', "\\", "\\n", " ", "\u200b"]
    ),
).filter(bool)
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,20}", fullmatch=True)


def line(fields: dict[str, str]) -> LogLine:
    return LogLine(TIMESTAMP, "INFO", "execution.placement", "cycle_begin", fields)


@given(st.dictionaries(keys, nasty, max_size=8))
@example({"a": "null", "b": 'x" c="y', "d": "\r\n2025-12-17T07:12:03.214Z | INFO  | a | b | "})
def test_parse_is_the_inverse_of_render(fields: dict[str, str]) -> None:
    text = render(line(fields))

    assert parse(text) == line(fields)
    assert text.isprintable()
    assert len(text.splitlines()) <= 1


@given(st.text())
def test_any_text_at_all_stays_on_one_encodable_line(value: str) -> None:
    text = render(line({"msg": value}))

    text.encode("utf-8")
    assert len(text.splitlines()) == 1
    expected = re.sub("[\ud800-\udfff]", "\ufffd", value)
    assert parse(text).fields == ({"msg": expected} if value else {})


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_quoted_values_are_json_strings(value: str) -> None:
    assert json.loads(f'"{escape(value)}"') == value
    assert unescape(json.dumps(value)[1:-1]) == value


@given(st.text())
def test_any_key_becomes_a_key(key: str) -> None:
    cleaned = clean_key(key)

    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", cleaned)
    assert len(cleaned) <= KEY_LIMIT
    assert clean_key(cleaned) == cleaned


def test_keys_that_become_equal_are_told_apart() -> None:
    text = render(line({"a-b": "1", "a b": "2", "a_b": "3", "9": "4", "": "5"}))

    assert parse(text).fields == {"a_b": "1", "a_b_2": "2", "a_b_3": "3", "_9": "4", "_": "5"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Stock:211", "Stock:211"),
        ("a-b_c.d/e@f%g+h*i,j~k#l", "a-b_c.d/e@f%g+h*i,j~k#l"),
        ("a=b", '"a=b"'),
        ("a b", '"a b"'),
        ("true", '"true"'),
        ("false", '"false"'),
        ("null", '"null"'),
        ("True", "True"),
        ("é", '"é"'),
        ('say "hi"\\', r'"say \"hi\"\\"'),
        ("\n\r\t\x00\x7f\x85\u2028", r'"\n\r\t\u0000\u007f\u0085\u2028"'),
        ("\U000e0001", r'"\udb40\udc01"'),
        ("\ud800", '"\ufffd"'),
        ("{}", '"{}"'),
        ("'", '"\'"'),
    ],
)
def test_values_are_bare_or_quoted(value: str, written: str) -> None:
    assert quote(value) == written


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "hello",
        "2025-12-17 07:12:03 | INFO  | a | b | c=d",
        f"{TIMESTAMP} | INFO | a | b | c=d",
        f"{TIMESTAMP} | NOTE  | a | b | c=d",
        f"{TIMESTAMP} | INFO  | a b | c | d=e",
        f"{TIMESTAMP} | INFO  | a | B | d=e",
        f"{TIMESTAMP} | INFO  | a | b | c",
        f"{TIMESTAMP} | INFO  | a | b | c=",
        f'{TIMESTAMP} | INFO  | a | b | c="d',
        f'{TIMESTAMP} | INFO  | a | b | c="d"e=f',
        f"{TIMESTAMP} | INFO  | a | b | c=d  e=f",
        f"{TIMESTAMP} | INFO  | a | b | c=d e=f ",
        f"{TIMESTAMP} | INFO  | a | b | c=d c=e",
        f"{TIMESTAMP} | INFO  | a | b | 9c=d",
        rf'{TIMESTAMP} | INFO  | a | b | c="\x41"',
        rf'{TIMESTAMP} | INFO  | a | b | c="\u12"',
    ],
)
def test_what_is_not_a_line_is_refused(broken: str) -> None:
    with pytest.raises(LineError):
        parse(broken)


@pytest.mark.parametrize(
    "wrong",
    [
        LogLine("now", "INFO", "a", "b", {}),
        LogLine(TIMESTAMP, "NOTE", "a", "b", {}),
        LogLine(TIMESTAMP, "INFO", "a b", "b", {}),
        LogLine(TIMESTAMP, "INFO", "a", "Not an event", {}),
    ],
)
def test_render_refuses_what_parse_would(wrong: LogLine) -> None:
    with pytest.raises(LineError):
        render(wrong)


def test_empty_values_are_left_out() -> None:
    assert parse(render(line({"a": "", "b": "c"}))).fields == {"b": "c"}


def test_escapes_that_render_does_not_need_are_read() -> None:
    text = rf'{TIMESTAMP} | INFO  | a | b | c="\/\b\f\u00E9\ud83d\ude00\ud83d"'
    assert parse(text + "\n").fields == {"c": "/\b\fé😀\ufffd"}


@given(nasty, st.integers(1, 60), st.booleans())
def test_a_cut_value_fits_and_is_a_part_of_the_whole(value: str, limit: int, end: bool) -> None:
    shorter = cut(value, limit, keep_end=end)

    assert value.endswith(shorter) if end else value.startswith(shorter)
    assert len(quote(shorter).encode()) <= max(limit, 2)


def test_a_component_is_bare() -> None:
    assert clean_component("my logger | x\n") == "my_logger___x_"
    assert clean_component("") == "root"


def test_timestamps_are_utc_with_milliseconds() -> None:
    writer = TimestampWriter()

    assert writer.write(1765955523.2149) == TIMESTAMP
    assert writer.write(1765955523.9999) == "2025-12-17T07:12:03.999Z"
    assert writer.write(0) == "1970-01-01T00:00:00.000Z"
    assert writer.write(-0.5) == "1969-12-31T23:59:59.500Z"


def test_fields_can_be_written_without_a_line() -> None:
    assert format_fields({"a": "b c", "d e": "f", "g": ""}) == 'a="b c" d_e=f'


def test_the_grammar_needs_the_standard_library_alone() -> None:
    """The log can be read back on a machine that has nothing but Python."""
    program = (
        "import sys; import tradebot.observability; "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('msgspec', 'urllib3', 'click', 'rich', 'json', 'email', 'requests')])"
    )
    # Measuring coverage would load modules of its own.
    env = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "[]", done.stderr
