"""Values of every type a program may log, each with a text in it; some do what they can to show it.

An attribute or key that is called `token` or `access_token` is sensitive, `remark` is not.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import types
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from tradebot.observability import log_event


def values(text: str) -> dict[str, object]:
    """By name, one of each."""
    return dict(_values(text))


class Failure(Exception):
    """An exception with arguments and attributes of its own."""

    def __init__(self, message: str, **more: object) -> None:
        super().__init__(message, more)
        self.more = more


@dataclasses.dataclass
class Record:
    """A dataclass in which one field is not part of the repr."""

    remark: str
    access_token: str = dataclasses.field(repr=False)


class Pair(NamedTuple):
    """A tuple whose second half has a sensitive name."""

    remark: str
    access_token: str


class Struct:
    """As msgspec makes them: the names of the fields are on the class."""

    __struct_fields__ = ("remark", "access_token")

    def __init__(self, text: str) -> None:
        self.remark = self.access_token = text


class Slotted:
    """A repr as attrs and pydantic make it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Slotted(remark={self.text!r}, access_token={self.text!r})"


class Raises(Slotted):
    def __repr__(self) -> str:
        raise Failure(self.text)


class Recurses(Slotted):
    def __repr__(self) -> str:
        return f"{self.text} {self!r}"


class Logs(Slotted):
    def __repr__(self) -> str:
        log_event("log_message", f"asked for {self.text}", remark=self)
        return self.text


class Sly(str):
    """A text that is harmless until it is formatted or shown."""

    __slots__ = ("text",)
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def __format__(self, specification: str) -> str:
        return self.text

    def __len__(self) -> int:
        return 1

    def lower(self) -> str:
        return ""


class ShowsSly(Slotted):
    def __str__(self) -> str:
        return sly("harmless", self.text)


class Amount(Decimal):
    """A number that shows something else."""

    text = ""

    def __str__(self) -> str:
        return self.text


def sly(looks: str, text: str) -> Sly:
    """A str subclass that is `looks` and says `text`."""
    made = Sly(looks)
    made.text = text
    return made


def _values(text: str) -> Iterator[tuple[str, object]]:
    deep: object = text
    for _ in range(8):
        deep = {"a": [deep]}
    amount = Amount("1.5")
    amount.text = text
    letter = enum.Enum("Letter", {"A": text})  # type: ignore[misc]
    yield "a list, a tuple, a set", [text, (text,), {text}, frozenset((text,))]
    yield "a dict", {"remark": text, text: "x", "token": text, b"token": text, 7: text}
    yield "a dict with odd keys", {("token", text): 1, Slotted(text): 2, text.encode(): 3}
    yield (
        "mappings",
        [
            collections.OrderedDict(remark=text),
            collections.UserDict(token=text),
            types.MappingProxyType({"remark": text}),
            collections.ChainMap({"remark": text}),
        ],
    )
    yield "sequences", [collections.deque([text]), collections.UserList([text])]
    yield "views", [{"token": text}.items(), {text: 1}.keys()]
    yield "namespaces", types.SimpleNamespace(remark=text, token=text)
    yield "something deep", deep
    yield "a dataclass", Record(text, text)
    yield "a namedtuple", Pair(text, text)
    yield "a struct", Struct(text)
    yield "an object with a repr", Slotted(text)
    yield "a class", type(f"C{text}", (), {"token": text})
    yield "an enum", letter["A"]
    yield "an exception", Failure(text, token=text)
    yield "a group of exceptions", ExceptionGroup(text, [ValueError(text)])
    yield "bytes", text.encode()
    yield "bytes in Latin 1", text.encode("latin-1", "replace")
    yield "a bytearray", bytearray(text.encode())
    yield "a memoryview", memoryview(text.encode())
    yield "an object that raises", Raises(text)
    yield "an object that recurses", Recurses(text)
    yield "an object that logs", Logs(text)
    yield "a str subclass", sly("harmless", text)
    yield "the other str subclass", sly(text, "harmless")
    yield "an object that shows one", ShowsSly(text)
    yield "a number that shows something else", amount
    yield "a generator and a function", [(one for one in text), lambda: text]
