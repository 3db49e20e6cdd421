"""The transport sends once, tells "not sent" from "answer lost", and bounds what it reads."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from support.scripted_http import CLOSE, HANG, RESET, ScriptedServer, Step, free_port, reply
from tradebot.clock import ManualClock, SystemClock
from tradebot.errors import NotSent, SettingsError
from tradebot.saxo.exchange import Request, path_of
from tradebot.saxo.transport import AnswerLost, Transport

USERS = Request("GET", "/port/v1/users/me")
ORDER = Request("POST", "/trade/v2/orders", body=b"{}", request_id="r-1")


def transport_to(server: ScriptedServer, **options: object) -> Transport:
    options = {"allow_orders": True, "read_timeout": 5.0} | options
    return Transport(server.base + "/sim/openapi", SystemClock(), **options)  # type: ignore[arg-type]


def test_a_request_arrives_with_its_query_headers_and_body() -> None:
    with ScriptedServer([reply(200, {"ok": True})]) as server, transport_to(server) as transport:
        request = Request(
            "POST",
            path_of("trade", "v2", "orders"),
            query=(("$top", "5"), ("Uics", "21,31"), ("AccountKey", "a|b+c/d==")),
            body=b'{"Amount":1}',
            authorization="Bearer abc",
            request_id="r-9",
        )
        response = transport.send(request)
    (received,) = server.received
    assert response.status == 200
    assert json.loads(response.body) == {"ok": True}
    assert received.method == "POST"
    assert received.target == (
        "/sim/openapi/trade/v2/orders?$top=5&Uics=21,31&AccountKey=a%7Cb%2Bc%2Fd%3D%3D"
    )
    assert received.body == b'{"Amount":1}'
    assert received.headers["authorization"] == "Bearer abc"
    assert received.headers["x-request-id"] == "r-9"
    assert received.headers["content-type"] == "application/json; charset=utf-8"
    assert "gzip" in received.headers["accept-encoding"]


def test_a_key_in_a_path_is_percent_encoded() -> None:
    with ScriptedServer([reply(200, {})]) as server, transport_to(server) as transport:
        transport.send(Request("GET", path_of("port", "v1", "orders", "a|b+c/d==", "77")))
    assert server.received[0].target == "/sim/openapi/port/v1/orders/a%7Cb%2Bc%2Fd%3D%3D/77"


def test_a_compressed_answer_is_unpacked() -> None:
    packed = gzip.compress(b'{"Name": "x"}')
    with ScriptedServer([reply(200, packed, {"Content-Encoding": "gzip"})]) as server:
        with transport_to(server) as transport:
            assert transport.send(USERS).body == b'{"Name": "x"}'


def test_a_redirect_is_returned_not_followed() -> None:
    with ScriptedServer([reply(307, None, {"Location": "/elsewhere"})]) as server:
        with transport_to(server) as transport:
            assert transport.send(USERS).status == 307
    assert len(server.received) == 1


def test_a_refused_connection_is_provably_not_sent() -> None:
    with (
        Transport(
            f"http://127.0.0.1:{free_port()}/x", SystemClock(), allow_orders=True
        ) as transport,
        pytest.raises(NotSent) as caught,
    ):
        transport.send(ORDER)
    assert caught.value.endpoint == "POST /trade/v2/orders"
    assert "connection_refused" in str(caught.value)


def test_a_name_that_does_not_resolve_is_provably_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with Transport("https://broker.invalid/x", SystemClock(), allow_orders=True) as transport:
        with pytest.raises(NotSent, match="name_resolution"):
            transport.send(ORDER)


def test_a_failed_tls_handshake_is_provably_not_sent() -> None:
    def no_tls() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=no_tls)
        thread.start()
        address = f"https://127.0.0.1:{listener.getsockname()[1]}/x"
        with Transport(address, SystemClock(), allow_orders=True) as transport:
            with pytest.raises(NotSent, match="tls"):
                transport.send(ORDER)
        thread.join(10)


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """The port of a listener that never accepts and whose queue is full: connecting hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(64):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


