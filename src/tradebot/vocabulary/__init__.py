"""The words of the log: every event and every field, declared once, with what they mean."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradebot.vocabulary.catalogue import CATALOGUE

__all__ = ["CATALOGUE"]

# For the type checker a name that is not above stays an error.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "CATALOGUE":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from tradebot.vocabulary.catalogue import CATALOGUE

        globals()[name] = CATALOGUE  # the next time without asking
        return CATALOGUE
