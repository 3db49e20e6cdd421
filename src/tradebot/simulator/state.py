"""The state file: one SQLite database, one connection, one request at a time.

A request is handled inside one transaction, so that a killed process leaves either all of an order
(the order, its audit rows, its position, the cash) or none of it. The transaction is immediate:
two processes that were pointed at the same file take turns.

Commits are not synced to the disk: they survive the death of the process, and losing the last
seconds of a *simulated* account to a power cut costs nothing.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tradebot.errors import StorageError
from tradebot.simulator.schema import ACCOUNT_TABLES, TABLES, UPGRADES, VERSION

FIRST_NUMBERS = {"order": 5039287596, "position": 5026930126, "log": 249519475}
"""Ids look like the broker's: long strings of digits that only ever grow."""


class State:
    """Raises StorageError when the file cannot be opened or was written by another version."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # the app's secret is in it; -wal and -shm get the same mode
            self._connection = sqlite3.connect(
                path, timeout=10, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"cannot open the simulator's state {path}: {error}") from error
        try:
            self.created = self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
                error, sqlite3.OperationalError
            )
            advice = "delete it to start afresh" if damaged else "check its owner and permissions"
            raise StorageError(
                f"{path} is not a usable simulator state ({error}); {advice}"
            ) from error
        except StorageError:
            self._connection.close()
            raise

    def _prepare(self) -> bool:
        """Set up a new file. True when it was new."""
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL").close()
        self._connection.execute("PRAGMA synchronous=OFF").close()
        with self.transaction():
            version = self.one("PRAGMA user_version")[0]
            if version == VERSION:
                return False
            if version in UPGRADES:
                self._run_all(UPGRADES[version], version + 1)
                return False
            if version:
                raise StorageError(
                    f"{self.path} has format {version}, this version reads {VERSION};"
                    " delete it to start afresh"
                )
            self._run_all(TABLES, VERSION)
            self._identify()
        return True

    def _run_all(self, statements: str, version: int) -> None:
        for statement in statements.split(";"):
            self._connection.execute(statement).close()
        self._connection.execute(f"PRAGMA user_version={version}").close()

    def _identify(self) -> None:
        """Make up the account. The keys hold every character that must be encoded in a URL."""

        def key(prefix: bytes) -> str:
            return b64encode(prefix + secrets.token_bytes(15)).decode()[:-3] + "|+/-=="

        number = str(15_000_000 + secrets.randbelow(80_000_000))
        self.set("client_id", number)
        self.set("user_key", key(b"user"))
        self.set("client_key", key(b"client"))
        self.set("account_key", key(b"account"))
        self.set("app_key", secrets.token_hex(16))
        self.set("app_secret", secrets.token_hex(16))
        self.set("signing_key", secrets.token_hex(32))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested, the outermost decides."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE").close()
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Execute a statement; how many rows it changed."""
        with self._lock:
            cursor = self._connection.execute(sql, values)
            changed = cursor.rowcount
            cursor.close()
            return changed

    def all(self, sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values).fetchall()]

    def one(self, sql: str, values: Sequence[object] = ()) -> Any:
        """The first row, or None."""
        with self._lock:
            cursor = self._connection.execute(sql, values)
            row = cursor.fetchone()
            cursor.close()
            return row

    def insert(self, table: str, **values: object) -> None:
        """Add a row. Table and column names come from this package only."""
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
        self.run(sql, tuple(values.values()))

    def get(self, name: str, default: str = "") -> str:
        row = self.one("SELECT value FROM meta WHERE name = ?", (name,))
        return str(row[0]) if row else default

    def set(self, name: str, value: object) -> None:
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, str(value)))

    def next_number(self, kind: str, step: int = 1) -> int:
        """A new id of the kind `order`, `position` or `log`; call it inside a transaction."""
        number = int(self.get(f"next_{kind}", str(FIRST_NUMBERS[kind])))
        self.set(f"next_{kind}", number + step)
        return number

    def clear_account(self) -> None:
        """Forget orders, positions and cash, but not who the account is."""
        with self.transaction():
            for table in ACCOUNT_TABLES:
                self.run(f"DELETE FROM {table}")  # noqa: S608

    def close(self) -> None:
        with self._lock:
            self._connection.close()
