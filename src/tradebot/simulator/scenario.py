"""Scenarios: everything that is to go wrong, in one file.

    title = "The answer is lost"        what it is, in a word
    about = "…"                         what is to be seen with it
    balance = 5000                      the account's first balance, in US dollars
    advance = 3                         move the market on by so many bars
    [options]                           SimulatorOptions by name, [options.rate_limits] as well
    [[fault]] [[sequence]] [[mix]]      as with POST /simulator/faults, …/sequences and …/mixes

Loading one takes the place of whatever was switched on before; it is kept in the state file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from tradebot.simulator import faults, mixes, running, sequences
from tradebot.simulator.broker import Broker
from tradebot.simulator.fault_kinds import BadFault, unknown
from tradebot.simulator.options import RateLimits, SimulatorOptions

FIELDS = ("title", "about", "balance", "advance", "options", "fault", "sequence", "mix")
ELSEWHERE = ("clock", "commission", "initial_balance", "no_access", "rate_limits")
"""Options that are not set by a single word or number."""
T = TypeVar("T")


class BadScenario(ValueError):
    """A scenario that cannot be meant: one line for each problem, with where it is."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A checked scenario."""

    title: str
    about: str
    balance: float | None
    advance: int
    options: dict[str, Any]
    faults: tuple[faults.Fault, ...]
    sequences: tuple[sequences.Sequence, ...]
    mixes: tuple[mixes.Mix, ...]


def shipped() -> dict[str, Path]:
    """The scenarios that come with the package, by name."""
    return {
        path.stem: path for path in sorted((Path(__file__).parent / "scenarios").glob("*.toml"))
    }


def read(name: str) -> Scenario:
    """A scenario from a file, or the shipped one of that name. Raises BadScenario."""
    path = shipped().get(name, Path(name))
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadScenario(
            f"{name}: there is no such file; shipped are: {', '.join(shipped())}"
        ) from None
    except OSError as error:
        raise BadScenario(f"{name}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadScenario(f"{name}: is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadScenario(f"{name}: is not TOML: {error}") from None
    return parse(body, name)


def parse(body: Mapping[str, Any], source: str) -> Scenario:
    """A scenario from TOML or JSON; `source` is named in messages. Raises BadScenario."""
    reader = _Reader(body, source)
    found = Scenario(
        title=reader.text("title"),
        about=reader.text("about"),
        balance=reader.number("balance", float),
        advance=int(reader.number("advance", int) or 0),
        options=reader.options(),
        faults=reader.entries("fault", partial(faults.parse, strict=True)),
        sequences=reader.entries("sequence", sequences.parse),
        mixes=reader.entries("mix", mixes.parse),
    )
    if reader.problems:
        raise BadScenario("\n".join(reader.problems))
    return found


class _Reader:
    """Reads field by field and remembers every problem."""

    def __init__(self, body: Mapping[str, Any], source: str) -> None:
        self._body = body
        self._source = source
        self.problems: list[str] = []
        for name in body:
            if name not in FIELDS:
                self._problem(unknown("field of a scenario", name, FIELDS))

    def _problem(self, text: str) -> None:
        self.problems.append(f"{self._source}: {text}")

    def text(self, name: str) -> str:
        value = self._body.get(name, "")
        if not isinstance(value, str):
            self._problem(f"{name} is {value!r}, not a text")
            return ""
        return value

    def number(self, name: str, kind: type) -> float | None:
        value = self._body.get(name)
        if value is not None and (problem := _number_problem(value, kind, least=0)):
            self._problem(f"{name} {problem}")
            return None
        return value

    def entries(self, name: str, read_one: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
        entries = self._body.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            self._problem(f"{name} must be a list of tables, each headed [[{name}]]")
            return ()
        found: list[T] = []
        for number, entry in enumerate(entries, 1):
            try:
                found.append(read_one(entry))
            except BadFault as problem:
                self._problem(f"{name} {number}: {problem}")
        return tuple(found)

    def options(self) -> dict[str, Any]:
        options = self._body.get("options", {})
        if not isinstance(options, dict):
            self._problem("options must be a table, headed [options]")
            return {}
        own = dict(options)
        limits = own.pop("rate_limits", {})
        self._check_options("options", own, SimulatorOptions)
        if isinstance(limits, dict):
            self._check_options("options.rate_limits", limits, RateLimits)
        else:
            self._problem("options.rate_limits must be a table: enabled = false, for example")
        return options

    def _check_options(self, where: str, options: Mapping[str, Any], owner: type) -> None:
        types = _settable(owner)
        for name, value in options.items():
            if name == "initial_balance":
                self._problem("options: initial_balance is the field `balance` of the scenario")
            elif name not in types:
                self._problem(f"{where}: {unknown('option', name, sorted(types))}")
            elif problem := _option_problem(value, types[name]):
                self._problem(f"{where}: {name} {problem}")


def _settable(owner: type) -> dict[str, Any]:
    types = get_type_hints(owner)
    return {name: kind for name, kind in types.items() if name not in ELSEWHERE}


def _option_problem(value: object, kind: Any) -> str | None:
    if get_origin(kind) is Literal:
        words = get_args(kind)
        return None if value in words else f"is {value!r}, not one of {', '.join(words)}"
    if kind is bool:
        return None if isinstance(value, bool) else f"is {value!r}, not true or false"
    return _number_problem(value, kind, least=1 if kind is int else 0)


def _number_problem(value: object, kind: type, *, least: int) -> str | None:
    wanted, name = (int, "a whole number") if kind is int else (int | float, "a number")
    if isinstance(value, bool) or not isinstance(value, wanted) or not value >= least:
        return f"is {value!r}, not {name} from {least} up"
    return None


def load(broker: Broker, scenario: Scenario) -> None:
    """Switch it on, in place of whatever was on."""
    with broker.state.transaction():
        clear(broker)
        broker.state.set("scenario", scenario.title)
        broker.state.set("options", json.dumps(scenario.options) if scenario.options else "")
        broker.follow_options()
        if scenario.balance is not None:
            broker.state.set("initial_balance", scenario.balance)
        for fault in scenario.faults:
            broker.faults.add(fault)
        for sequence in scenario.sequences:
            broker.sequences.add(sequence)
        for mix in scenario.mixes:
            broker.mixes.add(mix)
        if scenario.advance:
            running.advance(broker, scenario.advance)


def clear(broker: Broker) -> None:
    """Switch everything off: faults, sequences, mixes and options. The account stays as it is."""
    with broker.state.transaction():
        broker.faults.remove()
        broker.sequences.remove()
        broker.mixes.remove()
        broker.state.set("scenario", "")
        broker.state.set("options", "")
        broker.follow_options()


def switched_on(broker: Broker) -> dict[str, Any]:
    """What is on, and how often each fired."""
    with broker.state.transaction():
        return {
            "title": broker.state.get("scenario"),
            "options": json.loads(broker.state.get("options") or "{}"),
            "faults": broker.faults.list(),
            "sequences": broker.sequences.list(),
            "mixes": broker.mixes.list(),
        }
