"""HTTP/1.1 as clients speak it: keep-alive, gzip, chunks, and nonsense on the wire."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import threading
from collections.abc import Iterator

import pytest

from support.simulator_client import SimulatorClient
from tradebot.simulator import Simulator, http_server
from tradebot.simulator.http_server import HttpServer, http_date
from tradebot.simulator.web import Reply, Request


@pytest.fixture
def raw(sim: Simulator) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", sim.port), timeout=20) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def test_one_connection_serves_many_requests(api: SimulatorClient) -> None:
    api.get("/port/v1/users/me")
    local = api._connection.sock.getsockname()
    for _ in range(5):
        api.get("/port/v1/users/me")
    assert api._connection.sock.getsockname() == local


def test_gzip_only_when_asked_for(api: SimulatorClient) -> None:
    path = "/sim/openapi/port/v1/clients/me"
    plain = api.send("GET", path)
    assert plain.header("Content-Encoding") is None
    packed = api.send("GET", path, headers={"Accept-Encoding": "gzip, deflate"})
    assert packed.header("Content-Encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    short = api.send("GET", "/sim/openapi/port/v1/orders/me", headers={"Accept-Encoding": "gzip"})
    assert short.json["__count"] == 0, "not worth packing"


def test_only_this_machine_can_connect(api: SimulatorClient) -> None:
    listener = api.sim._running[1]._listener  # type: ignore[index]
    assert listener.getsockname()[0] == "127.0.0.1"


def test_the_connection_is_closed_when_asked(raw: socket.socket) -> None:
    raw.sendall(b"GET /simulator/state HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = read_all(raw)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in answer


def test_head_has_no_body(sim: Simulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=20)
    connection.request("HEAD", "/simulator/state")
    assert connection.getresponse().read() == b""
    connection.close()


def test_bodies_in_chunks(raw: socket.socket) -> None:
    raw.sendall(
        b"POST /simulator/advance HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n"
        b'6;x=y\r\n{"bars\r\n4\r\n": 2\r\n1\r\n}\r\n0\r\nTrailer: t\r\n\r\n'
    )
    assert b'"moved":2' in read_all(raw)


def test_expect_continue(raw: socket.socket) -> None:
    raw.sendall(
        b"POST /simulator/advance HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
        b"Connection: close\r\n\r\n"
    )
    assert raw.recv(100).startswith(b"HTTP/1.1 100 Continue")
    raw.sendall(b"{}")
    assert b'"moved":1' in read_all(raw)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /token HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /token HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    ],
)
def test_nonsense_is_a_400(raw: socket.socket, sent: bytes) -> None:
    raw.sendall(sent)
    assert read_all(raw).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x",
        b"POST /token HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_a_request_that_breaks_off_is_forgotten(
    raw: socket.socket, sim: Simulator, sent: bytes
) -> None:
    raw.sendall(sent)
    raw.shutdown(socket.SHUT_WR)
    # It may close while some of it is still unread.
    with contextlib.suppress(ConnectionResetError):
        assert read_all(raw) == b""
    with SimulatorClient(sim) as api:
        assert api.get("/port/v1/users/me").status == 200


def test_a_client_that_does_not_wait_for_its_answer(sim: Simulator) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", sim.port), timeout=20) as connection:
            connection.sendall(b"GET /simulator/state HTTP/1.1\r\n\r\n" * 50)
            linger = b"\1\0\0\0\0\0\0\0"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    with SimulatorClient(sim) as api:
        assert api.get("/port/v1/users/me").status == 200


def test_a_bug_reaches_the_client_not_the_console(capfd: pytest.CaptureFixture[str]) -> None:
    def handler(_request: Request) -> Reply:
        raise LookupError("something is missing")

    server = HttpServer(handler, 0, lambda: 0.0)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            answer = read_all(connection)
    finally:
        server.close()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert answer.endswith(b"LookupError: something is missing")
    assert capfd.readouterr() == ("", "")


def test_odd_statuses_and_no_content() -> None:
    replies = iter([Reply(599, b"x"), Reply(204)])
    server = HttpServer(lambda _request: next(replies), 0, lambda: 0.0)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            first, second = read_all(connection).split(b"HTTP/1.1 ")[1:]
    finally:
        server.close()
    assert first.startswith(b"599 Unknown\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n")
    assert b"Content-Length" not in second


def test_a_request_that_takes_too_long_does_not_keep_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_server, "CLOSE_SECONDS", 0.0)
    entered, leave = threading.Event(), threading.Event()

    def handler(_request: Request) -> Reply:
        entered.set()
        leave.wait()
        return Reply(200, b"x" * 1000)

    server = HttpServer(handler, 0, lambda: 0.0)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        entered.wait()
        closing = threading.Thread(target=server.close)
        closing.start()
        assert connection.recv(100) == b"", "hung up on before the handler came back"
        leave.set()
        closing.join()


def test_dates_are_english() -> None:
    assert http_date(1_784_556_545) == "Mon, 20 Jul 2026 14:09:05 GMT"
