"""The canary: a secret made for the purpose is logged once by every carrier, and looked for.

It runs in a real session with the log's own settings, in a folder of its own. Every byte of the
files and of the captured console is then searched for the secret in the spellings a reader could
undo. Here, beside what reads logs, and not in the logging layer: a run does not need it.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import re
import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from tradebot.logtools.carriers import REGISTERED, UNKNOWN, Carrier
from tradebot.observability import Session, register_secret, setup_logging
from tradebot.observability.line import LineError, parse
from tradebot.vocabulary import CATALOGUE

PIECE = 12
"""So many characters of a secret in one piece are a leak, too; a mask shows five."""


_LETTERS_AND_DIGITS = string.ascii_letters + string.digits


@dataclass(slots=True)
class CanaryResult:
    """What became of the secret."""

    carriers: int = 0
    bytes: int = 0
    """Searched: files and console."""
    leaks: dict[str, str] = field(default_factory=dict)
    """By carrier: where the secret stood, and in which spelling. Never the secret."""
    raised: dict[str, str] = field(default_factory=dict)
    """By carrier: the class of an error that the log call raised; none may."""
    silent: list[str] = field(default_factory=list)
    """Carriers of which nothing at all arrived: nothing is proven by those."""

    @property
    def ok(self) -> bool:
        return self.carriers > 0 and not (self.leaks or self.raised or self.silent)


def new_secret() -> str:
    """Random, with characters that URLs, JSON, `repr` and base64 each write differently."""
    return f"{_letters_and_digits(16)}/+=\"'\\ü%|{_letters_and_digits(16)}"


def _letters_and_digits(count: int) -> str:
    """What is left as it is in every spelling; in the name of a field a hyphen is not."""
    return "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(count))


def new_token() -> str:
    """Random, and of the characters that tokens are made of."""
    return secrets.token_urlsafe(24)


def run_canary(
    folder: Path,
    options: Mapping[str, Any] | None = None,
    *,
    registered: Sequence[Carrier] = REGISTERED,
    unknown: Sequence[Carrier] = UNKNOWN,
) -> CanaryResult:
    """Log a new secret by every carrier to `folder` (its own; it is left there) and look for it.

    `options` are further arguments of `setup_logging`: rotation, queue. Levels are not taken from
    there, since what is not written proves nothing. A session that runs is closed first.
    Raises StorageError when the log cannot be written there.
    """
    result = CanaryResult()
    known, unheard = new_secret(), new_token()
    register_secret(known)
    console = io.StringIO()
    with (
        _without_other_handlers(),
        contextlib.redirect_stderr(console),
        contextlib.redirect_stdout(console),
    ):
        session = setup_logging(
            folder, catalogue=CATALOGUE, level="DEBUG", console_level="DEBUG", **(options or {})
        )
        watch = _Watch(folder, console, session, result)
        with session:
            for carriers, secret in ((registered, known), (unknown, unheard)):
                for carrier in carriers:
                    watch.send(carrier, secret)
    for secret in (known, unheard):
        watch.search_everything(secret)
    return result


@contextlib.contextmanager
def _without_other_handlers() -> Iterator[None]:
    """Handlers of others receive records as they are, by the nature of `logging`."""
    root = logging.getLogger()
    others = list(root.handlers)
    for handler in others:
        root.removeHandler(handler)
    try:
        yield
    finally:
        for handler in others:
            root.addHandler(handler)


class _Watch:
    """Sees what each carrier leaves in the files and on the console."""

    def __init__(
        self, folder: Path, console: io.StringIO, session: Session, result: CanaryResult
    ) -> None:
        self._folder = folder
        self._console = console
        self._session = session
        self._result = result
        self._seen: dict[tuple[int, int], int] = {}
        self._shown = 0

    def send(self, carrier: Carrier, secret: str) -> None:
        self._result.carriers += 1
        try:
            carrier.carry(secret)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next carrier is tried
            self._result.raised[carrier.name] = type(error).__name__
        self._session.flush()
        written, shown = self._new_in_files(), self._new_on_console()
        if not (written or shown):
            self._result.silent.append(carrier.name)
        self._look(carrier.name, secret, written, shown)

    def search_everything(self, secret: str) -> None:
        """Once more from the first byte: a queue or a rotation may have hidden something."""
        files = b"".join(path.read_bytes() for path in self._files())
        shown = self._console.getvalue()
        self._result.bytes = len(files) + len(shown.encode("utf-8", "replace"))
        if not self._result.leaks:
            self._look("unknown carrier", secret, files, shown)

    def _look(self, name: str, secret: str, written: bytes, shown: str) -> None:
        for where, text in (("file", written.decode("utf-8", "replace")), ("console", shown)):
            spelling = leaked(secret, text)
            if spelling is not None:
                self._result.leaks.setdefault(name, f"in the {where}, {spelling}")

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if path.is_file())

    def _new_in_files(self) -> bytes:
        """What was written since the last call."""
        new = b""
        for path in self._files():
            content, status = path.read_bytes(), path.stat()
            # Not by name: a rotation gives files other names.
            identity = (status.st_dev, status.st_ino)
            new += content[self._seen.get(identity, 0) :]
            self._seen[identity] = len(content)
        return new

    def _new_on_console(self) -> str:
        text = self._console.getvalue()
        new, self._shown = text[self._shown :], len(text)
        return new


def leaked(secret: str, text: str) -> str | None:
    """In which spelling `text` holds the secret, or a long piece of it; None when it does not."""
    readable = text + "\n" + "\n".join(_values(text))
    for spelling, form in _spellings(secret):
        pieces = range(max(1, len(form) - PIECE + 1))
        if any(form[begin : begin + PIECE] in readable for begin in pieces):
            return spelling
    return None


def _values(text: str) -> Iterator[str]:
    """The values of the lines, as they were before they were quoted."""
    for line in text.split("\n"):
        with contextlib.suppress(LineError):
            yield from parse(line).fields.values()


def _spellings(secret: str) -> Iterator[tuple[str, str]]:
    """Worked out without the code that is being watched."""
    raw = secret.encode()
    yield "as it is", secret
    yield "URL-encoded", quote(secret, safe="")
    yield "URL-encoded", re.sub("%..", lambda found: found[0].lower(), quote_plus(secret))
    yield "escaped as in JSON", json.dumps(secret)[1:-1]
    yield "escaped as in JSON", json.dumps(secret, ensure_ascii=False)[1:-1]
    yield "as repr", repr(secret)[1:-1]
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        # Only the characters that no neighbour has a part in.
        own = whole[4 if shift else 0 : -4].decode()
        yield "in base64", own
        yield "in base64", own.replace("+", "-").replace("/", "_")
