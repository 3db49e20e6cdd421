"""Made-up lines of orders and runs, and the answers of `tradebot logs` to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tradebot.logtools.desk import Copied
from tradebot.logtools.main import main
from tradebot.logtools.reading.entries import Entry
from tradebot.logtools.reading.folder import LogFile
from tradebot.observability.line import parse

REFERENCE = "ATB-20251217-0700-ABCDEFGHIJ"
RUN = "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a"


def told(
    event: str,
    fields: str = "",
    *,
    at: str = "2025-12-17T07:12:03.214Z",
    run: str = RUN,
    cycle: str = "42",
    level: str = "INFO",
    component: str = "orchestrator",
    single: str = "true",
) -> str:
    """One line, with its newline."""
    six = (
        f"run_id={run} cycle_id={cycle} dry_run=false single_cycle={single} env=SIM"
        " strategy=sma_cross/1.0"
    )
    return f"{at} | {level:<5} | {component} | {event} | {six}{' ' + fields if fields else ''}\n"


def of_order(event: str, fields: str = "", *, reference: str = REFERENCE, **more: str) -> str:
    """A line of an order."""
    return told(
        event,
        f"instrument_id=Stock:211 symbol=AAPL:xnas external_reference={reference} {fields}".strip(),
        component="execution.trade_executor",
        **more,
    )


def entries_of(lines: Sequence[str]) -> Iterator[Entry]:
    """As the log's reader gives them."""
    file = LogFile("bot.log")
    offset = 0
    for line in lines:
        raw = line.rstrip("\n").encode()
        yield Entry(parse(line), raw, file, offset)
        offset += len(raw) + 1


class Asked:
    """What a command answered."""

    def __init__(self, capsys: pytest.CaptureFixture[str], arguments: Sequence[object]) -> None:
        capsys.readouterr()
        self.code = main([str(argument) for argument in arguments], Copied())
        self.out, self.err = capsys.readouterr()

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def documents(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]
