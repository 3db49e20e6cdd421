"""`tradebot logs trace` on a folder of its own, and a slow answer to hold it against."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tradebot.logtools.desk import Copied, Surroundings
from tradebot.logtools.main import main
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.folder import log_of
from tradebot.logtools.stories.journal_side import Known, ask
from tradebot.logtools.tracing.subjects import Kind, subject_of
from tradebot.logtools.tracing.trace import Trace, Tracer

RUN = "0b7f4f6e-2f0e-4b8e-9a34-6f5a3a1c9d10"
OTHER_RUN = "1c8f4f6e-2f0e-4b8e-9a34-6f5a3a1c9d11"
REFERENCE = "ATB-20251217-0712-ABCDEFGHIJ"
ORDER = "5001234567"

_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')


@dataclass
class Answer:
    code: int
    out: bytes
    notes: str

    @property
    def text(self) -> str:
        return self.out.decode()


def trace_command(
    capture: pytest.CaptureFixture[bytes],
    *arguments: str,
    surroundings: Surroundings | None = None,
) -> Answer:
    """What the command answers, run in this process."""
    capture.readouterr()
    code = main(["trace", *arguments], surroundings or Copied())
    captured = capture.readouterr()
    return Answer(code, captured.out, captured.err.decode())


def traced(folder: Path, identity: str, journal: Path | None = None) -> tuple[Trace, Notes]:
    """The trace itself, with the notes of the reading."""
    subject = subject_of(identity)
    assert subject is not None
    known: dict[str, Known] = {}
    if journal is not None:
        ids = {kind: [subject.value] if subject.kind is kind else [] for kind in Kind}
        known, problems = ask([str(journal)], ids[Kind.ORDER], ids[Kind.REFERENCE], ids[Kind.RUN])
        assert problems == []
    notes = Notes()
    return Tracer(log_of([str(folder)]), notes, known).trace(subject), notes


def all_lines(folder: Path) -> list[bytes]:
    """Every line of the folder's log, by time: read slowly and simply."""
    lines: list[bytes] = []
    for path in sorted(folder.glob("bot.log*"), key=lambda path: (path.name == "bot.log", path)):
        data = path.read_bytes()
        plain = gzip.decompress(data) if path.suffix == ".gz" else data
        lines += [line for line in plain.split(b"\n") if line]
    return sorted(lines, key=lambda line: line[:24])


def with_value(lines: Iterable[bytes], *values: tuple[str, str]) -> list[bytes]:
    """The lines on which one of these fields has this value; what stands in quotes is no field."""
    wanted = [(f" {name}={value}".encode(), value.encode()) for name, value in values]
    return [
        text
        for text in lines
        if any(value in text for _, value in wanted)
        and any(pair + b" " in _QUOTED.sub(b'""', text) + b" " for pair, _ in wanted)
    ]


def line(
    moment: str,
    event: str,
    *,
    run_id: str = RUN,
    cycle_id: str = "42",
    single_cycle: str = "true",
    level: str = "INFO",
    **fields: str,
) -> str:
    """A line as the bot writes it, without its newline. `moment` is `17T07:12:03` of 2025-12."""
    correlation = (
        f"run_id={run_id} cycle_id={cycle_id} dry_run=false single_cycle={single_cycle} env=SIM"
        " strategy=sma_cross/1.0.0"
    )
    pairs = " ".join(f"{name}={value}" for name, value in fields.items())
    text = f"2025-12-{moment}.000Z | {level:<5} | execution.test | {event} | {correlation} {pairs}"
    return text.rstrip()


def order_lines(
    moment: str, reference: str = REFERENCE, order_id: str = ORDER, **more: str
) -> list[str]:
    """A filled order within one second."""
    return [
        line(moment, "execution_intent_created", external_reference=reference,
             instrument_id="Stock:211", side="BUY", quantity="10", attempt="1",
             bar_time="2025-12-17T07:12:00Z", **more),
        line(moment, "execution_order_sending", external_reference=reference,
             instrument_id="Stock:211", request_id=OTHER_RUN, **more),
        line(moment, "execution_order_placed", external_reference=reference,
             instrument_id="Stock:211", order_id=order_id, **more),
        line(moment, "execution_completed", external_reference=reference,
             instrument_id="Stock:211", order_id=order_id, execution_outcome="SUCCESS",
             order_state="filled", filled_quantity="10", average_price="101.25", **more),
    ]  # fmt: skip


def write(path: Path, lines: Iterable[str], end: str = "\n") -> Path:
    path.write_bytes("".join(text + end for text in lines).encode())
    return path
