"""What may happen to an order where no fault of the simulator brings it about: by name.

The names are those of `happens` and `between` in the table of answers. Each `happens` lasts for one
cycle, with real sockets: the order's connection is led to another listener, the rest is untouched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.bench import Bench
from support.scripted_http import HANG, RESET, ScriptedServer, Step, free_port
from tradebot import wiring
from tradebot.execution import trade_executor
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.connections import Base, Connections
from tradebot.saxo.exchange import Request
from tradebot.saxo.transport import Transport
from tradebot.simulator import audit, matching


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it, nothing is written after it."""


@contextlib.contextmanager
def happening(name: str | None, bench: Bench) -> Iterator[None]:
    """While inside, `name` happens; nothing for None."""
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        if name is not None:
            stack.enter_context(_HAPPENINGS[name](bench, patch))
        yield


def happen_between(name: str | None, bench: Bench) -> None:
    """What happens at the broker, or to the state folder, between two cycles."""
    if name is not None:
        _BETWEEN[name](bench)


# -- the order's connection is led elsewhere -----------------------------------------------------


def _lead(patch: pytest.MonkeyPatch, **where: object) -> None:
    """Only what changes something has a fresh connection below the REST base's path."""
    real = Connections.take

    def take(self: Connections, base: Base, *, fresh: bool, connect_timeout: float) -> Any:
        if fresh and base.path:
            base = dataclasses.replace(base, **where)  # type: ignore[arg-type]
        return real(self, base, fresh=fresh, connect_timeout=connect_timeout)

    patch.setattr(Connections, "take", take)


