"""A word, a pair, a scheduler's number, a whole line: `explain` takes it as it was copied."""

from __future__ import annotations

import json

import pytest

from support.bench import Bench
from tradebot.logtools.words.explaining import WIDTH, explain, lines, nearest, plain

HEAD = "2026-11-22T20:38:52.324Z | WARN  | execution.placement"
COMMON = "run_id=7985e4f2-8ac9-4477-9a13-ded4bd1516c4 cycle_id=1 dry_run=false"


def told(text: str) -> list[tuple[str, str]]:
    return [(one.what, one.word) for one in explain(text)]


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("insufficient_cash", [("failure reason", "insufficient_cash")]),
        ("failure_reason=insufficient_cash", [("failure reason", "insufficient_cash")]),
        ('failure_reason="insufficient_cash",', [("failure reason", "insufficient_cash")]),
        ("error_code=InsufficientCash", [("Saxo error code", "InsufficientCash")]),
        ("insufficientcash", [("Saxo error code", "InsufficientCash")]),
        ("deadline", [("failure reason", "deadline"), ("decision reason", "deadline")]),
        ("reason=deadline", [("decision reason", "deadline")]),
        ("failure_reason=deadline", [("failure reason", "deadline")]),
        ("reason=late", [("skip reason", "late")]),
        ("CYCLE_SKIP_SLOT", [("event", "cycle_skip_slot")]),
        ("difference=unresolved", [("difference", "unresolved")]),
        ("order_state=filled", [("order state", "filled")]),
        ("3", [("exit code", "3")]),
        ("exit_code=75", [("exit code", "75")]),
        ("exit 75", [("exit code", "75")]),
        ("Exit code: 75.", [("exit code", "75")]),
        ("code=exited, status=75/TEMPFAIL", [("exit code", "75")]),
        ("0x4B", [("exit code", "75")]),
        ("HTTP 429", [("HTTP status", "429")]),
        ("http status 429", [("HTTP status", "429")]),
        ("status 429", [("HTTP status", "429")]),
        ("http_status=200", [("HTTP status", "200")]),
        ("late NotOwned", [("skip reason", "late"), ("Saxo error code", "NotOwned")]),
        ("latency_ms=12.5", [("field", "latency_ms")]),
        ("rate_limit_reset_AppDay", [("field", "rate_limit_reset_*")]),
        ("time_backwards", [("finding of lint", "time_backwards")]),
        ("(not_placed)", [("failure reason", "not_placed"), ("reconcile result", "not_placed")]),
    ],
)  # fmt: skip
def test_each_form(pasted: str, expected: list[tuple[str, str]]) -> None:
    assert told(pasted) == expected


def test_a_whole_line_is_its_event_and_every_reason_and_code_in_it() -> None:
    line = (
        f"{HEAD} | execution_order_rejected | {COMMON} http_status=400 "
        "external_reference=ATB-20120720-0000-JPDAU2IZ24 failure_reason=market_closed "
        'error_code=MarketClosed msg="say \\"failure_reason=late\\" | reason=holiday"'
    )
    expected = [
        ("event", "execution_order_rejected"),
        ("failure reason", "market_closed"),
        ("Saxo error code", "MarketClosed"),
    ]
    assert told(line) == expected
    assert told(f"logs/bot.log.2026-11-22:{line}\n") == expected


def test_a_status_counts_where_no_code_says_more() -> None:
    assert ("HTTP status", "503") in told(f"{HEAD} | http_error | {COMMON} http_status=503")
    assert told(f"{HEAD} | http_request | {COMMON} http_status=200") == [("event", "http_request")]
    assert told(f"{HEAD} | cycle_end | {COMMON} exit_code=0") == [("event", "cycle_end")]
    assert ("exit code", "3") in told(f"{HEAD} | cycle_end | {COMMON} exit_code=3")


def test_a_cut_line_and_several_lines() -> None:
    assert told("2026-11-22T15:57:43.734Z | cycle_failed") == [("event", "cycle_failed")]
    two = f"{HEAD} | cycle_begin | {COMMON}\n{HEAD} | cycle_failed | {COMMON} phase=token"
    assert told(two) == [("event", "cycle_begin"), ("event", "cycle_failed")]


