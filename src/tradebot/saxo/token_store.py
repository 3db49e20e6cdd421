"""The token file: one login's tokens as JSON, replaced as a whole or not at all.

A refresh token that was exchanged and not saved is a lost login. So everything that can fail or
wait is done before the exchange: a `Replacement` is a file beside the token file that exists, is
private and has its room on the disk. After the answer it takes one write, which no other file, no
free block and no permission stands in the way of; then fdatasync, the rename, and the folder. A
process that dies after that one write leaves the pair to the next one, which takes it up.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tradebot.errors import LoginError, StorageError
from tradebot.saxo.known_secrets import keep_secret

LOGIN_COMMAND = "tradebot auth login"
LIVE_MARGIN = timedelta(seconds=10)
"""An access token this close to its end is not used: the request still has to travel."""


class StoredTokens(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A login as it is on the disk. All times are UTC."""

    env: str
    """`LOCAL`, `SIM` or `LIVE`: tokens of one are worthless in another."""
    mode: str
    access_token: str
    obtained_at: datetime
    access_expires_at: datetime
    refresh_token: str | None = None
    refresh_expires_at: datetime | None = None
    code_verifier: str | None = None
    """PKCE's secret, which a refresh needs again."""
    refresh_started_at: datetime | None = None
    """Set before a refresh is sent, gone with the pair it brings: tells of one interrupted."""
    login_lost_at: datetime | None = None
    login_lost_reason: str | None = None

    def __repr__(self) -> str:
        return f"StoredTokens(env={self.env!r}, mode={self.mode!r}, …)"

    @property
    def refresh_due_at(self) -> datetime:
        """Half of the access token's life: what is left outlives a crash and a broker's outage."""
        return self.obtained_at + (self.access_expires_at - self.obtained_at) / 2

    @property
    def lasts_until(self) -> datetime:
        """When the login ends unless it is refreshed before.

        A refresh token whose end the server did not say counts no longer than the access token.
        """
        if self.refresh_token is None or self.refresh_expires_at is None:
            return self.access_expires_at
        return max(self.refresh_expires_at, self.access_expires_at)

    @property
    def lost(self) -> bool:
        return self.login_lost_at is not None

    def live(self, now: datetime) -> bool:
        """May the access token still be used?"""
        return not self.lost and now < self.access_expires_at - LIVE_MARGIN

    def due(self, now: datetime) -> bool:
        """Is it time to refresh? Also when the clock was stepped back behind the login."""
        return now >= self.refresh_due_at or now < self.obtained_at - timedelta(minutes=1)


# Built beforehand: nothing is left to be worked out when an answer is there.
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(StoredTokens)
_ROOM = 16 * 1024
"""Bytes kept ready for a pair, several times what was ever seen; the file grows for a longer."""
_sync = getattr(os, "fdatasync", os.fsync)


