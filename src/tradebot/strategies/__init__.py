"""Trading strategies: what they are shown and what they answer. They know nothing of a broker.

`base.py` is the interface, `sma_cross.py` the built-in one, `registry.py` finds one by name.
"""

from __future__ import annotations

from tradebot.strategies.base import MarketView, Strategy
from tradebot.strategies.registry import load_strategy

__all__ = ["MarketView", "Strategy", "load_strategy"]
