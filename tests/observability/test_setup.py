"""Setting up and taking down: nothing doubles, nothing stays behind, nothing is printed raw."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path

import pytest

from tradebot.observability import (
    bind,
    build_log_context,
    get_logger,
    log_event,
    register_secret,
    setup_logging,
    update_context,
)
from tradebot.observability.console import sd_priority, stderr_console, under_journal
from tradebot.observability.hooks import MaskedLastResort
from tradebot.observability.line import parse
from tradebot.observability.schema import (
    CORE_EVENTS,
    CORE_FIELDS,
    CORRELATION,
    NUMBER,
    Catalogue,
    Event,
    Field,
    Kind,
    level_name,
    level_number,
)

SECRET = "hunter2hunter2hunter2"
PRICE = Field("price", NUMBER, "of one unit", unit="EUR")


def test_setting_up_twice_reconfigures_and_never_doubles(tmp_path: Path, bare_root: str) -> None:
    root = logging.getLogger()
    before = list(root.handlers), root.level, sys.excepthook
    first = setup_logging(tmp_path / "one", console=False)
    second = setup_logging(tmp_path / "two", console=False)
    third = setup_logging(tmp_path / "two", console=False)
    log_event("log_message", "once")
    logging.getLogger("lib").warning("once")
    first.close()
    second.close()
    log_event("log_message", "still open")
    third.close()
    third.close()

    assert (tmp_path / "one" / "bot.log").read_text() == ""
    assert len((tmp_path / "two" / "bot.log").read_text().splitlines()) == 3
    assert (list(root.handlers), root.level, sys.excepthook) == before
    assert log_event("log_message") is False


def test_descriptors_are_given_back(folder: Path) -> None:
    before = _open_descriptors()
    for _ in range(20):
        with setup_logging(folder, console=False, queue=True):
            log_event("log_message")
    gc.collect()
    assert _open_descriptors() <= before


def _open_descriptors() -> int:
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.exists() else 0


def test_libraries_get_their_levels_back(folder: Path) -> None:
    logger = logging.getLogger("urllib3")
    other = logging.getLogger("httpx")
    other.setLevel(logging.DEBUG)
    with setup_logging(folder, console=False):
        assert logger.level == logging.WARNING
        assert other.level == logging.DEBUG
    assert logger.level == logging.NOTSET
    other.setLevel(logging.NOTSET)


def test_a_level_or_mode_that_does_not_exist_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="'LOUD' is not a log level"):
        setup_logging(folder, level="LOUD")
    with pytest.raises(ValueError, match="neither time nor size"):
        setup_logging(folder, rotation_mode="weekly")
    assert log_event("log_message") is False


def test_the_console_can_be_a_function_or_nothing(folder: Path, bare_root: str) -> None:
    shown: list[tuple[int, str]] = []
    with setup_logging(
        folder, console_level="WARN", console=lambda *line: shown.append(line)
    ) as session:
        log_event("log_message", "quiet")
        log_event("log_message", "loud", level="ERROR")
        logging.getLogger("lib").info("quiet")
        logging.getLogger("lib").warning("loud")
        session.set_console(None)
        log_event("log_message", "nobody sees this", level="ERROR")
    assert [level for level, _ in shown] == [logging.ERROR, logging.WARNING]
    in_file = (folder / "bot.log").read_text()
    assert all(line in in_file for _, line in shown)
    assert len(in_file.splitlines()) == 5


def test_a_console_that_fails_does_not_break_the_call(folder: Path, bare_root: str) -> None:
    def broken(level: int, line: str) -> None:
        raise BrokenPipeError

    with setup_logging(folder, console=broken):
        log_event("log_message", "one")
        logging.getLogger("lib").warning("two")
    assert len((folder / "bot.log").read_text().splitlines()) == 2


def test_without_a_folder_there_is_only_the_console(
    capsys: pytest.CaptureFixture[str], bare_root: str
) -> None:
    with setup_logging(None) as session:
        assert log_event("startup_begin", "hello") is False
        assert session.path is None
        session.flush()
    assert "msg=hello" in capsys.readouterr().err


def test_under_the_journal_a_priority_stands_for_the_time(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bare_root: str
) -> None:
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    assert under_journal()
    show = stderr_console()
    with setup_logging(folder, console=show):
        log_event("log_message", "hello", level="ERROR")
    # capfd's own stream object is not fd 2's, but it is what a console writes to
    err = capfd.readouterr().err
    assert err.startswith("<3>ERROR | ")
    assert err.endswith("msg=hello\n")
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    assert not under_journal()
    monkeypatch.setenv("JOURNAL_STREAM", "x")
    assert not under_journal()


@pytest.mark.parametrize(
    ("level", "priority", "name"),
    [(10, "<7>", "DEBUG"), (20, "<6>", "INFO"), (30, "<4>", "WARN"), (40, "<3>", "ERROR"),
     (50, "<2>", "FATAL"), (5, "<7>", "DEBUG"), (25, "<6>", "INFO"), (99, "<2>", "FATAL")],
)  # fmt: skip
def test_levels_have_names_and_priorities(level: int, priority: str, name: str) -> None:
    assert sd_priority(level) == priority
    assert level_name(level) == name


def test_levels_can_be_given_as_words_or_numbers() -> None:
    assert [level_number(one) for one in ("warn", "WARNING", "Fatal", "critical", 15)] == [
        30, 30, 50, 50, 15,
    ]  # fmt: skip


def test_a_catalogue_is_checked_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="log_message is declared twice"):
        Catalogue((*CORE_EVENTS, Event("log_message", 20, "", "")))
    with pytest.raises(ValueError, match="x names the unregistered field y"):
        Catalogue((Event("x", 20, "", "", ("y",)),))
    with pytest.raises(ValueError, match="count is declared twice"):
        Catalogue(fields=(*CORE_FIELDS, CORE_FIELDS[6]))


def test_every_catalogue_contains_the_core(folder: Path, bare_root: str) -> None:
    mine = Field("env", Kind("environment", "[a-z0-9-]{1,15}"), "where it trades")
    catalogue = Catalogue([Event("mine", logging.INFO, "", "", ("price",))], [PRICE, mine])
    with setup_logging(folder, console=False, strict=True, catalogue=catalogue):
        update_context(env="prod-4f7a9c2e1b")
        log_event("mine", price=1.5)
        get_logger("lib").info("hello")
        sys.excepthook(KeyError, KeyError("gone"), None)

    lines = [parse(line) for line in (folder / "bot.log").read_text().splitlines()]
    assert [line.event for line in lines] == ["mine", "log_message", "unexpected_exception"]
    assert {line.fields["env"] for line in lines} == {"prod-4f7a9c2e1b"}
    assert not [line for line in lines if "schema_error" in line.fields]
    assert list(catalogue.fields)[:2] == ["price", "env"]
    assert catalogue.fields.keys() == {"price", *(one.name for one in CORE_FIELDS)}


def test_an_event_of_the_core_cannot_become_another_one() -> None:
    with pytest.raises(ValueError, match="the event log_message is the log's own"):
        Catalogue([Event("log_message", logging.INFO, "", "", ("count",))])


def test_the_context_has_the_six_in_their_order() -> None:
    context = build_log_context("r", 1, env="SIM", zone="a")
    assert list(context) == [*CORRELATION, "zone"]
    update_context(cycle_id=3)  # without a session nothing happens


def run(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )


START = f"""
        import logging, sys, threading, warnings
        from tradebot.observability import *
        register_secret("{SECRET}")
