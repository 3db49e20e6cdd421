"""The vocabulary is complete, consistent, and described for whoever has to act on it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradebot
from tradebot.observability.schema import CORRELATION, TRAILING, Event, Treatment
from tradebot.observability.sensitive_names import sensitive_key
from tradebot.vocabulary import CATALOGUE
from tradebot.vocabulary.events import EVENTS
from tradebot.vocabulary.fields import FIELDS, REFERENCE_PATTERN

MINIMUM = [
    "startup_begin", "startup_config_loaded", "startup_config_invalid", "startup_ready",
    "auth_mode_selected", "auth_token_refresh_begin", "auth_token_refresh_success",
    "auth_token_refresh_failure", "cycle_begin", "cycle_skip_outside_trading_hours",
    "cycle_end", "marketdata_fetch_begin", "marketdata_fetch_success",
    "marketdata_fetch_partial", "marketdata_fetch_failure", "strategy_signals_generated",
    "strategy_signal_skipped_insufficient_data", "execution_intent_created",
    "execution_precheck_begin", "execution_precheck_passed", "execution_precheck_failed",
    "execution_disclaimer_required", "execution_disclaimer_resolved",
    "execution_disclaimer_blocked", "execution_order_placed", "execution_order_rejected",
    "execution_reconcile_begin", "execution_reconcile_result", "http_error",
    "unexpected_exception", "execution_completed", "execution_orphan_found",
    "strategy_decision", "cycle_skip_overlap", "cycle_skip_slot", "cycle_skip_paused",
    "schedule_runs_missed", "log_lines_lost", "log_message",
]  # fmt: skip

ORDER = [
    "slot", "instrument_id", "asset_type", "uic", "symbol", "client_key", "account_key",
    "http_method", "http_url_path", "http_status", "latency_ms", "saxo_request_id",
    "rate_limit_remaining_x", "rate_limit_reset_x", "external_reference", "order_id",
    "precheck_ok", "disclaimer_required", "disclaimer_tokens_count", "execution_outcome",
    "failure_reason",
]  # fmt: skip


@pytest.mark.parametrize("name", MINIMUM)
def test_every_promised_event_is_there(name: str) -> None:
    assert name in CATALOGUE.events


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_an_event_says_what_it_means_and_what_to_do(event: Event) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", event.name)
    assert event.meaning.endswith((".", "?"))
    assert event.next_step.endswith((".", "?"))
    assert not set(event.required) & set(event.optional)
    assert not (set(event.required) | set(event.optional)) & {*CORRELATION, *TRAILING}


def test_fields_stand_in_the_promised_order() -> None:
    promised = [*CORRELATION, *ORDER, "exit_code", "unregistered", *TRAILING]
    assert sorted(sorted(promised), key=CATALOGUE.rank) == promised


def test_every_field_has_a_meaning_and_is_used_or_general() -> None:
    used = {name for event in EVENTS for name in (*event.required, *event.optional)}
    general = {*CORRELATION, *TRAILING, *ORDER, "rate_limit_remaining_*", "rate_limit_reset_*"}
    for field in FIELDS:
        assert field.meaning
        assert field.name in used | general, f"no event has {field.name}"


def test_keys_of_accounts_are_masked_and_sensitive_names_were_thought_about() -> None:
    masked = {field.name for field in FIELDS if field.treatment is not Treatment.PUBLIC}
    assert masked == {"client_key", "account_key"}
    sensitive = {field.name for field in FIELDS if sensitive_key(field.name)}
    assert sensitive - masked == {"refresh_expires_in_seconds", "disclaimer_tokens_count"}
    for name in sensitive - masked:
        declared = CATALOGUE.field(name)
        assert declared is not None
        assert declared.kind.name in ("integer", "number")


@given(st.binary(min_size=15, max_size=48))
def test_no_pattern_of_codes_and_words_lets_a_random_key_through(raw: bytes) -> None:
    """References, hosts and hexadecimal ids are declared public; everything else is narrower."""
    import base64

    key = base64.b64encode(raw).decode().rstrip("=") + "7z"
    wide = {"external_reference", "request_id", "host", "instance"}
    for field in FIELDS:
        matcher = field.kind.matcher
        if matcher is not None and field.name not in wide:
            assert not matcher.fullmatch(key), field.name


def test_the_bots_own_reference_is_known() -> None:
    assert re.fullmatch(REFERENCE_PATTERN, "ATB-20170306-0000-ABCDEFGHIJ")
    declared = CATALOGUE.field("external_reference")
    assert declared is not None
    assert declared.kind.matcher is not None
    assert declared.kind.matcher.fullmatch("ATB-20170306-0000-ABCDEFGHIJ")


def test_every_call_in_the_program_uses_declared_events_and_fields() -> None:
    own = {"level", "logger", "exc_info"}
    root = Path(inspect.getfile(tradebot)).parent
    wrong = []
    calls = 0
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and _name(node.func) in ("log_event", "bind")):
                continue
            calls += 1
            where = f"{path.relative_to(root)}:{node.lineno}"
            given_names = {keyword.arg for keyword in node.keywords if keyword.arg} - own
            wrong += [f"{where} {name}" for name in given_names if CATALOGUE.field(name) is None]
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and first.value not in CATALOGUE.events:
                wrong.append(f"{where} {first.value!r}")
    assert wrong == []
    assert calls > 10


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
