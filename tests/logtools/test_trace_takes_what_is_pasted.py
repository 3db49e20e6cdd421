"""An id as people have it: from a line, a mail, a shell's history."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.trace_desk import (
    ORDER,
    OTHER_RUN,
    REFERENCE,
    RUN,
    line,
    order_lines,
    trace_command,
    write,
)
from tradebot.logtools.tracing.subjects import Kind, subject_of

Capture = pytest.CaptureFixture[bytes]


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        REFERENCE.lower(),
        f"external_reference={REFERENCE}",
        f' "{REFERENCE}",\n',
        f"'external_reference = {REFERENCE.lower()}'",
        f"{REFERENCE}:",
        f"`{REFERENCE}`",
        f"order {REFERENCE} failed",
        f"({REFERENCE}).",
    ],
)
def test_a_reference(text: str) -> None:
    subject = subject_of(text)
    assert subject is not None
    assert (subject.kind, subject.value) == (Kind.REFERENCE, REFERENCE)


@pytest.mark.parametrize("text", [ORDER, f" {ORDER} ", f"order_id={ORDER}", f'order_id="{ORDER}"'])
def test_digits_are_an_order(text: str) -> None:
    subject = subject_of(text)
    assert subject is not None
    assert (subject.kind, subject.value) == (Kind.ORDER, ORDER)


@pytest.mark.parametrize("text", [RUN, RUN.upper(), f"run_id={RUN}", f"<{RUN}>"])
def test_a_run(text: str) -> None:
    subject = subject_of(text)
    assert subject is not None
    assert (subject.kind, subject.value) == (Kind.RUN, RUN)


def test_any_other_field() -> None:
    subject = subject_of("slot=2025-12-17T07:12:00Z")
    assert subject is not None
    assert (subject.kind, subject.fields) == (Kind.FIELD, ("slot",))


@pytest.mark.parametrize(
    "text", ["", " ", "hello", "order_id=", "order_id=abc", "=5", "ATB-", "a b=c", "run_id=42"]
)
def test_what_is_no_id(text: str, tmp_path: Path, capfdbinary: Capture) -> None:
    assert subject_of(text) is None
    write(tmp_path / "bot.log", [line("17T07:12:03", "cycle_begin")])
    with pytest.raises(SystemExit) as end:
        trace_command(capfdbinary, text, "--logs", str(tmp_path))
    assert end.value.code == 2
    assert (
        "is no id that is understood; give an external reference"
        in capfdbinary.readouterr()[1].decode()
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [
        line("17T07:12:01", "startup_begin", cycle_id="-"),
        *order_lines("17T07:12:03"),
        line("17T07:12:04", "log_message", msg=f'"look at {REFERENCE}, please"'),
        line("17T07:12:05", "log_message", external_reference=f"{REFERENCE}-COPY"),
        line("17T07:12:06", "execution_orphan_found", order_id=ORDER,
             external_reference="ATB-20250101-0000-OTHERCLONE"),
        line("17T07:12:07", "orders_check_difference", order_id=ORDER, difference="unknown_order"),
        line("17T07:12:08", "http_error", saxo_request_id="9a8f4f6e-2f0e-4b8e-9a34-6f5a3a1c9d10"),
        line("17T07:12:09", "cycle_end", exit_code="0"),
        line("17T07:13:00", "run_killed_found", run_id=OTHER_RUN, killed_run_id=RUN),
    ]  # fmt: skip
    write(tmp_path / "bot.log", lines)
    return tmp_path


def test_a_mention_is_no_line_of_its_own(folder: Path, capfdbinary: Capture) -> None:
    answer = trace_command(capfdbinary, REFERENCE, "--output", "raw", "--logs", str(folder))
    assert answer.text.splitlines() == order_lines("17T07:12:03")
    assert f"{REFERENCE} also stands in 1 line that is not its own" in answer.notes


def test_an_order_id_brings_the_whole_order_and_what_has_only_the_id(
    folder: Path, capfdbinary: Capture
) -> None:
    answer = trace_command(capfdbinary, ORDER, "--output", "raw", "--logs", str(folder))
    events = [text.split(" | ")[3] for text in answer.text.splitlines()]
    assert events == [
        "execution_intent_created", "execution_order_sending", "execution_order_placed",
        "execution_completed", "execution_orphan_found", "orders_check_difference",
    ]  # fmt: skip


def test_a_run_has_its_own_lines_and_the_one_that_found_it_dead(
    folder: Path, capfdbinary: Capture
) -> None:
    answer = trace_command(capfdbinary, RUN, "--output", "raw", "--logs", str(folder))
    assert len(answer.text.splitlines()) == 12
    assert answer.text.splitlines()[-1].split(" | ")[3] == "run_killed_found"


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("saxo_request_id=9a8f4f6e-2f0e-4b8e-9a34-6f5a3a1c9d10", "http_error"),
        ("9A8F4F6E-2f0e-4b8e-9a34-6f5a3a1c9d10", "http_error"),
        ("difference=unknown_order", "orders_check_difference"),
        (f"request_id={OTHER_RUN}", "execution_order_sending"),
    ],
)
def test_other_ids(folder: Path, capfdbinary: Capture, name: str, event: str) -> None:
    answer = trace_command(capfdbinary, name, "--output", "raw", "--logs", str(folder))
    assert [text.split(" | ")[3] for text in answer.text.splitlines()] == [event]


def test_several_at_once_each_once(folder: Path, capfdbinary: Capture) -> None:
    ids = (
        REFERENCE,
        f"external_reference={REFERENCE}",
        "exit_code=0",
        "ATB-20251217-0712-NOTTHERE23",
    )
    answer = trace_command(capfdbinary, *ids, "--output", "raw", "--logs", str(folder))
    assert answer.code == 1
    assert len(answer.text.splitlines()) == 5
    assert "ATB-20251217-0712-NOTTHERE23: not found" in answer.notes


def test_a_mistyped_letter(folder: Path, capfdbinary: Capture) -> None:
    answer = trace_command(capfdbinary, "ATB-20251217-0712-ABCDEFGH1J", "--logs", str(folder))
    assert "is a 0 an O, a 1 an I" in answer.notes
