"""What the log wants to be in figures, and whether a run of the benchmarks says that it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.event import WORKLOADS
from benchmarks.log_search import OURS
from benchmarks.peers import BY_KEY

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of a goal; `label` tells several apart."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Goal:
    """`read` takes its figures out of a run; each has to be within `limit`."""

    what: str
    wanted: str
    limit: float
    at_most: bool
    read: Callable[[Figures], list[Reading]]
    if_missed: str
    """Why, as far as it is known; printed only when it is missed."""

    def missed(self, reading: Reading) -> bool:
        if self.at_most:
            return reading.value > self.limit
        return reading.value < self.limit

    def verdict(self, figures: Figures) -> tuple[str, str, str]:
        """What was measured; `yes`, `no` or `not measured`; and by how much it was missed."""
        try:
            readings = self.read(figures)
        except KeyError:
            return "-", "not measured", ""
        measured = ", ".join(f"{one.text} {one.label}".strip() for one in readings)
        missed = [one for one in readings if self.missed(one)]
        if not missed:
            return measured, "yes", ""
        return measured, "no", f"{', '.join(map(self._by_how_much, missed))}. {self.if_missed}"

    def _by_how_much(self, reading: Reading) -> str:
        name = reading.label or "it"
        if not self.limit:
            return f"{name} is {reading.text}"
        share = abs(reading.value / self.limit - 1)
        return f"{name} is {share:.0%} {'over' if self.at_most else 'under'}"


def _speed(peer: str, figure: str) -> Callable[[Figures], list[Reading]]:
    """One reading for each workload."""

    def read(figures: Figures) -> list[Reading]:
        speed = figures["speed"]
        return [
            Reading(load, speed[load][peer][figure], f"{speed[load][peer][figure]:.2f}")
            for load in WORKLOADS
        ]

    return read


def _ahead_of_peers(figures: Figures) -> list[Reading]:
    """Events per second over those of the fastest peer that redacts, both as ratios to plain."""
    readings = []
    for load in WORKLOADS:
        speed = figures["speed"][load]
        rivals = {
            key: one["rate_x_plain"]
            for key, one in speed.items()
            if BY_KEY[key].package and BY_KEY[key].redaction != "none"
        }
        best = max(rivals, key=lambda key: rivals[key], default=None)
        if best is None:
            raise KeyError("no peer")
        ratio = speed["log_event"]["rate_x_plain"] / rivals[best]
        readings.append(Reading(f"{load} ({BY_KEY[best].title})", ratio, f"{ratio:.2f}"))
    return readings


def _leaks(figures: Figures) -> list[Reading]:
    ours = figures["leaks"]["log_event"]
    leaked = ours["leaked"] + ours["usual_leaked"]
    return [Reading("", leaked, f"{leaked} of {ours['cases'] + ours['usual_cases']:,}")]


def _masked(figures: Figures) -> list[Reading]:
    price = figures["redaction"]
    text = f"{price['share']:.2%} of {price['values']:,.0f}"
    return [Reading("", price["share"], text)]


def _damage(figures: Figures) -> list[Reading]:
    """The worst round of each way to rotate."""
    readings = []
    for mode, kinds in figures["processes"].items():
        worst = [int(kinds["ours"][f"{name}_worst"]) for name in ("lost", "torn", "doubled")]
        readings.append(Reading(f"by {mode}", sum(worst), "/".join(map(str, worst))))
    return readings


def _over_clh(figures: Figures) -> list[Reading]:
    return [
        Reading(f"by {mode}", ratio, f"{ratio:.1f}")
        for mode, kinds in figures["processes"].items()
        for ratio in [kinds["ours"]["rate"] / kinds["clh"]["rate"]]
    ]


def _slow_disk(figures: Figures) -> list[Reading]:
    p99 = figures["slow disk"]["queue"]["p99"] / 1e3
    return [Reading("", p99, f"{p99:.2f} ms")]


def _journal(figures: Figures) -> list[Reading]:
    ratio = figures["journal"]["ratio"]
    return [Reading("", ratio, f"{ratio:.2f}")]


def _reading(*jobs: str, what: str = "ratio") -> Callable[[Figures], list[Reading]]:
    """One reading for each job."""

    def read(figures: Figures) -> list[Reading]:
        done = figures["reading"]["jobs"]
        return [
            Reading("" if len(jobs) == 1 else job, done[job][what], f"{done[job][what]:.2f}")
            for job in jobs
        ]

    return read


def _reading_memory(figures: Figures) -> list[Reading]:
    done = figures["reading"]["jobs"]
    worst = max((job for job in done if job.startswith(OURS)), key=lambda job: done[job]["mib"])
    return [Reading(f"MiB ({worst})", done[worst]["mib"], f"{done[worst]['mib']:.0f}")]


_STAGES = (
    "By the last table the largest part goes into values that are seen for the first time: each is "
    "held against its field's pattern and searched for every form of every known secret, and no "
    "peer does that. Where none is new: the head of the line, and the questions before a write."
)
_THROUGH_LOGGING = (
    "What `log_event` takes, above all for values that are seen for the first time, and the record "
    "that `logging` makes of each call before it hands it over."
)

GOALS = (
    Goal(
        "one event, `log_event`, caller's median over plain `logging`",
        "at most 0.65",
        0.65,
        True,
        _speed("log_event", "x_plain"),
        _STAGES,
    ),
    Goal(
        "the same over `logging` with a careful redaction",
        "at most 0.33",
        0.33,
        True,
        _speed("log_event", "x_careful"),
        _STAGES,
    ),
    Goal(
        "one event, `logger.info`, caller's median over plain `logging`",
        "at most 1.0",
        1.0,
        True,
        _speed("info", "x_plain"),
        _THROUGH_LOGGING,
    ),
    Goal(
        "the same over `logging` with a careful redaction",
        "at most 0.5",
        0.5,
        True,
        _speed("info", "x_careful"),
        _THROUGH_LOGGING,
    ),
    Goal(
        "events per second to the file, over plain `logging`",
        "at least 1.2",
        1.2,
        False,
        _speed("log_event", "rate_x_plain"),
        _STAGES,
    ),
    Goal(
        "events per second over the fastest peer that redacts",
        "more than 1",
        1.0,
        False,
        _ahead_of_peers,
        _STAGES,
    ),
    Goal(
        "planted secrets in the file",
        "0 of at least 5,000",
        0,
        True,
        _leaks,
        "Each is a defect: the tests of the redaction name secret and carrier.",
    ),
    Goal(
        "ordinary values masked",
        "at most 0.5 %",
        0.005,
        True,
        _masked,
        "A field that is declared in the vocabulary is not masked by doubt.",
    ),
    Goal(
        "four processes, one rotating file: lines lost/torn/doubled, worst round",
        "0/0/0",
        0,
        True,
        _damage,
        "This is a defect.",
    ),
    Goal(
        "lines per second of the four, over concurrent-log-handler",
        "at least 4",
        4.0,
        False,
        _over_clh,
        "concurrent-log-handler redacts nothing, and is given finished text; what both wait for "
        "is the same file.",
    ),
    Goal(
        "slow disk (50 ms a write), LOG_QUEUE=true: caller's p99",
        "less than 1 ms",
        1.0,
        True,
        _slow_disk,
        "On a machine with few free cores the writer and the caller take turns.",
    ),
    Goal(
        "a cycle with a million old orders in the journal, CPU over one with none",
        "at most 1.1",
        1.1,
        True,
        _journal,
        "A query walks through the past; the tests of the journal name it.",
    ),
    Goal(
        "`logs trace REF`, a gigabyte in 30 files, over ripgrep",
        "at most 1.0",
        1.0,
        True,
        _reading("trace", "trace, no journal", "trace, order id"),
        "Two thirds of it are Python's start and what it loads; the rest is reading its days "
        "and one on each side, on one core, where ripgrep has all of them.",
    ),
    Goal(
        "`logs trace` of a reference that is not there, over ripgrep",
        "at most 4",
        4.0,
        True,
        _reading("trace, absent"),
        "Everything is read before it is said that it is not there.",
    ),
    Goal(
        "`logs summary` over mawk",
        "at most 2",
        2.0,
        True,
        _reading("summary"),
        "It counts more than the mawk program does: reasons, rate limits, logins.",
    ),
    Goal(
        "memory of reading a gigabyte back, the worst command",
        "at most 100 MiB",
        100.0,
        True,
        _reading_memory,
        "Something keeps lines that it need not keep.",
    ),
)
