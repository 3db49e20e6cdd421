"""Whatever is logged, by whichever call: one physical line, which says what the rules say.

Each example is logged into a real file, and the bytes that it added to the file are read back.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support import hostile
from tradebot.observability import (
    Session,
    bind,
    get_logger,
    log_event,
    mask_sensitive,
    setup_logging,
    update_context,
)
from tradebot.observability.line import LINE_LIMIT, LogLine, parse
from tradebot.observability.schema import CORRELATION
from tradebot.vocabulary import CATALOGUE

# The session is shared by the examples of one test: a process logs many things, too.
shared = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
fields_of_any_kind = st.dictionaries(hostile.odd_keys, hostile.values, max_size=5)

MEGABYTES = 10_000_000


class Added:
    """The lines that were added to a file since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = path.stat().st_size if path.exists() else 0

    def one(self) -> LogLine:
        """The one line that was added. Fails for none, for two, and for what does not parse."""
        with self._path.open("rb") as file:
            file.seek(self._seen)
            raw = file.read()
        self._seen += len(raw)
        assert raw.endswith(b"\n")
        assert raw.count(b"\n") == 1
        assert len(raw) <= LINE_LIMIT
        text = raw.decode("utf-8")
        assert text.splitlines() == [text.removesuffix("\n")]
        line = parse(text)
        assert list(line.fields)[: len(CORRELATION)] == list(CORRELATION)
        return line


@pytest.fixture(autouse=True)
def _nothing_in_the_report() -> Iterator[None]:
    """pytest keeps what is logged for its report, which lone surrogates cannot be sent in."""
    kept = [
        one for one in logging.getLogger().handlers if type(one).__module__ == "_pytest.logging"
    ]
    levels = [handler.level for handler in kept]
    for handler in kept:
        handler.setLevel(logging.CRITICAL + 1)
    yield
    for handler, level in zip(kept, levels, strict=True):
        handler.setLevel(level)


@pytest.fixture
def added(session: Session) -> Added:
    assert session.path is not None
    return Added(session.path)


def message(text: str = "", /, **fields: Any) -> bool:
    return log_event("log_message", text, **fields)


def own(line: LogLine) -> dict[str, str]:
    return {key: text for key, text in line.fields.items() if key not in CORRELATION}


