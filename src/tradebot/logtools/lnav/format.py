"""The format that teaches lnav, a log viewer for the terminal, this log: made from the vocabulary.

python -m tradebot.logtools.lnav.format --write contrib/lnav/tradebot_log.json
python -m tradebot.logtools.lnav.format --check contrib/lnav/tradebot_log.json   1: out of date

Made for lnav 0.11 and newer: only keys that all of them know. The pattern reads pair after pair,
each by its own key, so it takes lines of other versions of the bot, whose fields differ, too; a
value that is not of its field's type (`-`, `***`) is no value in a column of numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tradebot.observability.schema import (
    BOOLEAN,
    INTEGER,
    LEVEL_NAMES,
    NO_UNIT,
    NUMBER,
    TEXT,
    Field,
)
from tradebot.vocabulary.fields import FIELDS

NAME = "tradebot_log"
"""The format, and the table of lnav's SQL."""

FILE_NAME = f"{NAME}.json"

_COLUMNS = {"commit": "commit_hash"}
"""What SQL does not take as the name of a column."""

_DROPPED = "rate_limit_"
"""Left out of the names of columns: lnav's patterns take at most 32 characters."""

_MEMBERS = ("session", "session_orders", "app_day")
"""Of a family such as `rate_limit_remaining_*`: the limits that Saxo documents."""

_LEVELS = {"DEBUG": "debug", "INFO": "info", "WARN": "warning", "ERROR": "error", "FATAL": "fatal"}

_BARE = "[A-Za-z0-9_.:/@%+*,~#-]++"
_VALUE = rf'(?:"(?>(?:[^"\\]++|\\.)*)"|{_BARE})'
_PAIR = rf"[A-Za-z_][A-Za-z0-9_.]*+={_VALUE}"
_TYPED = {
    INTEGER: ("integer", r"-?\d+(?![^ ])"),
    NUMBER: ("float", r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![^ ])"),
    BOOLEAN: ("boolean", "(?:true|false)(?![^ ])"),
}
"""lnav's kind, and what is read: such values stand bare."""

SAMPLES = (
    "2026-11-23T02:22:43.804Z | DEBUG | saxo.transport | http_request |"
    " run_id=ab2de778-a193-454a-924c-28f527d72fe2 cycle_id=1 dry_run=false single_cycle=true"
    " env=LOCAL strategy=sma_cross/1.0 client_key=*** account_key=*** http_method=GET"
    " http_url_path=/sim/openapi/port/v1/orders/me http_status=200 latency_ms=2"
    " saxo_request_id=d9252be4859ea2487007c4994c66cbd2#123#5221395e-6948-4b55-a2b0-d83b6673c958#2"
    " rate_limit_remaining_app_day=9999998 rate_limit_remaining_session=118"
    " rate_limit_reset_app_day=86400 rate_limit_reset_session=60 attempt=1",
    "2026-11-23T02:22:43.854Z | INFO  | execution.placement | execution_order_placed |"
    " run_id=ab2de778-a193-454a-924c-28f527d72fe2 cycle_id=1 dry_run=false single_cycle=true"
    " env=LOCAL strategy=sma_cross/1.0 instrument_id=Stock:10001 asset_type=Stock uic=10001"
    " symbol=MSFT:xnas client_key=*** account_key=*** http_status=200"
    " external_reference=ATB-20120720-0000-DTBT7IXVHQ order_id=5039287596",
    "2026-11-23T02:22:44.632Z | WARN  | saxo.transport | http_error |"
    " run_id=634f5d94-799a-46db-b972-aadcb791fd8e cycle_id=3 dry_run=false single_cycle=true"
    " env=LOCAL strategy=sma_cross/1.0 instrument_id=Stock:10001 asset_type=Stock uic=10001"
    " symbol=MSFT:xnas client_key=*** account_key=*** http_method=POST"
    " http_url_path=/sim/openapi/trade/v2/orders latency_ms=3"
    " external_reference=ATB-20120724-0000-ONRPPFYTY2 attempt=1 error_kind=connection_lost"
    ' msg="no whole answer to POST /trade/v2/orders (connection_lost)"',
    "2026-11-23T02:22:47.802Z | ERROR | orchestrator | cycle_failed |"
    " run_id=c1e81d1a-ed97-4054-85f9-ba7b39092437 cycle_id=7 dry_run=false single_cycle=true"
    ' env=LOCAL strategy=sma_cross/1.0 failure_reason=bad_answer phase=reconcile msg="GET'
    " /port/v1/accounts/me: the broker's answer is not what this endpoint promises: the body"
    ' is empty"',
    "2026-11-23T02:22:57.949Z | FATAL | app | startup_config_invalid |"
    " run_id=c8474118-d69e-400d-b93a-ed05d464e948 cycle_id=- dry_run=- single_cycle=true"
    ' env=- strategy=- problems=1 msg="SCHEDULE_CADENCE (in the environment): expected a'
    ' duration from 1s to 24h, such as 90s, 5m, 1h or plain seconds"',
)
"""Lines that were written by runs on the simulator; lnav reads them at each start."""