"""


@pytest.mark.parametrize("console", ["True", "False"])
def test_an_exception_nobody_caught_is_logged_and_not_printed_raw(
    folder: Path, console: str
) -> None:
    done = run(
        folder,
        f"""{START}
        setup_logging(sys.argv[1], console={console})
        raise RuntimeError("{SECRET} leaks")
        """,
    )
    [line] = map(parse, (folder / "bot.log").read_text().splitlines())
    assert (line.event, line.level) == ("unexpected_exception", "ERROR")
    assert line.fields["exc_type"] == "RuntimeError"
    assert line.fields["exc_msg"] == "*** leaks"
    assert done.returncode == 1
    assert "RuntimeError" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert SECRET not in done.stderr


def test_an_exception_that_cannot_be_logged_is_at_least_named(folder: Path) -> None:
    done = run(
        folder,
        f"""{START}
        setup_logging(None, console=False)
        raise RuntimeError("{SECRET} leaks")
        """,
    )
    assert done.stderr == "tradebot: RuntimeError: *** leaks (it could not be logged)\n"


def test_exceptions_in_threads_destructors_and_warnings_are_logged(folder: Path) -> None:
    done = run(
        folder,
        f"""{START}
        class Dying:
            def __del__(self):
                raise ValueError("{SECRET}")
        def fail(error):
            raise error
        setup_logging(sys.argv[1])
        for error in (KeyError("{SECRET}"), SystemExit()):
            thread = threading.Thread(target=fail, args=(error,), name="worker")
            thread.start()
            thread.join()
        dying = Dying()
        del dying
        warnings.warn("{SECRET}")
        """,
    )
    lines = [parse(line) for line in (folder / "bot.log").read_text().splitlines()]
    assert [line.event for line in lines] == ["unexpected_exception"] * 2 + ["log_message"]
    assert lines[0].fields["msg"] == "in thread worker"
    assert "Dying.__del__" in lines[1].fields["msg"]
    assert lines[2].component == "py.warnings"
    assert SECRET not in (folder / "bot.log").read_text() + done.stderr
    assert len(done.stderr.splitlines()) == 3


def test_an_interrupt_is_not_an_unexpected_exception(folder: Path) -> None:
    done = run(
        folder, f"{START}\n        setup_logging(sys.argv[1])\n        raise KeyboardInterrupt"
    )
    assert done.stderr == "interrupted\n"
    assert (folder / "bot.log").read_text() == ""


def test_after_the_session_records_without_a_handler_are_masked(folder: Path) -> None:
    done = run(
        folder,
        f"""{START}
        setup_logging(sys.argv[1], console=False).close()
        class Broken:
            def __str__(self):
                raise RuntimeError("{SECRET}")
        logging.getLogger("lib").warning("text %s", "{SECRET}")
        logging.getLogger("lib").warning("text", exc_info=ValueError("{SECRET}"))
        logging.getLogger("lib").warning("text", exc_info=ValueError(Broken()))
        logging.getLogger("lib").warning("text %d", "{SECRET}")
        logging.getLogger("lib").info("too low")
        """,
    )
    assert done.stderr.splitlines() == [
        "text ***",
        "text (ValueError: ***)",
        "text (ValueError: <unprintable>)",
        "tradebot: a log record could not be shown",
    ]


def test_a_hook_of_somebody_else_is_left_alone(folder: Path) -> None:
    def theirs(*_: object) -> None: ...

    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    try:
        with setup_logging(folder, console=False):
            sys.excepthook = threading.excepthook = sys.unraisablehook = theirs
        assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == (theirs,) * 3
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before


def test_a_stderr_that_is_closed_or_missing_is_no_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bare_root: str
) -> None:
    with setup_logging(folder):
        monkeypatch.setattr(sys, "stderr", None)
        assert log_event("log_message")
        MaskedLastResort().emit(logging.makeLogRecord({"msg": "x"}))
    assert len((folder / "bot.log").read_text().splitlines()) == 1


def test_a_recorder_that_fails_says_which_event_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bare_root: str
) -> None:
    with setup_logging(folder, console=False):
        monkeypatch.setattr("tradebot.observability.writers.Writers.component", lambda *_: 1 / 0)
        assert log_event("unexpected_exception", "lost") is False
        logging.getLogger("lib").warning("lost")
    lines = [parse(line) for line in (folder / "bot.log").read_text().splitlines()]
    assert [(line.event, line.fields["msg"]) for line in lines] == [
        ("unexpected_exception", "<redaction-failed>"),
        ("log_message", "<redaction-failed>"),
    ]


def test_bindings_survive_a_new_session(tmp_path: Path, bare_root: str) -> None:
    register_secret(SECRET)
    with bind(zone=f"a {SECRET}"):
        with setup_logging(tmp_path / "one", console=False):
            log_event("log_message")
        with setup_logging(tmp_path / "two", console=False):
            log_event("log_message")
    for name in ("one", "two"):
        [line] = (tmp_path / name / "bot.log").read_text().splitlines()
        assert parse(line).fields["zone"] == "a ***"


def test_capturing_warnings_ends_with_the_session(folder: Path) -> None:
    with warnings.catch_warnings():
        before = warnings.showwarning
        with setup_logging(folder, console=False):
            assert warnings.showwarning is not before
        assert warnings.showwarning is before
