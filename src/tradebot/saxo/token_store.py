"""The token file: one login's tokens as JSON, replaced as a whole or not at all.

A refresh token that was exchanged and not saved is a lost login, so a new file is complete on the
disk (fsync) before it takes the old one's place (rename), and the folder's entry is on the disk
before anybody uses what is in it.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timedelta
from pathlib import Path

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
    def lost(self) -> bool:
        return self.login_lost_at is not None

    def live(self, now: datetime) -> bool:
        """May the access token still be used?"""
        return not self.lost and now < self.access_expires_at - LIVE_MARGIN

    def due(self, now: datetime) -> bool:
        """Is it time to refresh? Also when the clock was stepped back behind the login."""
        return now >= self.refresh_due_at or now < self.obtained_at - timedelta(minutes=1)


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
        try:
            tokens = msgspec.json.decode(content, type=StoredTokens)
            if any(t.tzinfo is None for t in (tokens.obtained_at, tokens.access_expires_at)):
                raise msgspec.ValidationError("times without a zone")
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise LoginError(
                f"the token file {self.path} is damaged and holds no usable login."
                f" Log in again: {LOGIN_COMMAND}"
            ) from None
        for secret in (tokens.access_token, tokens.refresh_token, tokens.code_verifier):
            if secret:
                keep_secret(secret)
        return tokens

    def save(self, tokens: StoredTokens) -> None:
        """Replace the file; when this returns, the new content survives a power cut.

        Raises StorageError, the old file being untouched then.
        """
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                _write_durably(temporary, msgspec.json.encode(tokens))
                temporary.replace(self.path)
            except BaseException:
                with contextlib.suppress(OSError):
                    temporary.unlink()
                raise
            with contextlib.suppress(OSError):
                _sync_folder(self.path.parent)  # the new file is there; some systems cannot do this
        except OSError as error:
            raise StorageError(
                f"cannot write the token file {self.path}: {error.strerror}."
                " Check SAXO_TOKEN_FILE, the folder's permissions and the free space."
            ) from None


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows has no handle on a folder to flush; NTFS journals the rename
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
