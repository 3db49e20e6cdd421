"""What is logged: one event of sixteen fields, and three ways in which its values repeat.

Every event of a workload is made before the clock runs, and every peer is given the same ones.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

NAME = "execution_order_placed"
COMPONENT = "execution.placement"
CLIENT_KEY = "Cf4xZWiYL6W1nMKpygBLLA=="
ACCOUNT_KEY = "LZTc7DdejXODf-WSl2aCyQ=="

_REFERENCE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ234567"
_INSTRUMENTS = 20
_LINES_OF_AN_ORDER = 10
_LINES_OF_A_REQUEST = 3


@dataclass(frozen=True, slots=True)
class Run:
    """The six fields that every line carries."""

    run_id: str = "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a"
    cycle_id: int = 48213
    dry_run: bool = False
    single_cycle: bool = True
    env: str = "SIM"
    strategy: str = "sma_cross/1.0"


@dataclass(frozen=True, slots=True)
class Order:
    """The ten fields of the call, both keys as the program holds them: not masked."""

    instrument_id: str
    asset_type: str
    uic: int
    client_key: str
    account_key: str
    http_status: int
    latency_ms: int
    saxo_request_id: str
    external_reference: str
    order_id: str


RUN = Run()


def secrets() -> list[str]:
    """The twelve secrets of a process on SIM: two keys, and the app's and the login's."""
    chance = random.Random(12)
    return [
        CLIENT_KEY,
        ACCOUNT_KEY,
        *(f"{chance.getrandbits(128):032x}" for _ in range(4)),
        *("eyJhbGciOiJFUzI1NiJ9." + chance.randbytes(90).hex() for _ in range(2)),
        *(str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(4)),
    ]


def as_text(order: Order) -> str:
    """The event as an application writes it by hand."""
    return (
        f"{NAME} | run_id={RUN.run_id} cycle_id={RUN.cycle_id} dry_run={RUN.dry_run}"
        f" single_cycle={RUN.single_cycle} env={RUN.env} strategy={RUN.strategy}"
        f" instrument_id={order.instrument_id} asset_type={order.asset_type} uic={order.uic}"
        f" client_key={order.client_key} account_key={order.account_key}"
        f" http_status={order.http_status} latency_ms={order.latency_ms}"
        f" saxo_request_id={order.saxo_request_id}"
        f" external_reference={order.external_reference} order_id={order.order_id}"
    )


class _Values:
    """A seeded source of values that look like the broker's."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def reference(self) -> str:
        letters = "".join(self._chance.choices(_REFERENCE_LETTERS, k=10))
        return f"ATB-20251217-0712-{letters}"

    def order_id(self) -> str:
        return str(self._chance.randrange(5_000_000_000, 6_000_000_000))

    def latency(self) -> int:
        return self._chance.randrange(4, 900)

    def correlation(self) -> str:
        return f"{uuid.UUID(int=self._chance.getrandbits(128))}#123"


def _order(instrument: int, latency: int, correlation: str, reference: str, order_id: str) -> Order:
    return Order(
        f"Stock:{211 + instrument}",
        "Stock",
        211 + instrument,
        CLIENT_KEY,
        ACCOUNT_KEY,
        200,
        latency,
        correlation,
        reference,
        order_id,
    )


def same(count: int) -> list[Order]:
    """One event, again and again: whoever remembers what he wrote has nothing left to do."""
    values = _Values(1)
    one = _order(0, 12, values.correlation(), values.reference(), values.order_id())
    return [one] * count


def fresh(count: int) -> list[Order]:
    """Reference, order id, latency and correlation id are new in each event."""
    values = _Values(2)
    return [
        _order(
            n % _INSTRUMENTS,
            values.latency(),
            values.correlation(),
            values.reference(),
            values.order_id(),
        )
        for n in range(count)
    ]


def cycle(count: int) -> list[Order]:
    """As in a trading cycle: twenty instruments, ten lines for each order, three for a request."""
    values = _Values(3)
    orders: list[Order] = []
    for n in range(count):
        if n % _LINES_OF_AN_ORDER == 0:
            reference, order_id = values.reference(), values.order_id()
        if n % _LINES_OF_AN_ORDER % _LINES_OF_A_REQUEST == 0:
            latency, correlation = values.latency(), values.correlation()
        instrument = n // _LINES_OF_AN_ORDER % _INSTRUMENTS
        orders.append(_order(instrument, latency, correlation, reference, order_id))
    return orders


WORKLOADS: dict[str, Callable[[int], list[Order]]] = {"same": same, "cycle": cycle, "fresh": fresh}
