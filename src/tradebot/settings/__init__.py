"""Every environment variable the bot reads: defined once, checked at once, explained where wrong.

    settings = load(os.environ, home=home())

A variable is defined in `variables.py`; what its text may look like is a `Kind` in `parsing.py`;
what several variables must agree on is a guard in `guards.py`. `.env.example` and
`docs/settings.md` are generated from the definitions by `python -m tradebot.settings.render`.
"""

from __future__ import annotations

from tradebot.settings.home import home
from tradebot.settings.loading import load, load_lenient
from tradebot.settings.settings import Settings

__all__ = ["Settings", "home", "load", "load_lenient"]
