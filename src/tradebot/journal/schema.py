"""The journal's tables, one step per version. A step, once released, is never edited."""

APPLICATION_ID = 0x41544231
"""Marks the file as ours ("ATB1"), so that another program's database is never migrated."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        row_id      INTEGER PRIMARY KEY,
        run_id      TEXT NOT NULL,
        pid         INTEGER NOT NULL,
        started_at  TEXT NOT NULL,
        slot        TEXT,
        cycle_id    INTEGER,
        locked_at   TEXT,
        phase       TEXT NOT NULL,
        ended_at    TEXT,
        outcome     TEXT,
        reason      TEXT,
        exit_code   INTEGER
    ) STRICT;
    CREATE INDEX runs_open ON runs (row_id) WHERE ended_at IS NULL;
    CREATE INDEX runs_slot ON runs (slot) WHERE slot IS NOT NULL;
    CREATE INDEX runs_cycle ON runs (cycle_id) WHERE cycle_id IS NOT NULL;

    CREATE TABLE slots (
        slot     TEXT PRIMARY KEY,
        tries    INTEGER NOT NULL,
        sent     INTEGER NOT NULL DEFAULT 0,
        done     INTEGER NOT NULL DEFAULT 0,
        run_id   TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE decisions (
        decision_id  INTEGER PRIMARY KEY,
        account      TEXT NOT NULL,
        strategy     TEXT NOT NULL,
        instrument   TEXT NOT NULL,
        bar_time     TEXT NOT NULL,
        side         TEXT NOT NULL,
        closed       INTEGER NOT NULL DEFAULT 0,
        UNIQUE (account, strategy, instrument, bar_time)
    ) STRICT;

    CREATE TABLE attempts (
        external_reference  TEXT PRIMARY KEY,
        decision_id         INTEGER NOT NULL REFERENCES decisions,
        attempt             INTEGER NOT NULL,
        run_id              TEXT NOT NULL,
        cycle_id            INTEGER NOT NULL,
        account             TEXT NOT NULL,
        instrument          TEXT NOT NULL,
        symbol              TEXT,
        side                TEXT NOT NULL,
        quantity            TEXT NOT NULL,
        limit_price         REAL,
        bar_time            TEXT NOT NULL,
        slot                TEXT,
        created_at          TEXT NOT NULL,
        prechecked_at       TEXT,
        sent_at             TEXT,
        order_id            TEXT,
        resolved            INTEGER NOT NULL DEFAULT 0,
        UNIQUE (decision_id, attempt)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX attempts_open ON attempts (account, instrument) WHERE resolved = 0;
    CREATE INDEX attempts_created ON attempts (account, created_at);
    CREATE INDEX attempts_sent ON attempts (account, sent_at) WHERE sent_at IS NOT NULL;

    CREATE TABLE verdicts (
        external_reference  TEXT PRIMARY KEY REFERENCES attempts,
        outcome             TEXT NOT NULL,
        failure_reason      TEXT,
        may_try_again       INTEGER NOT NULL,
        decided_at          TEXT NOT NULL,
        logged              INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX verdicts_unlogged ON verdicts (decided_at) WHERE logged = 0;

    CREATE TABLE fills (
        external_reference  TEXT PRIMARY KEY REFERENCES attempts,
        account             TEXT NOT NULL,
        instrument          TEXT NOT NULL,
        order_id            TEXT NOT NULL,
        side                TEXT NOT NULL,
        order_state         TEXT NOT NULL,
        filled_quantity     TEXT NOT NULL,
        average_price       REAL,
        updated_at          TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX fills_live ON fills (account) WHERE order_state IN ('working', 'partial');

    CREATE TABLE positions (
        account     TEXT NOT NULL,
        instrument  TEXT NOT NULL,
        quantity    TEXT NOT NULL,
        PRIMARY KEY (account, instrument)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE control (
        name   TEXT PRIMARY KEY,
        value  TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE corrections (
        correction_id       INTEGER PRIMARY KEY,
        corrected_at        TEXT NOT NULL,
        kind                TEXT NOT NULL,
        account             TEXT NOT NULL,
        instrument          TEXT NOT NULL,
        external_reference  TEXT REFERENCES attempts,
        before              TEXT,
        after               TEXT NOT NULL,
        run_id              TEXT NOT NULL
    ) STRICT;
    CREATE INDEX corrections_at ON corrections (corrected_at);
    CREATE INDEX attempts_at ON attempts (created_at);
    ALTER TABLE attempts ADD COLUMN found_as TEXT;
    CREATE INDEX attempts_found_as ON attempts (found_as) WHERE found_as IS NOT NULL;
    """,
)
