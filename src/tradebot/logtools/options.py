"""Options that several commands share, with one meaning everywhere."""

from __future__ import annotations

import argparse
from datetime import datetime

from tradebot.logtools.desk import Desk, UsageProblem
from tradebot.logtools.reading.entries import Selection
from tradebot.logtools.reading.times import EXPECTED, parse_time, stamp
from tradebot.logtools.tracing.subjects import subject_of

OUTPUTS = ("text", "raw", "json", "jsonl")
ENV_FILE_HELP = "read this file instead of the .env in the bot's own folder"


def add_where(parser: argparse.ArgumentParser) -> None:
    """`--logs`, `--env-file`: which log is read."""
    parser.add_argument(
        "--logs",
        metavar="PATH",
        action="append",
        default=[],
        help="a folder with bot.log and its rotated files, a file (also .gz), or - for standard "
        "input; may be given several times (default: LOG_DIR)",
    )
    parser.add_argument("--env-file", metavar="FILE", help=ENV_FILE_HELP)


def add_journal(parser: argparse.ArgumentParser) -> None:
    """`--journal`: where times and states come from beside the log."""
    parser.add_argument(
        "--journal",
        metavar="FILE",
        help="ask this journal.db too (default: the bot's own, when its own log is read)",
    )


def add_times(parser: argparse.ArgumentParser) -> None:
    """`--since`, `--until`, `--local`."""
    parser.add_argument("--since", metavar="TIME", help="at this time or later")
    parser.add_argument("--until", metavar="TIME", help="before this time")
    add_local(parser)


def add_local(parser: argparse.ArgumentParser) -> None:
    """`--local`."""
    parser.add_argument(
        "--local",
        action="store_true",
        help="read and show times in this machine's zone instead of UTC",
    )


def add_output(parser: argparse.ArgumentParser, *choices: str) -> None:
    """`--output`: for people (text), as the lines stand in the log (raw), or for programs."""
    parser.add_argument(
        "--output",
        choices=choices or OUTPUTS,
        default="text",
        help="for people, as the lines are in the log, or for programs (default: text)",
    )


def add_filters(parser: argparse.ArgumentParser) -> None:
    """`FIELD=VALUE …`."""
    parser.add_argument(
        "filters",
        metavar="FIELD=VALUE",
        nargs="*",
        help="only lines with this value; the same field twice means either, different fields "
        "both; event, level and component count as fields",
    )


def time_text(desk: Desk, name: str, text: str | None) -> str:
    """A time option as a timestamp; an empty text for none. Raises UsageProblem."""
    return "" if text is None else stamp(time_of(desk, name, text))


def time_of(desk: Desk, name: str, text: str) -> datetime:
    """What a time option means. Raises UsageProblem."""
    try:
        return parse_time(text, desk.now, desk.zone)
    except (ValueError, OverflowError):
        raise UsageProblem(
            f"{name}: {text!r} is no time that is understood; write {EXPECTED}"
        ) from None


def selection(desk: Desk, options: argparse.Namespace) -> Selection:
    """What `--since`, `--until` and `FIELD=VALUE` ask for, masked but for `--output raw`. Raises
    UsageProblem."""
    since = time_text(desk, "--since", getattr(options, "since", None))
    until = time_text(desk, "--until", getattr(options, "until", None))
    if since and until and since >= until:
        raise UsageProblem("--since is not before --until, so there is nothing between them")
    filters = filters_of(getattr(options, "filters", ()))
    return Selection(since, until, filters, masked=desk.output != "raw")


def filters_of(texts: list[str] | tuple[str, ...]) -> dict[str, frozenset[str]]:
    """`FIELD=VALUE` texts as a selection's fields. Raises UsageProblem."""
    wanted: dict[str, set[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise UsageProblem(f"{text!r} is no FIELD=VALUE, for example level=ERROR")
        wanted.setdefault(name, set()).add(value)
        if (pasted := subject_of(text)) is not None:  # in another case, or with quotes
            wanted[name].add(pasted.value)
    return {name: frozenset(values) for name, values in wanted.items()}
