"""What was typed, names of files and lines of the log: no control character of them is printed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.log_lines import RUN, line
from support.report_page import Nowhere
from tradebot.logtools.main import main

REFERENCE = "ATB-20251217-0712-ABCDEFGHIJ"
RED = "\x1b[31m"
WICKED = f"{RED}a\rb\x9bc\u202ed\x07"


def printed(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    capfd.readouterr()
    with contextlib.suppress(SystemExit):  # wrong use
        main(arguments, Nowhere())
    captured = capfd.readouterr()
    return captured.out + captured.err


def unprintable(text: str) -> set[str]:
    return {character for character in text if not character.isprintable()} - {"\n"}


@pytest.mark.parametrize(
    "typed",
    [
        (RED,),
        ("show", f"--{RED}"),
        ("show", RED),
        ("show", "--since", RED),
        ("show", "--output", RED),
        ("show", "--fields", RED),
        ("show", "-n", RED),
        ("show", "--logs", f"nowhere{RED}"),
        ("show", f"msg={RED}"),
        ("trace", RED),
        ("trace", f"msg={RED}"),
        ("orders", f"msg={RED}"),
        ("orders", "--journal", RED),
        ("runs", f"msg={RED}"),
        ("why", RED),
        ("why", "--at", RED),
        ("lint", f"nowhere{RED}"),
        ("lint", f"there{RED}"),
        ("show", "--logs", f"there{RED}"),
        ("bundle", RED),
        ("bundle", "--since", RED),
        ("export", "--format", RED),
        ("export", "--format", "csv", "-o", f"nowhere{RED}/x"),
        ("report", "--run", RED, "-o", "-"),
        ("report", "--order", RED, "-o", "-"),
        ("explain", RED),
        ("explain", f"msg={RED}"),
    ],
)
def test_what_was_typed(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    typed: Sequence[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bot.log").write_text(line())
    Path(f"there{RED}").write_text(line() + "what is no line\n")
    where = () if "--logs" in typed or typed[0] in ("lint", "explain", RED) else ("--logs", ".")
    answer = printed(capfd, *typed, *where)
    assert unprintable(answer) == set()
    assert answer


@pytest.mark.parametrize(
    "asked",
    [
        ("show",),
        ("trace", RUN),
        ("trace", REFERENCE),
        ("orders",),
        ("runs", "--all"),
        ("why", "--since", "2025-12-17"),
        ("why", "--at", "2025-12-17T07:13Z"),
        ("summary",),
        ("lint",),
    ],
)
def test_lines_of_the_log(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    asked: Sequence[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = []
    for text in (WICKED, f'"{WICKED}"', '"\\u001b[31m\\r\\u009b\\u202e\\u0007"'):
        for event in ("execution_order_intent_created", "execution_order_failed", "cycle_begin",
                      "http_error", "cycle_skip_market_closed", "log_message"):  # fmt: skip
            fields = " ".join(f"{name}={text}" for name in ("symbol", "reason", "msg", "outcome"))
            texts.append(line(f"external_reference={REFERENCE} {fields}", event=event))
            texts.append(texts[-1].replace("SIM", text).replace("\n", "\r\n"))
    texts += [f"of another program: {WICKED}\n", line(component=f"a{RED}"), line(event=f"a{RED}")]
    Path("bot.log").write_text("".join(texts), newline="")
    where = (".",) if asked[0] == "lint" else ("--logs", ".")
    answer = printed(capfd, *asked, *where)
    assert unprintable(answer) == set()
    assert len(answer) > 100
