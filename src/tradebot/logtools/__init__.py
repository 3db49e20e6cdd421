"""Reads the log back, and holds it against its own promises.

Needs nothing but the standard library and the log's own layers, so it also works on a folder of
logs that was copied to another machine. What is named here is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradebot.logtools.linting.findings import Finding, Report, Severity
    from tradebot.logtools.linting.lint import lint_paths

__all__ = ["Finding", "Report", "Severity", "lint_paths"]

# For the type checker a name that is not above stays an error.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = "linting.lint" if name == "lint_paths" else "linting.findings"
        value = getattr(import_module(f"{__name__}.{module}"), name)
        globals()[name] = value  # the next time without asking
        return value
