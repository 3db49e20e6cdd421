"""What a line carries: the six fields, bound context, required fields, libraries' records."""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tradebot.observability import (
    Session,
    bind,
    build_log_context,
    get_logger,
    log_event,
    setup_logging,
    update_context,
)
from tradebot.observability.line import LINE_LIMIT, VALUE_LIMIT, LogLine, parse
from tradebot.observability.schema import (
    CORRELATION,
    TEXT,
    Catalogue,
    Event,
    Field,
    SchemaError,
)
from tradebot.vocabulary import CATALOGUE

Lines = Callable[[], list[LogLine]]
SIX = list(CORRELATION)


def test_an_event_is_one_line_with_the_six_fields_first(session: Session, lines: Lines) -> None:
    assert log_event("cycle_begin", "hello world", slot="2025-12-17T07:10:00Z") is True

    [line] = lines()
    assert (line.level, line.event) == ("INFO", "cycle_begin")
    assert line.component == __name__.removeprefix("tradebot.")
    assert list(line.fields) == [*SIX, "slot", "msg"]
    assert line.fields["cycle_id"] == "42"
    assert line.fields["dry_run"] == "true"
    assert line.fields["msg"] == "hello world"


def test_what_is_not_known_yet_is_a_dash(folder: Path, bare_root: str) -> None:
    context = build_log_context("0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a", zone="x")
    with setup_logging(folder, context=context, console=False) as session:
        log_event("log_message")
        update_context(cycle_id=7, dry_run=False, zone=None)
        log_event("log_message")
        assert session.context["cycle_id"] == 7
    first, second = map(parse, (folder / "bot.log").read_text().splitlines())
    assert first.fields == {
        "run_id": "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a",
        **dict.fromkeys(SIX[1:], "-"),
        "zone": "x",
    }
    assert second.fields["cycle_id"] == "7"
    assert second.fields["dry_run"] == "false"
    assert "zone" not in second.fields


def test_fields_stand_in_the_declared_order(session: Session, lines: Lines) -> None:
    log_event(
        "execution_completed",
        "done",
        exc_info=ValueError("x"),
        invented="1",
        average_price=101.25,
        failure_reason="broker_refused",
        execution_outcome="FAILED",
        http_method="POST",
        order_id="5014229221",
        external_reference="ATB-20170306-0000-ABCDEFGHIJ",
        instrument_id="Stock:211",
        rate_limit_reset_session=3,
        account_key="LZTc7DdejXODf-WSl2aCyQ==",
    )

    [line] = lines()
    assert list(line.fields) == [
        *SIX,
        "instrument_id",
        "account_key",
        "http_method",
        "rate_limit_reset_session",
        "external_reference",
        "order_id",
        "execution_outcome",
        "failure_reason",
        "average_price",
        "invented",
        "msg",
        "exc_type",
        "exc_msg",
        "stack",
    ]
    assert line.fields["account_key"] == "LZT***yQ"


def test_numbers_booleans_and_texts_that_look_like_them(session: Session, lines: Lines) -> None:
    log_event("log_message", a=1, b=True, c="true", d=1.5, e=None, f="", g="null")

    path = session.path
    assert path is not None
    assert ' a=1 b=true c="true" d=1.5 g="null"\n' in path.read_text()
    assert list(lines()[0].fields) == [*SIX, "a", "b", "c", "d", "g"]


def test_the_six_always_win(session: Session, lines: Lines) -> None:
    with bind(cycle_id=1, env="LIVE"):
        log_event("log_message", run_id="mine", dry_run=False)
        logging.getLogger("lib").warning("x", extra={"cycle_id": 9, "strategy": "y"})

    for line in lines():
        assert line.fields["cycle_id"] == "42"
        assert line.fields["env"] == "SIM"
        assert line.fields["dry_run"] == "true"
        assert line.fields["strategy"] == "sma_cross/1.0"


def test_the_call_wins_over_bindings_and_the_inner_over_the_outer(
    session: Session, lines: Lines
) -> None:
    logger = get_logger("room", zone="logger", shelf="logger")
    with bind(zone="outer", drawer="outer"), bind(drawer="inner"):
        log_event("log_message", zone="call", logger=logger)
        log_event("log_message", drawer=None, logger=logger)
        logger.info("x", extra={"drawer": "call"})
    log_event("log_message", logger=logger)

    first, second, third, fourth = (
        {key: line.fields.get(key) for key in ("zone", "shelf", "drawer")} for line in lines()
    )
    assert first == {"zone": "call", "shelf": "logger", "drawer": "inner"}
    assert second == {"zone": "outer", "shelf": "logger", "drawer": None}
    assert third == {"zone": "outer", "shelf": "logger", "drawer": "call"}
    assert fourth == {"zone": "logger", "shelf": "logger", "drawer": None}


def test_a_child_logger_keeps_its_parents_context(session: Session, lines: Lines) -> None:
    parent = get_logger("tradebot.room", zone="a")
    parent.getChild("shelf", drawer="b").info("1")
    get_logger(parent, drawer="c").info("2")
    logging.LoggerAdapter(parent, {"drawer": "d"}).info("3")

    components = [line.component for line in lines()]
    assert components == ["room.shelf", "room", "room"]
    assert [line.fields["zone"] for line in lines()] == ["a"] * 3
    assert [line.fields.get("drawer") for line in lines()][:2] == ["b", "c"]


