"""A report is one file that fetches nothing, runs nothing of the log's, and has a bounded size."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import re
from pathlib import Path

import pytest

from support.log_corpus import small_corpus
from support.log_lines import RUN, SIX, line
from support.report_page import Page, page_of, report
from tradebot.logtools.report.html import OwnText, document, h, rendered

DAY = ("--since", "2025-12-17")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "bot.log"
    path.write_text(
        line(event="cycle_begin", component="orchestrator", fields="")
        + line(time="2025-12-17T07:12:04.000Z", level="WARN ")
        + line(time="2025-12-17T07:12:05.000Z", event="cycle_end", fields="exit_code=0")
    )
    return path


# -- nothing from elsewhere ------------------------------------------------------------------


def test_the_policy_lets_it_fetch_nothing_and_run_its_own_script_alone(
    log: Path, tmp_path: Path
) -> None:
    page = page_of(log, tmp_path / "r.html", *DAY)
    (policy,) = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert set(rules) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    for name, text in (("style-src", page.style), ("script-src", page.script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"


def test_no_tag_refers_to_anything_but_the_page_itself(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    corpus = small_corpus(tmp_path_factory)
    page = page_of(corpus.folder, tmp_path / "r.html", "--since", "2025-11-24")
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "image")
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
        assert attributes.get("href", "#").startswith("#")
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for _, attributes in page.tags:
        assert attributes.get("href", "#").removeprefix("#") in {*ids, ""}
    assert not re.search(r"url\((?!#)|@import", page.style)
    assert not re.search(r"fetch|XMLHttp|import\(|innerHTML|eval", page.script)


HOSTILE = (
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "&lt;script&gt;",
    "]]>-->{{7*7}}`${1}`",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_a_log_is_text_in_the_page(text: str, tmp_path: Path) -> None:
    written = text.replace("\\", "\\\\").replace('"', '\\"')
    (tmp_path / "bot.log").write_text(
        line(f'msg="{written}"', level="ERROR")
        + line(f'instrument_id=Stock:1 symbol="{written}" action=BUY reason="{written}"',
               event="strategy_decision")
        + line(f'external_reference="{written}" execution_outcome=FAILED msg="{written}"',
               event="execution_completed")
        + f"{text}\n"
    )  # fmt: skip
    page = page_of(tmp_path / "bot.log", tmp_path / "r.html", *DAY)
    known = {
        "html", "head", "meta", "title", "style", "body", "svg", "defs", "pattern", "path", "a",
        "header", "p", "h1", "h2", "h3", "div", "span", "dl", "dt", "dd", "nav", "ul", "ol", "li",
        "main", "section", "article", "details", "summary", "table", "thead", "tbody", "tr", "th",
        "td", "small", "strong", "b", "i", "code", "pre", "time", "rect", "line", "text", "use",
        "g", "label", "select", "option", "input", "output", "footer", "script",
    }  # fmt: skip
    assert {tag for tag, _ in page.tags} <= known
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert any(text in one for one in page.lines)


def test_what_cannot_be_seen_is_spelt_out(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_bytes(
        line('msg="a\\u001bb\\u202ec\\u0000"').encode() + b"\x1b[31m\x00\xff\xfe foreign\n"
    )
    page = page_of(tmp_path / "bot.log", tmp_path / "r.html", *DAY)
    assert not set(page.source) & set("\x00\x1b\u202e")
    assert any(r"\u001b[31m\u0000" in one for one in page.lines)


@pytest.mark.parametrize("name", ["onclick", "style", "src"])
def test_the_builder_has_no_attribute_that_runs_or_fetches(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        h("p", **{name: "x"})


def test_the_builder_takes_no_markup_and_no_link_to_elsewhere() -> None:
    with pytest.raises(ValueError, match="own parts"):
        h("a", href="https://example.com")
    with pytest.raises(ValueError, match="own files"):
        list(rendered(h("script", "alert(1)")))
    with pytest.raises(ValueError, match="own files"):
        list(rendered(h("style", OwnText("</style>"))))
    with pytest.raises(ValueError, match="not escaped"):
        list(rendered(h("p", OwnText("<b>"))))
    assert "".join(rendered(h("p", "<b>", title="\"'&"))) == (
        '<p title="&quot;&#39;&amp;">&lt;b&gt;</p>'
    )
    text = "".join(document("<t>", [], styles=OwnText("a"), script=OwnText("b")))
    assert "<title>&lt;t&gt;</title>" in text


# -- without scripts, for everybody ----------------------------------------------------------


def test_without_scripts_all_of_it_is_there(log: Path, tmp_path: Path) -> None:
    page = page_of(log, tmp_path / "r.html", *DAY)
    assert len(page.lines) == 3
    hidden = [attributes for _, attributes in page.tags if "hidden" in attributes]
    assert [one["id"] for one in hidden] == ["controls"]


def test_headings_tables_and_pictures_have_their_names(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    corpus = small_corpus(tmp_path_factory)
    page = page_of(corpus.folder, tmp_path / "r.html", "--since", "2025-11-24")
    assert len(page.all("h1")) == 1
    assert dict(page.tags)["html"]["lang"] == "en"
    assert all(one.get("scope") == "col" for one in page.all("th"))
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for section in page.all("section"):
        assert section["aria-labelledby"] in ids
    for picture in page.all("svg"):
        inner = "viewbox" in picture
        assert picture.get("aria-label") or picture.get("aria-hidden") == "true" or inner


# -- its size ----------------------------------------------------------------------------------


def test_a_busy_day_stays_small_and_says_what_is_not_shown(tmp_path: Path) -> None:
    # Each of these lines has more quotes than letters: escaped they are six times as long.
    quotes = '\\"' * 300
    texts = [
        line(
            f'msg="{quotes}" attempt={number}',
            time=f"2025-12-17T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z",
            level="DEBUG" if number % 2 else "INFO ",
        )
        for number in range(3000)
    ]
    texts[5] = line("msg=first", time="2025-12-17T00:00:05.000Z", level="ERROR")
    (tmp_path / "bot.log").write_text("".join(texts))
    page = page_of(tmp_path / "bot.log", tmp_path / "r.html", *DAY)
    assert 500_000 < len(page.source.encode()) < 1_000_000
    assert any("msg=first" in one for one in page.lines), "the error is older, and more telling"
    shown = len(page.lines)
    told = page.section("lines")
    assert f"{3000 - shown:,} more lines are not shown" in told
    assert "1,499 DEBUG" in told
    numbers = [int(found[1]) for one in page.lines if (found := re.search("attempt=(\\d+)", one))]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 2998, "of the others the latest are shown"
    assert "tradebot logs show --since 2025-12-17T00:00:00.000Z" in told


def test_a_log_full_of_nothing_but_surprises_stays_small(tmp_path: Path) -> None:
    """Each order, instrument, error and endpoint is another one, with long values."""
    texts = []
    for number in range(800):
        time = f"2025-12-17T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
        words = f"word_{'x' * 20}_" * 9 + str(number)
        reference = f"ATB-20251217-0000-{number:010d}"
        texts += [
            line(f"instrument_id=Stock:{number} action=BUY reason={words}",
                 event="strategy_decision", time=time),
            line(f"external_reference={reference} failure_reason={words} msg={words * 9}"
                 " execution_outcome=FAILED", event="execution_completed", time=time),
            line(f"http_method=GET http_url_path=/port/v{number % 9}/{words} http_status=500"
                 f" error_code=Word{number} msg={words * 9}", event="http_error", level="WARN ",
                 time=time),
            line(f"exit_code=70 duration_ms={number}", event="cycle_end", time=time,
                 six=SIX.replace(RUN, f"{number:08x}{RUN[8:]}")),
        ]  # fmt: skip
    (tmp_path / "bot.log").write_text("".join(texts))
    assert len(page_of(tmp_path / "bot.log", tmp_path / "r.html", *DAY).source) < 1_000_000


# -- the file ------------------------------------------------------------------------------------


def test_nothing_found_leaves_no_file(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (
        ("--run", "00000000-0000-4000-8000-000000000000"),
        ("--cycle", "43"),
        ("--order", "ATB-20251217-0712-ABCDEFGHIJ"),
        ("--since", "2025-12-18"),
    ):
        assert report(log, tmp_path / "r.html", *arguments) == 1
        told = capsys.readouterr()
        assert "no file was written" in told.err
        assert "read:" in told.err
    assert names(tmp_path) == ["bot.log"]


def test_a_file_that_is_there_is_replaced_whole(log: Path, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    target.write_text("the old one")
    with target.open() as reader:
        page_of(log, target, *DAY)
        assert reader.read() == "the old one"
    assert names(tmp_path) == ["bot.log", "r.html"]
    if os.name == "posix":
        assert target.stat().st_mode & 0o077 == 0, "it is as private as the log"


def test_a_target_that_cannot_be_is_said_before_anything_is_read(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target, told in (
        (log, "a file of the log itself"),
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "r.html", "there is no folder"),
    ):
        with pytest.raises(SystemExit) as ended:
            report(log, target, *DAY)
        assert ended.value.code == 2
        assert told in capsys.readouterr().err
    assert log.read_text().startswith("2025-12-17")


def test_without_anything_to_be_about_it_says_what_to_type(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for logs, *arguments in (
        (log,),
        (log, "--until", "2025-12-18"),
        (log, "--run", "no such thing"),
        (Path("-"), "--cycle", "42"),
    ):
        with pytest.raises(SystemExit) as ended:
            report(logs, tmp_path / "r.html", *arguments)
        assert ended.value.code == 2
        assert "--run" in capsys.readouterr().err


def test_a_cycle_number_in_two_runs_is_asked_back(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = f"1{RUN[1:]}"
    with log.open("a") as stream:
        stream.write(line(six=SIX.replace(RUN, other).replace("SIM", "LIVE"), event="cycle_begin"))
    with pytest.raises(SystemExit) as ended:
        report(log, tmp_path / "r.html", "--cycle", "42")
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"--run {RUN}" in told
    assert f"--run {other}" in told
    assert report(log, tmp_path / "r.html", "--run", other) == 0


def test_to_standard_output(log: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert report(log, Path("-"), *DAY) == 0
    assert Page(capsysbinary.readouterr().out.decode()).lines


def test_a_damaged_log_is_told_from_what_can_be_read(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "bot.log").write_bytes(log.read_bytes() + b"\x00\xff" * 99 + b"\n2025-12-17T07:1")
    whole = gzip.compress(log.read_bytes())
    (folder / "bot.log.2025-12-16.gz").write_bytes(whole[: len(whole) // 2])
    assert report(folder, tmp_path / "r.html", "--since", "2025-12-16") == 2
    page = Page((tmp_path / "r.html").read_text())
    assert sum("2025-12-17T07:12" in one for one in page.lines) >= 3
    assert "bot.log.2025-12-16.gz: not a whole gzip file" in page.section("footer")
    assert str(folder) not in page.source
    assert "cannot be read" in capsys.readouterr().err


def test_local_times_are_the_machines(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    if not hasattr(time, "tzset"):
        pytest.skip("this machine's zone cannot be set for a process")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        page = page_of(log, tmp_path / "r.html", *DAY, "--local")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "16:12:03.214" in page.section("header")
    assert any(one.startswith("2025-12-17T16:12:03.214+09:00") for one in page.lines)
