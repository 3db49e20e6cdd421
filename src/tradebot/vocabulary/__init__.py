"""The words of the log: every event and every field, declared once, with what they mean."""

from tradebot.vocabulary.catalogue import CATALOGUE

__all__ = ["CATALOGUE"]
