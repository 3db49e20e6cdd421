"""A report as its readers get it: made by the command, and taken apart by a plain HTML parser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

from tradebot.logtools.main import main

_NEVER_CLOSED = frozenset(("meta", "input", "br", "hr", "link"))


class Nowhere:
    """A copied folder of logs."""

    program = "tradebot logs"

    def __init__(self, known: Sequence[str] = ()) -> None:
        self.known = known

    def log_dir(self, env_file: str | None) -> str:
        raise AssertionError("the test names its logs")

    def journals(self, env_file: str | None) -> Sequence[str]:
        return ()

    def settings(self, env_file: str | None) -> Sequence[tuple[str, str, str]]:
        return ()

    def secrets(self, env_file: str | None) -> Sequence[str]:
        return self.known


class Page(HTMLParser):
    """Every tag with its attributes, the text of each section, and all of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.sections: dict[str, str] = {}
        self.lines: list[str] = []
        self.style = self.script = ""
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()
        assert self._open == [], "a tag is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag not in _NEVER_CLOSED:
            self._open.append((tag, attributes))
        if tag == "li" and self._within("ol", "log"):
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if "style" in tags:
            self.style += data
        elif "script" in tags:
            self.script += data
        else:
            self._add(data)

    def _add(self, data: str) -> None:
        for tag, attributes in self._open:
            name = attributes.get("id", "") if tag == "section" else tag
            if name in ("header", "footer", "title") or tag == "section":
                self.sections[name] = self.sections.get(name, "") + data
        if self._within("ol", "log"):
            self.lines[-1] += data

    def _within(self, tag: str, name: str) -> bool:
        return any(one == tag and at.get("class") == name for one, at in self._open)

    def section(self, name: str) -> str:
        """The text of a section, or of header, footer, title; blanks as one."""
        return re.sub(r"\s+", " ", self.sections.get(name, ""))

    def all(self, tag: str, class_: str = "") -> list[dict[str, str]]:
        """The attributes of each of these tags."""
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and class_ in ("", *attributes.get("class", "").split())
        ]


def report(logs: Path, target: Path, *arguments: str, known: Sequence[str] = ()) -> int:
    """One call of the command, on a machine that knows these secrets; its exit code."""
    return main(["report", "--logs", str(logs), "-o", str(target), *arguments], Nowhere(known))


def page_of(logs: Path, target: Path, *arguments: str) -> Page:
    """The page of a call that goes well."""
    assert report(logs, target, *arguments) == 0
    return Page(target.read_text(encoding="utf-8"))
