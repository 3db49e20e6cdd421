"""A small HTTP/1.1 server on loopback: keep-alive, one thread per connection.

The standard library's `http.server` would do, but it costs every embedded run the import of
`email`, `html` and `mimetypes` and a header parser meant for mail, and its shutdown polls. Here a
waiting `accept` is woken by a connection from within, and idle connections by shutting them down,
so that stopping is immediate and leaves no socket and no thread behind.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeAlias

from tradebot.simulator.web import Reply, Request
from tradebot.simulator.wire import Wire

Handler: TypeAlias = Callable[[Request], Reply]

MAX_HEADER_BYTES = 64 * 1024
MAX_BODY_BYTES = 4 * 1024 * 1024
GZIP_FROM_BYTES = 256
ACCEPT_AGAIN_SECONDS = 0.05
CLOSE_SECONDS = 2.0
"""How long a request in flight may still take when the server is closed."""
RESET_ON_CLOSE = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER with no time left: closing breaks the connection off."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class BadRequest(Exception):
    """What arrived is not HTTP as this server reads it."""


class HttpServer:
    """Serves `handler` on 127.0.0.1:`port` (0: a free one) from construction until `close`.

    `wall` gives the time for the Date header. Raises OSError when the port is taken.
    """

    def __init__(self, handler: Handler, port: int, wall: Callable[[], float]) -> None:
        self._handler = handler
        self._wall = wall
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(
            target=self._accept, name=f"simulator-{self.port}", daemon=True
        )
        self._acceptor.start()

    def close(self) -> None:
        """Stop; returns when every thread has ended. Requests in flight are finished first."""
        self._stop.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            connections = list(self._connections.items())
        for connection, _ in connections:
            # Only the reading side: a reply that is being written still goes out.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        for connection, thread in connections:
            thread.join(CLOSE_SECONDS)
            if thread.is_alive():  # not every system wakes a reader this way
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._stop.is_set():
                    return
                time.sleep(ACCEPT_AGAIN_SECONDS)  # out of file descriptors, most likely
                continue
            if self._stop.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as reader:
                while not self._stop.is_set() and self._exchange(
                    connection, reader.readline, reader.read
                ):
                    pass
        except OSError:
            pass  # The client went away: nobody is left to tell.
        finally:
            connection.close()
            with self._lock:
                self._connections.pop(connection, None)

    def _exchange(
        self,
        connection: socket.socket,
        readline: Callable[[int], bytes],
        read: Callable[[int], bytes],
    ) -> bool:
        """One request and its reply. False when the connection is to be closed."""
        try:
            request = read_request(readline, read, connection.sendall)
        except BadRequest as problem:
            reply = Reply(400, str(problem).encode(), "text/plain; charset=utf-8")
            head, body = render(reply, self._wall(), close=True)
            connection.sendall(head + body)
            return False
        if request is None:
            return False
        try:
            reply = self._handler(request)
        except Exception as error:  # noqa: BLE001 - a bug must reach the client, not a thread's stderr
            text = f"the simulator failed: {type(error).__name__}: {error}"
            reply = Reply(500, text.encode(), "text/plain; charset=utf-8")
        if reply.wire.drop:
            if reply.wire.reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            return False
        close = request.headers.get("connection", "").lower() == "close"
        if "gzip" in request.headers.get("accept-encoding", ""):
            compress(reply)
        head, body = render(reply, self._wall(), close=close)
        if request.method == "HEAD":
            body = b""
        return self._send(connection, reply.wire, head, body) and not (close or reply.wire.closes)

    def _send(self, connection: socket.socket, wire: Wire, head: bytes, body: bytes) -> bool:
        """Send a reply, at once or dripping. False when the server was closed in between."""
        if not wire.pause:
            connection.sendall(head + body)
            return True
        at_once = b"" if wire.pause_in_headers else head
        connection.sendall(at_once)
        for byte in (head + body)[len(at_once) :]:
            connection.sendall(bytes((byte,)))
            if self._stop.wait(wire.pause):
                return False
        return True


def read_request(
    readline: Callable[[int], bytes],
    read: Callable[[int], bytes],
    send: Callable[[bytes], object],
) -> Request | None:
    """The next request, or None at the end of the connection. Raises BadRequest."""
    line = readline(MAX_HEADER_BYTES)
    if not line.endswith(b"\n"):
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest("this is an HTTP/1.1 server")
    headers: dict[str, str] = {}
    size = 0
    while (line := readline(MAX_HEADER_BYTES)) not in (b"\r\n", b"\n"):
        size += len(line)
        name, colon, value = line.decode("latin-1").partition(":")
        if not line.endswith(b"\n") or size > MAX_HEADER_BYTES:
            return None
        if not colon:
            raise BadRequest("a header line without a colon")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = read_body(headers, readline, read)
    return None if body is None else Request(words[0], words[1], headers, body)


def read_body(
    headers: dict[str, str], readline: Callable[[int], bytes], read: Callable[[int], bytes]
) -> bytes | None:
    """The body, by length or in chunks; None when the connection ended in the middle of it."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return read_chunks(readline, read)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise BadRequest("no usable Content-Length")
    body = read(int(length)) if length != "0" else b""
    return body if len(body) == int(length) else None


def read_chunks(readline: Callable[[int], bytes], read: Callable[[int], bytes]) -> bytes | None:
    body = b""
    while True:
        try:
            length = int(readline(100).partition(b";")[0], 16)
        except ValueError:
            raise BadRequest("a chunk without a size") from None
        if length < 0 or len(body) + length > MAX_BODY_BYTES:
            raise BadRequest("a chunk that is too long")
        if length == 0:
            while readline(MAX_HEADER_BYTES) not in (b"\r\n", b"\n", b""):
                pass
            return body
        chunk = read(length)
        if len(chunk) < length:
            return None
        body += chunk
        readline(2)


def compress(reply: Reply) -> None:
    """Pack the body as gzip, where that makes it smaller."""
    if len(reply.body) >= GZIP_FROM_BYTES and "Content-Encoding" not in reply.headers:
        packer = zlib.compressobj(1, wbits=31)
        reply.body = packer.compress(reply.body) + packer.flush()
        reply.headers["Content-Encoding"] = "gzip"


def render(reply: Reply, wall: float, *, close: bool = False) -> tuple[bytes, bytes]:
    """The bytes of a reply: its head and its body."""
    wire = reply.wire
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Date: {http_date(wall + wire.date_off)}"]
    if reply.body:
        lines.append(f"Content-Type: {reply.content_type}")
    if reply.status != HTTPStatus.NO_CONTENT:
        lines += wire.length_headers(len(reply.body))
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if close or wire.closes:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head, wire.encode(reply.body)


def http_date(seconds: float) -> str:
    """An RFC 9110 date, in English whatever the locale."""
    t = time.gmtime(seconds)
    return (
        f"{DAYS[t.tm_wday]}, {t.tm_mday:02} {MONTHS[t.tm_mon - 1]} {t.tm_year}"
        f" {t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} GMT"
    )
