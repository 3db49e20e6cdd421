"""The figures of a log: the fast way counts what a slow and simple way counts."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from support.log_corpus import Corpus, small_corpus
from support.log_lines import line
from support.program import ROOT, unmeasured
from tradebot.cli import main
from tradebot.logtools.figures.percentiles import nearest_rank
from tradebot.logtools.figures.summary import Summary, Summing, summary_of
from tradebot.logtools.reading.blocks import Notes, blocks
from tradebot.logtools.reading.folder import LogFile, log_of
from tradebot.logtools.reading.in_parts import parts_of
from tradebot.observability.line import parse


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory)


PATHS = ("/openapi/port/v1/orders/me", "/openapi/trade/v2/orders", "/openapi/trade/v2/orders/50392")


def request(path: str, status: int, latency: int, left: int) -> str:
    return line(
        f"http_method=GET http_url_path={path} http_status={status} latency_ms={latency}"
        f" rate_limit_remaining_app_day={9_999_999 - left} rate_limit_remaining_session={left}"
        " rate_limit_reset_app_day=86400 rate_limit_reset_session=60 attempt=1",
        level="DEBUG",
        component="saxo.transport",
        event="http_request",
    )


requests = st.builds(
    request,
    st.sampled_from(PATHS),
    st.sampled_from((200, 201, 404, 429, 503)),
    st.integers(0, 20_000),
    st.integers(0, 120),
)
decisions = st.builds(
    lambda action, reason, signal: line(
        f"instrument_id=Stock:211 reason={reason} action={action}{signal}",
        component="deciding",
        event="strategy_decision",
    ),
    st.sampled_from(("BUY", "SELL", "HOLD", "SKIP")),
    st.sampled_from(("no_cross", "quote_stale", "crossed_above")),
    st.sampled_from(("", " signal=HOLD", " signal=BUY quantity=10")),
)
failures = st.builds(
    lambda reason: line(
        f"phase=decide failure_reason={reason}", level="ERROR", event="cycle_failed"
    ),
    st.sampled_from(("broker_unavailable", "clock_skew")),
)
foreign = st.sampled_from(("rubbish\n", "a | b | c | d | run_id=x\n", "\x00\xff\n", "\n"))


def slowly(text: str) -> dict[str, Any]:
    """The same figures by parsing each line."""
    lines = [parse(one) for one in text.split("\n") if " | run_id=" in one and one[0] == "2"]
    asked = [one.fields for one in lines if one.event == "http_request"]
    decided = [one.fields for one in lines if one.event == "strategy_decision"]
    return {
        "events": Counter(one.event for one in lines),
        "levels": Counter(one.level for one in lines),
        "latencies": {
            path: Counter(
                float(one["latency_ms"])
                for one in asked
                if one["http_url_path"].replace("50392", "{id}") == path
            )
            for path in {one["http_url_path"].replace("50392", "{id}") for one in asked}
        },
        "lowest": {
            name: min(int(one[f"rate_limit_remaining_{name}"]) for one in asked)
            for name in ("app_day", "session")
            if asked
        },
        "decisions": Counter((one["action"], one["reason"]) for one in decided),
        "failures": Counter(
            (one.event, one.fields["failure_reason"])
            for one in lines
            if one.event == "cycle_failed"
        ),
    }


def quickly(summary: Summary) -> dict[str, Any]:
    return {
        "events": summary.events,
        "levels": summary.levels,
        "latencies": {path: one.latencies for (_, path), one in summary.endpoints.items()},
        "lowest": {name: lowest.left for name, lowest in summary.lowest.items()},
        "decisions": summary.decisions,
        "failures": summary.failures,
    }


@given(st.lists(st.one_of(requests, decisions, failures, foreign)), st.integers(1, 5))
def test_it_counts_what_parsing_every_line_counts(lines: list[str], size: int) -> None:
    blocks = ["".join(lines[at : at + size]).encode() for at in range(0, len(lines), size)]
    assert quickly(summary_of(blocks, Notes())) == slowly("".join(lines))


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(
    values: list[int], percent: int
) -> None:
    found = nearest_rank(Counter(map(float, values)), percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="of nothing"):
        nearest_rank({}, 50)


def summary(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["logs", "summary", "--logs", str(folder), *arguments])


def document(folder: Path, *arguments: str) -> Any:
    done = summary(folder, *arguments, "--output", "json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


STORY = (
    line("exit_code=143", component="app", event="run_stopped"),
    line("exit_code=0", component="orchestrator", event="cycle_end"),
    line("reason=late slot=2025-12-17T07:10:00Z", event="cycle_skip_slot"),
    line("holder=holder_unknown", level="WARN ", event="cycle_skip_overlap"),
    line("missed_count=12 reason=no_wakeup", level="WARN ", event="schedule_runs_missed"),
    line("missed_count=12 reason=no_wakeup replayed=true", event="schedule_runs_missed"),
    line("external_reference=ATB-20251217-0712-ABCDEFGHIJ", event="execution_intent_created"),
    line("external_reference=ATB-20251217-0712-KLMNOPQRST", event="execution_intent_created"),
    line(
        "external_reference=ATB-20251217-0712-ABCDEFGHIJ execution_outcome=FAILED"
        " failure_reason=insufficient_cash",
        event="execution_completed",
    ),
    line(
        "external_reference=ATB-20251217-0712-ABCDEFGHIJ execution_outcome=FAILED"
        " failure_reason=insufficient_cash replayed=true",
        event="execution_completed",
    ),
    line(
        "http_method=POST http_url_path=/token latency_ms=10001 error_kind=read_timeout",
        event="http_error",
    ),
    line(
        "http_method=POST http_url_path=/token http_status=503 error_kind=http_status"
        " error_code=Unavailable",
        event="http_error",
    ),
    line("wait_seconds=1.5 dimension=session", event="rate_limit_wait"),
    line("recoverable=true failure_reason=answer_lost", event="auth_token_refresh_failure"),
    line("killed_run_id=11111111-2222-4333-8444-555555555555", event="run_killed_found"),
)


def test_runs_orders_and_logins_are_told(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text("".join(STORY))
    found = document(tmp_path)
    assert found["exit_codes"] == {"0": 1}
    assert found["stopped_loops"] == {"143": 1}
    assert {(one["event"], one["reason"]) for one in found["skips"]} == {
        ("cycle_skip_slot", "late"),
        ("cycle_skip_overlap", "-"),
    }
    assert found["missed_slots"] == {"no_wakeup": 12}, "told again, it counts once"
    assert (found["intents"], found["intents_without_verdict"]) == (2, 1)
    assert found["verdicts"] == [
        {"execution_outcome": "FAILED", "failure_reason": "insufficient_cash", "count": 1}
    ]
    assert found["http_errors"] == [
        {"status_or_kind": "read_timeout", "error_code": "-", "count": 1},
        {"status_or_kind": "503", "error_code": "Unavailable", "count": 1},
    ]
    assert found["endpoints"][0]["lost"] == 1
    assert found["rate_limit_wait_ms"] == {"session": 1500}
    assert found["logins_not_renewed"] == {"recoverable": 1}
    assert found["killed_runs"] == 1
    text = summary(tmp_path).stdout
    for told in (
        "exit code 143",
        "insufficient_cash",
        "late",
        "no_wakeup",
        "read_timeout",
        "1.500 s",
        "without",
    ):
        assert told in text


def test_only_the_time_asked_for_counts_over_all_files(tmp_path: Path) -> None:
    for day in (15, 16, 17):
        text = "".join(
            line(time=f"2025-12-{day}T{hour:02d}:30:00.000Z", event="log_message")
            for hour in range(24)
        ).encode()
        name = "bot.log" if day == 17 else f"bot.log.2025-12-{day}"
        (tmp_path / name).write_bytes(text)
    packed = tmp_path / "bot.log.2025-12-15"
    (tmp_path / "bot.log.2025-12-15.gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    counted = {
        (since, until): document(tmp_path, "--since", since, "--until", until)["lines"]
        for since, until in product(("2025-12-15T12:00Z", "2025-12-16"), ("2025-12-17T01:00Z",))
    }
    assert list(counted.values()) == [12 + 24 + 1, 24 + 1]
    assert document(tmp_path)["first"] == "2025-12-15T00:30:00.000Z"


def test_nothing_in_the_time_is_1_and_says_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text(line())
    done = summary(tmp_path, "--until", "2020-01-01")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "read: nothing" in done.stderr


def test_a_million_different_foreign_lines_are_no_million_counts(tmp_path: Path) -> None:
    rubbish = (f"{number:040d} | x | run_id=\n".encode() for number in range(20_000))
    notes = Notes()
    data = b"".join(rubbish) + line().encode()
    found = summary_of([data], notes)
    assert found.lines == 1
    assert notes.odd["foreign"] == 20_000


@pytest.mark.parametrize("level", ["DEBUG", "INFO "])
def test_that_answers_to_get_are_not_in_the_log_is_said(tmp_path: Path, level: str) -> None:
    method = "GET" if level == "DEBUG" else "POST"
    asked = f"http_method={method} http_url_path=/x http_status=200 latency_ms=5"
    (tmp_path / "bot.log").write_text(line(asked, level=level, event="http_request"))
    assert ("LOG_LEVEL=DEBUG" in summary(tmp_path).stdout) == (method == "POST")


def test_a_month_in_small_is_counted_as_it_was_planned(corpus: Corpus) -> None:
    truth = corpus.truth.summary
    found = document(corpus.folder)
    assert (found["lines"], found["events"]) == (truth.lines, dict(truth.events))
    assert found["levels"] == dict(truth.levels)
    told = {
        f"{one['http_method']} {one['http_url_path']}": [
            one["count"], one["p50_ms"], one["p95_ms"], one["p99_ms"]
        ]
        for one in found["endpoints"]
        if one["count"]
    }  # fmt: skip
    assert told == {
        name: [one.count, one.p50, one.p95, one.p99] for name, one in truth.endpoints.items()
    }
    lowest = {name: one["left"] for name, one in found["rate_limits"].items()}
    assert lowest == dict(truth.rate_limits)
    assert found["logins_renewed"] == truth.tokens["refreshed"]
    assert found["intents"] == len(corpus.truth.refs)
    outcomes = Counter(
        ("found after all", "filled")
        if one.kind == "unknown_contradicted"
        else (one.outcome, one.failure_reason or "")
        for one in corpus.truth.refs.values()
        if one.outcome is not None
    )
    assert outcomes == {
        (one["execution_outcome"], one["failure_reason"]): one["count"] for one in found["verdicts"]
    }
    reasons = Counter()  # type: Counter[str]
    for one in found["decisions"]:
        reasons[one["reason"]] += one["count"]
    assert reasons == dict(truth.decision_reasons)
    skips = Counter()  # type: Counter[str]
    for one in found["skips"]:
        skips[one["reason"]] += one["count"]
    assert {reason: skips[reason] for reason in truth.skips} == dict(truth.skips)


def counted(files: Sequence[LogFile]) -> Summing:
    summing = Summing(Notes())
    for file in files:
        for block in blocks(file, summing.notes):
            summing.add(block.data)
    return summing


_IN_PARTS = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from logtools.test_summary_counts_what_is_there import counted
from tradebot.logtools.reading.folder import log_of
from tradebot.logtools.reading.in_parts import in_parts, parts_of

files = log_of([sys.argv[2]])
assert len(parts_of(files, 1000)) > 1
first, *others = in_parts(files, counted, worth_bytes=1000)
assert others
for other in others:
    first.take(other)
whole = counted(files)
assert first.finish() == whole.finish()
assert first.notes == whole.notes
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no parts without fork")
def test_read_in_parts_by_several_processes_it_is_the_same(corpus: Corpus) -> None:
    paths = os.pathsep.join((str(ROOT / "tests"), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", _IN_PARTS, paths, str(corpus.folder)],
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_parts_are_about_equal_and_in_order(corpus: Corpus) -> None:
    files = log_of([str(corpus.folder)])
    parts = parts_of(files, 1000)
    assert [file for part in parts for file in part] == files
    assert parts_of(files) == [files], "not worth it"


def test_lines_that_end_as_windows_ends_them_count_the_same(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_bytes("".join(STORY).replace("\n", "\r\n").encode())
    (tmp_path / "unix").mkdir()
    (tmp_path / "unix" / "bot.log").write_text("".join(STORY))
    assert document(tmp_path / "bot.log") == document(tmp_path / "unix")
    assert "\r" not in summary(tmp_path / "bot.log").stdout


def test_nothing_is_shown_that_redaction_would_have_hidden_or_a_terminal_would_obey(
    tmp_path: Path,
) -> None:
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
    hostile = "x\\u001b[31m\\u202ey"
    lines = (
        line(f"reason={secret} slot=2025-12-17T07:10:00Z", event="cycle_skip_slot"),
        line(f'failure_reason="{hostile}" phase=decide', level="ERROR", event="cycle_failed"),
        line(f"http_method=GET http_url_path=/x/{secret} http_status=200", event="http_request"),
        line(f"instrument_id=Stock:1 reason={secret} action=SKIP", event="strategy_decision"),
        line(f"dimension={secret} wait_seconds=1", event="rate_limit_wait"),
    )
    (tmp_path / "bot.log").write_text("".join(lines))
    text, told = summary(tmp_path).stdout, json.dumps(document(tmp_path))
    assert not any(piece in text + told for piece in (secret[4:-4], "eyJzdWI", "dozjgNry"))
    assert all(one.isprintable() for one in text.splitlines())


@pytest.mark.parametrize("latency", ["nan", "inf", "-inf", "1e999", "soon"])
def test_a_latency_that_is_no_number_counts_as_an_answer_only(tmp_path: Path, latency: str) -> None:
    asked = f"http_method=GET http_url_path=/x http_status=200 latency_ms={latency}"
    (tmp_path / "bot.log").write_text(line(asked, event="http_request"))
    (endpoint,) = document(tmp_path)["endpoints"]
    assert (endpoint["count"], endpoint["p50_ms"]) == (1, None)
    assert "-" in summary(tmp_path).stdout