def shown(value: object, key: str) -> str:
    """How the rules of redaction show a value; what has no encoding is U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", mask_sensitive(value, key))


def shown_values(fields: Mapping[str, object]) -> list[str]:
    """What is to be read of these fields, in no order: rewriting a key may change its name."""
    given_ = {key: value for key, value in fields.items() if key not in CORRELATION}
    return sorted(filter(None, (shown(value, key) for key, value in given_.items())))


@shared
@given(fields=fields_of_any_kind)
@example(fields={"a b": "1", "a-b": "2", "a_b": "3", "run-id": "4"})
def test_any_fields_of_an_event(added: Added, fields: dict[str, object]) -> None:
    assert message(**fields) is True

    assert sorted(own(added.one()).values()) == shown_values(fields)


@shared
@given(fields=fields_of_any_kind)
def test_any_bound_fields(added: Added, fields: dict[str, object]) -> None:
    with bind(**fields):
        assert log_event("log_message")

    assert sorted(own(added.one()).values()) == shown_values(fields)


@shared
@given(fields=fields_of_any_kind, text=hostile.texts)
def test_any_extra_fields_and_text_of_a_librarys_record(
    added: Added, fields: dict[str, object], text: str
) -> None:
    fields.pop("msg", None)
    get_logger("library").info(text, extra=fields)

    assert sorted(own(added.one()).values()) == shown_values({**fields, "msg": text})


@shared
@given(value=hostile.texts)
def test_any_argument_of_a_librarys_record(added: Added, value: str) -> None:
    logging.getLogger("library").info("%s was read", value)

    assert own(added.one())["msg"] == shown(f"{value} was read", "msg")


@shared
@given(name=hostile.texts)
def test_any_logger(added: Added, name: str) -> None:
    assert log_event("log_message", "x", logger=name or "root")

    line = added.one()
    assert re.fullmatch(r"[A-Za-z0-9_.:/@%+*,~#-]{1,128}", line.component)
    assert own(line) == {"msg": "x"}


@shared
@given(text=hostile.texts)
def test_any_text_of_an_exception(added: Added, text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError as error:
        assert log_event("unexpected_exception", exc_info=error)

    line = added.one()
    assert line.fields["exc_type"] == "ValueError"
    assert line.fields.get("exc_msg", "") == shown(text, "exc_msg")
    assert line.fields["stack"].startswith("Traceback (most recent call last):\n")


@given(name=hostile.texts.filter(lambda text: text not in CATALOGUE.events))
@settings(parent=shared, max_examples=30)
def test_any_name_of_an_event(tmp_path: Path, name: str) -> None:
    with setup_logging(tmp_path / "logs", catalogue=CATALOGUE, console=False) as session:
        assert session.path is not None
        added = Added(session.path)
        assert log_event(name)
        line = added.one()

    assert (line.event, line.level) == ("log_message", "WARN")
    assert line.fields["schema_error"] == shown(f"unknown event {name}", "schema_error")


def test_a_value_reads_as_documented(added: Added) -> None:
    for value, text in hostile.KNOWN_FORMS:
        assert log_event("log_message", thing=value, other="still here")
        assert own(added.one()) == {"thing": text, "other": "still here"}, type(value)


def test_text_that_is_no_secret_comes_back_as_it_was(added: Added) -> None:
    for text in (*hostile.SEPARATORS, *hostile.GRAMMAR, *hostile.INVISIBLE):
        assert log_event("log_message", f"a {text} b")
        assert own(added.one()) == {"msg": f"a {text} b"}


def ten_megabytes_of(unit: str) -> str:
    return unit * (MEGABYTES // len(unit))


HUGE: dict[str, Callable[[], object]] = {
    "message": lambda: log_event("log_message", ten_megabytes_of("é\n")),
    "field": lambda: log_event("log_message", thing=ten_megabytes_of("word ")),
    "field of bytes": lambda: log_event("log_message", thing=ten_megabytes_of("ab ").encode()),
    "exception": lambda: log_event(
        "unexpected_exception", exc_info=ValueError(ten_megabytes_of("x y "))
    ),
    "argument": lambda: logging.getLogger("x").info("%s", ten_megabytes_of("x y ")),
}


@pytest.mark.parametrize("how", HUGE)
def test_a_value_of_ten_megabytes_is_cut(added: Added, how: str) -> None:
    assert HUGE[how]() in (True, None)

    line = added.one()
    assert line.fields["truncated"] == "true"
    assert max(map(len, line.fields.values())) > 4000


@pytest.mark.parametrize(
    "log",
    [
        lambda: message(**{ten_megabytes_of("k"): "x"}),
        lambda: log_event("log_message", "x", logger=ten_megabytes_of("n")),
        lambda: log_event("log_message", "x", thing=[ten_megabytes_of("x y ")] * 2),
        lambda: log_event("log_message", "x", thing=["ab cd"] * 1_000_000),
    ],
    ids=["key", "logger", "list of huge", "huge list"],
)
def test_what_is_huge_elsewhere_is_one_line_too(added: Added, log: Callable[[], bool]) -> None:
    assert log()

    assert "x" in added.one().fields.values()


def test_many_long_fields_are_one_line(added: Added) -> None:
    assert message("kept", **{f"key{i}": "some words " * 9 for i in range(600)})

    assert added.one().fields["truncated"] == "true"


def test_context_of_any_kind(added: Added) -> None:
    update_context(**{"a b": "x\ny", "a-b": 'say "hi"', "é": None, "": 1.5})

    assert log_event("log_message")
    assert sorted(own(added.one()).values()) == ["1.5", 'say "hi"', "x\ny"]


def test_a_process_that_has_used_many_keys_still_tells_them_apart(added: Added) -> None:
    for number in range(1500):
        message(**{f"key{number}": 1})
        added.one()

    assert message(**{"x y": "1", "x-y": "2", "x.y": "3"})
    assert sorted(own(added.one()).values()) == ["1", "2", "3"]


def test_a_number_too_large_for_text_costs_itself_only(added: Added) -> None:
    assert log_event("log_message", thing=10**5000, count=10**5000, other="still here")

    line = own(added.one())
    assert line == {"thing": "<redaction-failed>", "count": line["thing"], "other": "still here"}


def test_a_huge_value_that_is_masked_leaves_its_mask(added: Added) -> None:
    assert log_event("log_message", "x", thing=ten_megabytes_of("a"))

    assert "***" in added.one().fields["thing"]


def test_a_long_strategy_name_does_not_lose_the_line(tmp_path: Path) -> None:
    with setup_logging(tmp_path / "logs", catalogue=CATALOGUE, console=False) as session:
        assert session.path is not None
        added = Added(session.path)
        update_context(strategy="word " * 5000)
        assert log_event("cycle_begin")
        assert added.one().event == "cycle_begin"


def test_a_key_that_is_no_text_costs_nothing_else(added: Added) -> None:
    logging.getLogger("library").info("still here", extra={1: "x"})  # type: ignore[dict-item]

    assert own(added.one()) == {"_1": "x", "msg": "still here"}
