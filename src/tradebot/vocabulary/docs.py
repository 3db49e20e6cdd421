"""The vocabulary as documentation: docs/events.md, docs/reasons.md, docs/broker-codes.md, and the
field table in docs/logging.md.

python -m tradebot.vocabulary.docs --write     after a change of the vocabulary
python -m tradebot.vocabulary.docs --check     exit code 1 when a page is not up to date
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tradebot.observability.schema import Event, Field, level_name
from tradebot.vocabulary.broker_page import broker_page
from tradebot.vocabulary.events import EVENTS
from tradebot.vocabulary.fields import FIELDS
from tradebot.vocabulary.reasons import (
    DecisionReason,
    Difference,
    FailureReason,
    MissedReason,
    SkipReason,
)
from tradebot.vocabulary.states import Outcome, Standing, State

BEGIN = "<!-- field table: begin (python -m tradebot.vocabulary.docs --write) -->"
END = "<!-- field table: end -->"

_EVENTS_INTRODUCTION = """\
# Events

<!-- Made by python -m tradebot.vocabulary.docs --write: change the vocabulary, not this. -->

Every line of the log is one of these. Beside the fields listed, each line carries `run_id`,
`cycle_id`, `dry_run`, `single_cycle`, `env` and `strategy`, and may carry any field that was bound
around it (an order's `external_reference`, for example). [logging.md](logging.md) explains the
format and every field.

| event | level | meaning |
|---|---|---|
"""

_REASONS_INTRODUCTION = """\
# Reasons

<!-- Made by python -m tradebot.vocabulary.docs --write: change the vocabulary, not this. -->

Every word that stands after `reason=`, `failure_reason=` or `difference=`, and the words for how an
order ended or stands. They are stable: search for them. `tradebot logs explain WORD` says the same.
"""
_REASON_TABLES = (
    (
        "Why an instrument was bought, sold, held or skipped",
        "`strategy_decision` has one for each watched instrument in each cycle: the first that"
        " applied. A strategy of your own may use other words for its signals.",
        DecisionReason,
    ),
    (
        "Why a cycle looked at no instrument",
        "On `cycle_skip_outside_trading_hours`, `cycle_skip_slot` and `cycle_skip_paused`.",
        SkipReason,
    ),
    (
        "Why something that was begun did not succeed",
        "`failure_reason` of an intent, a request or a login; absent on SUCCESS.",
        FailureReason,
    ),
    (
        "How the journal and the broker disagree",
        "`difference` of what `tradebot orders check` finds; `orders_check_difference` in the log.",
        Difference,
    ),
    (
        "Why there was no run in a slot",
        "On `schedule_runs_missed`; `tradebot schedule missed` says it of any time.",
        MissedReason,
    ),
    ("How an intent ended", "`execution_outcome` of `execution_completed`.", Outcome),
    ("How an accepted order stands", "`order_state`; absent where there is no order.", State),
    (
        "What the broker's lists say of an order",
        "`reconcile_result` of `execution_reconcile_result`.",
        Standing,
    ),
)


def events_page() -> str:
    """docs/events.md, whole."""
    rows = "".join(
        f"| [{event.name}](#{event.name}) | {level_name(event.level)} | {event.meaning} |\n"
        for event in EVENTS
    )
    return _EVENTS_INTRODUCTION + rows + "".join(map(_event_section, EVENTS))


def _event_section(event: Event) -> str:
    return (
        f"\n## {event.name}\n\n"
        f"{event.meaning}\n\n"
        f"* Level: {level_name(event.level)}{' (audit)' if event.audit else ''}\n"
        f"* Always has: {_names(event.required)}\n"
        f"* May have: {_names(event.optional)}\n"
        f"* What to do next: {event.next_step}\n"
    )


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing more"


def reasons_page() -> str:
    """docs/reasons.md, whole."""
    return _REASONS_INTRODUCTION + "".join(
        f"\n## {title}\n\n{text}\n\n| word | meaning | what to do next |\n|---|---|---|\n"
        + "".join(f"| `{word.value}` | {word.meaning} | {word.next_step} |\n" for word in words)
        for title, text, words in _REASON_TABLES
    )


def field_table() -> str:
    """The table of all fields, in the order of a line."""
    head = "| field | type | unit | treatment | meaning |\n|---|---|---|---|---|\n"
    return head + "".join(map(_field_row, FIELDS))


def _field_row(field: Field) -> str:
    meaning = field.meaning.replace("|", "\\|")
    if field.max_length is not None:
        meaning += f" (at most {field.max_length} characters)"
    row = (f"`{field.name}`", field.kind.name, field.unit or "", field.treatment.value, meaning)
    return f"| {' | '.join(row)} |\n"


def with_field_table(page: str) -> str:
    """`page` with its table between the markers made anew. Raises ValueError without markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no table between {BEGIN!r} and {END!r}")
    return f"{before}{begin}\n\n{field_table()}\n{end}{after}"


def pages(folder: Path) -> dict[Path, str]:
    """What the pages in `folder` (docs/) should hold. Raises OSError, ValueError."""
    logging_page = folder / "logging.md"
    return {
        folder / "events.md": events_page(),
        folder / "reasons.md": reasons_page(),
        folder / "broker-codes.md": broker_page(),
        logging_page: with_field_table(logging_page.read_text(encoding="utf-8")),
    }


def stale(folder: Path) -> list[Path]:
    """The pages that differ from what they should hold."""
    return [
        path
        for path, text in pages(folder).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the pages. Exit code 0, or 1 when `--check` finds a stale one."""
    parser = argparse.ArgumentParser(prog="python -m tradebot.vocabulary.docs", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="bring the pages up to date")
    action.add_argument("--check", action="store_true", help="fail when a page is out of date")
    parser.add_argument(
        "--docs", type=Path, default=Path(__file__).parents[3] / "docs", help="the docs folder"
    )
    chosen = parser.parse_args(arguments)
    outdated = stale(chosen.docs)
    if chosen.write:
        for path, text in pages(chosen.docs).items():
            path.write_text(text, encoding="utf-8")
        return 0
    for path in outdated:
        sys.stderr.write(f"{path} is out of date: run python -m tradebot.vocabulary.docs --write\n")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
