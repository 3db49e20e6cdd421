"""docs/log-questions.md: every command on the page runs, says what the page says, and is right.

The log is made with its truth, so each section's answer is known without asking the log; every
command of a section must give that answer, whatever it is written in. When the log that is made
changes: WRITE_PAGE=1 make test-readers writes the outputs on the page anew, and checks them.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from benchmarks.log_corpus import Truth
from readers.conftest import needed
from support.log_corpus import small_corpus
from support.program import ROOT
from tradebot.logtools.lnav.install import install
from tradebot.observability.line import LogLine, parse, render

PAGE = ROOT / "docs" / "log-questions.md"
WRITE = bool(os.environ.get("WRITE_PAGE"))
Rows = list[tuple[str, ...]]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REFERENCE = re.compile(r"\bATB-[0-9]{8}-[0-9]{4}-[A-Z0-9]{10}\b")
_RUN = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_STAMP = re.compile(r"\b([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9:]{8}\.[0-9]{3})Z?")


@dataclass(frozen=True)
class Block:
    """A fenced block of the page."""

    section: str
    kind: str
    text: str

    @property
    def command(self) -> str:
        """What is typed, without the prompts `$` and `>`."""
        if self.kind == "sql":
            return self.text
        return "\n".join(line[2:] for line in self.typed.splitlines())

    @property
    def with_what(self) -> str:
        return "duckdb" if self.kind == "sql" else "lnav" if "lnavsql" in self.text else "shell"

    @property
    def output(self) -> str:
        """What the page says that it answers."""
        return self.text.removeprefix(self.typed) if self.kind == "console" else ""

    @property
    def typed(self) -> str:
        lines = self.text.splitlines(keepends=True)
        return "".join(line for line in lines if line[:2] in ("$ ", "> "))


@dataclass
class Desk:
    """A folder with `logs`, as somebody has it who asks, and what the truth about it is."""

    folder: Path
    truth: Truth
    awk: str = "awk"
    lines: list[LogLine] = field(default_factory=list)

    def answer(self, block: Block) -> str:
        """What a command answers. Skips the test where its program is not installed."""
        if block.with_what == "duckdb":
            return self.of_duckdb(block.command)
        if block.with_what == "lnav":
            needed("lnav")
        return self.of_shell(block.command)

    def export(self) -> None:
        """As the page says it, once."""
        if not (self.folder / "export").exists():
            (block,) = (b for b in blocks(page_text()) if b.section == "From an export")
            assert self.of_shell(block.command) == ""

    def of_shell(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", f"{definitions()}\n{command}"],
            env={
                "PATH": os.pathsep.join(
                    (
                        str(self.folder / self.awk),
                        str(Path(sys.executable).parent),
                        os.environ["PATH"],
                    )
                ),
                "HOME": str(self.folder / "home"),
                "LC_ALL": "C.UTF-8",
                "TZ": "Asia/Tokyo",
            },
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), f"{command}\n{done.stderr}"
        return done.stdout

    def of_duckdb(self, query: str) -> str:
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with duckdb.connect() as database:
                database.execute(view())
                found = database.execute(query).fetchall()
        finally:
            os.chdir(before)
        return "".join(",".join("" if v is None else str(v) for v in row) + "\n" for row in found)


def blocks(page: str) -> Iterator[Block]:
    headings = [(m.start(), m[1]) for m in re.finditer(r"^##+ (.*)$", page, re.MULTILINE)]
    for found in _BLOCK.finditer(page):
        section = [name for start, name in headings if start < found.start()][-1:]
        yield Block(section[0] if section else "", found[1], found[2])


def questions() -> list[Block]:
    return [block for block in blocks(page_text()) if block.section in ANSWERS]


def definitions() -> str:
    return "\n".join(block.text for block in blocks(page_text()) if block.kind == "sh")


def view() -> str:
    """The first SQL of the page, which the others build on."""
    return next(block.text for block in blocks(page_text()) if block.kind == "sql")


def page_text() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    corpus = small_corpus(tmp_path_factory)
    folder = tmp_path_factory.mktemp("desk")
    logs = folder / "logs"
    logs.mkdir()
    lines: list[LogLine] = []
    for path in sorted(
        corpus.folder.glob("bot.log*"), key=lambda path: (path.suffix == ".log", path)
    ):
        lines += [parse(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if path.name.endswith(("-20", "-22")):
            with gzip.open(logs / f"{path.name}.gz", "wb") as packed:
                packed.write(path.read_bytes())
        else:
            shutil.copy(path, logs)
    for name in ("gawk", "mawk"):
        (folder / name).mkdir()
        if program := shutil.which(name):
            (folder / name / "awk").symlink_to(program)
    (folder / "home").mkdir()
    install(folder / "home", {})
    return Desk(folder, corpus.truth, lines=lines)


# -- The truth, section by section ---------------------------------------------------------------


def reference(desk: Desk) -> str:
    """The order that the page asks for: one whose lines are in two files."""
    asked = the_only(_REFERENCE)
    known = desk.truth.refs.get(asked)
    if WRITE and (known is None or len(known.days) < 2):
        names = (name for name, one in desk.truth.refs.items() if len(one.days) == 2)
        asked = instead(asked, next(names))
    assert len(desk.truth.refs[asked].days) > 1
    return asked


def run_id(desk: Desk) -> str:
    """The run that the page asks for: one that lost its login."""
    asked = the_only(_RUN)
    lost = str(next(run["run_id"] for run in desk.truth.runs if run["kind"] == "login_lost"))
    if WRITE and asked != lost:
        asked = instead(asked, lost)
    assert asked == lost
    return asked


def the_only(pattern: re.Pattern[str]) -> str:
    """What all commands on the page ask for."""
    typed = "\n".join(block.command for block in blocks(page_text()))
    (asked,) = {found[0] for found in pattern.finditer(typed)}
    return asked


def instead(old: str, new: str) -> str:
    PAGE.write_text(page_text().replace(old, new), encoding="utf-8")
    return new


def story(desk: Desk) -> Rows:
    asked = reference(desk)
    return [
        (line.timestamp, line.event)
        for line in desk.lines
        if line.fields.get("external_reference") == asked and line.event.startswith("execution")
    ]


def files_of_it(desk: Desk) -> Rows:
    asked = reference(desk)
    known = desk.truth.refs[asked]
    days = Counter(
        line.timestamp[:10] for line in desk.lines if line.fields.get("external_reference") == asked
    )
    assert sum(days.values()) == known.lines
    packed = {"2025-11-20": ".gz"}
    rows: Rows = [(f"logs/bot.log.{day}{packed.get(day, '')}", str(n)) for day, n in days.items()]
    assert [name.removesuffix(".gz") for name, *_ in rows] == [f"logs/{day}" for day in known.days]
    return rows


def failed(desk: Desk) -> Rows:
    known = {
        name: one
        for name, one in desk.truth.refs.items()
        if one.outcome == "FAILED" and one.kind != "unknown_contradicted"
    }
    assert {one.kind for one in desk.truth.refs.values()} >= {"unknown_contradicted"}
    # Some had another outcome before, and that one must not count.
    assert max(one.completions for one in known.values()) > 1
    return [(name, str(one.failure_reason)) for name, one in known.items()]


def without_outcome(desk: Desk) -> Rows:
    return [
        (name,)
        for name, known in desk.truth.refs.items()
        if known.outcome in (None, "RECONCILIATION_NEEDED")
    ]


def why_no_trade(desk: Desk) -> Rows:
    asked = (
        line for line in desk.lines if "2025-11-20T14:30" <= line.timestamp < "2025-11-20T17:30"
    )
    told: Rows = []
    for line in asked:
        known = line.fields
        if line.event.startswith("cycle_skip_"):
            told.append((line.timestamp, line.event, known["reason"]))
        elif known.get("symbol") != "AAPL:xnas":
            continue
        elif line.event == "strategy_decision":
            told.append((line.timestamp, line.event, known["action"], known["reason"]))
        elif line.event in ("execution_skipped", "execution_completed"):
            outcome, why = known.get("execution_outcome"), known.get("failure_reason")
            told.append(row(line.timestamp, line.event, outcome, why or known.get("reason")))
    assert {line[1] for line in told} >= {"strategy_decision", "cycle_skip_paused"}
    return told


def skipped_or_failed(desk: Desk) -> Rows:
    rows: Counter[tuple[str, ...]] = Counter()
    for run in desk.truth.runs:
        if run["skip"] is not None:
            rows[row(run["skip"]["event"], run["skip"]["reason"])] += 1
        elif run["outcome"] == "busy":
            rows[("cycle_skip_overlap",)] += 1
        elif run["kind"] in STARTUPS:
            rows[(STARTUPS[run["kind"]],)] += 1
        elif run["failed"] is not None:
            rows[("cycle_failed", run["failed"][1])] += 1
    return [(*words, str(number)) for words, number in rows.items()]


STARTUPS = {"config_invalid": "startup_config_invalid", "startup_failed": "startup_failed"}


def killed(desk: Desk) -> Rows:
    return [(run["first"], run["run_id"]) for run in desk.truth.runs if run["outcome"] == "killed"]


def exit_codes(desk: Desk) -> Rows:
    codes = Counter(run["exit_code"] for run in desk.truth.runs if run["exit_code"] is not None)
    return [(str(code), str(number)) for code, number in codes.items()]


def one_run(desk: Desk) -> Rows:
    asked = run_id(desk)
    (run,) = (run for run in desk.truth.runs if run["run_id"] == asked)
    lines = [line for line in desk.lines if line.fields["run_id"] == asked]
    assert (lines[0].timestamp, lines[-1].timestamp) == (run["first"], run["last"])
    return [(line.timestamp, line.event) for line in lines]


def latencies(desk: Desk) -> Rows:
    return [
        (*name.split(), *map(str, (known.count, known.p50, known.p95, known.p99)))
        for name, known in desk.truth.summary.endpoints.items()
    ]


def rate_limits(desk: Desk) -> Rows:
    return [(name, str(least)) for name, least in desk.truth.summary.rate_limits.items()]


def errors(desk: Desk) -> Rows:
    return [
        row(*(str(known[key]) for key in ("status", "error_kind", "error_code", "count")))
        for known in desk.truth.summary.http_errors
    ]


def logins(desk: Desk) -> Rows:
    summary = desk.truth.summary
    return [
        ("auth_token_refresh_success", str(summary.tokens["refreshed"])),
        ("auth_login_required", str(summary.tokens["login_required"])),
        *(
            ("auth_token_refresh_failure", reason, str(number))
            for reason, number in summary.failure_reasons["auth_token_refresh_failure"].items()
        ),
    ]


def most_lines(desk: Desk) -> Rows:
    return [(str(n), name) for name, n in Counter(desk.truth.summary.events).most_common(3)]


def what_they_said(desk: Desk) -> Rows:
    said = {line.fields["msg"] for line in desk.lines if line.event == "cycle_failed"}
    return [words(text) for text in said]


ANSWERS: dict[str, Callable[[Desk], Rows]] = {
    "What happened to one order?": story,
    "Which files have it?": files_of_it,
    "Which orders failed, and why?": failed,
    "Which orders have no outcome?": without_outcome,
    "Why did AAPL not trade that afternoon?": why_no_trade,
    "Which runs skipped or failed, and why?": skipped_or_failed,
    "Which runs were killed?": killed,
    "With which exit codes did runs end?": exit_codes,
    "Everything of one run": one_run,
    "How fast does the broker answer?": latencies,
    "How near did it come to the rate limits?": rate_limits,
    "Which errors did the broker answer with?": errors,
    "How did the login fare?": logins,
    "What is the log full of?": most_lines,
    "What did they say when they failed?": what_they_said,
    "Which orders failed, from Parquet": failed,
    "How fast the broker answers, from Parquet": latencies,
    "What they said when they failed, from CSV": what_they_said,
}
"""Every section that asks something, and the truth about it."""


def row(*cells: str | None) -> tuple[str, ...]:
    return tuple(cell for cell in cells if cell)


def words(line: str) -> tuple[str, ...]:
    """The cells of a line, whoever wrote it."""
    line = _STAMP.sub(r"\1T\2Z", line).replace("<NULL>", "")
    cells = [cell for cell in re.split(r'[\s,|"\[\]]+', line.replace(" msg=", "")) if cell]
    return tuple(cell.removesuffix(".0") for cell in cells)


def rows_of(block: Block, output: str, desk: Desk) -> Rows:
    lines = output.replace(f"{desk.folder}/", "").splitlines()
    if "lnavsql" in block.command:
        lines = lines[1:]  # the names of the columns
    return [words(line) for line in lines]


# -- The tests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "with_what"),
    [(block.section, block.with_what) for block in questions()],
    ids=lambda text: text,
)
def test_each_command_is_right_and_says_what_the_page_says(
    section: str, with_what: str, desk: Desk
) -> None:
    (block,) = (b for b in questions() if (b.section, b.with_what) == (section, with_what))
    if ", from " in block.section:
        desk.export()
    if WRITE:
        reference(desk)
        run_id(desk)
        (block,) = (b for b in questions() if (b.section, b.with_what) == (section, with_what))
    output = desk.answer(block)
    assert sorted(rows_of(block, output, desk)) == sorted(ANSWERS[block.section](desk))
    if block.with_what != "shell":
        assert block.output == ""
    elif WRITE:
        PAGE.write_text(page_text().replace(block.text, block.typed + output), encoding="utf-8")
    else:
        assert output == block.output


def test_the_bots_own_commands_answer_too(desk: Desk) -> None:
    """What they answer is tested where they are; here: the page names them rightly."""
    told = {
        line[2:]: desk.of_shell(f"{line[2:]} 2>/dev/null")
        for block in blocks(page_text())
        if block.section == "The bot's own commands"
        for line in block.typed.splitlines()
    }
    expected = {
        "orders --failed": [name for name, _ in failed(desk)],
        "runs --killed": [run for _, run in killed(desk)],
        "why AAPL": ["AAPL:xnas"],
        "summary": [name for _, name in most_lines(desk)],
        "show event=cycle_failed": [text for (text, *_) in what_they_said(desk)],
        reference(desk): [event for _, event in story(desk)],
        run_id(desk): [event for _, event in one_run(desk)],
    }
    for part, words_of_it in expected.items():
        (output,) = (text for command, text in told.items() if part in command)
        assert [word for word in words_of_it if word not in output] == []
    unfinished = told_by(told, "--missing-outcome") + told_by(told, "--unknown")
    assert [name for (name,) in without_outcome(desk) if name not in unfinished] == []


def told_by(told: dict[str, str], option: str) -> str:
    return next(text for command, text in told.items() if option in command)


@pytest.mark.parametrize("awk", ["gawk", "mawk"])
def test_each_awk_says_the_same(awk: str, desk: Desk) -> None:
    needed(awk)
    asked = [block for block in questions() if "logawk" in block.text]
    assert len(asked) > 8
    for block in asked:
        told = Desk(desk.folder, desk.truth, awk=awk).answer(block)
        assert told == block.output


def test_each_question_is_asked_in_three_ways() -> None:
    asked = {(block.section, block.with_what) for block in questions()}
    assert len(questions()) == len(asked)
    for section in ANSWERS:
        tools = {"duckdb"} if ", from " in section else {"shell", "lnav", "duckdb"}
        assert {tool for name, tool in asked if name == section} == tools


def test_every_section_of_the_page_is_known_here() -> None:
    sections = re.findall(r"^##+ (.*)$", page_text(), re.MULTILINE)
    assert set(sections) - set(ANSWERS) == {
        "Once, before you ask",
        "From an export",
        "The bot's own commands",
    }


@pytest.mark.parametrize("awk", ["gawk", "mawk"])
def test_texts_cannot_fool_awk_or_duckdb(awk: str, tmp_path: Path, desk: Desk) -> None:
    """Of hostile texts, both see the same bare values as our own reader does."""
    needed(awk)
    texts = (
        "x order_id=666 y",
        '" order_id=666 "',
        "ends in a backslash\\",
        '\\" order_id=666',
        " | order_id=666 | execution_completed | ",
        "two\nlines order_id=666",
        "größer order_id=666 \u2028",
    )
    lines = [
        render(LogLine("2026-03-03T15:00:00.000Z", "INFO", "app", "log_message", fields))
        for text in texts
        for fields in ({"holder": text, "order_id": "77", "msg": text}, {"msg": text})
    ]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "bot.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "logs" / "bot.log.2026-03-02").write_text("", encoding="utf-8")
    (tmp_path / awk).symlink_to(desk.folder / awk)
    other = Desk(tmp_path, desk.truth, awk=awk)
    expected = [f"log_message {parse(line).fields.get('order_id', '')}" for line in lines]
    told = other.of_shell("logcat | logawk '{ print $4, v[\"order_id\"] }'")
    assert told.splitlines() == expected
    query = "SELECT event || ' ' || coalesce(bare(fields, 'order_id'), '') FROM log"
    assert sorted(other.of_duckdb(query).splitlines()) == sorted(expected)


def test_the_log_has_what_makes_the_questions_hard(desk: Desk) -> None:
    """A mention of another order in a text, `key=` in quotes, an escaped quote, four files."""
    texts = [value for line in desk.lines for value in line.fields.values() if " " in value]
    assert any(" phase=" in text for text in texts)
    assert any('"' in text for text in texts)
    assert desk.truth.mentioned
    assert len(list((desk.folder / "logs").glob("*.gz"))) == 2
