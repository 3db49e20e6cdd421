"""docs/benchmarks.md: the prose of page.md around the tables of one run."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks import log_search, rotating, slow_disk, start_up
from benchmarks.event import WORKLOADS
from benchmarks.goals import GOALS, Figures
from benchmarks.measure import ROOT
from benchmarks.peers import BY_KEY
from benchmarks.stages import STAGES

PAGE = ROOT / "docs" / "benchmarks.md"
TEMPLATE = ROOT / "benchmarks" / "page.md"

_NOT_MEASURED = "*Not measured in this run.*"


def render(figures: Figures) -> str:
    """The whole page."""
    sections: dict[str, Callable[[Figures], str]] = {
        "goals": goals_table,
        "speed": _speed_table,
        "paced": _paced_table,
        "leaks": _leaks_table,
        "processes": _processes_table,
        "redaction": _redaction_table,
        "slow_disk": _slow_disk_table,
        "start_up": _start_up_table,
        "journal": _journal_table,
        "reading": _reading_tables,
        "stages": _stages_table,
        "machine": _machine,
        "missing": _missing,
    }
    parts = {name: _part(make, figures) for name, make in sections.items()}
    return string.Template(TEMPLATE.read_text("utf-8")).substitute(parts)


def _part(make: Callable[[Figures], str], figures: Figures) -> str:
    try:
        return make(figures)
    except KeyError:
        return _NOT_MEASURED


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown; the first column is text, the others are figures unless they say otherwise."""
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines)


