"""What every endpoint works with: the broker's state and options, and the call at hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradebot.simulator.faults import Faults
from tradebot.simulator.instruments import Instrument
from tradebot.simulator.market import Market
from tradebot.simulator.mixes import Mixes
from tradebot.simulator.options import SimulatorOptions, overridden
from tradebot.simulator.sequences import Sequences
from tradebot.simulator.state import State
from tradebot.simulator.web import Request


class Broker:
    """The simulated bank: one client, one account, in US dollars."""

    currency = "USD"
    client_name = "Sim Trader"

    def __init__(self, state: State, options: SimulatorOptions) -> None:
        self.state = state
        self.options = options
        self._given_options, self._overrides = options, ""
        self.market = Market(state)
        self.faults = Faults(state, self.now)
        self.sequences = Sequences(state, self.now)
        self.mixes = Mixes(state, self.now)
        self.stopping = threading.Event()
        with state.transaction():
            self.client_id = state.get("client_id")
            self.client_key = state.get("client_key")
            self.account_key = state.get("account_key")
            self.user_key = state.get("user_key")
            self.signing_key = state.get("signing_key")
            self.app_key = state.get("app_key")
            self.app_secret = state.get("app_secret")
            self.follow_options()
            if state.created:
                state.set("initial_balance", options.initial_balance)
                state.set("created", self.now())

    def follow_options(self) -> None:
        """Take over the options of a scenario, which another process may have loaded meanwhile."""
        overrides = self.state.get("options")
        if overrides != self._overrides:
            self._overrides = overrides
            self.options = overridden(self._given_options, json.loads(overrides or "{}"))

    @property
    def account_id(self) -> str:
        return self.client_id

    def now(self) -> float:
        """The wall clock, in seconds since the epoch."""
        return self.options.clock.now().timestamp()

    def commission(self, instrument: Instrument) -> float:
        """The fee of one filled order, in US dollars."""
        return self.options.commission.get(instrument.asset_type, 0.0)


@dataclass(slots=True)
class Call:
    """One request to one endpoint, past authentication and limits."""

    broker: Broker
    request: Request
    params: Mapping[str, str] = field(default_factory=dict)
    """The variable segments of the path, decoded."""
    fired: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The faults that apply to this call, by kind, with their parameters."""

    @property
    def state(self) -> State:
        return self.broker.state

    @property
    def now(self) -> float:
        return self.broker.now()

    def groups(self) -> set[str]:
        return self.request.names("FieldGroups")

    def body(self) -> dict[str, Any] | None:
        """The JSON object that was sent, or None when it is not one."""
        return json_object(self.request.body)


def json_object(body: bytes) -> dict[str, Any] | None:
    """A body as a JSON object, or None."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
