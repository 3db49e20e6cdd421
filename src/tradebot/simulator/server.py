"""The simulator as a thing to start, move on and stop."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from tradebot.simulator import running, tokens
from tradebot.simulator.broker import Broker
from tradebot.simulator.gateway import Gateway
from tradebot.simulator.http_server import HttpServer
from tradebot.simulator.options import SimulatorOptions
from tradebot.simulator.state import State

STATE_FILE = "simulator.db"
"""The state file's name inside the state folder of an instance and its LOCAL environment."""


class Simulator:
    """A broker on 127.0.0.1 whose state is in one file.

        with Simulator(Path("state/simulator.db")) as sim:
            print(sim.rest_base, sim.auth_base)

    `port` 0 takes a free one. `start` raises StorageError for an unusable state file and OSError
    for a port that is taken. Everything but `start` needs a started simulator.
    """

    redirect_uri = tokens.REDIRECT_URI

    def __init__(
        self, state_path: Path, *, port: int = 0, options: SimulatorOptions | None = None
    ) -> None:
        self.state_path = state_path
        self._port = port
        self._options = options or SimulatorOptions()
        self._running: tuple[Broker, HttpServer] | None = None
        self._is_new = False

    def start(self) -> Self:
        """Open the state and serve. Starting twice is a no-op."""
        if self._running is None:
            state = State(self.state_path)
            try:
                broker = Broker(state, self._options)
                clock = self._options.clock
                server = HttpServer(Gateway(broker), self._port, lambda: clock.now().timestamp())
            except BaseException:
                state.close()
                raise
            self._running = broker, server
            self._is_new = broker.state.created or running.take_unseen(broker)
        return self

    def stop(self) -> None:
        """Finish what is being answered, then let go of the port and the file. May be repeated."""
        if self._running is not None:
            broker, server = self._running
            self._running = None
            broker.stopping.set()
            server.close()
            broker.state.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def broker(self) -> Broker:
        """The broker behind the server. Raises RuntimeError when it is not started."""
        if self._running is None:
            raise RuntimeError("the simulator is not started; call start() first")
        return self._running[0]

    @property
    def port(self) -> int:
        return self._port if self._running is None else self._running[1].port

    @property
    def auth_base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def rest_base(self) -> str:
        return f"{self.auth_base}/sim/openapi"

    @property
    def app_key(self) -> str:
        return self.broker.app_key

    @property
    def app_secret(self) -> str:
        return self.broker.app_secret

    @property
    def client_key(self) -> str:
        return self.broker.client_key

    @property
    def account_key(self) -> str:
        return self.broker.account_key

    @property
    def is_new(self) -> bool:
        """Is this the first start of a new state, or of one begun anew by hand? Nobody has then
        seen the bar under the cursor."""
        return self._is_new

    @property
    def market_date(self) -> str:
        """The date of the newest closed bar, as YYYY-MM-DD."""
        return self.broker.market.date.isoformat()

    def advance(self, bars: int = 1) -> int:
        """Move the market on; how many bars it moved (fewer at the end of the history)."""
        return running.advance(self.broker, bars)

    def access_token(self, seconds: float = 86400) -> str:
        """A bearer token without a login, like the 24-hour token of the developer portal."""
        return tokens.issue_access_token(self.broker, "developer", seconds)
