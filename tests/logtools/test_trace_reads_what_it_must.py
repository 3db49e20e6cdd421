"""Which files a trace reads, in which order, and how it says what it did not read."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from support.trace_desk import (
    ORDER,
    REFERENCE,
    RUN,
    line,
    order_lines,
    trace_command,
    traced,
    write,
)
from tradebot.journal import Created, Journal, Origin
from tradebot.logtools.reading.folder import log_of
from tradebot.logtools.tracing.reading_order import bar_day, days_in_turn, of_days
from tradebot.model import Action, ExecutionOutcome, InstrumentId, OrderState, Verdict

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """A file a day from 1 to 29 December 2025, an order on the 17th, `bot.log` on the 30th."""
    for day in range(1, 30):
        lines = [line(f"{day:02d}T06:00:00", "cycle_begin")]
        if day == 17:
            lines += order_lines("17T07:12:03")
        write(tmp_path / f"bot.log.2025-12-{day:02d}", lines)
    write(tmp_path / "bot.log", [line("30T06:00:00", "cycle_begin")])
    return tmp_path


def journal_with_the_order(path: Path, sent: datetime) -> Path:
    with Journal(path) as journal:
        origin = Origin("account", "sma_cross", RUN, 42)
        created = journal.orders.create_intent(
            origin,
            instrument=InstrumentId("Stock", 211),
            bar_time=datetime(2025, 12, 17, 7, 12, tzinfo=UTC),
            side=Action.BUY,
            quantity=Decimal(10),
            symbol=None,
            limit_price=None,
            reference_for=lambda _: REFERENCE,
            at=sent,
        )
        assert isinstance(created, Created)
        journal.orders.mark_sent(REFERENCE, at=sent)
        verdict = Verdict(ExecutionOutcome.SUCCESS, None, ORDER, OrderState.FILLED, Decimal(10))
        journal.orders.settle(REFERENCE, verdict, at=sent)
    return path


def names(read: dict[str, int]) -> list[str]:
    return sorted(Path(path).name.removeprefix("bot.log.2025-12-") for path in read)


def test_a_finished_order_is_read_with_a_neighbour_on_each_side(month: Path) -> None:
    trace, notes = traced(month, REFERENCE)
    assert len(trace.entries) == 4
    assert trace.finished
    assert names(notes.read) == ["16", "17", "18"]


def test_an_order_that_was_traded_days_after_its_bar(month: Path) -> None:
    write(month / "bot.log.2025-12-17", [line("17T06:00:00", "cycle_begin")])
    write(month / "bot.log.2025-12-22", order_lines("22T07:12:03"))
    trace, notes = traced(month, REFERENCE)
    assert len(trace.entries) == 4
    assert names(notes.read) == [str(day) for day in range(16, 24)]


@pytest.mark.parametrize("name", [REFERENCE, ORDER])
def test_the_journal_knows_when_it_was(month: Path, tmp_path: Path, name: str) -> None:
    write(month / "bot.log.2025-12-17", [line("17T06:00:00", "cycle_begin")])
    write(month / "bot.log.2025-12-28", order_lines("28T07:12:03"))
    sent = datetime(2025, 12, 28, 7, 12, 3, tzinfo=UTC)
    journal = journal_with_the_order(tmp_path / "state" / "journal.db", sent)
    trace, notes = traced(month, name, journal)
    assert len(trace.entries) == 4
    assert names(notes.read) == ["27", "28", "29"]


@pytest.mark.parametrize("outcome", ["", "RECONCILIATION_NEEDED", "SUCCESS"])
def test_an_order_without_a_final_verdict_is_looked_for_everywhere(
    month: Path, outcome: str
) -> None:
    lines = order_lines("17T07:12:03")[:-1]
    if outcome:
        lines.append(
            line("17T07:12:04", "execution_completed", external_reference=REFERENCE,
                 execution_outcome=outcome, order_state="working", order_id=ORDER)
        )  # fmt: skip
    write(month / "bot.log.2025-12-17", lines)
    write(month / "bot.log.2025-12-29", order_lines("29T07:12:03")[-1:])
    trace, notes = traced(month, REFERENCE)
    assert len(trace.entries) == len(lines) + 1
    assert len(notes.read) == 30


@pytest.mark.parametrize(("reason", "read"), [("not_placed", 9), ("insufficient_cash", 3)])
def test_a_verdict_that_may_be_contradicted_is_followed_for_a_week(
    month: Path, reason: str, read: int
) -> None:
    failed = line(
        "17T07:12:04", "execution_completed", external_reference=REFERENCE,
        execution_outcome="FAILED", failure_reason=reason,
    )  # fmt: skip
    write(month / "bot.log.2025-12-17", [*order_lines("17T07:12:03")[:2], failed])
    _, notes = traced(month, REFERENCE)
    assert len(notes.read) == read


def test_bars_of_another_decade_say_nothing(month: Path) -> None:
    old = "ATB-20120323-0712-ABCDEFGHIJ"
    write(month / "bot.log.2025-12-17", order_lines("17T07:12:03", old))
    trace, _ = traced(month, old)
    assert len(trace.entries) == 4


def test_what_was_not_read_is_said(month: Path, capfdbinary: Capture) -> None:
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(month))
    assert answer.code == 0
    assert "read: bot.log.2025-12-16, bot.log.2025-12-17, bot.log.2025-12-18" in answer.notes
    assert "not read: 27 other files" in answer.notes
    assert "why not: the story has its end" in answer.notes
    every = trace_command(capfdbinary, REFERENCE, "--all", "--logs", str(month))
    assert "read: 30 files" in every.notes
    assert "not read" not in every.notes
    assert every.out == answer.out


def test_not_found_is_said_after_everything_was_read(month: Path, capfdbinary: Capture) -> None:
    (month / "bot.log.2025-12-09").unlink()
    answer = trace_command(capfdbinary, "ATB-20251217-0712-AAAAAAAAAA", "--logs", str(month))
    assert (answer.code, answer.out) == (1, b"")
    assert "read: 29 files" in answer.notes
    assert "missing: no file has anything of 2025-12-09" in answer.notes
    assert "not found in 29 files of 2025-12-01 to 2025-12-30" in answer.notes


def test_lines_that_are_gone_and_the_journal_that_remembers(
    month: Path, tmp_path: Path, capfdbinary: Capture
) -> None:
    sent = datetime(2025, 11, 3, 7, 12, 3, tzinfo=UTC)
    journal = journal_with_the_order(tmp_path / "state" / "journal.db", sent)
    (month / "bot.log.2025-12-17").unlink()
    answer = trace_command(capfdbinary, REFERENCE, "--logs", str(month), "--journal", str(journal))
    assert answer.code == 1
    assert "the journal knows it" in answer.notes
    assert "SUCCESS 2025-11-03T07:12:03.000Z, filled, 10 filled" in answer.notes
    assert "so its lines are gone: LOG_RETENTION_DAYS" in answer.notes


def test_only_the_time_asked_for(month: Path, capfdbinary: Capture) -> None:
    where = ("--logs", str(month))
    outside = trace_command(capfdbinary, REFERENCE, *where, "--since", "2025-12-20")
    assert outside.code == 1
    assert "not found between --since and --until" in outside.notes
    inside = trace_command(
        capfdbinary, REFERENCE, *where, "--since", "2025-12-17", "--until", "2025-12-18"
    )
    assert inside.code == 0
    assert inside.text.count("execution_completed") == 1


# -- journals that cannot help ------------------------------------------------------------------


def damaged(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)


def newer(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()


def missing(path: Path) -> None:
    pass


def empty_of_tables(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE attempts")
    connection.close()


@pytest.mark.parametrize("spoil", [damaged, newer, foreign, missing, empty_of_tables])
@pytest.mark.parametrize("name", [REFERENCE, RUN])
def test_a_journal_that_cannot_help_is_a_note(
    month: Path, tmp_path: Path, capfdbinary: Capture, spoil: object, name: str
) -> None:
    assert callable(spoil)
    path = tmp_path / "state.db"
    spoil(path)
    answer = trace_command(capfdbinary, name, "--logs", str(month), "--journal", str(path))
    assert answer.code == 0
    assert "execution_completed" in answer.text
    helped = spoil is empty_of_tables and name == RUN  # its other tables are whole
    assert (f"the journal {path} was not asked" in answer.notes) is not helped
    assert "Nothing is sent" not in answer.notes


# -- the order of reading -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "day"),
    [
        (REFERENCE, date(2025, 12, 17)),
        ("ATB-20251399-0712-ABCDEFGHIJ", None),
        ("ATB-MANUAL", None),
        ("ATB-00000000-0000-ABCDEFGHIJ", None),
    ],
)
def test_the_day_of_the_bar(reference: str, day: date | None) -> None:
    assert bar_day(reference) == day


def test_the_last_days_of_time_are_no_trap() -> None:
    turns = list(days_in_turn((), ["ATB-99991231-0000-ABCDEFGHIJ", "ATB-00010101-0000-ABCDEFGHIJ"]))
    assert date.max in turns[0]
    assert date.min in turns[0]


def test_what_does_not_say_its_time_may_be_of_any_day(tmp_path: Path) -> None:
    write(tmp_path / "bot.log", [line("30T06:00:00", "cycle_begin")])
    write(tmp_path / "bot.log.1", ["no stamp at all"])
    write(tmp_path / "bot.log.2", [line("12T06:00:00", "cycle_begin")])
    write(tmp_path / "bot.log.2025-12-01", [line("01T06:00:00", "cycle_begin")])
    chosen = of_days(log_of([str(tmp_path)]), {date(2025, 12, 30)})
    assert [file.name for file in chosen] == ["bot.log.1", "bot.log"]
