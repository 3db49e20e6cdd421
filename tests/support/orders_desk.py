"""A person at the bench: the `tradebot` command against a bench's simulator, at its time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.bench import Bench
from tradebot.cli import main
from tradebot.execution.references import account_hash
from tradebot.journal import Attempt

ORDERS = "/trade/v2/orders"


@dataclass
class Person:
    """Types `tradebot` commands with the settings of a bench."""

    bench: Bench
    patch: pytest.MonkeyPatch

    def environment(self) -> Mapping[str, str]:
        simulator = self.bench.simulator
        return {
            "SAXO_ENV": "LOCAL",
            "SAXO_REST_BASE": simulator.rest_base,
            "SAXO_AUTH_BASE": simulator.auth_base,
            "SAXO_APP_KEY": simulator.app_key,
            "SAXO_APP_SECRET": simulator.app_secret,
            "SAXO_REDIRECT_URI": simulator.redirect_uri,
            "STATE_DIR": str(self.bench.folder / "state"),
            "LOG_DIR": str(self.bench.folder / "logs"),
            **self.bench.environment,
        }

    def types(self, *words: str, answer: str | None = None, **more: str) -> Result:
        """One command line. `answer` is typed on a terminal; `more` are environment variables."""
        with self.patch.context() as patch:
            patch.setattr("tradebot.cli._orders_desk.SystemClock", lambda: self.bench.clock)
            patch.setattr("tradebot.cli.orders._on_a_terminal", lambda: answer is not None)
            environment = {**self.environment(), **more}
            return CliRunner().invoke(main, words, env=environment, input=answer)

    def reads(self, *words: str) -> Any:
        """The JSON that a command prints, whatever it exits with."""
        result = self.types(*words, "--output", "json")
        assert result.exit_code in (0, 1), result.stderr
        return json.loads(result.stdout)

    @property
    def account(self) -> str:
        return account_hash(self.bench.simulator.account_key)

    def unresolved(self) -> Attempt:
        """The one order that waits for its outcome."""
        with self.bench.journal() as journal:
            [attempt] = journal.orders.unresolved()
        return attempt

    def leave_unresolved(self, fault: str = "drop_before") -> str:
        """A cycle whose order's outcome stays unknown; the order's reference."""
        self.bench.fault(fault, endpoint=ORDERS, method="POST")
        if fault != "drop_before":
            self.bench.fault("audit_delay", params={"seconds": 300})
        assert self.bench.cycle().exit_code == 3
        return self.unresolved().intent.external_reference
