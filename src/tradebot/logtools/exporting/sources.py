"""Which bot wrote a line: the instance and host that its run named when it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tradebot.logtools.desk import UsageProblem
from tradebot.logtools.reading.blocks import Notes
from tradebot.logtools.reading.entries import Selection, entries
from tradebot.logtools.reading.folder import LogFile
from tradebot.logtools.reading.sources import STDIN
from tradebot.observability.line import LogLine
from tradebot.vocabulary.fields import HOST, INSTANCE

_EVENT = "startup_config_loaded"
_NO_HOST = "unknown"


@dataclass(frozen=True, slots=True)
class Source:
    """A bot on a machine."""

    instance: str
    host: str


def is_instance(text: str) -> bool:
    """May this be an instance's name? It becomes a folder's."""
    return INSTANCE.matcher is not None and INSTANCE.matcher.fullmatch(text) is not None


class Sources:
    """The sources of a log's runs. `otherwise` is the instance of runs that did not name theirs."""

    def __init__(self, files: Sequence[LogFile], otherwise: str | None = None) -> None:
        if otherwise is not None and not is_instance(otherwise):
            raise UsageProblem(
                f"--instance {otherwise!r} is no instance's name: letters, digits, _ . - and at "
                "most 32 of them"
            )
        self._runs: dict[str, Source] = {}
        distinct: dict[Source, Source] = {}
        wanted = Selection(fields={"event": frozenset((_EVENT,))}, needles=(_EVENT.encode(),))
        # What cannot be read is noted when its lines are; standard input can be read only once.
        twice = [file for file in files if file.path != STDIN]
        for entry in entries(twice, wanted, Notes()):
            source = _named_by(entry.line)
            if source is not None:
                self._runs[entry.get("run_id")] = distinct.setdefault(source, source)
        self._otherwise = Source(otherwise, _NO_HOST) if otherwise is not None else None
        if self._otherwise is None and len(distinct) == 1:
            # Only one is ever named: a run that ended before it could is its, too.
            self._otherwise = next(iter(distinct))
            self._runs.clear()

    def of(self, line: LogLine) -> Source:
        """Raises UsageProblem when nobody knows."""
        run = line.fields.get("run_id", "-")
        source = self._runs.get(run) or self._otherwise
        if source is None:
            raise UsageProblem(
                f"the log does not say which instance run {run[:36]!r} was of (it has no "
                f"{_EVENT} with instance=…): name it with --instance NAME"
            )
        return source


def _named_by(line: LogLine) -> Source | None:
    instance = line.fields.get("instance", "")
    if not is_instance(instance):
        return None
    host = line.fields.get("host", "")
    known = HOST.matcher is not None and HOST.matcher.fullmatch(host)
    return Source(instance, host if known else _NO_HOST)
