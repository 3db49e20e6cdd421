"""What a run's lines come to: how each ended, why, and what is a cycle of its own."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from support.story_lines import RUN, entries_of, told
from tradebot.logtools.desk import Copied
from tradebot.logtools.main import main
from tradebot.logtools.stories.run_story import COUNTERS, NEEDLES, RunStory, facts, runs
from tradebot.logtools.tracing.verdict import of_run

OTHER = "11111111-9f8e-4d7c-8b6a-5f4e3d2c1b0a"
NOW = "2025-12-17T07:20:00.000Z"
LATER = "2025-12-18T07:00:00.000Z"
BEGIN = told("startup_begin", 'argv="--single-cycle --scheduled"', cycle="-", component="app")
CONFIG = told(
    "startup_config_loaded",
    "version=0.1.0 host=h instance=i cadence=300.0",
    cycle="-",
    component="app",
    at="2025-12-17T07:12:03.300Z",
)
LOCKED = told(
    "cycle_begin",
    "slot=2025-12-17T07:10:00Z lateness_seconds=123.2",
    at="2025-12-17T07:12:03.400Z",
)


def ended(code: int, **where: str) -> str:
    counts = " ".join(f"{name}={number}" for number, name in enumerate(COUNTERS))
    where.setdefault("at", "2025-12-17T07:12:05.559Z")
    return told("cycle_end", f"exit_code={code} duration_ms=2345 {counts}", **where)


def run_of(*lines: str) -> RunStory:
    [story] = runs(entries_of(lines))
    return story


ENDINGS = {
    "ran": ((BEGIN, CONFIG, LOCKED, ended(0)), "ran", "", 0),
    "left an order unresolved": ((BEGIN, LOCKED, ended(3)), "ran", "", 3),
    "skipped": (
        (BEGIN, LOCKED, told("cycle_skip_slot", "reason=late"), ended(0)),
        "skipped",
        "late",
        0,
    ),
    "skipped, with an order unresolved": (
        (BEGIN, LOCKED, told("cycle_skip_paused", "reason=by_hand"), ended(3)),
        "skipped",
        "by_hand",
        3,
    ),
    "another run had the lock": (
        (BEGIN, told("cycle_skip_overlap", f'holder="run_id={OTHER}"', cycle="-")),
        "busy",
        "busy",
        75,
    ),
    "another bot had the account": (
        (BEGIN, LOCKED, told("cycle_skip_overlap", "holder=x"), ended(75)),
        "busy",
        "busy",
        75,
    ),
    "failed": (
        (
            BEGIN,
            LOCKED,
            told("cycle_failed", "phase=token failure_reason=login_error", level="ERROR"),
            ended(77),
        ),
        "failed",
        "login_error",
        77,
    ),
    "no prices": (
        (
            BEGIN,
            LOCKED,
            told("marketdata_fetch_failure", "failure_reason=quotes_unavailable", level="ERROR"),
            ended(69),
        ),
        "failed",
        "quotes_unavailable",
        69,
    ),
    "failed before the lock": (
        (
            BEGIN,
            told("cycle_failed", "phase=jitter failure_reason=terminated", cycle="-"),
        ),
        "failed",
        "terminated",
        143,
    ),
    "settings are wrong": (
        (
            BEGIN,
            told("startup_config_invalid", "problems=1", cycle="-", level="FATAL"),
        ),
        "failed",
        "settings_error",
        78,
    ),
    "could not begin": (
        (BEGIN, told("startup_failed", "exit_code=74", cycle="-", level="ERROR")),
        "failed",
        "storage_error",
        74,
    ),
    "could not begin, for one of several reasons": (
        (BEGIN, told("startup_failed", "exit_code=69", cycle="-", level="ERROR")),
        "failed",
        "startup_failed",
        69,
    ),
    "a bug before the cycle": (
        (BEGIN, told("unexpected_exception", "exc_msg=oh", component="app", level="ERROR")),
        "failed",
        "unexpected_exception",
        70,
    ),
    "a bug in the cycle": (
        (BEGIN, LOCKED, told("unexpected_exception", "exc_msg=oh", level="ERROR"), ended(70)),
        "failed",
        "unexpected_exception",
        70,
    ),
    "a strategy's bug": (
        (
            BEGIN,
            LOCKED,
            told("unexpected_exception", "exc_msg=oh", component="deciding", level="ERROR"),
            ended(0),
        ),
        "ran",
        "",
        0,
    ),
    "by hand": ((told("trading_paused", "reason=by_hand"),), "by_hand", "trading_paused", None),
    "a login": (
        (told("auth_mode_selected", "auth_mode=oauth", cycle="-"),),
        "by_hand",
        "auth_mode_selected",
        None,
    ),
    "lines end": ((BEGIN, CONFIG, LOCKED), "no_end", "", None),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_how_a_run_ends(name: str) -> None:
    lines, outcome, reason, code = ENDINGS[name]
    story = run_of(*lines)
    assert (story.outcome(LATER).value, story.reason, story.exit_code) == (outcome, reason, code)
    assert facts(story, LATER)["outcome"] == outcome


def test_facts_of_a_run() -> None:
    jitter = told("schedule_jitter", "delay_seconds=1.5", cycle="-")
    intent = told("execution_intent_created", "external_reference=ATB-1")
    story = run_of(BEGIN, CONFIG, jitter, LOCKED, intent, ended(0))
    assert (story.run_id, story.cycle_id, story.slot) == (RUN, "42", "2025-12-17T07:10:00Z")
    assert (story.lateness_seconds, story.jitter_seconds, story.seconds) == (123.2, 1.5, 2.345)
    assert (story.version, story.host, story.instance, story.cadence) == ("0.1.0", "h", "i", 300.0)
    assert story.references == ["ATB-1"]
    assert story.counters == {name: number for number, name in enumerate(COUNTERS)}
    assert story.scheduled and story.errors == 0
    assert "command" not in facts(story, LATER)


def test_a_run_without_an_end_is_going_on_while_its_lines_are_young() -> None:
    story = run_of(BEGIN, CONFIG, LOCKED)
    assert story.outcome(NOW).value == "running"
    assert story.outcome(LATER).value == "no_end"
    assert story.outcome("2025-12-17T07:00:00.000Z").value == "no_end", "the clock was set"


def test_a_later_run_finds_it_killed() -> None:
    found = told(
        "run_killed_found",
        f"killed_run_id={RUN} phase=execute started_at=2025-12-17T07:12:03.214000Z",
        run=OTHER,
    )
    killed, finder = runs(entries_of([BEGIN, LOCKED, found]))
    assert (killed.outcome(NOW).value, killed.phase) == ("killed", "execute")
    assert killed.killed_found_by == finder.run_id == OTHER

    finder, killed = runs(entries_of([found]))
    assert killed.outcome(NOW).value == "killed", "also when its own lines are gone"
    assert killed.started == "2025-12-17T07:12:03.214Z"

    done, _ = runs(entries_of([BEGIN, LOCKED, ended(0), found]))
    assert done.outcome(NOW).value == "ran"


def test_a_loop_has_a_story_for_each_cycle() -> None:
    loop = {"single": "false"}
    lines = [
        told("startup_begin", "argv=--dry-run", cycle="-", component="app", **loop),
        told("startup_config_loaded", "version=0.1.0 cadence=300.0", cycle="-", **loop),
        told("cycle_begin", cycle="1", **loop),
        ended(0, cycle="1", **loop),
        told("schedule_jitter", "delay_seconds=1", cycle="-", **loop),
        told("cycle_begin", cycle="2", **loop),
        ended(69, cycle="2", **loop),
        told("cycle_skip_overlap", "holder=x", cycle="-", **loop),
        told("cycle_skip_overlap", "holder=x", cycle="-", **loop),
        told("cycle_begin", cycle="5", **loop),
        ended(0, cycle="5", at="2025-12-17T07:14:00.000Z", **loop),
        told("run_stopped", "exit_code=143", cycle="-", component="app", **loop),
    ]
    found = runs(entries_of(lines))
    assert [(one.cycle_id, one.outcome(LATER).value) for one in found] == [
        ("1", "ran"),
        ("2", "failed"),
        ("", "busy"),
        ("", "busy"),
        ("5", "ran"),
    ]
    assert {one.run_id for one in found} == {RUN}
    assert {one.version for one in found} == {"0.1.0"}
    assert found[1].jitter_seconds == 1.0


def test_a_loop_ends_with_the_exit_code_of_its_process() -> None:
    loop = {"single": "false"}
    stop = told("run_stopped", "exit_code=143", cycle="-", component="app",
                at="2025-12-17T07:14:30.000Z", **loop)  # fmt: skip
    lines = [
        told("startup_begin", "argv=--dry-run", cycle="-", component="app", **loop),
        told("cycle_begin", cycle="1", **loop),
        ended(0, cycle="1", at="2025-12-17T07:12:06.000Z", **loop),
        told("cycle_begin", cycle="2", at="2025-12-17T07:13:00.000Z", **loop),
        ended(0, cycle="2", at="2025-12-17T07:14:00.000Z", **loop),
    ]
    first, last = runs(entries_of([*lines, stop]))
    assert (first.stopped, last.stopped) == ("", "2025-12-17T07:14:30.000Z")
    assert (last.exit_code, last.stopped_with) == (0, 143)
    assert facts(last, LATER)["stopped_with"] == 143
    said = of_run([first, last], LATER).outcome
    assert said.startswith("stopped, exit code 143. Before that: ran, the last of 2 cycles")
    [cut] = runs(entries_of([*lines[3:4], stop]))
    assert (cut.outcome(LATER).value, cut.reason, cut.exit_code) == ("failed", "run_stopped", 143)
    [alone] = runs(entries_of([stop]))
    assert (alone.outcome(LATER).value, alone.reason) == ("by_hand", "run_stopped")


def test_a_run_that_died_while_its_order_was_out_says_so(tmp_path: Path) -> None:
    """Not `execution_intent_created`, behind which nothing was sent."""
    assert any(b" | execution_order_sending | ".startswith(needle) for needle in NEEDLES)
    intent = told("execution_intent_created", "external_reference=ATB-1")
    sending = told("execution_order_sending", "external_reference=ATB-1")
    (tmp_path / "bot.log").write_text("".join([BEGIN, LOCKED, intent, sending]))
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        assert main(["runs", "--logs", str(tmp_path)], Copied()) == 0
    assert "came as far as execution_order_sending" in out.getvalue()


def test_the_table_shows_with_what_a_loop_was_stopped(tmp_path: Path) -> None:
    loop = {"single": "false"}
    lines = [
        told("cycle_begin", cycle="1", **loop),
        ended(0, cycle="1", **loop),
        told("run_stopped", "exit_code=143", cycle="-", at="2025-12-17T07:14:30.000Z", **loop),
    ]
    (tmp_path / "bot.log").write_text("".join(lines))
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        main(["runs", "--logs", str(tmp_path)], Copied())
    assert "stopped with exit code 143" in out.getvalue()


def test_two_runs_at_once_do_not_mix() -> None:
    other = {"run": OTHER, "cycle": "43"}
    lines = [
        BEGIN,
        told("startup_begin", cycle="-", run=OTHER, component="app"),
        LOCKED,
        told("cycle_begin", **other),
        ended(0),
        ended(69, **other),
    ]
    first, second = runs(entries_of(lines))
    assert (first.exit_code, second.exit_code) == (0, 69)
    assert (first.cycle_id, second.cycle_id) == ("42", "43")
