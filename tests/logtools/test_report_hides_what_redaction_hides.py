"""Lines that nobody masked, edited by hand or another program's: no page shows their secrets."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from support.leak_search import LeakSearch
from support.log_lines import RUN, line
from support.report_page import page_of, report
from support.secret_corpus import Planted, planted, some_text
from support.secret_kinds import KINDS, Secret, draw
from tradebot.logtools.masking import masked_line, masked_text, masked_value
from tradebot.observability.line import LogLine, parse, render
from tradebot.observability.redaction import SECRETS
from tradebot.vocabulary import CATALOGUE

SIX = {
    "run_id": RUN, "cycle_id": "42", "dry_run": "false", "single_cycle": "true", "env": "SIM",
    "strategy": "sma_cross/1.0",
}  # fmt: skip
_PER_PAGE = 500


def written(event: str, at: int, level: str = "WARN", **fields: object) -> str:
    """A line as a hand without redaction would write it."""
    texts = {name: _as_text(value) for name, value in fields.items()}
    time = f"2025-12-17T07:{at // 60 % 60:02d}:{at % 60:02d}.000Z"
    return render(LogLine(time, level, "orchestrator", event, {**SIX, **texts})) + "\n"


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, default=_of_bytes)


def _of_bytes(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def leaks(texts: Sequence[str], cases: Sequence[Planted], folder: Path) -> dict[str, str]:
    """Which secrets stand in the page of a log with these texts, and where."""
    folder.mkdir()
    (folder / "bot.log").write_text("".join(texts), encoding="utf-8")
    page = page_of(folder, folder / "report.html", "--since", "2025-12-17")
    search = LeakSearch((one.name, part) for one in cases for part in one.secret.parts)
    return search.leaks(html.unescape(page.source))


def _in_pages(cases: Sequence[Planted]) -> Iterator[tuple[int, Sequence[Planted]]]:
    for start in range(0, len(cases), _PER_PAGE):
        yield start, cases[start : start + _PER_PAGE]


def _fits_a_line(case: Planted) -> bool:
    """Keys of bytes and the like have no JSON; a key must be one to stand in a line."""
    try:
        for value in case.fields.values():
            json.dumps(value, default=_of_bytes)
    except TypeError:
        return False
    return True


@pytest.mark.usefixtures("coverage_looks_away")
def test_no_planted_secret_in_fields_that_were_edited_by_hand(tmp_path: Path) -> None:
    # A third of a round: redaction itself is tested with all of it, and more.
    cases = [case for case in planted("report") if _fits_a_line(case)][::3]
    assert len(cases) > 400
    found: dict[str, str] = {}
    for start, some in _in_pages(cases):
        texts = [
            written("log_message", start + at, msg=case.message or "x", **case.fields)
            for at, case in enumerate(some)
        ]
        found |= leaks(texts, some, tmp_path / str(start))
    assert found == {}


def test_no_planted_secret_in_any_field_that_a_section_shows(tmp_path: Path) -> None:
    random = Random("sections")
    cases: list[Planted] = []
    texts: list[str] = []
    for event in CATALOGUE.events.values():
        secret = draw("JWT", random)
        names = {*event.required, *event.optional, "msg", "stack", "exc_msg"}
        fields = {name.replace("*", "x"): secret.text for name in names}
        texts.append(written(event.name, len(texts), **fields))
        cases.append(Planted(event.name, secret))
    assert leaks(texts, cases, tmp_path / "logs") == {}


def test_no_planted_secret_in_names_of_events_components_and_fields(tmp_path: Path) -> None:
    token = "q7x2k9m4w1z8r5t3b6n0v7c2j9h4g1d8"
    head = "2025-12-17T07:12:03.214Z | ERROR | "
    six = " ".join(f"{name}={value}" for name, value in SIX.items())
    texts = [
        f"{head}{token} | log_message | {six}\n",
        f"{head}orchestrator | {token} | {six}\n",
        f"{head}orchestrator | log_message | {six} {token}=1\n",
    ]
    case = Planted("a name", Secret("a name", token, (token,)))
    assert leaks(texts, [case], tmp_path / "logs") == {}


def test_no_planted_secret_in_lines_of_other_programs(tmp_path: Path) -> None:
    random = Random("foreign")
    cases = [Planted(kind, draw(kind, random)) for kind in KINDS for _ in range(8)]
    texts = []
    for at, case in enumerate(cases):
        texts += [some_text(random, case.secret) + "\n", written("log_message", at, msg="between")]
    assert leaks(texts, cases, tmp_path / "logs") == {}


def test_what_the_bots_settings_know_is_hidden_whatever_it_looks_like(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text(written("log_message", 0, msg="open sesame, he said"))
    target = tmp_path / "report.html"
    try:
        for known in ((), ("open sesame", "short")):
            assert report(tmp_path, target, "--since", "2025-12-17", known=known) == 0
            assert ("sesame" in target.read_text()) == (not known)
    finally:
        SECRETS.forget_all()


def test_a_secret_over_several_foreign_lines_is_one(tmp_path: Path) -> None:
    secret = draw("private key", Random(2))
    assert "\n" in secret.text
    texts = [written("log_message", 0, msg="before"), f"the key:\n{secret.text}\n"]
    assert leaks(texts, [Planted("a private key", secret)], tmp_path / "logs") == {}


def test_what_was_masked_stays_as_it_is_and_the_rest_is_left_alone() -> None:
    for text in (
        line('client_key=ABC***56 account_key=*** msg="sent Bearer *** twice"'),
        line("instrument_id=Stock:211 http_url_path=/port/v1/accounts/***/x latency_ms=12.5"),
        line('missing_ids=Stock:211,Etf:36465 remark="{\\"a\\":1.5,\\"b\\":[true,null]}"'),
    ):
        parsed = parse(text)
        assert masked_line(parsed) is parsed


def test_each_field_is_masked_by_its_own_rule() -> None:
    assert masked_value("client_key", "ABCDEF123456") == "ABC***56"
    assert masked_value("my_password", "short") == "***"
    assert masked_value("run_id", RUN) == RUN
    assert "***" in masked_value("remark", RUN)
    assert masked_text("Bearer abcdefgh12345678") == "Bearer ***"
