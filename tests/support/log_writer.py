"""A process that logs numbered lines until it has written enough or is told to stop.

It also ends when whoever started it is gone.

`python log_writer.py '{"folder": …, "name": …}'`; the other options have defaults below. After
each call that came back, `name`.told says what it answered: one line, `number answer`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradebot.observability import log_event, setup_logging

DEFAULTS = {
    "count": 1_000_000,
    "pause": 0.0005,
    "stop": "",
    "audit_every": 1,
    "padding": None,
    "session": {},
}
"""How many lines, seconds between them, a file whose existence ends it, how many lines to one that
belongs to the audit trail, a text that makes them longer, and arguments of `setup_logging`."""


def main(given: Mapping[str, Any]) -> None:
    options = {**DEFAULTS, **given}
    folder, name, parent = Path(options["folder"]), options["name"], os.getppid()
    told = os.open(folder.parent / f"{name}.told", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with setup_logging(folder, console=False, **options["session"]):
        for number in range(options["count"]):
            if options["stop"] and Path(options["stop"]).exists():
                break
            if os.getppid() != parent:
                break
            level = "WARN" if number % options["audit_every"] == 0 else "INFO"
            text = f"{name} {number}"
            reached = log_event("log_message", text, level=level, padding=options["padding"])
            os.write(told, b"%d %d\n" % (number, reached))
            time.sleep(options["pause"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
