"""The report in a real browser: nothing is fetched, filters filter, phones and paper are served."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.browser import PROGRAM, Browser, Page, browser
from support.log_corpus import small_corpus
from support.program import run, run_bot
from support.report_page import report

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="needs Chromium: apt-get install chromium (scripts/install_readers.sh)"
)
TRADEBOT = [sys.executable, "-c", "from tradebot.cli import main; main()"]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a real run whose order got no answer."""
    folder = tmp_path_factory.mktemp("bot")
    assert run([*TRADEBOT, "simulator", "scenario", "lost_answer"], folder).returncode == 0
    assert run_bot(folder, "--single-cycle", LOG_LEVEL="DEBUG").returncode == 0
    target = folder / "cycle.html"
    assert report(folder / "logs", target, "--cycle", "1") == 0
    return target


@pytest.fixture(scope="module")
def period(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("period") / "period.html"
    logs = small_corpus(tmp_path_factory).folder
    assert report(logs, target, "--since", "2025-11-20") == 0
    return target


@pytest.fixture(params=["cycle", "period"])
def file(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def page(chromium: Browser) -> Page:
    made = chromium.new_page()
    made.look_like(1280, 900)
    return made


def shown_lines(page: Page) -> int:
    return int(page.evaluate("document.querySelectorAll('.log > li:not([hidden])').length"))


def dots(png: bytes) -> Iterator[tuple[int, int, int]]:
    """Some dots of a picture with three or four bytes for each, unfiltered lines apart."""
    width, _, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    parts, at = [], 8
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        if name == b"IDAT":
            parts.append(png[at + 8 : at + 8 + size])
        at += size + 12
    data = zlib.decompress(b"".join(parts))
    channels = {2: 3, 6: 4}[kind]
    # The first dot of each line whose filter changes nothing in it.
    for start in range(0, len(data), width * channels + 1):
        if data[start] in (0, 1):
            yield data[start + 1], data[start + 2], data[start + 3]


def test_it_loads_without_a_complaint_and_asks_for_nothing(page: Page, file: Path) -> None:
    page.open(file)
    # Whatever it might do later, or when somebody looks around in it.
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.screenshot(whole=True)
    assert page.complaints == []
    assert page.requests == [file.as_uri()]


def test_its_policy_stops_what_a_page_could_do(page: Page, cycle: Path) -> None:
    page.open(cycle)
    blocked = page.evaluate(
        "new Promise((done) => {"
        " const found = [];"
        " addEventListener('securitypolicyviolation', (event) => {"
        "  found.push(event.effectiveDirective); if (found.length === 3) done(found.sort()); });"
        " const add = (tag, set) => document.body.append(Object.assign("
        "  document.createElement(tag), set));"
        " add('img', { src: 'http://127.0.0.1:1/x.png' });"
        " add('script', { textContent: 'window.ran = true' });"
        " fetch('http://127.0.0.1:1/').catch(() => {});"
        "})"
    )
    assert blocked == ["connect-src", "img-src", "script-src-elem"]
    assert page.evaluate("window.ran === undefined")


def test_filters_hide_lines(page: Page, cycle: Path) -> None:
    page.open(cycle)
    page.evaluate("document.querySelector('#log').open = true")
    everything = shown_lines(page)
    assert everything > 30
    page.type_into("#by-text", "ORDER_unknown ATB-")
    found = shown_lines(page)
    assert 0 < found < everything
    assert page.evaluate("document.querySelector('#shown').textContent").startswith(f"{found} of ")
    page.evaluate("document.querySelector('#by-text').value = ''")
    for control, value, kept in (
        ("#by-level", "2", "row.dataset.l >= 2"),
        ("#by-event", "http_request", "row.dataset.e === 'http_request'"),
    ):
        page.open(cycle)
        page.evaluate(
            f"{{ const one = document.querySelector('{control}'); one.value = '{value}';"
            " one.dispatchEvent(new Event('input')); }"
        )
        assert 0 < shown_lines(page) < everything
        assert page.evaluate(
            f"[...document.querySelectorAll('.log > li')].every((row) => row.hidden !== ({kept}))"
        )


def test_a_touch_tells_what_a_mark_is(page: Page, cycle: Path) -> None:
    page.open(cycle)
    before = page.evaluate("document.querySelector('.picked').textContent")
    page.evaluate(
        "document.querySelector('.marks .warn').dispatchEvent("
        "new MouseEvent('click', { bubbles: true }))"
    )
    told = page.evaluate("document.querySelector('.picked').textContent")
    assert told != before
    assert "sent, no clear answer" in told or "execution_order_unknown" in told


def test_without_scripts_everything_is_shown(page: Page, cycle: Path) -> None:
    page.open(cycle)
    lines = page.evaluate("document.querySelectorAll('.log > li').length")
    page.without_scripts()
    page.open(cycle)
    text = page.send("DOM.getDocument", depth=0)["root"]["nodeId"]
    found = page.send("DOM.querySelectorAll", nodeId=text, selector=".log > li:not([hidden])")
    assert len(found["nodeIds"]) == lines
    controls = page.send("DOM.querySelectorAll", nodeId=text, selector="#controls:not([hidden])")
    assert controls["nodeIds"] == []


def test_a_phone_scrolls_down_and_not_sideways(page: Page, file: Path) -> None:
    page.look_like(360, 740, phone=True)
    page.open(file)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("innerWidth") == 360
    wide = page.evaluate(
        "[...document.querySelectorAll('table, .lanes')].filter((one) =>"
        " one.getBoundingClientRect().width > innerWidth"
        " && !one.closest('.scroll')).length"
    )
    assert wide == 0
    assert page.evaluate("document.querySelector('.lanes').getBoundingClientRect().width") > 360


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_light_and_dark_are_both_readable(page: Page, file: Path, *, dark: bool) -> None:
    page.look_like(1280, 900, dark=dark)
    page.open(file)
    brightness = [sum(dot) / 3 for dot in dots(page.screenshot())]
    assert len(brightness) > 20
    middle = sorted(brightness)[len(brightness) // 2]
    assert middle < 60 if dark else middle > 200
    # WCAG's contrast of every text with the ground it stands on.
    faint = page.evaluate(CONTRAST)
    assert faint == []


CONTRAST = """
(() => {
  const parse = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return { rgb: found.slice(0, 3), alpha: found[3] ?? 1 };
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((one) => {
      const part = one / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.alpha > 0) return colour.rgb;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || ['SCRIPT', 'STYLE', 'OPTION', 'title'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const picture = element.ownerSVGElement;
    if (picture && element.classList.contains('label')) continue;
    const [a, b] = [light(parse(picture ? style.fill : style.color).rgb), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.add(`${element.tagName}.${element.className} ${contrast.toFixed(2)}`);
  }
  return [...faint];
})()
"""


def test_it_can_be_printed_with_everything_unfolded(page: Page, cycle: Path) -> None:
    page.open(cycle)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 0
    page.send("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('#controls')).display") == "none"
    printed = page.pdf()
    assert printed.startswith(b"%PDF-")
    assert len(printed) > 20_000


def test_a_link_into_what_is_folded_unfolds_it(page: Page, period: Path) -> None:
    page.open(period)
    page.evaluate("document.querySelector('#orders td a').click()")
    page.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert page.evaluate("document.querySelector(location.hash).open !== false")
    assert page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top") < 900
