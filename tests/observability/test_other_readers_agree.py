"""The fields of a line are logfmt: readers by other people, written elsewhere, read them alike.

None of them knows this project. They agree on where each field begins and ends, on every key, and
on every value without an escape that a reader does not have; READERS says which it has. An escape
that a reader does not have stays in its value as it is written and takes no other field with it.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import hostile
from tradebot.observability import (
    Session,
    build_log_context,
    log_event,
    setup_logging,
)
from tradebot.observability.line import LogLine, escape, parse, render
from tradebot.vocabulary import CATALOGUE

QUOTES = {'\\"': '"', "\\\\": "\\"}
NEWLINE = {"\\n": "\n"}
SHORT = {**QUOTES, **NEWLINE, "\\r": "\r", "\\t": "\t"}
_ESCAPE = re.compile(r"(?:\\u[dD][89abAB][0-9a-f]{2}\\u[0-9a-f]{4}|\\u[0-9a-f]{4}|\\.)")


@dataclass(frozen=True)
class Reader:
    """Another reader of logfmt. `read` takes the fields of one line apart."""

    package: str
    escapes: Mapping[str, str] | None
    """Those it has, with what they stand for; None for all of JSON's."""
    what: str

    def read(self, text: str) -> dict[str, object]:
        module = pytest.importorskip(
            self.package, reason=f"{self.package} has no wheel for this system or is not installed"
        )
        return READ[self.package](module, text)

    def expects(self, value: str) -> str:
        """What this reader makes of a value: escapes it does not have stay as they are."""
        if self.escapes is None:
            return value
        known = self.escapes
        return _ESCAPE.sub(lambda found: known.get(found[0], found[0]), escape(value))


READERS = [
    Reader("logfmtkv", None, "the rules of Go's logfmt, as Loki and Heroku's tools read it"),
    Reader("klp", SHORT, "the log viewer klp"),
    Reader("vrl_python", {**QUOTES, **NEWLINE}, "Vector's parse_logfmt, in Rust"),
]


def _vector(module: object, text: str) -> dict[str, object]:
    runtime = module.VRLRuntime()  # type: ignore[attr-defined]
    return dict(runtime.execute(". = parse_logfmt!(.line)", {"line": text}).processed_event)


READ: dict[str, Callable[..., dict[str, object]]] = {
    "logfmtkv": lambda module, text: dict(module.parse(text, strict=True)),
    "klp": lambda module, text: dict(module.parse_logfmt(text)),
    "vrl_python": _vector,
}

every_reader = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.package)
fields_of_text = st.dictionaries(
    hostile.valid_keys, hostile.encodable.filter(bool), min_size=1, max_size=6
)


def fields_part(line: str) -> str:
    """As `cut -d'|' -f5-` gives it."""
    return "|".join(line.split("|")[4:])


def test_two_of_them_are_here_at_least() -> None:
    """The development packages bring them; without this, all could be skipped unnoticed."""
    here = [reader for reader in READERS if importlib.util.find_spec(reader.package)]
    assert len(here) >= 2, "install the development packages: make test does"


@every_reader
@given(fields=fields_of_text)
@settings(max_examples=80)
def test_any_fields_are_read_alike(reader: Reader, fields: dict[str, str]) -> None:
    line = LogLine("2025-12-17T07:12:03.214Z", "INFO", "a", "cycle_begin", fields)

    found = reader.read(fields_part(render(line)))

    assert found == {key: reader.expects(value) for key, value in fields.items()}


@every_reader
def test_every_character_that_is_escaped_or_could_be(reader: Reader) -> None:
    characters = [chr(code) for code in range(0x180)] + hostile.SEPARATORS + hostile.INVISIBLE
    for character in characters:
        fields = {"before": "0", "value": f"a{character}b", "after": "1"}
        line = LogLine("2025-12-17T07:12:03.214Z", "INFO", "a", "cycle_begin", fields)
        found = reader.read(fields_part(render(line)))
        assert found == {**fields, "value": reader.expects(fields["value"])}, ascii(character)


@every_reader
def test_a_real_log_is_read_alike(reader: Reader, tmp_path: Path) -> None:
    context = build_log_context("0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a", 42, env="SIM", dry_run=True)
    with setup_logging(tmp_path, context=context, catalogue=CATALOGUE, console=False) as session:
        write_some(session)
        assert session.path is not None
        lines = session.path.read_text(encoding="utf-8").splitlines()

    assert len(lines) == 5
    for line in lines:
        expected = {key: reader.expects(value) for key, value in parse(line).fields.items()}
        assert reader.read(fields_part(line)) == expected


def write_some(session: Session) -> None:
    log_event("cycle_begin", slot="2025-12-17T07:10:00Z", lateness_seconds=1.5)
    log_event("startup_failed", 'The folder "C:\\new dir\\" is full: a=b | c', exit_code=74)
    log_event("log_message", flag=True, text="true", nothing="null", body={"a": ["b", None]})
    log_event("execution_order_placed", "délai 📉", order_id="5014229221", account_key="A" * 22)
    try:
        raise ValueError("line one\nline two\t\x1b[31m")
    except ValueError as error:
        log_event("unexpected_exception", exc_info=error)


@given(value=hostile.encodable)
def test_a_quoted_value_is_a_json_string(value: str) -> None:
    """So whoever has a JSON reader has all escapes."""
    assert json.loads(f'"{escape(value)}"') == value
