"""Lines that nobody masked, by hand or by an older version: no command answers with their secrets.

Only `--output raw` gives out the bytes of the log as they are.
"""

from __future__ import annotations

import argparse
import html
import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from random import Random

import pytest

from support.leak_search import LeakSearch
from support.report_page import Nowhere
from support.secret_corpus import Planted, planted
from support.secret_kinds import Secret, draw
from tradebot.logtools.commands import COMMANDS
from tradebot.logtools.main import main
from tradebot.observability.line import LogLine, render
from tradebot.observability.redaction import SECRETS
from tradebot.vocabulary import CATALOGUE

pytestmark = pytest.mark.usefixtures("coverage_looks_away")  # others show these lines

RUN = "0d3c2b1a-9f8e-4d7c-8b6a-5f4e3d2c1b0a"
REFERENCE = "ATB-20251217-0712-ABCDEFGHIJ"
ORDER = "5039287596"
TOKEN = "q7x2k9m4w1z8r5t3b6n0v7c2j9h4g1d8"
PLACES = {
    "run_id": RUN, "cycle_id": "42", "dry_run": "false", "single_cycle": "true", "env": "SIM",
    "strategy": "sma_cross/1.0", "external_reference": REFERENCE, "instrument_id": "Stock:211",
    "slot": "2025-12-17T07:00:00Z",
}  # fmt: skip
"""By these a line is put together with others: where they hold a secret, no story is told."""

WAYS: dict[str, Sequence[Sequence[str]]] = {
    "trace": [(RUN,), (REFERENCE,), ("instrument_id=Stock:211",)],
    "orders": [()],
    "runs": [("--all",)],
    "why": [
        ("--since", "2025-12-17"),
        ("--at", "2025-12-17T07:00Z"),
        ("Stock:211", "--at", "2025-12-17T07:00Z"),
    ],
    "summary": [()],
    "show": [(), ("-n", "50"), ("--level", "WARN", "--fields", "msg,reason")],
    "lint": [("--max", "100")],
    "report": [("--since", "2025-12-17", "-o", "-"), ("--order", REFERENCE, "-o", "-")],
    "export": [("--format", form) for form in ("logfmt", "jsonl", "csv")],
    "bundle": [(RUN, "-o", "refused.zip"), ("--since", "2025-12-17", "-o", "refused.zip")],
}
READS_NO_LOG = {"explain", "lnav"}


def written(event: str, second: int, **fields: object) -> str:
    """A line as a hand without redaction would write it."""
    texts = {
        name: value if isinstance(value, str) else as_json(value) for name, value in fields.items()
    }
    time = f"2025-12-17T07:{second // 60 % 60:02d}:{second % 60:02d}.000Z"
    return render(LogLine(time, "WARN", "orchestrator", event, texts)) + "\n"


def as_json(value: object) -> str:
    return json.dumps(value, default=lambda other: other.decode())


def cases_and_lines() -> tuple[list[Planted], list[str]]:
    """Secrets in every field of every event, in names, and in what carriers make of them."""
    random = Random("answers")
    cases: list[Planted] = []
    lines: list[str] = []
    for event in CATALOGUE.events.values():
        names = {name.replace("*", "x") for name in (*event.required, *event.optional)}
        for places in ({**PLACES, "order_id": ORDER}, {}):
            secret = draw("JWT", random)
            unmasked = dict.fromkeys(names | {"msg", "reason", "exc_msg", "remark"}, secret.text)
            lines.append(written(event.name, len(lines), **{**unmasked, **places}))
            cases.append(Planted(event.name, secret))
    for case in [*planted("answers")][::8]:
        try:
            line = written("log_message", len(lines), **PLACES, msg=case.message, **case.fields)
        except (TypeError, AttributeError):  # keys of bytes and the like have no JSON
            continue
        cases.append(case)
        lines.append(line)
    six = " ".join(f"{name}={value}" for name, value in PLACES.items())
    head = "2025-12-17T07:12:03.214Z | ERROR | "
    lines += [
        f"{head}{TOKEN} | log_message | {six}\n",
        f"{head}orchestrator | {TOKEN} | {six}\n",
        f"{head}orchestrator | log_message | {six} {TOKEN}=1\n",
        f"of another program: Authorization: Bearer {TOKEN}\n",
    ]
    cases.append(Planted("a name", Secret("a name", TOKEN, (TOKEN,))))
    return cases, lines


