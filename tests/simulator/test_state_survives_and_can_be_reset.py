"""One file holds everything: restarts, kills, resets, wrong files and the control endpoints."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock
from tradebot.errors import StorageError
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

UNLIMITED = RateLimits(enabled=False)


def test_everything_is_there_after_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    options = SimulatorOptions(clock=clock, rate_limits=UNLIMITED)
    path = tmp_path / "deep" / "folder" / "s.db"
    with Simulator(path, options=options) as sim, SimulatorClient(sim) as api:
        assert sim.is_new
        filled = api.placed(ExternalReference="in", request_id="1")
        waiting = api.placed(OrderType="Limit", OrderPrice=20, request_id="2")
        sim.advance()
        api.fault("html", skip=100)
        token, day = api.token, sim.market_date
        before = api.balance(), api.audit(), api.get("/port/v1/positions/me").json
        keys = sim.client_key, sim.account_key, sim.app_key, sim.app_secret
    with Simulator(path, options=options) as sim, SimulatorClient(sim, token=token) as api:
        assert not sim.is_new
        assert (sim.client_key, sim.account_key, sim.app_key, sim.app_secret) == keys
        assert sim.market_date == day
        assert (api.balance(), api.audit(), api.get("/port/v1/positions/me").json) == before
        assert api.place(ExternalReference="in", request_id="1").status == 409
        assert api.control("GET", "faults").json["faults"][0]["kind"] == "html"
        counted = api.control("GET", "requests").json
        assert counted["references"]["in"]["order_ids"] == [filled]
        assert api.story(waiting)[-1] == "Expired/Confirmed"


def test_a_killed_process_leaves_whole_orders(tmp_path: Path) -> None:
    """Placed by a process that then dies without a word; another one goes on with its file."""
    code = """
        import sys
        from pathlib import Path
        from support.simulator_client import SimulatorClient
        from tradebot.simulator import Simulator
        sim = Simulator(Path(sys.argv[1])).start()
        api = SimulatorClient(sim)
        print(api.placed(ExternalReference="last words"), flush=True)
        sys.stdin.read()
    """
    path = tmp_path / "s.db"
    support = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(support)},
        text=True,
    ) as process:
        assert process.stdout is not None
        order_id = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    with Simulator(path) as sim, SimulatorClient(sim) as api:
        assert api.story(order_id)[-1] == "FinalFill/Confirmed"
        assert len(api.get("/port/v1/positions/me").data) == 1


def test_two_simulators_take_turns_at_one_file(tmp_path: Path) -> None:
    options = SimulatorOptions(rate_limits=UNLIMITED)
    path = tmp_path / "s.db"
    with Simulator(path, options=options) as one, Simulator(path, options=options) as two:

        def work(sim: Simulator, name: str) -> None:
            with SimulatorClient(sim) as api:
                for n in range(10):
                    api.placed(ExternalReference=f"{name}{n}", request_id=f"{name}{n}")

        threads = [threading.Thread(target=work, args=a) for a in ((one, "a"), (two, "b"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with SimulatorClient(one) as api:
            ids = {r["OrderId"] for r in api.audit()}
            assert len(ids) == 20
            assert api.get("/port/v1/netpositions/me").data[0]["NetPositionBase"]["Amount"] == 200


def test_many_clients_at_once(tmp_path: Path) -> None:
    options = SimulatorOptions(rate_limits=UNLIMITED)
    with Simulator(tmp_path / "s.db", options=options) as sim:

        def work(name: str) -> None:
            with SimulatorClient(sim) as api:
                for n in range(10):
                    api.placed(ExternalReference=f"{name}-{n}", request_id=f"{name}-{n}")
                    api.get("/port/v1/positions/me")

        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with SimulatorClient(sim) as api:
            assert len({r["OrderId"] for r in api.audit()}) == 80
            found = api.control("GET", "requests").json
            assert {r["placements"] for r in found["references"].values()} == {1}
            assert {r["orders"] for r in found["references"].values()} == {1}


def test_the_same_order_from_many_threads_is_one_order(api: SimulatorClient) -> None:
    statuses: list[int] = []

    def work() -> None:
        with SimulatorClient(api.sim, token=api.token) as client:
            statuses.append(client.place(ExternalReference="x", request_id="x").status)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 11
    counts = api.control("GET", "requests?reference=x").json["references"]["x"]
    assert (counts["placements"], counts["orders"]) == (12, 1)


def test_starting_and_stopping_leave_nothing_behind(tmp_path: Path) -> None:
    before = threading.active_count()
    sim = Simulator(tmp_path / "s.db")
    assert sim.start() is sim
    assert sim.start() is sim, "twice is once"
    port = sim.port
    with SimulatorClient(sim) as api:
        api.get("/port/v1/users/me")
        sim.stop()  # with an idle connection still open
        sim.stop()
    assert threading.active_count() == before
    assert not list(tmp_path.glob("*-wal"))
    with pytest.raises(RuntimeError, match="not started"):
        sim.advance()
    again = Simulator(tmp_path / "s.db", port=port)
    with again:
        assert again.port == port
        with pytest.raises(OSError, match="use"):
            Simulator(tmp_path / "t.db", port=port).start()
    assert threading.active_count() == before


def test_files_that_are_no_state(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("this is not a database at all, and long enough to say so" * 40)
    with pytest.raises(StorageError, match="not a usable simulator state"):
        Simulator(text).start()
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StorageError, match="format 99"):
        Simulator(foreign).start()
    with pytest.raises(StorageError, match="cannot open"):
        Simulator(text / "below" / "s.db").start()


def test_a_failed_request_changes_nothing(api: SimulatorClient) -> None:
    state = api.sim.broker.state
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.set("cursor", 1)
        with state.transaction():
            state.set("cursor", 2)
        raise ZeroDivisionError
    assert state.get("cursor", "untouched") == "untouched"


def test_the_overview(api: SimulatorClient) -> None:
    api.placed()
    api.placed(OrderType="Limit", OrderPrice=20)
    found = api.control("GET", "state").json
    assert found["market_date"] == "2012-07-20"
    assert (found["orders"], found["open_orders"], found["positions"]) == (2, 1, 1)
    assert (found["cursor"], found["at_end"], found["requests"]) == (1649, False, 2)
    assert api.control("POST", "advance", {"bars": 3}).json["cursor"] == 1652


def test_counters_can_be_narrowed(api: SimulatorClient) -> None:
    api.precheck(ExternalReference="a")
    api.place(ExternalReference="a", request_id="7")
    api.place(ExternalReference="b", BuySell="Sell", Amount=11)
    api.get("/port/v1/orders/x/1")
    every = api.control("GET", "requests").json
    counted = {(r["method"], r["endpoint"], r["status"]): r["count"] for r in every["requests"]}
    assert counted == {
        ("POST", "/trade/v2/orders/precheck", 200): 1,
        ("POST", "/trade/v2/orders", 200): 1,
        ("POST", "/trade/v2/orders", 400): 1,
        ("GET", "/port/v1/orders/{ClientKey}/{OrderId}", 401): 1,
    }
    one = api.control("GET", "requests?reference=a&method=GET").json
    assert len(one["requests"]) == 1
    assert list(one["references"]) == ["a"]
    assert one["references"]["a"]["prechecks"] == 1
    assert [(r["status"], r["request_id"]) for r in one["order_requests"]] == [
        (200, None),
        (200, "7"),
    ]


def test_a_reset_begins_again(api: SimulatorClient) -> None:
    api.placed(request_id="1")
    api.sim.advance(5)
    api.fault("html", skip=9)
    token = api.token
    found = api.control("POST", "reset", {"balance": 777}).json
    assert (found["cursor"], found["orders"], found["faults"], found["requests"]) == (1649, 0, 0, 0)
    assert api.balance()["CashBalance"] == 777
    assert api.token == token, "logins stay valid"
    assert api.control("POST", "reset").status == 200
    assert api.balance()["CashBalance"] == 100_000
    assert api.place(request_id="1").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("GET", "state/more", None, 404),
        ("DELETE", "state", None, 404),
        ("POST", "advance", {"bars": 0}, 400),
        ("POST", "advance", {"bars": 1.5}, 400),
        ("POST", "advance", {"bars": "3"}, 400),
        ("POST", "reset", {"balance": -1}, 400),
        ("POST", "reset", [1], 400),
    ],
)
def test_control_requests_that_make_no_sense(
    api: SimulatorClient, method: str, path: str, body: Any, status: int
) -> None:
    answer = api.control(method, path, body)
    assert answer.status == status
    assert answer.json["error"]


def test_a_state_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """As an earlier version left it: an order that works on, one that is hidden, a fault."""
    path, options = tmp_path / "s.db", SimulatorOptions(rate_limits=UNLIMITED)
    with Simulator(path, options=options) as sim, SimulatorClient(sim) as api:
        shown = api.placed(OrderType="Limit", OrderPrice=20)
        hidden = api.placed(OrderType="Limit", OrderPrice=21, request_id="2")
        api.fault("html", count=None, endpoint="/cs/*")
    connection = sqlite3.connect(path)
    for statement in (
        "ALTER TABLE orders DROP COLUMN shown",
        "ALTER TABLE orders DROP COLUMN vanishes",
        "ALTER TABLE orders ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0",
        f"UPDATE orders SET hidden = 1 WHERE order_id = {hidden}",
        "ALTER TABLE faults DROP COLUMN begins",
        "ALTER TABLE faults DROP COLUMN ends",
        "DROP TABLE sequences",
        "DROP TABLE mixes",
        "PRAGMA user_version = 1",
    ):
        connection.execute(statement)
    connection.commit()
    connection.close()
    with Simulator(path, options=options) as sim, SimulatorClient(sim) as api:
        assert not sim.is_new
        assert [order["OrderId"] for order in api.open_orders()] == [shown]
        assert api.get("/cs/v1/audit/orderactivities").status == 503
        assert api.control("POST", "sequences", {"steps": ["html"]}).status == 201
        assert api.place(Amount=3).status == 503
        assert api.placed(Amount=3)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_the_state_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The app's secret and the logins are in it."""
    with Simulator(tmp_path / "s.db") as sim, SimulatorClient(sim) as api:
        api.placed()
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes
    assert set(modes.values()) == {0o600}
