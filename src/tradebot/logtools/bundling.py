"""A zip of log lines for somebody else: judged line by line for secrets before it gets its name."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tradebot.logtools.linting.findings import Kind
from tradebot.logtools.linting.rules import LineRules
from tradebot.logtools.reading.entries import Entry
from tradebot.observability.line import SEPARATOR
from tradebot.observability.secret_values import SecretValues
from tradebot.vocabulary import CATALOGUE

_SECRETS = frozenset((Kind.UNMASKED, Kind.DOUBTFUL_VALUE))
_NAMED = 5
_CHUNK = 1 << 20
_REQUEST_COLUMNS = (
    "http_method", "http_url_path", "http_status", "latency_ms", "saxo_request_id",
    "external_reference", "order_id", "run_id", "cycle_id",
)  # fmt: skip
_VERSION_COLUMNS = (
    "version", "commit", "commit_changed", "python", "host", "instance", "env", "strategy",
    "settings_fingerprint",
)  # fmt: skip


class Leak(Exception):
    """What was to be given away may hold a secret; the message says where, and never what."""


@dataclass
class Judge:
    """Finds what nobody else may see: by the log's own rules, and by the secrets that are known."""

    known: Iterable[str] = ()
    places: list[str] = field(default_factory=list)
    """Where something was found, and in which field."""
    found: int = 0

    def __post_init__(self) -> None:
        self._rules = LineRules(CATALOGUE)
        self._known = SecretValues()
        for secret in self.known:
            self._known.register(secret)

    def look(self, entry: Entry) -> None:
        """Judge one line."""
        text = entry.raw.decode("utf-8", "replace")
        place = f"{entry.file.path}, the line of {entry.time}"
        for kind, what in self._rules.judge(entry.line, text.split(SEPARATOR, 4)[4]):
            if kind in _SECRETS:
                self._add(f"{place}: {what}")
        self.look_at_text(text, place)

    def look_at_text(self, text: str, place: str) -> None:
        """Judge text of our own making."""
        if self._known.remove(text) != text:
            self._add(f"{place}: a secret of this bot's settings or login")

    def _add(self, place: str) -> None:
        self.found += 1
        if len(self.places) < _NAMED:
            self.places.append(place)

    def require_clean(self) -> None:
        """Raises Leak when something was found."""
        if self.found:
            more = self.found - len(self.places)
            raise Leak("; ".join(self.places) + (f"; and {more} more" if more else ""))


@dataclass
class Bundle:
    """What goes into the zip beside the lines."""

    title: str
    settings: Sequence[tuple[str, str, str]] = ()
    """Variable, value (masked), where it came from."""
    reading: Sequence[str] = ()
    """What was read and what is missing, in lines for people."""
    versions: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict)
    """What ran, with the first and last time it started."""
    lines: int = 0
    requests: int = 0

    def take(self, entry: Entry, requests: _Rows) -> None:
        """Note what the files beside the lines say of a line."""
        self.lines += 1
        if entry.event == "startup_config_loaded":
            key = tuple(entry.get(name, "-") for name in _VERSION_COLUMNS)
            first, _ = self.versions.get(key, (entry.time, ""))
            self.versions[key] = (first, entry.time)
        elif entry.event == "http_request" and entry.get("saxo_request_id"):
            self.requests += 1
            requests.add((entry.time, *(entry.get(name) for name in _REQUEST_COLUMNS)))

    def texts(self, program: str) -> Iterator[tuple[str, str]]:
        """Names and texts of the small files."""
        yield "README.txt", self._readme(program)
        yield (
            "versions.csv",
            _csv(
                ("first_start", "last_start", *_VERSION_COLUMNS),
                ((*times, *key) for key, times in self.versions.items()),
            ),
        )
        if self.settings:
            yield "settings.csv", _csv(("variable", "value", "origin"), self.settings)

    def _readme(self, program: str) -> str:
        settings = (
            "settings.csv   every setting; secrets are masked\n"
            if self.settings
            else "The settings are not here: --logs may name another bot's log.\n"
        )
        return (
            f"{self.title}\nMade by {program}; times are UTC.\n\n"
            f"lines.log      {self.lines} lines of the log, byte for byte\n"
            "requests.csv   requests to the broker with saxo_request_id, its X-Correlation header\n"
            "versions.csv   what ran\n"
            f"{settings}\n" + "".join(f"{line}\n" for line in self.reading)
        )


class _Rows:
    """A table that grows on the disk while the lines go into the zip: a week has a million."""

    def __init__(self, stream: IO[str], head: Sequence[str]) -> None:
        self._stream = stream
        self._writer = csv.writer(stream)
        self._writer.writerow(head)

    def add(self, row: Sequence[str]) -> None:
        self._writer.writerow(row)

    def move_into(self, archive: zipfile.ZipFile, name: str) -> None:
        """Make it a file of the archive."""
        self._stream.seek(0)
        with archive.open(_member(name), "w", force_zip64=True) as target:
            while text := self._stream.read(_CHUNK):
                target.write(text.encode())


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, time.localtime()[:6])
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def write_bundle(
    path: Path, found: Iterable[Entry], bundle: Bundle, judge: Judge, program: str
) -> None:
    """Write the zip, for this user alone; nothing is there under its name before all is judged.

    Raises Leak, and OSError.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                _write_lines(archive, found, bundle, judge)
                for name, text in bundle.texts(program):
                    judge.look_at_text(text, name)
                    archive.writestr(name, text)
            judge.require_clean()
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _write_lines(
    archive: zipfile.ZipFile, found: Iterable[Entry], bundle: Bundle, judge: Judge
) -> None:
    """The lines and the requests among them: of these each is judged as its line."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as kept:
        requests = _Rows(kept, ("time", *_REQUEST_COLUMNS))
        with archive.open(_member("lines.log"), "w", force_zip64=True) as lines:
            for entry in found:
                judge.look(entry)
                bundle.take(entry, requests)
                lines.write(entry.raw + b"\n")
        requests.move_into(archive, "requests.csv")