class TokenStore:
    """The file at `path`, mode 0600, in a folder that is made (0700) if need be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> StoredTokens | None:
        """What is stored, or None when there is no file.

        Every token in it is made known to the log's redaction. Raises LoginError when the file is
        not a token file, StorageError when it cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(
                f"cannot read the token file {self.path}: {error.strerror}."
                " Check SAXO_TOKEN_FILE and the file's permissions."
            ) from None
        tokens = _decode(content)
        if tokens is None:
            raise LoginError(
                f"the token file {self.path} is damaged and holds no usable login."
                f" Log in again: {LOGIN_COMMAND}"
            )
        return tokens

    def save(self, tokens: StoredTokens) -> None:
        """Replace the file; when this returns, the new content survives a power cut.

        Raises StorageError, the old file being untouched then.
        """
        with self._explained(), Replacement(self.path, _ENCODER.encode(tokens)) as new:
            new.take_place()

    @contextlib.contextmanager
    def replacement(self) -> Iterator[Replacement]:
        """A file that is ready for tokens to come. Raises StorageError: then ask for none."""
        with self._explained():
            new = Replacement(self.path, b" " * _ROOM)
        with new:
            yield new

    def put(self, tokens: StoredTokens, new: Replacement) -> None:
        """Write `tokens` into the file that is ready, and let it take the place of the old one.

        As durable as `save`. Raises StorageError.
        """
        content = _ENCODER.encode(tokens)
        with self._explained():
            new.write(content)
            new.take_place()

    def take_up(self) -> bool:
        """Finish what a process left that died between its one write and the rename.

        Only under the refresh lock. Of what is left, only a successor of the stored login is
        taken; the rest is removed, and nothing is brought back once the token file was removed.
        Raises StorageError.
        """
        prefix, suffix = _beside(self.path)
        taken = False
        with self._explained():
            with contextlib.suppress(FileNotFoundError):
                left = [
                    entry.path
                    for entry in os.scandir(self.path.parent)
                    if entry.name.startswith(prefix) and entry.name.endswith(suffix)
                ]
                for path in left:
                    taken |= self._take(Path(path))
            if taken:
                _sync_folder_of(self.path)
        return taken

    def _take(self, left: Path) -> bool:
        tokens = _decode(left.read_bytes())
        if tokens is not None and self._is_successor(tokens):
            left.replace(self.path)
            return True
        left.unlink(missing_ok=True)
        return False

    def _is_successor(self, tokens: StoredTokens) -> bool:
        try:
            stored = self.load()
        except LoginError:
            return True  # damaged: anything whole is better
        if stored is None or (stored.env, stored.mode) != (tokens.env, tokens.mode):
            return False
        return stored.refresh_started_at is not None or tokens.obtained_at > stored.obtained_at

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"cannot write the token file {self.path}: {error.strerror}."
                " Check SAXO_TOKEN_FILE, the folder's permissions and the free space."
            ) from None


class Replacement:
    """A file beside the token file, private and durable, with `content` in it. A context manager
    that removes it if it has neither taken the old one's place nor been written to.

    Raises OSError.
    """

    def __init__(self, target: Path, content: bytes) -> None:
        self._target = target
        prefix, suffix = _beside(target)
        make_private_folder(target.parent)
        self._path = target.with_name(prefix + os.urandom(6).hex() + suffix)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        for name in ("O_CLOEXEC", "O_BINARY", "O_NOFOLLOW"):
            flags |= getattr(os, name, 0)
        self._descriptor = os.open(self._path, flags, 0o600)
        self._folder: int | None = None
        self._is_worth_keeping = False
        try:
            self._folder = _open_folder(target.parent)
            _write_all(self._descriptor, content)
            os.fsync(self._descriptor)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
        except BaseException:
            self.close()
            raise

    def write(self, content: bytes) -> None:
        """Over what is there. What remains of that is blank, which JSON allows at its end."""
        _write_all(self._descriptor, content)
        self._is_worth_keeping = True
        _sync(self._descriptor)

    def take_place(self) -> None:
        """From now on this is the file; durable where the system can do that for a folder."""
        if os.name == "nt":
            self._close_file()  # an open file is not renamed there
        self._path.replace(self._target)
        self._is_worth_keeping = True
        if self._folder is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._folder)  # the new file is there; some systems cannot do this

    def close(self) -> None:
        """Let go. Tokens that were written are never removed: somebody may still take them up."""
        self._close_file()
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None
        if not self._is_worth_keeping:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _close_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


def make_private_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, for this user alone; leave what exists as it is.

    Raises OSError.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _decode(content: bytes) -> StoredTokens | None:
    """The tokens in a file, made known to the log's redaction; None when it is not a token file."""
    try:
        tokens = _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    for secret in (tokens.access_token, tokens.refresh_token, tokens.code_verifier):
        if secret:
            keep_secret(secret)
    naive = any(t.tzinfo is None for t in (tokens.obtained_at, tokens.access_expires_at))
    return None if naive else tokens


def _beside(target: Path) -> tuple[str, str]:
    """How the names of replacements begin and end."""
    return f".{target.name}.", ".next"


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _open_folder(folder: Path) -> int | None:
    if os.name == "nt":
        return None  # Windows has no handle on a folder to flush; NTFS journals the rename
    return os.open(folder, os.O_RDONLY | os.O_CLOEXEC)


def _sync_folder_of(path: Path) -> None:
    folder = _open_folder(path.parent)
    if folder is not None:
        with contextlib.suppress(OSError):
            os.fsync(folder)
        os.close(folder)
