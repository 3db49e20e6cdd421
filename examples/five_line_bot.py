"""Five lines give any bot the log: one grammar, the run in every line, and no key in any."""

import tempfile
import uuid

from tradebot.observability import (
    bind,
    build_log_context,
    get_logger,
    log_event,
    mask_sensitive,
    register_secret,
    setup_logging,
)

API_KEY = "kx-7fQ2vLm9Tz4RbW81"  # a real bot reads it from its environment

context = build_log_context(str(uuid.uuid4()), 1, dry_run=True, strategy="five_lines/1.0")
with setup_logging(tempfile.mkdtemp(), context=context) as session, bind(market="EURUSD"):
    register_secret(API_KEY)
    get_logger().info("asked %s for a price", f"https://exchange/price?key={API_KEY}")
    try:
        price = {"bid": 1.0871}["ask"]
    except KeyError as error:
        log_event("unexpected_exception", f"with {API_KEY}", exc_info=error)

print(f"the key {mask_sensitive(API_KEY, 'api_key')} is nowhere in {session.path}")