@contextlib.contextmanager
def _nobody_listens(_: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    _lead(patch, port=free_port())
    yield


@contextlib.contextmanager
def _no_such_name(_: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    _lead(patch, scheme="https", host="broker.invalid")
    yield


@contextlib.contextmanager
def _no_tls(_: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 ready\r\n")
                connection.recv(4096)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        _lead(patch, scheme="https", port=listener.getsockname()[1])
        yield
        thread.join(10)


def _answers(step: Step) -> Callable[[Bench, pytest.MonkeyPatch], Any]:
    @contextlib.contextmanager
    def scripted(_: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
        with ScriptedServer([step]) as server:
            _lead(patch, port=server.port)
            _hurry(patch)
            yield
        assert len(server.received) == 1

    return scripted


def _raw(length: int, body: bytes) -> Step:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
    return Step(head.encode() + body, close=True)


@contextlib.contextmanager
def _short_time_out(_: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    _hurry(patch)
    yield


def _hurry(patch: pytest.MonkeyPatch) -> None:
    """Orders wait for half a second instead of ten."""

    class Impatient(Transport):
        def send(self, request: Request, **more: Any) -> Any:
            self._read_timeout = 0.5 if request.is_order else 10.0
            return super().send(request, **more)

    patch.setattr(wiring, "Transport", Impatient)


# -- time, signals, the end of the process -------------------------------------------------------


@contextlib.contextmanager
def _an_hour_passes(bench: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    _after(patch, "prepare_order", lambda: bench.clock.advance(3600))
    yield


@contextlib.contextmanager
def _asked_to_stop(bench: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    _after(patch, "precheck", bench.clock.request_stop)
    yield
    bench.clock._stopping = False


@contextlib.contextmanager
def _killed_at_the_precheck(_: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    patch.setattr(SaxoClient, "precheck", _die)
    yield


@contextlib.contextmanager
def _killed_before_the_first_byte(_: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    patch.setattr(trade_executor, "place", _die)
    yield


@contextlib.contextmanager
def _killed_after_the_answer(_: Bench, patch: pytest.MonkeyPatch) -> Iterator[None]:
    _after(patch, "place_order", _die)
    yield


def _die(*_: object, **__: object) -> None:
    raise Killed


def _after(patch: pytest.MonkeyPatch, method: str, then: Callable[[], None]) -> None:
    real = getattr(SaxoClient, method)

    def both(*arguments: Any, **named: Any) -> Any:
        answer = real(*arguments, **named)
        then()
        return answer

    patch.setattr(SaxoClient, method, both)


# -- the broker's state --------------------------------------------------------------------------


@contextlib.contextmanager
def _another_currency(bench: Bench, _: pytest.MonkeyPatch) -> Iterator[None]:
    bench.simulator.broker.currency = "EUR"
    yield


@contextlib.contextmanager
def _no_disclaimer_texts(bench: Bench, _: pytest.MonkeyPatch) -> Iterator[None]:
    bench.fault(
        "status", count=None, endpoint="/dm/v2/disclaimers", method="GET", params={"status": 503}
    )
    yield


@contextlib.contextmanager
def _the_journal_forgot(bench: Bench, _: pytest.MonkeyPatch) -> Iterator[None]:
    """An order that works, of which the audit log shows the first row alone, and no journal."""
    bench.fault("never_fill")
    bench.fault("audit_only")
    bench.cycle()
    for path in (bench.settings().state_path / "live").glob("journal.db*"):
        path.unlink()
    state = bench.simulator.broker.state
    state.run("UPDATE audit SET visible = visible + 600 WHERE sub_status = 'Confirmed'")
    yield


def _order(bench: Bench) -> dict[str, Any]:
    [row] = bench.simulator.broker.state.all("SELECT order_id FROM orders")
    return matching.order_row(bench.simulator.broker, row["order_id"])


def _cancelled(bench: Bench) -> None:
    broker = bench.simulator.broker
    with broker.state.transaction():
        matching.close(broker, _order(bench), "Cancelled", broker.now())


def _expired(bench: Bench) -> None:
    broker = bench.simulator.broker
    with broker.state.transaction():
        matching.close(broker, _order(bench), "Expired", broker.now())


def _done_for_the_day(bench: Bench) -> None:
    broker = bench.simulator.broker
    with broker.state.transaction():
        order = _order(bench)
        broker.state.run("UPDATE orders SET status = 'Expired'")
        audit.record(broker, order, "DoneForDay", "Confirmed", now=broker.now())


def _the_market_moves_on(bench: Bench) -> None:
    bench.simulator.advance()


def _called_absent(bench: Bench) -> None:
    bench.clock.advance(120)
    bench.cycle()
    assert bench.lines("execution_completed")[-1]["failure_reason"] == "not_placed"


def _another_account(bench: Bench) -> None:
    with bench.journal() as journal, journal._database.transaction() as connection:
        connection.execute("UPDATE attempts SET account='another'")
    bench.simulator.advance()  # this account decides by itself; here it has no wish


_HAPPENINGS: dict[str, Callable[[Bench, pytest.MonkeyPatch], Any]] = {
    "nobody listens": _nobody_listens,
    "no such name": _no_such_name,
    "no TLS": _no_tls,
    "reset after sending": _answers(RESET),
    "never answers": _answers(HANG),
    "promises more than it sends": _answers(_raw(99, b'{"OrderId": "5000001"}')),
    "sends more than it promises": _answers(_raw(15, b'{"OrderId": "5000001"}')),
    "an early hint": _answers(Step(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", close=True)),
    "does not speak HTTP": _answers(Step(b"220 ready\r\n", close=True)),
    "short time-out": _short_time_out,
    "an hour passes before sending": _an_hour_passes,
    "asked to stop at the precheck": _asked_to_stop,
    "killed at the precheck": _killed_at_the_precheck,
    "killed before the first byte": _killed_before_the_first_byte,
    "killed after the answer": _killed_after_the_answer,
    "an account in another currency": _another_currency,
    "no disclaimer texts": _no_disclaimer_texts,
    "the journal forgot the order": _the_journal_forgot,
}

_BETWEEN: dict[str, Callable[[Bench], None]] = {
    "the market moves on": _the_market_moves_on,
    "cancelled": _cancelled,
    "expired": _expired,
    "done for the day": _done_for_the_day,
    "called absent": _called_absent,
    "another account": _another_account,
}
