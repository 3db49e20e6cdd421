"""Options of a unit with which no run starts, none can work, or one is killed: a table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.systemd.parsed import Unit, parse_size, parse_span

REMAINS = Rule(
    "service-remains-active",
    Severity.ERROR,
    "After its first run the service stays active, and the timer never starts it again.",
    "take RemainAfterExit= out",
)
CONDITION = Rule(
    "starts-only-if",
    Severity.WARNING,
    "When it does not hold, no run starts, and nothing counts as failed: all looks healthy.",
    "take it out; when to trade belongs into the settings",
)
PRECONDITION = Rule(
    "starts-only-after",
    Severity.WARNING,
    "When it fails, the bot is not started at all, and leaves no line in bot.log.",
    "take it out, or put a `-` before its command",
)
NO_NETWORK = Rule(
    "service-no-network",
    Severity.ERROR,
    "No run reaches the broker: each ends with exit code 69, without trading.",
    "take it out; RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 is enough",
)
STARVED = Rule(
    "service-starved",
    Severity.ERROR,
    "A run does not get far enough to trade: it is killed, or its deadline comes first.",
    "give it 100 MiB of memory and a tenth of a processor, or take the limit out",
)
OTHER_ROOT = Rule(
    "service-other-root",
    Severity.ERROR,
    "The bot sees other files under the same paths, or none: what is judged here is not what runs.",
    "take it out; ProtectSystem=strict and ReadWritePaths= do what is wanted",
)
HARD_STOP = Rule(
    "service-hard-stop",
    Severity.WARNING,
    "A run that is stopped, or whose time is up, is cut off with an order in flight.",
    "set KillSignal=SIGTERM and TimeoutStopSec=30",
)
NEVER_KILLED = Rule(
    "service-never-killed",
    Severity.ERROR,
    "A run that hangs outlives its time-out: no further run starts, for as long as it hangs.",
    "set TimeoutStopSec=30, and leave KillMode= and SendSIGKILL= out",
)
RULES = (
    REMAINS, CONDITION, PRECONDITION, NO_NETWORK, STARVED, OTHER_ROOT, HARD_STOP, NEVER_KILLED,
)  # fmt: skip

_TRUE = frozenset({"1", "yes", "y", "true", "t", "on"})
_FALSE = frozenset({"0", "no", "n", "false", "f", "off"})
_STOP_SIGNALS = frozenset({"SIGTERM", "TERM", "15", "SIGINT", "INT", "2"})
"""Those that the bot finishes its order on."""
_LEAST_MEMORY = 100.0 * 1024 * 1024
_LEAST_CPU = 10.0
_LEAST_STOP = 10.0
_CALLS_WITH_SOCKETS = frozenset({"@system-service", "@network-io", "socket", "@known"})

_LISTS = ("RestrictAddressFamilies", "SystemCallFilter")
_OTHER_NAMES = {"TimeoutStopSec": "TimeoutSec", "MemoryMax": "MemoryLimit"}


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    is_bad: Callable[[tuple[str, ...]], bool]
    """Of all its values; where it can only have one, the last counts."""
    rule: Rule


def _is(words: frozenset[str]) -> Callable[[tuple[str, ...]], bool]:
    return lambda values: values[-1].lower() in words


def _is_hard(values: tuple[str, ...]) -> bool:
    return values[-1].upper() not in _STOP_SIGNALS


def _is_elsewhere(values: tuple[str, ...]) -> bool:
    return values[-1] != "/"


def _is_small(values: tuple[str, ...]) -> bool:
    size = parse_size(values[-1])
    return size is not None and size < _LEAST_MEMORY


def _is_slow(values: tuple[str, ...]) -> bool:
    share = values[-1].removesuffix("%")
    return share.replace(".", "", 1).isdecimal() and float(share) < _LEAST_CPU


def _is_short(values: tuple[str, ...]) -> bool:
    return 0 < (parse_span(values[-1]) or 0) < _LEAST_STOP


def _is_endless(values: tuple[str, ...]) -> bool:
    # Of this option systemd takes 0 for `infinity`.
    return parse_span(values[-1]) in (0, float("inf"))


def _lacks_internet(values: tuple[str, ...]) -> bool:
    """A list of what is allowed, or, with `~` before the first, of what is not."""
    words = " ".join(values).split()
    named = {word.lstrip("~") for word in words} & {"AF_INET", "AF_INET6"}
    return "AF_INET" in named if words[0].startswith("~") else not named


def _lacks_sockets(values: tuple[str, ...]) -> bool:
    words = " ".join(values).split()
    named = {word.partition(":")[0] for word in words}
    return not words[0].startswith("~") and not named & _CALLS_WITH_SOCKETS


_OPTIONS = (
    _Option("RemainAfterExit", _is(_TRUE), REMAINS),
    _Option("PrivateNetwork", _is(_TRUE), NO_NETWORK),
    _Option("RestrictAddressFamilies", _lacks_internet, NO_NETWORK),
    _Option("SystemCallFilter", _lacks_sockets, NO_NETWORK),
    _Option("MemoryMax", _is_small, STARVED),
    _Option("CPUQuota", _is_slow, STARVED),
    _Option("RootDirectory", _is_elsewhere, OTHER_ROOT),
    _Option("RootImage", _is_elsewhere, OTHER_ROOT),
    _Option("KillSignal", _is_hard, HARD_STOP),
    _Option("TimeoutStopSec", _is_short, HARD_STOP),
    _Option("TimeoutStopSec", _is_endless, NEVER_KILLED),
    _Option("SendSIGKILL", _is(_FALSE), NEVER_KILLED),
    _Option("KillMode", _is(frozenset({"none"})), NEVER_KILLED),
)


def option_findings(service: Unit) -> Iterator[Finding]:
    """What holds for any service, that of the keepalive too."""
    for option in _OPTIONS:
        values = service.all("Service", option.name)
        if values and option.is_bad(values):
            yield option.rule.found(f"{service.name}: {_said(service, option)}")
    denied = service.words("Service", "IPAddressDeny")
    if "any" in denied and not service.words("Service", "IPAddressAllow"):
        yield NO_NETWORK.found(f"{service.name}: IPAddressDeny=any")
    for value in service.all("Service", "ExecCondition"):
        yield CONDITION.found(f"{service.name}: ExecCondition={value}")
    for value in service.all("Service", "ExecStartPre"):
        # Marks come in any order: `+-` ignores a failure, too.
        if "-" not in value[: len(value) - len(value.lstrip("@-:+!|"))]:
            yield PRECONDITION.found(f"{service.name}: ExecStartPre={value}")


def condition_findings(unit: Unit) -> Iterator[Finding]:
    """For a service or a timer: what systemd looks at before it starts it."""
    for (section, name), values in unit.values.items():
        if section != "Unit" or not values:
            continue
        said = f"{unit.name}: {name}={' '.join(values)}"
        if name.startswith("Condition"):
            yield CONDITION.found(said)
        elif name.startswith("Assert"):
            yield PRECONDITION.found(said)


def _said(service: Unit, option: _Option) -> str:
    values = service.all("Service", option.name)
    other = _OTHER_NAMES.get(option.name)
    if other and service.last("Service", other) == values[-1]:
        return f"{other}={values[-1]}, which sets {option.name}=, too"
    said = " ".join(values) if option.name in _LISTS else values[-1]
    return f"{option.name}={said}"
