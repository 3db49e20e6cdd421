"""A process is killed at every call with which a refresh does something; the next one has to cope.

Between the login server's answer and the one write that puts the pair on the disk there is no call
at all. A process that is killed while it waits for the answer or reads it loses the login, as
nobody else has the new tokens; killed at any other call it loses nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.login_scene import log_in_at
from tradebot.clock import SystemClock
from tradebot.saxo.token_store import StoredTokens, TokenStore
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the process under test is forked, which Windows cannot"
)

# Started once, this forks a child for each line it reads: {"at": number or null, "before": bool}.
# The child refreshes; its calls are numbered, and at that number it kills itself. One line comes
# back: what the child said, and its calls.
ZYGOTE = """
import json, os, signal, socket, sys
from pathlib import Path
from types import SimpleNamespace

calls, plan = [], {"at": None, "before": False}

def numbered(name, call):
    def counted(*arguments, **named):
        number = len(calls)
        calls.append(name)
        if plan["at"] == number and plan["before"]:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = call(*arguments, **named)
        if plan["at"] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return counted

write_raw = os.write
for name in ("open", "write", "fsync", "fdatasync", "replace", "unlink"):
    if hasattr(os, name):
        setattr(os, name, numbered(name, getattr(os, name)))
for name in ("connect", "sendall", "recv_into"):
    setattr(socket.socket, name, numbered(name, getattr(socket.socket, name)))

from tradebot.clock import SystemClock
from tradebot.errors import TradebotError
from tradebot.saxo.auth import RotatingTokenSource
from tradebot.saxo.token_endpoint import App, TokenEndpoint
from tradebot.saxo.token_store import TokenStore
from tradebot.saxo.transport import Transport
import urllib3.connection, urllib3.exceptions, http.client

base, token_file, key, secret, uri = sys.argv[1:]

def refresh(pipe):
    clock, store = SystemClock(), TokenStore(Path(token_file))
    with Transport(base, clock, allow_orders=False, auth_base=base) as transport:
        endpoint = TokenEndpoint(transport, clock, App("oauth", key, secret, uri), "SIM")
        source = RotatingTokenSource(endpoint, store, clock, "SIM")
        old = store.load().access_token
        calls.clear()
        try:
            said = "ok" if source.refresh_after_401(old) != old else "the old token"
        except TradebotError as error:
            said = f"{type(error).__name__}: {error}"
    write_raw(pipe, json.dumps([said, calls]).encode())

for line in sys.stdin:
    plan.update(json.loads(line))
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            refresh(into)
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    print(json.dumps(["killed", []]) if killed else said.decode(), flush=True)
"""


@dataclass
class Stage:
    store: TokenStore
    process: subprocess.Popen[str]
    broker: Simulator

    def log_in(self) -> StoredTokens:
        return log_in_at(self.broker, self.store.path, SystemClock())

    def refresh(self, at: int | None = None, *, before: bool = False) -> tuple[str, list[str]]:
        """What a process says of its refresh, and its calls."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"at": at, "before": before}), file=self.process.stdin, flush=True)
        said, calls = json.loads(self.process.stdout.readline())
        return said, calls


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    options = SimulatorOptions(rate_limits=RateLimits(enabled=False))
    token_file = tmp_path / "state" / "tokens.json"
    with Simulator(tmp_path / "broker.db", options=options) as broker:
        command = [sys.executable, "-c", ZYGOTE, broker.auth_base, str(token_file)]
        command += [broker.app_key, broker.app_secret, broker.redirect_uri]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            yield Stage(TokenStore(token_file), process, broker)
            assert process.stdin is not None
            process.stdin.close()


def window(calls: list[str]) -> range:
    """The calls from the sending of the request to the one that receives its answer."""
    sent = max(number for number, name in enumerate(calls) if name == "sendall")
    received = max(number for number, name in enumerate(calls) if name == "recv_into")
    return range(sent, received + 1)


def test_after_the_answer_comes_the_write_and_nothing_else(stage: Stage) -> None:
    stage.log_in()
    said, calls = stage.refresh()
    assert said == "ok"
    received = window(calls)[-1]
    assert calls[received + 1 : received + 5] == ["write", "fdatasync", "replace", "fsync"]


def test_killed_at_every_call_the_login_lives_but_for_the_answer_under_way(stage: Stage) -> None:
    stage.log_in()
    _, calls = stage.refresh()
    lossy = window(calls)
    taken_up = 0
    for number, name in enumerate(calls):
        for before in (True, False):
            place = f"{'before' if before else 'after'} call {number}, {name}"
            tokens = stage.log_in()
            assert stage.refresh(number, before=before)[0] == "killed", place
            # A request whose body was not sent is none; an answer that was written is kept.
            safe = number not in lossy
            if before:
                safe = number - 1 not in lossy
            file = stage.store.load()
            assert file is not None, place
            said, _ = stage.refresh()
            if not safe and said != "ok":
                assert said.startswith("LoginError: the login is lost"), place
                assert "was interrupted" in said, place
                continue
            assert said == "ok", f"{place}: {said}"
            left = [e.name for e in stage.store.path.parent.iterdir() if e.suffix == ".next"]
            assert left == [], place
            taken_up += number > lossy[-1] and file.access_token == tokens.access_token
    # After the write and up to the rename: the pair was found beside the file that had not changed.
    assert taken_up >= 3


def test_a_killed_holder_of_the_lock_keeps_nobody_waiting(stage: Stage) -> None:
    stage.log_in()
    _, calls = stage.refresh()
    stage.log_in()
    connecting = calls.index("connect")
    assert stage.refresh(connecting)[0] == "killed"
    assert stage.refresh()[0] == "ok"