def format_file() -> str:
    """The format as JSON."""
    members = tuple(_members())
    definition = {
        "title": "AI-Tradebot",
        "description": "timestamp | LEVEL | component | event | key=value pairs",
        "url": "https://docs.lnav.org/en/latest/formats.html",
        "regex": {"line": {"pattern": _pattern(members)}},
        "timestamp-format": ["%Y-%m-%dT%H:%M:%S.%LZ"],
        "level-field": "level",
        "level": {_LEVELS[name]: name for name in LEVEL_NAMES.values()},
        "opid-field": "opid",
        "body-field": "body",
        # One record is one line: what does not match is foreign, and not the end of a record.
        "multiline": False,
        "value": {
            "component": {"kind": "string", "identifier": True},
            "event": {"kind": "string", "identifier": True},
            **{column(name): _value(field) for name, field in members},
        },
        "sample": [{"line": line, "level": _LEVELS[line.split()[2]]} for line in SAMPLES],
    }
    whole = {"$schema": "https://lnav.org/schemas/format-v1.schema.json", NAME: definition}
    return json.dumps(whole, indent=4, ensure_ascii=False) + "\n"


def column(name: str) -> str:
    """A field's column in lnav's SQL."""
    return _COLUMNS.get(name, name).removeprefix(_DROPPED)


def _members() -> Iterator[tuple[str, Field]]:
    for field in FIELDS:
        if field.name.endswith("*"):
            for member in _MEMBERS:
                yield field.name[:-1] + member, field
        else:
            yield field.name, field


def _pattern(members: Sequence[tuple[str, Field]]) -> str:
    known = "|".join(f"{name}=(?<{column(name)}>{_read(field)})" for name, field in members)
    # What belongs together: the lines of an order, and outside of orders those of a run.
    operation = (
        rf"(?>(?=(?|(?: {_PAIR})*? external_reference=(?<opid>{_BARE})| run_id=(?<opid>{_BARE})))?)"
    )
    return (
        r"^(?<timestamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
        rf" \| (?<level>{'|'.join(_LEVELS)}) *\| (?<component>{_BARE})"
        rf" \| (?<event>[a-z][a-z0-9_]*+) \|{operation}"
        rf"(?<body>(?>(?: (?:{known}|{_PAIR}))*).*)$"
    )


def _read(field: Field) -> str:
    return _TYPED[field.kind][1] if field.kind in _TYPED else _VALUE


def _value(field: Field) -> dict[str, object]:
    kind = _TYPED[field.kind][0] if field.kind in _TYPED else "quoted"
    unit = "" if field.unit in (None, NO_UNIT) else f" ({field.unit})"
    value: dict[str, object] = {"kind": kind, "description": field.meaning + unit}
    if field.unit == NO_UNIT:
        value["foreign-key"] = True  # a number that nobody draws as a graph
    if field.kind not in (*_TYPED, TEXT):
        value["identifier"] = True
    return value


def main(arguments: Sequence[str]) -> int:
    """Entry point of `python -m tradebot.logtools.lnav.format`."""
    parser = argparse.ArgumentParser(prog="python -m tradebot.logtools.lnav.format")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", type=Path, metavar="FILE", help="write the format")
    action.add_argument("--check", type=Path, metavar="FILE", help="exit code 1: not up to date")
    chosen = parser.parse_args(arguments)
    if chosen.write is not None:
        chosen.write.write_text(format_file(), encoding="utf-8", newline="\n")
        return 0
    path: Path = chosen.check
    if path.is_file() and path.read_text(encoding="utf-8") == format_file():
        return 0
    sys.stderr.write(
        f"{path} is out of date: run python -m tradebot.logtools.lnav.format --write {path}\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