def modes(command: str) -> Iterator[tuple[str, ...]]:
    """Every `--output` but raw that it has."""
    parser = argparse.ArgumentParser()
    import_module(f"tradebot.logtools.commands.{command}").arguments(parser)
    outputs = [action for action in parser._actions if "--output" in action.option_strings]
    if not outputs:
        yield ()
    for output in outputs:
        assert output.choices is not None
        yield from (("--output", mode) for mode in output.choices if mode != "raw")


def test_every_command_that_reads_a_log_is_asked_here() -> None:
    assert set(WAYS) | READS_NO_LOG == set(COMMANDS)


@pytest.mark.usefixtures("coverage_looks_away")
def test_no_secret_in_any_answer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cases, lines = cases_and_lines()
    assert len(lines) > 300
    Path("bot.log").write_text("".join(lines), encoding="utf-8")
    search = LeakSearch((one.name, part) for one in cases for part in one.secret.parts)
    answers: dict[str, str] = {}
    for command, ways in WAYS.items():
        for way in ways:
            for mode in modes(command):
                where = ["."] if command == "lint" else ["--logs", "."]
                asked = [command, *way, *mode, *where]
                try:
                    main(asked, Nowhere())
                except SystemExit as end:
                    raise AssertionError((asked, capfd.readouterr().err)) from end
                captured = capfd.readouterr()
                answers[" ".join(asked)] = html.unescape(captured.out) + captured.err
    silent = [asked for asked, answer in answers.items() if len(answer) < 150]
    seen: set[str] = set()
    for asked_for, answer in answers.items():
        for text in set(answer.split("\n")) - seen:
            seen.add(text)
            leaks = search.leaks(text)
            assert leaks == {}, asked_for
    assert silent == [], "asked in a way that answers nothing"
    assert not Path("refused.zip").exists()
    main(["show", "--output", "raw", "--logs", "."], Nowhere())
    raw = capfd.readouterr().out
    assert sum(case.secret.text in raw for case in cases) > 100


def test_what_the_bots_settings_know_is_in_no_export(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own(Nowhere):
        def log_dir(self, env_file: str | None) -> str:
            return str(tmp_path)

    (tmp_path / "bot.log").write_text(written("log_message", 0, msg="open sesame, he said"))
    try:
        for known in ((), ("open sesame",)):
            assert main(["export", "--format", "jsonl"], Own(known)) == 0
            assert ("sesame" in capfd.readouterr().out) == (not known)
    finally:
        SECRETS.forget_all()


def test_raw_is_the_log_as_it_is_and_bundle_refuses_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = written("execution_order_intent_created", 3, **PLACES, remark=f"Bearer {TOKEN}")
    Path("bot.log").write_text(line)
    for asked in (
        ("trace", REFERENCE),
        ("trace", f"remark=Bearer {TOKEN}"),
        ("orders",),
        ("show",),
    ):
        assert main([*asked, "--output", "raw", "--logs", "."], Nowhere()) == 0
        assert capfd.readouterr().out == line
        assert main([*asked, "--logs", "."], Nowhere()) == 0
        heading = f'remark="Bearer {TOKEN}"\n'  # what was typed
        assert TOKEN not in capfd.readouterr().out.removeprefix(heading)
    assert main(["bundle", RUN, "-o", "refused.zip", "--logs", "."], Nowhere()) == 1
    assert TOKEN not in "".join(capfd.readouterr())
    assert not Path("refused.zip").exists()
