"""Every environment variable the bot reads: defined once, checked at once, explained where wrong.

    settings = load(os.environ, home=home())

A variable is defined in `variables.py`; what its text may look like is a `Kind` in `parsing.py`;
what several variables must agree on is a guard in `guards.py`. `.env.example` and
`docs/settings.md` are generated from the definitions by `python -m tradebot.settings.render`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

# At once: later the module of this name would be found in its place.
from tradebot.settings.home import home

if TYPE_CHECKING:
    from tradebot.settings.loading import load, load_lenient
    from tradebot.settings.settings import Settings

__all__ = ["Settings", "home", "load", "load_lenient"]

_MODULES = {"Settings": "settings", "load": "loading", "load_lenient": "loading"}

# For the type checker a name that is not above stays an error.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value  # the next time without asking
        return value