@pytest.mark.parametrize(
    ("event", "pair", "expected"),
    [
        ("strategy_decision", "reason=sessions_unknown", "decision reason"),
        ("cycle_skip_outside_trading_hours", "reason=sessions_unknown", "skip reason"),
        ("execution_skipped", "reason=deadline", "decision reason"),
        ("execution_completed", "failure_reason=deadline", "failure reason"),
        ("marketdata_fetch_failure", "failure_reason=market_closed", "decision reason"),
        ("marketdata_fetch_failure", "failure_reason=unavailable", "failure reason"),
        ("schedule_runs_missed", "reason=no_wakeup", "missed-run reason"),
    ],
)
def test_the_event_says_which_kind_of_reason_it_is(event: str, pair: str, expected: str) -> None:
    word = pair.partition("=")[2]
    assert told(f"{HEAD} | {event} | {COMMON} {pair}") == [("event", event), (expected, word)]
    assert plain(word, event) if pair.startswith("reason") else True


def test_every_line_of_a_real_cycle_is_explained(bench: Bench) -> None:
    bench.cycle()
    log = bench.folder / "logs" / "bot.log"
    for text in log.read_text(encoding="utf-8").splitlines():
        first = explain(text)[0]
        assert (first.what, first.word) == ("event", text.split(" | ")[3].strip())


def test_a_code_that_nobody_has_documented_is_said_to_be_one() -> None:
    (unknown,) = explain("error_code=SomethingNew")
    assert unknown.word == "SomethingNew"
    assert "unclear_answer" in unknown.see_also
    assert explain("SomethingNew") == ()


def test_a_reason_of_a_strategy_of_ones_own_is_said_to_be_one() -> None:
    (own,) = explain("reason=moon_is_full")
    assert "strategy of your own" in own.meaning
    assert explain("moon_is_full") == ()


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("InsuficientCash", "InsufficientCash"),
        ("insuficient_cash", "insufficient_cash"),
        ("error_code=InsuficientCash", "InsufficientCash"),
        ("cash", "InsufficientCash"),
        ("cycle_skp_slot", "cycle_skip_slot"),
    ],
)
def test_a_misspelt_word_has_suggestions(typed: str, suggested: str) -> None:
    assert suggested in nearest(typed)
    assert all(explain(word) for word in nearest(typed))


def test_what_looks_like_nothing_has_none() -> None:
    assert nearest("zzqqxxjj") == ()
    assert nearest("") == ()
    assert nearest("7") == ()


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "   \n\t",
        "\x1b[31mred\x07",
        "error_code=\x1b[31mRed\x07",
        "reason=\x00late",
        "a" * 1_000_000,
        'a="' * 30_000,
        'a="' + '\\"' * 30_000,
        "|" * 60_000,
        "= == === exit exit code status",
        "99999 -1 0x 0xFFFFFFFF 1e9 ٣ ²",
        "\ud800",
    ],
    ids=lambda text: f"{text[:8]!r} {len(text)}",
)
def test_rubbish_ends_in_a_moment_and_nothing_of_it_is_repeated(hostile: str) -> None:
    shown = "\n".join(lines(explain(hostile), colour=False))
    assert all(character.isprintable() or character == "\n" for character in shown)
    nearest(hostile)


def test_plain_is_the_meaning_and_nothing_for_what_is_unknown() -> None:
    assert plain("no_cross", "reason") == "The averages did not cross on the last closed bar."
    assert plain("not_sent", "failure_reason").startswith("The connection failed")
    assert plain("InsufficientCash", "error_code") == (
        "The account has not enough cash for the order."
    )
    assert plain("75", "exit_code") == "Another run holds the lock."
    assert plain("moon_is_full", "reason") == ""


def test_the_text_is_narrow_and_coloured_only_when_asked() -> None:
    found = explain("deadline")
    text = list(lines(found, colour=False))
    assert text[0] == "deadline  failure reason"
    assert any(line.startswith("  What to do: ") for line in text)
    assert text.count("") == 1
    assert max(map(len, text)) <= WIDTH
    assert "\x1b" not in "".join(text)
    coloured = list(lines(found, colour=True))
    assert coloured[0].startswith("\x1b[1mdeadline\x1b[0m")
    assert len(coloured) == len(text)


def test_as_json_it_is_the_same() -> None:
    (one,) = explain("exit_code=3")
    data = json.loads(json.dumps(one.as_dict()))
    assert data["word"] == "3"
    assert data["what"] == "exit code"
    assert data["facts"]["under systemd"] == "success"
    assert "RECONCILIATION_NEEDED" in data["see_also"]
