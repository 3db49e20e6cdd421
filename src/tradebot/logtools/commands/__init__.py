"""One module per command, loaded only when it is used.

A module has `arguments(parser)`, which declares what may be typed behind the command's name, and
`run(options, desk)`, which answers and returns the exit code: 0 found, or nothing wrong; 1 nothing
found, or problems found; 2 something could not be read. Both may raise UsageProblem and Unreadable.
"""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "trace": "the whole story of an order or a run",
    "orders": "every intent, what became of it, and why",
    "runs": "every invocation, also the one that is missing",
    "why": "why an instrument did or did not trade",
    "summary": "events, errors, latencies, rate limits, logins, skips",
    "show": "lines, filtered, in colour, tracebacks unfolded; -f goes on",
    "explain": "what an event, a reason or a broker's code means, and what to do next",
    "lint": "hold every line against grammar and catalogue",
    "report": "one HTML file about a run, a cycle, an order or a day",
    "export": "the lines as logfmt, JSON lines, CSV or Parquet",
    "bundle": "a zip for a colleague or the broker's support",
    "lnav": "the log's format for the log viewer lnav",
}
"""Each command and its one line of help, in the order they are listed."""
