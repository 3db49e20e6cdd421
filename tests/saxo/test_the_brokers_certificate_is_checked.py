"""TLS: a certificate that nobody vouches for, or for another host, is no connection at all."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.scripted_http import ScriptedServer, reply
from tradebot.clock import SystemClock
from tradebot.errors import NotSent
from tradebot.saxo.exchange import Request
from tradebot.saxo.transport import Transport

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

ORDER = Request("POST", "/trade/v2/orders", body=b"{}")


@pytest.fixture
def certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, bool], ssl.SSLContext]:
    """A server's TLS for a name, with a certificate that this machine trusts or does not."""

    def make(name: str, trusted: bool) -> ssl.SSLContext:
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", str(key), "-out", str(certificate), "-days", "2",
             "-subj", "/CN=test", "-addext", f"subjectAltName={name}"],
            check=True,
            capture_output=True,
        )  # fmt: skip
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    return make


def test_a_trusted_certificate_of_the_host_is_accepted(
    certified: Callable[[str, bool], ssl.SSLContext],
) -> None:
    tls = certified("IP:127.0.0.1", True)
    with ScriptedServer([reply(200, {"ok": 1})], tls=tls) as server:
        with Transport(server.base, SystemClock(), allow_orders=True) as transport:
            assert transport.send(Request("GET", "/port/v1/users/me")).body == b'{"ok": 1}'
            assert transport.send(ORDER).status == 200
    assert [request.method for request in server.received] == ["GET", "POST"]


@pytest.mark.parametrize(("name", "trusted"), [("IP:127.0.0.1", False), ("DNS:other", True)])
def test_any_other_certificate_is_refused_before_anything_is_sent(
    certified: Callable[[str, bool], ssl.SSLContext], name: str, trusted: bool
) -> None:
    with ScriptedServer([reply(200, {})], tls=certified(name, trusted)) as server:
        with Transport(server.base, SystemClock(), allow_orders=True) as transport:
            with pytest.raises(NotSent, match="tls"):
                transport.send(ORDER)
    assert server.received == []
