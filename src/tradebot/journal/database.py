"""One SQLite file: opened safely, migrated, every failure turned into a `StorageError`."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tradebot.errors import StorageError
from tradebot.journal.schema import APPLICATION_ID, MIGRATIONS

BUSY_SECONDS = 5.0


class Database:
    """A connection whose every statement belongs to an explicit transaction."""

    def __init__(self, path: Path) -> None:
        """Open or create `path`, folder included. Raises StorageError, saying what to do."""
        self.path = path
        self._connection: sqlite3.Connection | None = None
        try:
            with self._explained("open"):
                self._open()
        except StorageError:
            self.close()
            raise

    def _open(self) -> None:
        make_private_folder(self.path.parent)
        self._connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self.path.chmod(0o600)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._migrate()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is written durably when the block ends, or not at all."""
        with self._explained("write to"):
            connection = self._require()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Statements that only read."""
        with self._explained("read"):
            yield self._require()

    def _require(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageError(f"The journal {self.path} is already closed.")
        return self._connection

    def _migrate(self) -> None:
        """Bring the tables up to date, in one transaction: several processes may start at once."""
        connection = self._require()
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._migrate_inside(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _migrate_inside(self, connection: sqlite3.Connection) -> None:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
        if version == 0 and owner == 0:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            owner = 0 if tables else APPLICATION_ID
        if owner != APPLICATION_ID:
            raise StorageError(
                f"{self.path} is a database of another program. Move it away, or set STATE_DIR "
                "to another folder."
            )
        if version > len(MIGRATIONS):
            raise StorageError(
                f"The journal {self.path} was written by a newer version (schema {version}, this "
                f"one knows {len(MIGRATIONS)}). Run that version, or set STATE_DIR to another "
                "folder."
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            # One by one: executescript would commit what is open.
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={number}")

    @contextlib.contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"Cannot {doing} the journal {self.path}: {error}. {_advice(error)} "
                "Nothing is sent without it."
            ) from error


def make_private_folder(folder: Path) -> None:
    """Create `folder` so that only this user can read it; leaves an existing one as it is."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True, mode=0o700)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} is not readable and writable for this user")


def _advice(error: Exception) -> str:
    text = str(error)
    if "malformed" in text or "not a database" in text:
        return "The file is damaged: restore a backup, or move it away and reconcile by hand."
    if "locked" in text or "busy" in text:
        return "Another program holds it open: close that program."
    if "full" in text:
        return "Free some disk space."
    return "Check the folder's owner, its permissions and the disk."
