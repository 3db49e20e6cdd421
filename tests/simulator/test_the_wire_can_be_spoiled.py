"""Faults of the bytes: what a client gets whose connection, length, packing or clock is wrong."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import zlib

import pytest

from support.simulator_client import SimulatorClient

ME = "/port/v1/users/me"


def raw(api: SimulatorClient, *, headers: str = "", path: str = ME) -> tuple[str, bytes]:
    """Head and body as they come over the wire, until the server closes."""
    request = (
        f"GET /sim/openapi{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
        f"{headers}Connection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", api.sim.port), timeout=20) as connection:
        connection.sendall(request.encode())
        with connection.makefile("rb") as reader:
            head, _, body = reader.read().partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


@pytest.fixture
def whole(api: SimulatorClient) -> bytes:
    """The body that a healthy server sends."""
    _, body = raw(api)
    assert json.loads(body)
    return body


def test_no_length(api: SimulatorClient, whole: bytes) -> None:
    api.fault("no_length")
    head, body = raw(api)
    assert "Content-Length" not in head
    assert "Connection: close" in head
    assert body == whole


def test_no_length_and_cut_without_a_trace(api: SimulatorClient, whole: bytes) -> None:
    api.fault("no_length")
    api.fault("truncate")
    assert api.get(ME).body == whole[: len(whole) // 2]


def test_chunked(api: SimulatorClient, whole: bytes) -> None:
    api.fault("chunked", bytes=7)
    head, body = raw(api)
    assert "Transfer-Encoding: chunked" in head
    assert "Content-Length" not in head
    assert body.startswith(b"7\r\n" + whole[:7] + b"\r\n7\r\n")
    api.fault("chunked", bytes=7)
    assert api.get(ME).body == whole
    assert api.get(ME).body == whole, "the connection goes on"


def test_chunked_without_an_end(api: SimulatorClient) -> None:
    api.fault("chunked")
    api.fault("truncate", bytes=10)
    with pytest.raises(http.client.IncompleteRead):
        api.get(ME)


@pytest.mark.parametrize("by", [10, -10])
def test_a_wrong_length(api: SimulatorClient, whole: bytes, by: int) -> None:
    api.fault("wrong_length", by=by)
    head, body = raw(api)
    assert f"Content-Length: {len(whole) + by}" in head
    assert body == whole
    api.fault("wrong_length", by=by)
    if by > 0:
        with pytest.raises(http.client.IncompleteRead):
            api.get(ME)
    else:
        assert api.get(ME).body == whole[:by]


@pytest.mark.parametrize("asked_for", ["", "Accept-Encoding: gzip\r\n"])
def test_gzip_that_is_broken(api: SimulatorClient, whole: bytes, asked_for: str) -> None:
    api.fault("bad_gzip")
    head, body = raw(api, headers=asked_for)
    assert "Content-Encoding: gzip" in head
    assert f"Content-Length: {len(body)}" in head
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(body) != whole
    assert not unpacker.eof


def test_a_body_that_is_far_too_large(api: SimulatorClient, whole: bytes) -> None:
    api.fault("oversize", bytes=1_000_000)
    body = api.get(ME).body
    assert len(body) == len(whole) + 1_000_000
    assert json.loads(body) == json.loads(whole)
    api.fault("oversize", bytes=1_000_000)
    _, packed = raw(api, headers="Accept-Encoding: gzip\r\n")
    assert len(packed) < 20_000, "packed it looks harmless"
    assert len(zlib.decompress(packed, wbits=31)) == len(body)


@pytest.mark.parametrize("headers", [False, True])
def test_a_dripping_answer_comes_in_the_end(
    api: SimulatorClient, whole: bytes, headers: bool
) -> None:
    api.fault("drip", seconds=0.00001, headers=headers)
    assert api.get(ME).body == whole
    api.fault("drip", seconds=3600, headers=headers)
    with socket.create_connection(("127.0.0.1", api.sim.port), timeout=20) as connection:
        target = f"GET /sim/openapi{ME} HTTP/1.1\r\nAuthorization: Bearer {api.token}\r\n\r\n"
        connection.sendall(target.encode())
        with connection.makefile("rb") as reader:
            if headers:
                first = b"H"
            else:
                while reader.readline() != b"\r\n":
                    pass
                first = whole[:1]
            assert reader.read(1) == first
            stopping = threading.Thread(target=api.sim.stop)
            stopping.start()  # does not wait for the next byte
            assert reader.read() == b""
            stopping.join()


def test_the_servers_clock_is_off(api: SimulatorClient) -> None:
    api.fault("date_off", seconds_off=3600)
    api.fault("date_off", seconds_off=-45)
    dates = [api.get(ME).header("Date") for _ in range(3)]
    assert dates == [
        "Mon, 20 Jul 2026 15:09:05 GMT",
        "Mon, 20 Jul 2026 14:08:20 GMT",
        "Mon, 20 Jul 2026 14:09:05 GMT",
    ]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_is_closed_or_broken_off(api: SimulatorClient, kind: str, reset: bool) -> None:
    api.fault(kind, reset=reset)
    with pytest.raises(ConnectionResetError if reset else http.client.RemoteDisconnected):
        api.get(ME)


def test_an_answer_in_json_instead(api: SimulatorClient) -> None:
    api.fault("status", status=400, body={"ErrorCode": "X"})
    assert api.get(ME).json == {"ErrorCode": "X"}
    api.fault("status_after", status=409, body=[1])
    assert (api.place(ExternalReference="r").status, len(api.audit())) == (409, 3)
