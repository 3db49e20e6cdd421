"""What is known about one environment variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tradebot.settings.parsing import Kind


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: its name, what its text may be, its default, and its meaning.

    `default` is the text one would write; None when there is none or when it depends on other
    variables, which `default_note` then explains. A secret is never shown or repeated anywhere.
    """

    name: str
    kind: Kind[Any]
    default: str | None
    doc: str
    unit: str = ""
    secret: bool = False
    default_note: str = ""
    example: str = ""

    @property
    def attribute(self) -> str:
        """Its name in `Settings`."""
        return self.name.lower().removesuffix("_json")


@dataclass(frozen=True, slots=True)
class Group:
    """A heading and the variables under it, in the order in which they are documented."""

    title: str
    variables: tuple[Variable, ...]
