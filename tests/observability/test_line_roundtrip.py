"""`parse(render(x)) == x`, one record is one physical line, and nothing else is a line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support import hostile
from tradebot.observability.line import (
    KEY_LIMIT,
    LineError,
    LogLine,
    TimestampWriter,
    clean_component,
    clean_key,
    cut,
    escape,
    parse,
    quote,
    render,
    unescape,
    unique_key,
)

TIMESTAMP = "2025-12-17T07:12:03.214Z"

nasty = hostile.encodable.filter(bool)


def line(fields: dict[str, str]) -> LogLine:
    return LogLine(TIMESTAMP, "INFO", "execution.placement", "cycle_begin", fields)


@given(st.dictionaries(hostile.valid_keys, nasty, max_size=8))
@example({"a": "null", "b": 'x" c="y', "d": "\r\n2025-12-17T07:12:03.214Z | INFO  | a | b | "})
def test_parse_is_the_inverse_of_render(fields: dict[str, str]) -> None:
    text = render(line(fields))

    assert parse(text) == line(fields)
    assert text.isprintable()
    assert len(text.splitlines()) <= 1


@given(st.dictionaries(hostile.odd_keys, hostile.texts, max_size=6))
@example({"é" * 70: "1", "ü" * 80: "2", "_" * 64: "3"})
def test_any_fields_at_all_are_one_line_that_parses(fields: dict[str, str]) -> None:
    text = render(line(fields))

    assert text.encode("utf-8").count(b"\n") == 0
    assert text.splitlines() == [text]
    kept = [re.sub("[\ud800-\udfff]", "\ufffd", value) for value in fields.values() if value]
    assert list(parse(text).fields.values()) == kept


@given(hostile.texts)
def test_any_text_at_all_stays_on_one_encodable_line(value: str) -> None:
    text = render(line({"msg": value}))

    text.encode("utf-8")
    assert text.splitlines() == [text]
    expected = re.sub("[\ud800-\udfff]", "\ufffd", value)
    assert parse(text).fields == ({"msg": expected} if value else {})


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_quoted_values_are_json_strings(value: str) -> None:
    assert json.loads(f'"{escape(value)}"') == value
    assert unescape(json.dumps(value)[1:-1]) == value


@given(hostile.odd_keys)
def test_any_key_becomes_a_key(key: str) -> None:
    cleaned = clean_key(key)

    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", cleaned)
    assert len(cleaned) <= KEY_LIMIT
    assert clean_key(cleaned) == cleaned


def test_keys_that_become_equal_are_told_apart() -> None:
    text = render(line({"a-b": "1", "a b": "2", "a_b": "3", "9": "4", "": "5"}))

    assert parse(text).fields == {"a_b": "1", "a_b_2": "2", "a_b_3": "3", "_9": "4", "_": "5"}


def test_a_key_that_got_a_number_is_still_a_key() -> None:
    taken: set[str] = set()
    for _ in range(120):
        taken.add(unique_key("k" * KEY_LIMIT, taken))

    assert len(taken) == 120
    assert {clean_key(key) for key in taken} == taken


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
        f'{TIMESTAMP} | INFO  | a | b | c=""',
        f'{TIMESTAMP} | INFO  | a | b | c="d" ',
        f"{TIMESTAMP} | INFO  | a | b | {'k' * (KEY_LIMIT + 1)}=d",
        f"{TIMESTAMP} | INFO  | a | b | c=d\n\n",
        f"{TIMESTAMP} | INFO  | a | b | c=d\r\n",
        f'{TIMESTAMP} | INFO  | a | b | c="d\ne"',
        f'{TIMESTAMP} | INFO  | a | b | c="d\x85e"',
        f'{TIMESTAMP} | INFO  | a | b | c="d\u2028e"',
        f'{TIMESTAMP} | INFO  | a | b | c="d\x1be"',
        f'{TIMESTAMP} | INFO  | a | b | c="d\udc80e"',
        f"\ufeff{TIMESTAMP} | INFO  | a | b | c=d",
        "2025-13-17T07:12:03.214Z | INFO  | a | b | c=d",
        "2025-12-17T24:12:03.214Z | INFO  | a | b | c=d",
        "２０２５-12-17T07:12:03.214Z | INFO  | a | b | c=d",
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


def test_what_another_python_would_have_escaped_is_read() -> None:
    """Which characters are printable differs from one Python to the next."""
    assert parse(f'{TIMESTAMP} | INFO  | a | b | c="\u200b\ue000"').fields == {"c": "\u200b\ue000"}


mutated = st.tuples(
    st.dictionaries(hostile.valid_keys, nasty, max_size=3),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), hostile.texts), max_size=3),
).map(lambda made: mutate(render(line(made[0])), made[1]))


def mutate(text: str, changes: list[tuple[int, int, str]]) -> str:
    """`text` with pieces taken out and others put in their place."""
    for place, length, new in changes:
        at = place % (len(text) + 1)
        text = text[:at] + new + text[at + length :]
    return text


unescaped = st.sampled_from(hostile.GRAMMAR + hostile.ORDINARY + hostile.INVISIBLE)
quoted_anyhow = st.lists(unescaped | hostile.pieces, max_size=3).map(
    lambda pieces: f'{TIMESTAMP} | INFO  | a | b | c="{"".join(pieces)}"'
)
rubbish = st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(st.one_of(quoted_anyhow, mutated, rubbish, nasty))
@settings(max_examples=500)
def test_whatever_it_is_given_parse_answers_or_says_why_not(text: str) -> None:
    try:
        found = parse(text)
    except LineError as error:
        assert str(error)
        return
    again = render(found)
    assert parse(again) == found
    assert render(parse(again)) == again
    assert len(text.removesuffix("\n").splitlines()) == 1


@pytest.mark.parametrize("filling", ["a", "\\\\", '\\"', "é ", "\\u0041", "k=v ", "= | "])
def test_a_line_of_any_length_is_read_in_one_pass(filling: str) -> None:
    text = f'{TIMESTAMP} | INFO  | a | b | c="{filling * (2_000_000 // len(filling))}'

    with pytest.raises(LineError, match="no key=value pair at character 0"):
        parse(text)
    assert len(parse(text + '"').fields["c"]) >= 2_000_000 // 6


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
    if sys.platform != "win32":  # whose C library knows nothing before 1970
        assert writer.write(-0.5) == "1969-12-31T23:59:59.500Z"


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
