"""`logs show` as text: what is the same is said once, free text is unfolded, nothing acts on the
terminal."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from support.hostile import INVISIBLE, SEPARATORS
from support.log_lines import RUN, SIX, line
from tradebot.cli import main
from tradebot.logtools.reading.ordering import row_of
from tradebot.logtools.telling.showing import Show
from tradebot.observability import bind, build_log_context, log_event, setup_logging
from tradebot.vocabulary import CATALOGUE

HEAD = "2025-12-17T07:12:03.214Z INFO  execution.placement"


def show(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["logs", "show", "--logs", str(path), *arguments])


def text(path: Path, *arguments: str) -> list[str]:
    done = show(path, *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout.splitlines()


def plain() -> Show:
    return Show(lambda text, _: text, lambda time: time)


def test_a_run_has_one_header_and_says_what_changes_in_it(tmp_path: Path) -> None:
    early = SIX.replace("cycle_id=42", "cycle_id=-").replace("dry_run=false", "dry_run=true")
    other = "11111111-2222-4333-8444-555555555555"
    (tmp_path / "bot.log").write_text(
        line("pid=7", six=early, event="startup_begin")
        + line("", six=early.replace("cycle_id=-", "cycle_id=42"), event="cycle_begin")
        + line("", six=early.replace("cycle_id=-", "cycle_id=42"), event="cycle_begin")
        + line("", six=SIX.replace(RUN, other), event="cycle_begin")
    )
    assert text(tmp_path) == [
        f"-- run {RUN}, no cycle yet, dry run, single cycle, SIM, sma_cross/1.0",
        f"{HEAD} startup_begin pid=7",
        "-- cycle 42",
        f"{HEAD} cycle_begin",
        f"{HEAD} cycle_begin",
        f"-- run {other}, cycle 42, orders are real, single cycle, SIM, sma_cross/1.0",
        f"{HEAD} cycle_begin",
    ]


def test_a_request_reads_like_one(tmp_path: Path) -> None:
    request = (
        "http_method=POST http_url_path=/trade/v2/orders http_status=201 latency_ms=143 attempt=1"
    )
    (tmp_path / "bot.log").write_text(line(request, event="http_request"))
    assert text(tmp_path)[1] == f"{HEAD} http_request POST /trade/v2/orders 201 in 143 ms attempt=1"


def test_fields_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text(line("reason=no_cross action=HOLD order_id=1 msg=x"))
    assert text(tmp_path, "--fields", "action,reason,absent")[1] == (
        f"{HEAD} log_message action=HOLD reason=no_cross"
    )


def test_messages_and_tracebacks_are_unfolded(tmp_path: Path) -> None:
    context = build_log_context(RUN, 1, env="SIM")
    with setup_logging(tmp_path, context=context, catalogue=CATALOGUE, console=False):
        log_event("log_message", "one\ntwo\tthree")
        with bind(order_id="5014229221"):
            try:
                raise ValueError('cannot read "C:\\new"\nor write it')
            except ValueError as error:
                log_event("unexpected_exception", "it failed", exc_info=error, replayed=True)
    shown = text(tmp_path)
    assert [one for one in shown if one.startswith("    ")][:2] == ["    one", "    two    three"]
    begin = next(n for n, one in enumerate(shown) if "unexpected_exception" in one)
    assert shown[begin].endswith(" order_id=5014229221 replayed=true")
    assert shown[begin + 1 : begin + 3] == [
        "    it failed",
        "    Traceback (most recent call last):",
    ]
    assert shown[-2:] == ['    ValueError: cannot read "C:\\new"', "    or write it"]
    assert sum("ValueError: " in one for one in shown) == 1


def test_the_longest_values_and_the_longest_tracebacks_are_shown(tmp_path: Path) -> None:
    stack = "".join(f'  File \\"x.py\\", line {n}, in f\\n' for n in range(180))
    message = "é" * 4000
    (tmp_path / "bot.log").write_text(line(f'msg="{message}" stack="{stack}"'), encoding="utf-8")
    shown = text(tmp_path)
    assert shown[2] == f"    {message}"
    assert shown[-1] == '      File "x.py", line 179, in f'
    assert len(shown) == 3 + 180


def test_what_is_no_line_is_marked_masked_and_counted(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_bytes(
        line().encode() + b"\xff\x00binary \x1b[2J\n" + b"Authorization: Bearer abcdefgh12345678\n"
        b"\n" + line()[:-8].encode()
    )
    done = show(tmp_path)
    assert done.exit_code == 0
    binary, secret, cut = done.stdout.splitlines()[2:]
    assert binary == "? \ufffd\\u0000binary \\u001b[2J"
    assert secret.startswith("? ") and "abcdefgh" not in secret
    assert cut.startswith("? 2025-12-17T07:12:03.214Z | INFO ")
    assert cut.endswith("(unfinished: no newline)")
    assert "marked with ?: 3 that are no lines of the log" in done.stderr
    assert (
        show(tmp_path, "--output", "raw").stdout_bytes.split(b"\n")[1] == b"\xff\x00binary \x1b[2J"
    )


def test_a_whole_line_that_is_still_being_written_is_not_taken_for_one(tmp_path: Path) -> None:
    """Cut within a value it looks like any line, and would say another order id."""
    (tmp_path / "bot.log").write_text(line("order_id=5014229221")[:-4])
    done = show(tmp_path, "--output", "jsonl")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "skipped: 1 unfinished line" in done.stderr


@given(
    st.text(st.characters(codec="utf-8"), max_size=60)
    | st.lists(st.sampled_from([*SEPARATORS, *INVISIBLE, "\x1b]0;x\x07", "\x9b2J", "a"])).map(
        "".join
    )
)
def test_nothing_in_a_line_reaches_the_terminal_as_a_control(value: str) -> None:
    from tradebot.observability.line import LogLine, render

    fields = {"msg": value, "note": value, "stack": value, "http_url_path": value, "run_id": value}
    ours = render(LogLine("2025-12-17T07:12:03.214Z", "INFO", "a", "cycle_begin", fields))
    printer = plain()
    for raw in (ours.encode(), value.encode(), ours.replace("\\u", "").encode()):
        for shown in printer.text(row_of(raw, "")):
            assert shown.isprintable(), ascii(shown)


def test_colours_only_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot.log").write_text(line(level="ERROR"))
    assert "\x1b" not in show(tmp_path).stdout
    if not hasattr(os, "openpty"):
        pytest.skip("this system has no pseudo-terminals")
    assert b"\x1b[31mERROR\x1b[0m" in on_a_terminal(tmp_path, {})
    assert b"\x1b" not in on_a_terminal(tmp_path, {"NO_COLOR": "1"})


def on_a_terminal(path: Path, environment: dict[str, str]) -> bytes:
    import subprocess

    script = Path(__file__).parents[2] / "scripts" / "log_tools.py"
    ours, theirs = os.openpty()
    try:
        subprocess.run(
            [sys.executable, str(script), "show", "--logs", str(path)],
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TERM": "xterm", **environment},
            timeout=60,
            check=True,
        )
        return os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)


def test_times_can_be_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    (tmp_path / "bot.log").write_text(line())
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process cannot be set here")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        assert "2025-12-17T12:42:03.214+05:30 INFO" in show(tmp_path, "--local").stdout
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="a process's zone cannot be changed here")
def test_a_time_at_the_end_of_the_calendar_has_no_local_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = "9999-12-31T23:59:59.999Z"
    (tmp_path / "bot.log").write_text(line(time=last))
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        lines = text(tmp_path, "--local")
    time.tzset()
    assert any(one.startswith(last) for one in lines)
