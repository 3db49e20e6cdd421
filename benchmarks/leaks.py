"""How much each peer leaks: its careful redaction is given the same planted secrets as ours.

Nobody is told the secrets beforehand, ours neither: they have to be known by key or shape. The
corpus and the search are those of the tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measure
from benchmarks.peers import BY_KEY, PEERS, Log
from benchmarks.usual import usual

if TYPE_CHECKING:
    from support.secret_corpus import Planted


def run(batches: int) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """{peer: what leaked of how many, and where}; a batch is about 1,500 secrets."""
    keys = [
        peer.key
        for peer in PEERS
        if peer.installed and peer.redaction != "none" and (not peer.ours or peer is PEERS[0])
    ]
    taken, failed = measure.in_turn(
        1, keys, lambda key: measure.ask("leaks", "sample", key, batches)
    )
    why = {BY_KEY[key].title: reason for key, reason in failed.items()}
    return {key: samples[0] for key, samples in taken.items()}, why


def sample(key: str, batches: int) -> dict[str, Any]:
    """In a child: what of the usual places and of the tests' whole corpus is found in the file."""
    from support.secret_corpus import planted  # tests/ is on the path of a child only

    usual_cases = usual()
    _write(key, usual_cases, Path("usual") / "bot.log")
    in_usual = len(_leaked(usual_cases, Path("usual") / "bot.log"))
    by_carrier: dict[str, int] = {}
    cases = refused = 0
    for batch in range(batches):
        corpus = list(planted(batch))
        path = Path(str(batch)) / "bot.log"
        cases += len(corpus)
        refused += _write(key, corpus, path)
        for carrier in _leaked(corpus, path):
            by_carrier[carrier] = by_carrier.get(carrier, 0) + 1
    return {
        "usual_cases": len(usual_cases),
        "usual_leaked": in_usual,
        "cases": cases,
        "leaked": sum(by_carrier.values()),
        "refused": refused,
        "by_carrier": by_carrier,
    }


def _write(key: str, corpus: list[Planted], path: Path) -> int:
    """Log every case; how many of them the peer could not log."""
    path.parent.mkdir()
    log = BY_KEY[key].open(path)
    refused = sum(not _told(log, case) for case in corpus)
    log.close()
    return refused


def _told(log: Log, case: Planted) -> bool:
    try:
        log.told(case.message, case.fields)
    except Exception:  # noqa: BLE001 - a peer may refuse a value with whatever error it likes
        return False
    return True


def _leaked(corpus: list[Planted], path: Path) -> list[str]:
    """The carrier of each secret that reached the file, without the key that it had there."""
    from support.leak_search import LeakSearch

    search = LeakSearch(
        (str(number), part) for number, case in enumerate(corpus) for part in case.secret.parts
    )
    carriers = [corpus[int(number)].carrier for number in search.leaks(path.read_text("utf-8"))]
    plain = [carrier.partition(", under ")[0] for carrier in carriers]
    return [carrier.partition(": ")[2] or carrier for carrier in plain]
