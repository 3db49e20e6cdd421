"""HTML that cannot say what it was not meant to say: every text is escaped, and nothing else is.

    h("p", "5 < 6", class_="note")   ->   <p class="note">5 &lt; 6</p>

There is no way to hand in finished markup. A page made of this refers to nothing but itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool | None
Node: TypeAlias = "Element | OwnText | str | Iterable[Node] | None"

_VOID = frozenset(("br", "hr", "input", "meta", "link", "wbr"))
_HOLDING_CODE = frozenset(("script", "style"))
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_OPEN_ENDED = frozenset("\n\t")
"""What is not printable and may stand in a page all the same."""


@dataclass(frozen=True, slots=True)
class OwnText:
    """A script or a stylesheet of this package, as it stands in its file."""

    text: str

    @classmethod
    def of(cls, name: str) -> OwnText:
        """The package's file of that name."""
        return cls(Path(__file__).with_name(name).read_text(encoding="utf-8"))

    @property
    def hash(self) -> str:
        """What a Content-Security-Policy calls it by."""
        digest = hashlib.sha256(self.text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


@dataclass(frozen=True, slots=True)
class Element:
    """One element; made by `h`."""

    tag: str
    attributes: tuple[tuple[str, str | None], ...]
    children: tuple[Node, ...]


def h(tag: str, *children: Node, **attributes: Value) -> Element:
    """An element. `class_` is class, `aria_label` aria-label; None and False leave it out.

    Raises ValueError for an attribute that would run code, and for one that would fetch something.
    """
    kept = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        written = name.removesuffix("_").replace("_", "-")
        text = None if value is True else _number(value)
        _check(written, text or "")
        kept.append((written, text))
    return Element(tag, tuple(kept), children)


def _number(value: str | int | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _check(name: str, value: str) -> None:
    if name.startswith("on") or name in ("style", "src", "srcset", "srcdoc", "action"):
        raise ValueError(f"a page has no attribute {name}")
    if name == "href" and not value.startswith("#"):
        raise ValueError("a page links to its own parts only")


def escaped(text: str) -> str:
    """Text as it may stand between tags and in quotes. What cannot be seen is spelt out."""
    if not text.isprintable():
        text = "".join(map(_visible, text))
    return text.translate(_ESCAPES)


def _visible(character: str) -> str:
    if character.isprintable() or character in _OPEN_ENDED:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def rendered(node: Node) -> Iterator[str]:
    """The markup of a node, in pieces."""
    match node:
        case None:
            return
        case str():
            yield escaped(node)
        case Element():
            yield from _element(node)
        case OwnText():
            raise ValueError("only script and style hold a text that is not escaped")
        case _:
            for one in node:
                yield from rendered(one)


def _element(element: Element) -> Iterator[str]:
    yield f"<{element.tag}"
    for name, value in element.attributes:
        yield f" {name}" if value is None else f' {name}="{escaped(value)}"'
    yield ">"
    if element.tag in _VOID:
        return
    if element.tag in _HOLDING_CODE:
        for own in element.children:
            if not isinstance(own, OwnText) or "</" in own.text:
                raise ValueError(f"{element.tag} holds this package's own files only")
            yield own.text
    else:
        for child in element.children:
            yield from rendered(child)
    yield f"</{element.tag}>"


def document(
    title: str, body: Node, *, styles: OwnText, script: OwnText, language: str = "en"
) -> Iterator[str]:
    """A whole page, in pieces. Its policy lets it fetch nothing, send nothing, and run `script`."""
    policy = (
        f"default-src 'none'; style-src {styles.hash}; script-src {script.hash}; "
        "base-uri 'none'; form-action 'none'"
    )
    yield "<!doctype html>\n"
    yield from rendered(
        h(
            "html",
            h(
                "head",
                h("meta", charset="utf-8"),
                h("meta", http_equiv="Content-Security-Policy", content=policy),
                h("meta", name="viewport", content="width=device-width, initial-scale=1"),
                h("meta", name="color-scheme", content="light dark"),
                h("meta", name="referrer", content="no-referrer"),
                h("title", title),
                h("style", styles),
            ),
            h("body", body, h("script", script)),
            lang=language,
        )
    )
    yield "\n"