def test_a_connect_time_out_is_provably_not_sent(full_backlog: int) -> None:
    with (
        Transport(
            f"http://127.0.0.1:{full_backlog}/x",
            SystemClock(),
            allow_orders=True,
            connect_timeout=0.2,
        ) as transport,
        pytest.raises(NotSent, match="connect_timeout"),
    ):
        transport.send(ORDER)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (RESET, "connection_lost"),
        (CLOSE, "connection_lost"),
        (HANG, "read_timeout"),
        (Step(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", close=True), "body_truncated"),
        (
            Step(
                b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n', close=True
            ),
            "body_truncated",
        ),
        (Step(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", hang=True), "read_timeout"),
        (Step(b"SSH-2.0-whatever\r\n", close=True), "connection_lost"),
        (reply(200, b"not gzip", {"Content-Encoding": "gzip"}), "body_undecodable"),
    ],
)
@pytest.mark.parametrize("request_", [USERS, ORDER])
def test_once_sent_a_missing_answer_is_lost_not_unsent(
    step: Step, kind: str, request_: Request
) -> None:
    with ScriptedServer([step]) as server, transport_to(server, read_timeout=0.3) as transport:
        with pytest.raises(AnswerLost) as caught:
            transport.send(request_)
    assert caught.value.kind == kind
    assert not isinstance(caught.value, NotSent)
    assert len(server.received) == 1


def test_a_body_is_read_up_to_a_limit() -> None:
    with ScriptedServer([reply(200, b"x" * 2000)]) as server:
        with transport_to(server, max_body_bytes=1999) as transport:
            with pytest.raises(AnswerLost) as caught:
                transport.send(USERS)
    assert caught.value.kind == "body_too_large"


def test_the_limit_counts_unpacked_bytes() -> None:
    packed = gzip.compress(b"x" * 1_000_000)
    with ScriptedServer([reply(200, packed, {"Content-Encoding": "gzip"})]) as server:
        with transport_to(server, max_body_bytes=100_000) as transport:
            with pytest.raises(AnswerLost) as caught:
                transport.send(USERS)
    assert caught.value.kind == "body_too_large"


def test_a_dripping_body_is_given_up() -> None:
    """Each byte comes in time, the whole does not: told by the clock, here a manual one."""
    clock = ManualClock(datetime(2026, 7, 20, tzinfo=UTC))
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not stop.wait(0.005):
                clock.advance(5)
                try:
                    connection.sendall(b"x" * 100)
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: drip(listener.accept()[0]))
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Transport(address, clock, allow_orders=False) as transport:
            with pytest.raises(AnswerLost) as caught:
                transport.send(USERS)
        stop.set()
        thread.join(10)
    assert caught.value.kind == "read_timeout"


def test_reads_share_a_connection() -> None:
    with ScriptedServer([reply(200, {})]) as server, transport_to(server) as transport:
        for _ in range(3):
            transport.send(USERS)
    assert [r.connection for r in server.received] == [0, 0, 0]


def test_an_order_never_travels_on_a_used_connection() -> None:
    """A kept connection that the server has closed fails halfway: nothing would be provable."""
    with ScriptedServer([reply(200, {})]) as server, transport_to(server) as transport:
        transport.send(USERS)
        transport.send(ORDER)
    assert [r.connection for r in server.received] == [0, 1]


def test_a_connection_closed_meanwhile_is_replaced() -> None:
    with ScriptedServer([reply(200, {}, close=True), reply(200, {"second": 1})]) as server:
        with transport_to(server) as transport:
            transport.send(USERS)
            _until_closed(transport)
            assert transport.send(USERS).body == b'{"second": 1}'
    assert [r.connection for r in server.received] == [0, 1]


def test_an_answer_that_ends_its_connection_is_obeyed() -> None:
    with ScriptedServer([reply(200, {}, {"Connection": "close"})]) as server:
        with transport_to(server) as transport:
            transport.send(USERS)
            transport.send(USERS)
    assert [r.connection for r in server.received] == [0, 1]


@pytest.mark.parametrize(
    "address",
    [
        "http://gateway.example/openapi",
        "http://127.0.0.1.example/x",
        "http://10.0.0.1/x",
        "ftp://127.0.0.1/x",
        "https://user:secret-word@gateway.example/x",
        "https://gateway.example/x?y=1",
        "https://gateway.example:notaport/x",
        "https://",
        "gateway.example",
    ],
)
def test_only_https_or_loopback_addresses_are_accepted(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Transport(address, SystemClock(), allow_orders=False)
    assert "SAXO_REST_BASE" in str(caught.value)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["http://localhost:8080", "http://[::1]:1/x", "http://127.9.9.9", "https://a.example"],
)
def test_loopback_and_https_addresses_are_accepted(address: str) -> None:
    Transport(address, SystemClock(), allow_orders=False).close()


def test_calls_are_counted_and_the_brokers_clock_is_compared() -> None:
    clock = ManualClock(datetime(2026, 7, 20, 14, 9, 15, 500_000, tzinfo=UTC))
    date = {"Date": "Mon, 20 Jul 2026 14:09:05 GMT"}
    with ScriptedServer([reply(200, {}, date), reply(500, {})]) as server:
        with Transport(server.base, clock, allow_orders=False) as transport:
            assert transport.server_time_offset is None
            transport.send(USERS)
            transport.send(USERS)
    assert transport.http_calls == 2
    assert transport.server_time_offset == pytest.approx(10.0)


def test_a_nonsensical_date_is_ignored() -> None:
    with ScriptedServer([reply(200, {}, {"Date": "yesterday"})]) as server:
        with transport_to(server) as transport:
            transport.send(USERS)
    assert transport.server_time_offset is None


def test_a_read_waits_no_longer_than_the_run_has_left() -> None:
    with ScriptedServer([HANG]) as server:
        with transport_to(server, read_timeout=60.0, time_left=lambda: 0.0) as transport:
            with pytest.raises(AnswerLost) as caught:
                transport.send(USERS)
    assert caught.value.kind == "read_timeout"


@pytest.mark.parametrize(
    "arguments",
    [
        ("FETCH", "/port/v1/users/me"),
        ("get", "/port/v1/users/me"),
        ("GET", "port/v1"),
        ("GET", "/port//v1"),
        ("GET", "/port/../trade"),
        ("GET", "/port/./v1"),
        ("GET", "/port/v1/.."),
        ("GET", "/a b"),
        ("GET", "/a?b=c"),
        ("GET", "/a\r\nX: y"),
        ("GET", "//evil.example/x"),
    ],
)
def test_a_request_no_endpoint_has_cannot_be_built(arguments: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="request's"):
        Request(*arguments)  # type: ignore[arg-type]


def test_a_get_carries_no_body() -> None:
    with pytest.raises(ValueError, match="body"):
        Request("GET", "/port/v1/users/me", body=b"{}")


def _until_closed(transport: Transport) -> None:
    """Wait until the server's close has arrived at the kept connection."""
    (connection,) = transport._connections._idle[transport.rest_base.origin]
    while connection.is_connected:
        threading.Event().wait(0.001)


def test_an_interrupted_connection_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(socket, "getaddrinfo", interrupted)
    with Transport("https://broker.invalid/x", SystemClock(), allow_orders=True) as transport:
        with pytest.raises(KeyboardInterrupt):
            transport.send(ORDER)


def test_an_interrupted_conversation_gives_no_connection_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedServer([reply(200, {})]) as server, transport_to(server) as transport:
        with monkeypatch.context() as patch:
            patch.setattr(transport, "_read_body", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                transport.send(USERS)
        transport.send(USERS)
    assert [r.connection for r in server.received] == [0, 1]


def _interrupt(*_: object) -> bytes:
    raise KeyboardInterrupt
