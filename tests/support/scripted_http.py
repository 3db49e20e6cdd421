"""An HTTP server on loopback that answers with exact bytes, or fails in an exact way.

    with ScriptedServer([reply(200, {"Data": []}), RESET]) as server: …

Each request takes the next step of the script; a function as the script decides by the request.
What was received is kept in `server.received`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Received:
    """One request as it arrived. `connection` counts from 0: equal numbers, one connection."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def form(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Step:
    """What to do about a request: send `content`, then maybe close, reset or hang."""

    content: bytes = b""
    close: bool = False
    reset: bool = False
    hang: bool = False


RESET = Step(reset=True)
"""Read the request, then reset the connection."""
CLOSE = Step(close=True)
"""Read the request, then close the connection without a word."""
HANG = Step(hang=True)
"""Read the request and never answer."""

Script = Sequence[Step] | Callable[[Received], Step]


def reply(
    status: int = 200,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    *,
    close: bool = False,
) -> Step:
    """A whole answer. `body`: bytes as they are, None for an empty one, anything else as JSON."""
    content = (
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    )
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return Step("\r\n".join(lines).encode() + b"\r\n\r\n" + content, close=close)


@dataclass
class ScriptedServer:
    script: Script
    received: list[Received] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._stopped.set()
        # Wakes accept() on every platform, which closing alone does not.
        with socket.socket() as waker:
            waker.connect_ex(("127.0.0.1", self.port))
        self._listener.close()
        with self._lock:
            sockets = list(self._sockets)
        for connection in sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    @property
    def base(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        number = 0
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._stopped.is_set():
                connection.close()
                return
            with self._lock:
                self._sockets.append(connection)
            self._spawn(self._serve, connection, number)
            number += 1

    def _serve(self, connection: socket.socket, number: int) -> None:
        if self.tls is not None:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
        with connection, connection.makefile("rb") as stream:
            try:
                while (request := self._read(stream, number)) is not None:
                    if not self._act(connection, self._next(request)):
                        return
            except OSError:
                return

    def _read(self, stream: BinaryIO, number: int) -> Received | None:
        readline, read = stream.readline, stream.read
        first = readline().decode("latin-1").split()
        if len(first) < 2:
            return None
        headers: dict[str, str] = {}
        while (line := readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = read(int(headers.get("content-length", 0)))
        return Received(first[0], first[1], headers, body, number)

    def _next(self, request: Received) -> Step:
        with self._lock:
            self.received.append(request)
            if callable(self.script):
                return self.script(request)
            index = min(len(self.received), len(self.script)) - 1
            return self.script[index]

    def _act(self, connection: socket.socket, step: Step) -> bool:
        if step.content:
            connection.sendall(step.content)
        if step.hang:
            self._stopped.wait(60)
            return False
        if step.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        return not step.close


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
