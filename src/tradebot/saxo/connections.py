"""Connections to the broker's hosts: opened in one step, used in another.

Taking the two apart is what makes "nothing was sent" provable: everything that fails in `take`
failed before a byte of the request existed on the wire. urllib3's pool and its own retries are
left out for that reason; of urllib3 this uses the connection and its answer.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tradebot.errors import NotSent, SettingsError

if TYPE_CHECKING:
    import ssl

    from urllib3.connection import HTTPConnection

_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|::1", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Base:
    """A base address: where a host's paths begin."""

    scheme: str
    host: str
    port: int
    path: str
    """Without a trailing slash: `/sim/openapi`."""

    @classmethod
    def parse(cls, text: str, what: str) -> Base:
        """Raises SettingsError unless `text` is https, or http to this machine."""
        try:
            parts = urlsplit(text)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise SettingsError([f"{what} is not a web address"]) from None
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise SettingsError([f"{what} must begin with https://"])
        if parts.username is not None or parts.query or parts.fragment:
            raise SettingsError([f"{what} must be an address only: no user, query or fragment"])
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise SettingsError(
                [f"{what} must begin with https://: plain http is for this machine only"]
            )
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def is_loopback(host: str) -> bool:
    """Is this name or address this machine, without asking a name server?"""
    return _LOOPBACK.fullmatch(host) is not None


class Connections:
    """Open connections, kept alive between requests. Safe with threads: one request each."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int], list[HTTPConnection]] = {}
        self._tls: ssl.SSLContext | None = None

    def take(
        self, base: Base, *, fresh: bool, connect_timeout: float
    ) -> tuple[HTTPConnection, bool]:
        """A connected connection, and whether it was used before.

        `fresh` asks for a new one. A kept connection that the server has closed meanwhile fails in
        the middle of a request, and nothing tells whether the server read it first: good enough
        for a read, which is repeated, but not for an order. Raises NotSent.
        """
        idle = self._idle.setdefault(base.origin, [])
        while idle and not fresh:
            connection = idle.pop()
            if connection.is_connected:
                return connection, True
            connection.close()
        return self._open(base, connect_timeout), False

    def give_back(self, base: Base, connection: HTTPConnection) -> None:
        """Keep it for the next request, unless the answer said that it ends here."""
        if connection.sock is not None:
            self._idle.setdefault(base.origin, []).append(connection)

    def close(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def _open(self, base: Base, connect_timeout: float) -> HTTPConnection:
        # Imported here: a run that only looks at its token sends nothing and need not load it.
        from urllib3 import exceptions
        from urllib3.connection import HTTPConnection, HTTPSConnection

        connection = (
            HTTPSConnection(
                base.host, base.port, timeout=connect_timeout, ssl_context=self._tls_context()
            )
            if base.scheme == "https"
            else HTTPConnection(base.host, base.port, timeout=connect_timeout)
        )
        try:
            connection.connect()
        except (OSError, exceptions.HTTPError, UnicodeError) as error:
            connection.close()
            kind = _kind_of(error)
            raise NotSent(f"no connection to {base.host}:{base.port} ({kind})") from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return self._tls


def failure_kind(error: NotSent) -> str:
    """The code word for why a connection could not be opened."""
    return _kind_of(error.__cause__ or error)


def _kind_of(error: BaseException) -> str:
    # urllib3 wraps what the socket raised; what it wraps is more precise than its own classes.
    cause = error.__cause__ or error
    if isinstance(cause, socket.gaierror):
        return "name_resolution"
    if isinstance(cause, TimeoutError):
        return "connect_timeout"
    if isinstance(cause, ConnectionRefusedError):
        return "connection_refused"
    return "tls" if type(cause).__module__ == "ssl" else "connection_failed"
