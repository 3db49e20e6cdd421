"""The tables of the one state file.

Everything that a real broker would still know after a restart is in here: logins, orders, the
audit log, positions, cash, what was seen in the last seconds (for duplicate detection), the faults
that are switched on and what was counted. Times are seconds since the epoch, prices and amounts
floats, and whatever is only ever read back whole is JSON.
"""

from __future__ import annotations

VERSION = 2

SEQUENCES_AND_MIXES = """
CREATE TABLE sequences (
    sequence_id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, method TEXT NOT NULL, reference TEXT,
    begins REAL NOT NULL, ends REAL, steps TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE mixes (
    mix_id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, method TEXT NOT NULL, reference TEXT,
    begins REAL NOT NULL, ends REAL, seed TEXT NOT NULL, probability REAL NOT NULL,
    choices TEXT NOT NULL, seen TEXT NOT NULL DEFAULT '{}', fired TEXT NOT NULL DEFAULT '{}'
);
"""

TABLES = (
    """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE codes (
    code TEXT PRIMARY KEY, redirect_uri TEXT NOT NULL, challenge TEXT, method TEXT,
    expires REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE refresh_tokens (
    token TEXT PRIMARY KEY, session TEXT NOT NULL, verifier TEXT, expires REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY,
    reference TEXT, asset_type TEXT NOT NULL, uic INTEGER NOT NULL, side TEXT NOT NULL,
    amount REAL NOT NULL, filled REAL NOT NULL DEFAULT 0, filled_value REAL NOT NULL DEFAULT 0,
    order_type TEXT NOT NULL, price REAL, stop_limit_price REAL, duration TEXT NOT NULL,
    relation TEXT NOT NULL, parent INTEGER, correlation TEXT NOT NULL,
    status TEXT NOT NULL, placed REAL NOT NULL, fill_at REAL, bar INTEGER NOT NULL,
    triggered INTEGER NOT NULL DEFAULT 0, audit_delay REAL NOT NULL DEFAULT 0, plan TEXT,
    shown REAL NOT NULL DEFAULT 0, vanishes REAL
);
CREATE INDEX orders_open ON orders (status) WHERE status IN ('Working', 'Parked');
CREATE INDEX orders_reference ON orders (reference);

CREATE TABLE audit (
    log_id INTEGER PRIMARY KEY, time REAL NOT NULL, visible REAL NOT NULL,
    order_id INTEGER NOT NULL, status TEXT NOT NULL, sub_status TEXT NOT NULL, row TEXT NOT NULL
);
CREATE INDEX audit_order ON audit (order_id);
CREATE INDEX audit_time ON audit (time);

CREATE TABLE positions (
    position_id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, reference TEXT,
    correlation TEXT NOT NULL, asset_type TEXT NOT NULL, uic INTEGER NOT NULL,
    amount REAL NOT NULL, price REAL NOT NULL, opened REAL NOT NULL, cost REAL NOT NULL
);

CREATE TABLE closed_positions (
    opening_id INTEGER NOT NULL, closing_id INTEGER NOT NULL,
    asset_type TEXT NOT NULL, uic INTEGER NOT NULL, amount REAL NOT NULL,
    open_price REAL NOT NULL, close_price REAL NOT NULL, profit REAL NOT NULL,
    cost_open REAL NOT NULL, cost_close REAL NOT NULL, opened REAL NOT NULL, closed REAL NOT NULL,
    opening_reference TEXT, closing_reference TEXT,
    PRIMARY KEY (opening_id, closing_id)
) WITHOUT ROWID;

CREATE TABLE ledger (
    entry INTEGER PRIMARY KEY, bar INTEGER NOT NULL, amount REAL NOT NULL, what TEXT NOT NULL
);

CREATE TABLE seen (fingerprint TEXT PRIMARY KEY, time REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE faults (
    fault_id INTEGER PRIMARY KEY, kind TEXT NOT NULL, endpoint TEXT, method TEXT,
    reference TEXT, remaining INTEGER, skip INTEGER NOT NULL, probability REAL NOT NULL,
    seed TEXT NOT NULL, params TEXT NOT NULL, matched INTEGER NOT NULL DEFAULT 0,
    fired INTEGER NOT NULL DEFAULT 0, begins REAL NOT NULL DEFAULT 0, ends REAL
);

CREATE TABLE disclaimers (
    token TEXT PRIMARY KEY, name TEXT NOT NULL, context TEXT NOT NULL, body TEXT NOT NULL,
    recurring INTEGER NOT NULL, accepted REAL, spent INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE request_counts (
    method TEXT NOT NULL, endpoint TEXT NOT NULL, status INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (method, endpoint, status)
) WITHOUT ROWID;

CREATE TABLE order_requests (
    request INTEGER PRIMARY KEY, time REAL NOT NULL, method TEXT NOT NULL, endpoint TEXT NOT NULL,
    reference TEXT, request_id TEXT, status INTEGER NOT NULL
);
CREATE INDEX order_requests_reference ON order_requests (reference);
"""
    + SEQUENCES_AND_MIXES
)

UPGRADES = {
    1: """
ALTER TABLE orders ADD COLUMN shown REAL NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN vanishes REAL;
UPDATE orders SET vanishes = 0 WHERE hidden;
ALTER TABLE faults ADD COLUMN begins REAL NOT NULL DEFAULT 0;
ALTER TABLE faults ADD COLUMN ends REAL;
"""
    + SEQUENCES_AND_MIXES,
}
"""What makes the next version of each earlier one."""

ACCOUNT_TABLES = ("orders", "audit", "positions", "closed_positions", "ledger", "seen")
"""What a reset of the account empties; logins, faults and counters stay."""
