"""Asks `tradebot logs why` about every pair of a month, and compares with what the plan says."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from support.month.books import NOT_WATCHED, Expected, Pair
from tradebot.logtools.desk import Surroundings, UsageProblem
from tradebot.logtools.main import main
from tradebot.logtools.reading.times import stamp


class Nowhere:
    """A copied folder of logs: nothing but what is named is there."""

    program = "tradebot logs"

    def log_dir(self, env_file: str | None) -> str:
        raise UsageProblem("--logs names the folder")

    def journals(self, env_file: str | None) -> Sequence[str]:
        return ()

    def settings(self, env_file: str | None) -> Sequence[tuple[str, str, str]]:
        return ()

    def secrets(self, env_file: str | None) -> Sequence[str]:
        return ()


NOWHERE: Surroundings = Nowhere()


def why(*arguments: str) -> tuple[int, str, str]:
    """`tradebot logs why …`: its exit code, what it says, and its notes."""
    out, notes = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(notes):
        code = main(["why", *arguments], NOWHERE)
    return code, out.getvalue(), notes.getvalue()


def asked(logs: Path, instrument: str, at: str) -> dict[str, Any]:
    """The one answer about an instrument at a time."""
    code, said, notes = why(instrument, "--at", at, "--logs", str(logs), "--output", "jsonl")
    lines = [json.loads(line) for line in said.splitlines()]
    assert len(lines) == 1, (instrument, at, said, notes)
    answer: dict[str, Any] = lines[0]
    assert code == int(answer["result"] in (NOT_WATCHED, "not_in_log")), notes
    return answer


def disagreements(logs: Path, pairs: Iterable[Pair]) -> list[str]:
    """Every pair about which `why` says something else than the plan, in words."""
    found = []
    for pair in pairs:
        answer = asked(logs, pair.instrument, stamp(pair.at))
        said = Expected(answer["result"], answer["reason"])
        slot = None if pair.slot is None else stamp(pair.slot)
        right = said == pair.expected and answer["slot"] in (slot, None)
        if not right or not (answer["meaning"] and answer["next_step"]):
            found.append(
                f"{pair.happening}: {pair.instrument} at {stamp(pair.at)} (slot {slot}): expected"
                f" {pair.expected}, said {said} of slot {answer['slot']}"
            )
    return found
