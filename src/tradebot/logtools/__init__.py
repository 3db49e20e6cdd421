"""Reads the log back, and holds it against its own promises.

Needs nothing but the standard library and the log's own layers, so it also works on a folder of
logs that was copied to another machine.
"""

from tradebot.logtools.findings import Finding, Report, Severity
from tradebot.logtools.lint import lint, lint_paths

__all__ = ["Finding", "Report", "Severity", "lint", "lint_paths"]
