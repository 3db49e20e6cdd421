"""A bot with events and fields of its own: declared once, checked in tests, kept in order."""

import logging
import tempfile
import uuid

from tradebot.observability import (
    CORE_EVENTS,
    CORE_FIELDS,
    NUMBER,
    Catalogue,
    Event,
    Field,
    Kind,
    Treatment,
    bind,
    build_log_context,
    log_event,
    setup_logging,
)

FIELDS = (
    Field("market", Kind("market", "[A-Z]{3,10}"), "what is traded"),
    Field("price", NUMBER, "of one unit", unit="quote currency"),
    Field("wallet", Kind("text"), "where the coins are", Treatment.MASKED),
)
EVENTS = (
    Event("grid_filled", logging.INFO, "A level of the grid was filled.", "Nothing.", ("price",)),
    Event("grid_left", logging.WARNING, "The price left the grid.", "Set a new one.", ("price",)),
)
CATALOGUE = Catalogue((*CORE_EVENTS, *EVENTS), (*CORE_FIELDS, *FIELDS))

if __name__ == "__main__":
    run = build_log_context(str(uuid.uuid4()), 1, dry_run=True, strategy="grid/2.1")
    with (
        # Strict, as in tests: an unknown event or a missing field raises SchemaError.
        setup_logging(tempfile.mkdtemp(), context=run, catalogue=CATALOGUE, strict=True) as session,
        bind(market="EURUSD", wallet="0x9aF31c77B20d"),
    ):
        log_event("grid_filled", price=1.0871)
        log_event("grid_left", "above the highest level", price=1.1034)
    print(f"see {session.path}")