def test_a_logger_without_a_name_is_the_calling_modules(session: Session, lines: Lines) -> None:
    get_logger().info("x")
    log_event("log_message", logger="tradebot.execution.placement")

    assert [line.component for line in lines()] == [__name__, "execution.placement"]


def test_names_that_logging_keeps_for_itself_do_not_break_a_call(
    session: Session, lines: Lines
) -> None:
    get_logger("x", lineno="n", args="a", message="m").info("hi", extra={"module": "mo"})
    log_event("log_message", name="n", module="m", level_="x")

    first, second = lines()
    assert [first.fields[key] for key in ("lineno_", "args_", "message_", "module_")] == [
        "n",
        "a",
        "m",
        "mo",
    ]
    assert second.fields["name"] == "n"


def test_threads_and_tasks_have_their_own_bindings(session: Session, lines: Lines) -> None:
    async def task(name: str) -> None:
        with bind(zone=name):
            await asyncio.sleep(0)
            log_event("log_message", f"task {name}")

    async def both() -> None:
        await asyncio.gather(task("a"), task("b"))

    with bind(zone="main"):
        thread = threading.Thread(target=log_event, args=("log_message", "thread"))
        thread.start()
        thread.join()
        asyncio.run(both())

    zones = {line.fields["msg"]: line.fields.get("zone") for line in lines()}
    assert zones == {"thread": None, "task a": "a", "task b": "b"}


def test_strict_mode_raises_for_an_unknown_event_or_a_missing_field(
    session: Session, lines: Lines
) -> None:
    with pytest.raises(SchemaError, match="unknown event nonsense"):
        log_event("nonsense")
    with pytest.raises(SchemaError, match="cycle_skip_slot lacks slot"):
        log_event("cycle_skip_slot", slot=None, reason="late")
    with bind(slot="2025-12-17T07:10:00Z"):
        assert log_event("cycle_skip_slot", reason="late")
    assert len(lines()) == 1


def test_in_production_the_line_is_written_and_says_what_is_wrong(
    folder: Path, bare_root: str
) -> None:
    with setup_logging(folder, catalogue=CATALOGUE, console=False):
        assert log_event("nonsense", zone="a")
        assert log_event("cycle_skip_slot", reason="late")
        assert log_event("auth_login_required")

    first, second, third = map(parse, (folder / "bot.log").read_text().splitlines())
    assert (first.level, first.event) == ("WARN", "log_message")
    assert first.fields["schema_error"] == "unknown event nonsense"
    assert (second.level, second.event) == ("WARN", "cycle_skip_slot")
    assert second.fields["schema_error"] == "cycle_skip_slot lacks slot"
    assert "schema_error" not in third.fields


def test_a_field_nobody_declared_is_written_by_the_rule_of_doubt(
    session: Session, lines: Lines
) -> None:
    """No schema_error, also in strict mode: a library's fields are nobody's mistake."""
    assert log_event("cycle_begin", shelf="two words", number=7, blob="q8Zk2v9XwLr4TnPs", token="x")

    [line] = lines()
    assert line.level == "INFO"
    assert "schema_error" not in line.fields
    assert {key: line.fields[key] for key in ("shelf", "number", "blob", "token")} == {
        "shelf": "two words",
        "number": "7",
        "blob": "q8Z***Ps",
        "token": "***",
    }


def test_a_value_of_another_type_than_declared_is_treated_as_undeclared(
    session: Session, lines: Lines
) -> None:
    """What the broker sends decides many values: a new error code must not make a line WARN."""
    assert log_event(
        "cycle_begin",
        lateness_seconds="none at all",
        slot="q8Zk2v9XwLr4TnPs",
        error_code="New-Code",
        uic=1.5,
        recoverable=3,
    )

    [line] = lines()
    assert line.level == "INFO"
    assert "schema_error" not in line.fields
    written = ("lateness_seconds", "slot", "error_code", "uic", "recoverable")
    assert [line.fields[key] for key in written] == [
        "none at all",
        "q8Z***Ps",
        "New-Code",
        "1.5",
        "3",
    ]


@pytest.mark.parametrize("name", ["Cycle", "two words", "a|b", "", "é", "a\nb", "1st"])
def test_a_name_that_would_break_the_line_cannot_be_declared(name: str) -> None:
    event = Event(name, logging.INFO, "Meaning.", "Nothing.")
    with pytest.raises(ValueError, match=r"event name .* cannot stand in a line"):
        Catalogue([event], [])


@pytest.mark.parametrize("name", ["two words", "a=b", "", "é", "a-b", "1st", "k" * 65, "a*b", "*"])
def test_a_key_that_would_be_rewritten_cannot_be_declared(name: str) -> None:
    with pytest.raises(ValueError, match=r"field name .* cannot stand in a line"):
        Catalogue([], [Field(name, TEXT, "what it means")])


