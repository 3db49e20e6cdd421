"""Catches the browser's redirect at the end of a login, on this machine and for its path only.

Loaded by the login command alone: a run never listens.
"""

from __future__ import annotations

import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tradebot.saxo.connections import is_loopback

_PAGE = b"<!doctype html><title>AI-Tradebot</title><p>Received. Go back to the terminal."


class RedirectListener:
    """A context manager that listens at `redirect_uri` and puts what arrives into `arrived`.

    `any_port`: the address names no port of its own and any will do (Saxo accepts any port for
    PKCE apps); `redirect_uri` then has the port that was found. Raises OSError when the port
    cannot be had, ValueError when the address is not this machine's.
    """

    def __init__(
        self, redirect_uri: str, arrived: queue.SimpleQueue[str | None], *, any_port: bool
    ) -> None:
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
            raise ValueError("not an address on this machine")
        path = parts.path or "/"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ours = urlsplit(self.path).path == path
                self.send_response(200 if ours else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(_PAGE if ours else b"")
                if ours:
                    arrived.put(self.path)

            def log_message(self, *_: object) -> None:
                """Not a word: the path holds the code."""

        port = parts.port or (0 if any_port else 80)
        # `localhost` is taken as IPv4's: browsers try both.
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        found = self._server.server_address[1]
        shown = parts._replace(netloc=f"{parts.hostname}:{found}") if parts.port is None else parts
        self.redirect_uri = shown.geturl() if any_port else redirect_uri
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
