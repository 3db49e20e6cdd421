"""The canary: no carrier shows a secret, and a redaction that is broken anywhere is found out."""

from __future__ import annotations

import base64
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tradebot.logtools import canary, lint_paths
from tradebot.logtools.canary import PIECE, leaked, new_secret, new_token, run_canary
from tradebot.logtools.carriers import REGISTERED, UNKNOWN, Carrier
from tradebot.logtools.linting.findings import Kind
from tradebot.observability import hooks, log_event
from tradebot.observability.redaction import SECRETS, Redactor
from tradebot.observability.secret_values import SecretValues
from tradebot.observability.shapes import Shapes
from tradebot.observability.system_files import note_on_stderr

NAMES = {carrier.name for carrier in (*REGISTERED, *UNKNOWN)}
SHOWS_NOTHING = {
    "object without a text",
    "local variable of a traceback",
    "percent argument without a text",
    "percent arguments that do not fit",
}
"""What these carry is in no text that a log makes; they guard against a new way to make one."""


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    SECRETS.forget_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.mark.parametrize(
    "options",
    [{}, {"queue": True}, {"rotation_mode": "size", "max_bytes": 2000, "backup_count": 100}],
    ids=["plain", "queue", "rotating"],
)
def test_no_carrier_shows_the_secret_and_each_arrives(
    folder: Path, options: dict[str, Any]
) -> None:
    result = run_canary(folder, options)
    assert (result.leaks, result.raised, result.silent) == ({}, {}, [])
    assert result.carriers == len(NAMES) >= 60
    assert result.ok
    assert result.bytes > 20_000


def test_its_log_keeps_to_the_grammar(folder: Path) -> None:
    run_canary(folder)
    report = lint_paths([str(folder)])
    assert report.lines >= len(NAMES) - 3  # three of them show something on the console alone
    # Objects whose own text raises an error say so; nothing else is wrong.
    problems = {kind: count for kind, count in report.counts.items() if kind.severity == "problem"}
    assert set(problems) == {Kind.REDACTION_FAILED}


def test_nothing_is_left_behind(folder: Path) -> None:
    def state() -> list[object]:
        root = logging.getLogger()
        shown = [sys.excepthook, sys.unraisablehook, sys.stderr, warnings.showwarning]
        return [*shown, root.level, *root.handlers]

    before = state()
    run_canary(folder)
    assert state() == before
    assert log_event("log_message", "there is no session") is False


def test_without_any_redaction_every_carrier_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_text(_: object, key: str, value: object) -> str | None:
        return None if value is None else str(getattr(value, "value", value))

    monkeypatch.setattr(Redactor, "field", as_text)
    monkeypatch.setattr(Redactor, "text", lambda _, text: text)
    monkeypatch.setattr(Redactor, "key", lambda _, key: key)
    monkeypatch.setattr(SecretValues, "remove", lambda _, text: text)
    result = run_canary(folder)
    assert not result.ok
    assert NAMES - set(result.leaks) == SHOWS_NOTHING


def test_a_redaction_that_forgets_registered_secrets_is_found_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SecretValues, "remove", lambda _, text: text)
    leaks = set(run_canary(folder).leaks)
    assert {"message", "percent arguments", "exception", "record without a handler"} <= leaks
    # By key and shape it still works.
    assert "field by key" not in leaks
    assert not leaks & {carrier.name for carrier in UNKNOWN}


def test_a_redaction_that_does_not_know_shapes_is_found_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rule in ("hide_in_text", "hide_in_field", "hide_in_url_path"):
        monkeypatch.setattr(Shapes, rule, lambda _, text: text)
    leaks = set(run_canary(folder).leaks)
    assert {"unknown: bearer header", "unknown: URL path field", "unknown: cookie"} <= leaks
    assert not leaks & {carrier.name for carrier in REGISTERED}
    assert "unknown: field by key" not in leaks


def test_one_broken_carrier_is_named_and_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emit(_: object, record: logging.LogRecord) -> None:
        note_on_stderr(record.getMessage())

    monkeypatch.setattr(hooks.MaskedLastResort, "emit", emit)
    assert run_canary(folder).leaks == {
        "record without a handler": "in the console, as it is",
        "unknown: record without a handler": "in the console, as it is",
    }


def test_a_carrier_of_which_nothing_arrives_proves_nothing(folder: Path) -> None:
    result = run_canary(folder, registered=[Carrier("mute", lambda _: None)], unknown=[])
    assert result.silent == ["mute"]
    assert not result.ok


def test_a_carrier_that_raises_is_told(folder: Path) -> None:
    def fail(secret: str) -> None:
        log_event("log_message")
        raise RuntimeError(secret)

    result = run_canary(folder, registered=[Carrier("raising", fail)], unknown=[])
    assert (result.leaks, result.raised) == ({}, {"raising": "RuntimeError"})
    assert not result.ok


def test_what_only_the_end_shows_is_found_too(folder: Path) -> None:
    """What changes in the middle of a file is not new at its end."""
    known: list[str] = []

    def keep(secret: str) -> None:
        known.append(secret)
        log_event("log_message", "nothing yet", count=1)

    def show(_: str) -> None:
        with (folder / "bot.log").open("r+b") as file:
            file.write(known[0].encode())
        note_on_stderr("done")

    carriers = [Carrier("keeper", keep), Carrier("shower", show)]
    leaks = run_canary(folder, registered=carriers, unknown=[]).leaks
    assert leaks == {"unknown carrier": "in the file, as it is"}


def _of_odd_characters() -> str:
    return "/+=\"'\\ü%|" * 4


@pytest.mark.parametrize("make", [new_secret, new_token, _of_odd_characters])
def test_each_spelling_and_each_long_piece_is_recognised(make: Callable[[], str]) -> None:
    secret = make()
    raw = secret.encode()
    for text in (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        quote(secret).replace("%2F", "%2f"),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        repr(secret),
        base64.b64encode(raw).decode(),
        base64.b64encode(b"u:" + raw).decode(),
        base64.urlsafe_b64encode(b"me:" + raw).decode(),
        secret[3 : 3 + PIECE],
        secret[-PIECE:],
    ):
        assert leaked(secret, f"some text {text} more"), text
        assert text not in (leaked(secret, f"some text {text} more") or "")
    assert leaked(secret, f"masked {secret[:3]}***{secret[-2:]}") is None
    assert leaked(secret, f"cut {secret[: PIECE - 1]}") is None


def test_the_ends_of_a_secret_are_left_as_they_are_in_the_name_of_a_field() -> None:
    """There a hyphen becomes an underscore, and a leak would be overlooked now and then."""
    for _ in range(50):
        begin, end = new_secret().split("/+=\"'\\ü%|")
        for part in (begin, end):
            assert len(part) > PIECE
            assert part.isascii()
            assert part.isalnum()


def test_secrets_are_new_each_time() -> None:
    assert len({new_secret() for _ in range(50)} | {new_token() for _ in range(50)}) == 100
    assert canary.new_secret() != canary.new_secret()