def test_an_event_may_only_name_declared_fields() -> None:
    event = Event("mine", logging.INFO, "Meaning.", "Nothing.", required=("thing",))
    with pytest.raises(ValueError, match="event mine names the unregistered field thing"):
        Catalogue([event], [])
    with pytest.raises(ValueError, match="mine is declared twice"):
        Catalogue([Event("mine", logging.INFO, "Meaning.", "Nothing.")] * 2, [])


def test_a_librarys_record_is_a_log_message(session: Session, lines: Lines) -> None:
    logging.getLogger("some lib").warning("read %d of %s", 3, "x\ny", extra={"zone": "a"})
    logging.getLogger().error("root")
    logging.getLogger("odd").log(35, "between")

    first, root, odd = lines()
    assert (first.level, first.component, first.event) == ("WARN", "some_lib", "log_message")
    assert first.fields["msg"] == "read 3 of x\ny"
    assert first.fields["zone"] == "a"
    assert list(first.fields)[:6] == SIX
    assert (root.component, odd.level) == ("root", "WARN")


def test_urllib3_stays_quiet_below_warning(session: Session, lines: Lines) -> None:
    logging.getLogger("urllib3.connectionpool").info("Starting new HTTPS connection (1): x:443")
    assert lines() == []


def test_arguments_that_do_not_fit_do_not_break_the_call(session: Session, lines: Lines) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("secret-ish")

    root = logging.getLogger()
    foreign = [handler for handler in root.handlers if type(handler).__module__ != "x"]
    ours = [handler for handler in foreign if "observability" in type(handler).__module__]
    root.handlers[:] = ours  # pytest's own handlers raise for such a call
    try:
        logging.getLogger("lib").warning("%d items", "many")
        logging.getLogger("lib").warning("%s", Broken())
        logging.getLogger("lib").warning(Broken())
    finally:
        root.handlers[:] = foreign
    log_event("log_message", thing=Broken())

    texts = [line.fields.get("msg") for line in lines()]
    assert texts[:3] == [
        "%d items <redaction-failed>",
        "%s <redaction-failed>",
        "<redaction-failed> <redaction-failed>",
    ]
    assert lines()[3].fields["thing"] == "<redaction-failed>"


def test_an_exception_is_three_fields_without_local_variables(
    session: Session, lines: Lines
) -> None:
    def fail() -> None:
        local = "local value zyzzogeton"
        raise ValueError(f"wrong: {len(local)}")

    try:
        fail()
    except ValueError as error:
        log_event("unexpected_exception", exc_info=True)
        log_event("unexpected_exception", exc_info=error)
        log_event("unexpected_exception", exc_info=(ValueError, error, error.__traceback__))
        logging.getLogger("lib").exception("failed")
    log_event("unexpected_exception", exc_info=True)

    *with_exception, without = lines()
    assert len(with_exception) == 4
    for line in with_exception:
        assert line.fields["exc_type"] == "ValueError"
        assert line.fields["exc_msg"] == "wrong: 22"
        assert line.fields["stack"].startswith("Traceback (most recent call last):\n")
        assert "in fail\n" in line.fields["stack"]
        assert "zyzzogeton" not in line.fields["stack"]
    assert "exc_type" not in without.fields


def test_an_exception_that_cannot_be_shown(session: Session, lines: Lines) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    log_event("unexpected_exception", exc_info=Broken())
    assert lines()[0].fields["exc_type"] == "Broken"
    assert lines()[0].fields["exc_msg"] == "<redaction-failed>"


def test_warnings_are_logged(session: Session, lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("do not", UserWarning, stacklevel=1)
        logging.captureWarnings(False)

    [line] = lines()
    assert (line.component, line.level) == ("py.warnings", "WARN")
    assert "UserWarning: do not" in line.fields["msg"]


def test_values_and_lines_are_cut(session: Session, lines: Lines) -> None:
    words = "word " * 8000
    log_event("log_message", words)
    with bind(**{f"text{i}": words for i in range(5)}):
        log_event("log_message")
    with bind(**{f"key{i:03}": "word " * 40 for i in range(200)}):
        log_event("log_message")
    log_event("log_message", "é\n" * 9000)

    path = session.path
    assert path is not None
    for raw in path.read_bytes().splitlines():
        assert len(raw) < LINE_LIMIT
    first, several, many, wide = lines()
    for line in (first, several, many, wide):
        assert line.fields["truncated"] == "true"
        assert list(line.fields)[-1] == "truncated"
        assert list(line.fields)[:6] == SIX
    assert VALUE_LIMIT - 10 < len(first.fields["msg"]) <= VALUE_LIMIT
    assert words.startswith(first.fields["msg"])


def test_of_a_long_traceback_the_end_is_kept(session: Session, lines: Lines) -> None:
    error: Exception = ValueError("the first one")
    for number in range(200):
        following = RuntimeError(f"number {number} " + "x y " * 20)
        following.__cause__ = error
        error = following
    log_event("unexpected_exception", exc_info=error)

    [line] = lines()
    assert line.fields["truncated"] == "true"
    assert line.fields["stack"].endswith(f"RuntimeError: {error}")
