"""One SQLite file: opened safely, migrated, every failure turned into a `StorageError`.

A backup of a journal that is in use is made with SQLite's own means (``sqlite3 journal.db ".backup
copy.db"``), or between runs by copying `journal.db` together with `journal.db-wal`, if it is there.
`journal.db` alone is whole too, but may lack the newest steps. Running on an older copy is safe:
before an order is sent the broker is asked for every reference of its decision. Put a copy in place
only while no run is under way, and remove `-wal` and `-shm` of the file it replaces: they belong to
that one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from tradebot.errors import StorageError
from tradebot.journal.files import OpenFiles, create_private, require_whole, sync_folders
from tradebot.journal.schema import APPLICATION_ID, MIGRATIONS

BUSY_SECONDS = 5.0
LOOK_SECONDS = 0.5
"""Who only tells has somebody waiting for the answer, and may be asked again."""
_WAL_TRIES = 100


class Database:
    """A connection whose every statement belongs to an explicit transaction."""

    def __init__(self, path: Path, *, look: bool = False) -> None:
        """Open or create `path`, folder included. Raises StorageError, saying what to do.

        With `look` nothing is created, changed or brought up to date, and a lock is waited for at
        most LOOK_SECONDS: for commands that only tell.
        """
        self.path = path
        self._look = look
        self._connection: sqlite3.Connection | None = None
        try:
            with self._explained("open"):
                (self._open_to_look if look else self._open)()
        except StorageError:
            self.close()
            raise

    def _open(self) -> None:
        make_private_folder(self.path.parent)
        require_whole(self.path)
        is_new = create_private(self.path)
        if not os.access(self.path, os.R_OK | os.W_OK):
            # SQLite would open it all the same, and fail at the first thing to be written.
            raise PermissionError(f"{self.path} is not readable and writable for this user")
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        self._connection = connection
        connection.row_factory = sqlite3.Row
        with _transaction(connection, "DEFERRED"):  # the several questions at one moment
            self._version(connection)  # before the first change: it may not be ours
        _switch_to_wal(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        self._migrate(connection)
        self._files = OpenFiles(self.path)
        if is_new:
            # SQLite has flushed the file and its own folder; the ones above may be new as well.
            sync_folders(self.path)

    def _open_to_look(self) -> None:
        require_whole(self.path)
        if not os.access(self.path, os.R_OK):
            raise PermissionError(f"{self.path} is not readable for this user")
        address = f"file:{quote(str(self.path))}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=LOOK_SECONDS, isolation_level=None)
        self._connection = connection
        connection.row_factory = sqlite3.Row
        with _transaction(connection, "DEFERRED"):
            version = self._version(connection)
        if version < len(MIGRATIONS):
            raise StorageError(
                f"The journal {self.path} was written by an older version (schema {version}); this "
                "version's next run brings it up to date, and until then it is not read here."
            )
        self._files = OpenFiles(self.path)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is written durably when the block ends, or not at all."""
        with self._explained("write to"):
            connection = self._require()
            with _readable(ArithmeticError), _transaction(connection):
                yield connection
            # Afterwards: only what stands in the file that others will read has been written.
            self._files.require_unchanged()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Statements that only read, and what makes objects of their rows."""
        with self._explained("read"), _readable(ArithmeticError, ValueError):
            yield self._require()

    def _require(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageError(f"The journal {self.path} is already closed.")
        return self._connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the tables up to date, in one transaction: several processes may start at once."""
        with _transaction(connection):
            version = self._version(connection)
            for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
                # One by one: executescript would commit what is open.
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={number}")

    def _version(self, connection: sqlite3.Connection) -> int:
        """The schema version; 0: nothing is there yet. Raises StorageError if it is not for us."""
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
        return version

    @contextlib.contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"Cannot {doing} the journal {self.path}: {error}. "
                + (_advice_to_look(error) if self._look else _advice(error))
            ) from error


@contextlib.contextmanager
def _readable(*kinds: type[Exception]) -> Iterator[None]:
    """A row that does not hold what was written means a damaged file, not a bug."""
    try:
        yield
    except kinds as error:
        raise sqlite3.DatabaseError(f"a row holds what was never written ({error!r})") from error


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some failures, a full disk for one, SQLite has rolled back already.
        if connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # what went wrong first is what is told
                connection.execute("ROLLBACK")
        raise


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Several first starts at once: SQLite does not wait for this lock by itself."""
    for left in range(_WAL_TRIES - 1, -1, -1):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not left:
                raise
            time.sleep(BUSY_SECONDS / _WAL_TRIES)


def make_private_folder(folder: Path) -> None:
    """Create `folder`, and what is missing above it, so that only this user can read it.

    Leaves what exists as it is.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        with contextlib.suppress(FileExistsError):
            missing.mkdir(mode=0o700)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} is not readable and writable for this user")


_DAMAGED = (
    "The file is damaged: stop the schedule, restore a backup or move it away with its -wal and "
    "-shm, and compare with the broker by `tradebot orders check`."
)
_ADVICE = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CONSTRAINT: _DAMAGED,
    sqlite3.SQLITE_BUSY: "Another program holds it open: close that program.",
    sqlite3.SQLITE_LOCKED: "Another program holds it open: close that program.",
    sqlite3.SQLITE_FULL: "Free some disk space.",
}


def _advice(error: Exception) -> str:
    return f"{_means(error)} Nothing is sent without it."


def _advice_to_look(error: Exception) -> str:
    busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )
    if busy:
        return f"Another program holds it; {LOOK_SECONDS} s were waited for it: ask again."
    return _means(error)


def _means(error: Exception) -> str:
    if isinstance(error, sqlite3.Error):
        # Without a code it is not SQLite's: a row that cannot be understood.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in _ADVICE:
            return _ADVICE[code]
    return "Check the folder's owner, its permissions and the disk."
