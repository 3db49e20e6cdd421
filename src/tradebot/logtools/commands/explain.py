"""What an event, a reason, a broker's error code, a status, an exit code, a field or a finding
means, and what to do next. A whole line may be pasted (in quotes): every word of it is explained.

Exits with 0, and with 1 when the word is none of the log's; near ones are named then.
"""

from __future__ import annotations

import argparse
import sys

from tradebot.logtools.desk import FOUND, NOTHING, Desk
from tradebot.logtools.masking import masked_text
from tradebot.logtools.options import add_output
from tradebot.logtools.telling.table import harmless
from tradebot.logtools.words.explaining import explain, lines, nearest


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be typed behind `explain`."""
    parser.add_argument(
        "words",
        metavar="WORD",
        nargs="+",
        help="insufficient_cash, InsufficientCash, failure_reason=deadline, exit 75, 429, a whole "
        "line … ; - reads lines from standard input",
    )
    add_output(parser, "text", "json", "jsonl")


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Look it up, and tell."""
    text = " ".join(options.words)
    if text == "-":
        text = sys.stdin.read(1 << 20)
    # As tables show it: no outcome logged, unknown at broker.
    found = explain(text) or explain("_".join(text.split()))
    if desk.output == "json":
        desk.say_json([one.as_dict() for one in found])
    elif desk.output == "jsonl":
        for one in found:
            desk.say_json(one.as_dict())
    else:
        desk.say(*lines(found, desk.colour))
    if found:
        return FOUND
    near = ", ".join(nearest(text))
    hint = f"; near ones are {near}" if near else ""
    # It may be anything that was pasted.
    shown = harmless(masked_text(text[:80].strip()))
    desk.note(f"{shown!r} is no word of the log, nor a code the bot knows{hint}")
    return NOTHING