def goals_table(figures: Figures) -> str:
    """One row for each goal, and under the table what was missed, by how much and why."""
    rows, notes = [], []
    for goal in GOALS:
        measured, met, note = goal.verdict(figures)
        rows.append(f"| {goal.what} | {goal.wanted} | {measured} | {met} |")
        if note:
            notes.append(f"* *{goal.what}*: {note}")
    head = ["| what | goal | measured | met? |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, *([""] if notes else []), *notes])


def _microseconds(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _speed_table(figures: Figures) -> str:
    """Every peer in the order of the cycle workload, leaks beside speed."""
    speed, leaks = figures["speed"], figures.get("leaks", {})
    order = sorted(speed["cycle"], key=lambda key: speed["cycle"][key]["x_plain"])
    rows = []
    for key in order:
        cycle = speed["cycle"][key]
        name = BY_KEY[key].title
        rows.append(
            (
                f"**{name}**" if BY_KEY[key].ours else name,
                *(f"{speed[load][key]['x_plain']:.2f}" for load in WORKLOADS if key in speed[load]),
                f"{cycle['x_careful']:.2f}",
                _microseconds(cycle["p50"]),
                _microseconds(cycle["p99"]),
                f"{1e6 / cycle['per_event']:,.0f}",
                f"{cycle['rate_x_plain']:.2f}",
                f"{cycle['bytes']:.0f}",
                _leaked(key, leaks),
            )
        )
    head = (
        "", *WORKLOADS, "/ careful", "p50 µs", "p99 µs", "events/s", "/ plain", "bytes", "leaked"
    )  # fmt: skip
    return table(head, rows)


def _leaked(key: str, leaks: Mapping[str, Any]) -> str:
    if BY_KEY[key].redaction == "none":
        return "all"
    one = leaks.get("log_event" if BY_KEY[key].ours else key)
    return leaked_shares(one) if one else "-"


def leaked_shares(one: Mapping[str, Any]) -> str:
    """In the usual places, and in the whole corpus."""
    usual, whole = one["usual_leaked"] / one["usual_cases"], one["leaked"] / one["cases"]
    return f"{usual:.0%} / {whole:.0%}"


def _paced_table(figures: Figures) -> str:
    rows = [
        (
            BY_KEY[key].title,
            f"{one['x_plain']:.2f}",
            f"{one['x_careful']:.2f}",
            _microseconds(one["p50"]),
            _microseconds(one["p99"]),
        )
        for key, one in sorted(
            figures["speed"]["paced"].items(), key=lambda pair: pair[1]["x_plain"]
        )
    ]
    return table(("2 ms between two events", "/ plain", "/ careful", "p50 µs", "p99 µs"), rows)


def _leaks_table(figures: Figures) -> str:
    rows = []
    for key, one in sorted(figures["leaks"].items(), key=lambda pair: pair[1]["leaked"]):
        worst = sorted(one["by_carrier"].items(), key=lambda pair: (-pair[1], pair[0]))[:4]
        carriers = ", ".join(carrier for carrier, _count in worst) or "-"
        cells = (
            BY_KEY[key].title,
            f"{one['usual_leaked']:,} of {one['usual_cases']:,}",
            f"{one['leaked']:,} of {one['cases']:,}",
            one["refused"],
            carriers,
        )
        rows.append(f"| {' | '.join(map(str, cells))} |")
    head = [
        "| with redaction | usual places | whole corpus | not logged | most of all in |",
        "|---|---:|---:|---:|---|",
    ]
    return "\n".join([*head, *rows])


def _processes_table(figures: Figures) -> str:
    rows = [
        (
            rotating.KINDS[kind].title,
            f"by {mode}",
            *(f"{one[name]:.0f} / {one[f'{name}_worst']:.0f}"
              for name in ("lost", "torn", "doubled")),
            f"{one['lines']:,.0f}",
            f"{one['rate']:,.0f}",
        )
        for mode, kinds in figures["processes"].items()
        for kind, one in kinds.items()
    ]  # fmt: skip
    head = ("median / worst round", "rotating", "lost", "torn", "doubled", "of lines", "lines/s")
    return table(head, rows)


def _redaction_table(figures: Figures) -> str:
    price = figures["redaction"]
    return table(
        ("what redaction costs", ""),
        [
            ("ordinary values", f"{price['values']:,.0f}"),
            ("masked among them", f"{price['masked']:.0f}"),
            ("a declared field's value, worked out anew, µs", f"{price['declared_ns'] / 1e3:.1f}"),
            ("an undeclared field's value, µs", f"{price['undeclared_ns'] / 1e3:.1f}"),
            ("a sentence of free text, µs", f"{price['text_ns'] / 1e3:.1f}"),
        ],
    )


def _slow_disk_table(figures: Figures) -> str:
    rows = []
    for kind, one in figures["slow disk"].items():
        audit = f"{one['audit_lost']:.0f} of {one['audit']:.0f}" if one["audit"] else "-"
        rows.append(
            (
                slow_disk.TITLES[kind],
                f"{one['p50'] / 1e3:,.2f}",
                f"{one['p99'] / 1e3:,.2f}",
                f"{one['lost']:.0f} of {one['calls']:.0f}",
                audit,
            )
        )
    head = ("each write takes 50 ms", "p50 ms", "p99 ms", "lost by kill -9", "audit events lost")
    return table(head, rows)


def _start_up_table(figures: Figures) -> str:
    rows = [
        (
            start_up.PROGRAMS[name][0],
            f"{one['cpu']:.0f}",
            f"{one['over_bare']:.0f}",
            f"{one['wall']:.0f}",
        )
        for name, one in sorted(figures["start-up"].items(), key=lambda pair: pair[1]["cpu"])
    ]
    return table(("whole process, milliseconds", "CPU", "CPU over Python", "wall"), rows)


def _journal_table(figures: Figures) -> str:
    journal = figures["journal"]
    full = f"{journal['count']:,.0f} old orders, {journal['bytes'] / 1e9:.2f} GB"
    rows = [
        ("empty at the beginning", f"{journal['empty']:.0f}", "1.00"),
        (full, f"{journal['full']:.0f}", f"{journal['ratio']:.2f}"),
    ]
    return table(("whole process of a cycle that trades, milliseconds", "CPU", "/ empty"), rows)


def _reading_tables(figures: Figures) -> str:
    """One table for each question: what one reference's lines take, then the figures."""
    corpus, jobs = figures["reading"]["corpus"], figures["reading"]["jobs"]
    size = f"{corpus['bytes'] / 1e6:,.0f} MB in {corpus['files']} files, {corpus['lines']:,} lines."
    tables = [_reading_table(kind, base, jobs) for kind, base in log_search.BASELINES.items()]
    return "\n\n".join([size, *tables])


def _reading_table(kind: str, base: str, jobs: Mapping[str, Any]) -> str:
    rows = [
        (
            f"**{name}**" if name.startswith(log_search.OURS) else name,
            f"{one['seconds']:.2f}",
            f"{one['ratio']:.2f}" if "ratio" in one else "-",
            f"{one['mib']:.0f}",
        )
        for name, one in sorted(jobs.items(), key=lambda pair: pair[1]["seconds"])
        if log_search.kind_of(name) == kind
    ]
    return table((log_search.QUESTIONS[kind], "s", f"/ {base.partition(',')[0]}", "MiB"), rows)


def _stages_table(figures: Figures) -> str:
    stages = figures["stages"]
    rows = [
        f"| {title} | {stages[name]:.2f} | {stages[name] / stages['whole']:.0%} | {sentence} |"
        for name, (title, sentence) in STAGES.items()
    ]
    head = ["| stage | µs | share | what happens |", "|---|---:|---:|---|"]
    whole = f"| whole event | {stages['whole']:.2f} | 100% | `log_event` with new values. |"
    return "\n".join([*head, *rows, whole])


def _machine(figures: Figures) -> str:
    machine = figures["machine"]
    return (
        f"{machine['python']} on {machine['system']}, {machine['processor']}. "
        f"Peers: {machine['peers']}. {figures['rounds']} rounds, {figures['events']:,} events a "
        f"sample."
    )


def _missing(figures: Figures) -> str:
    missing = figures["missing"]
    if not missing:
        return "Every peer was measured."
    return "Not measured: " + "; ".join(f"{who} ({why})" for who, why in missing.items()) + "."
