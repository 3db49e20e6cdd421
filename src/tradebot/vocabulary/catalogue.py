"""The bot's whole vocabulary, ready to be handed to `setup_logging`."""

from __future__ import annotations

from tradebot.observability.schema import Catalogue
from tradebot.vocabulary.events import EVENTS
from tradebot.vocabulary.fields import FIELDS, REFERENCE_PATTERN

CATALOGUE = Catalogue(EVENTS, FIELDS, harmless=(REFERENCE_PATTERN,))
