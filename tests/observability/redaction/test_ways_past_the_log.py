"""What would be printed raw when the log is closed, full or not there at all is masked, too."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.leak_search import LeakSearch
from support.secret_corpus import SENSITIVE

SECRET = "Zx81kQp0vLm2Rt7Yw3Ns"
START = f"""
    import logging, sys, threading, warnings
    from pathlib import Path
    from tradebot.observability import get_logger, log_event, register_secret, setup_logging
    from tradebot.vocabulary import CATALOGUE
    SECRET = {SECRET!r}
    register_secret(SECRET)
    folder = Path(sys.argv[1])
    log = folder / "bot.log"
    session = setup_logging(folder, catalogue=CATALOGUE)
"""
ENDINGS = {
    "nothing caught it": "raise ValueError(SECRET)",
    "nothing caught it, the log is closed": "session.close(); log_event('http_error', SECRET)",
    "a group that nothing caught": (
        "error = ExceptionGroup('two', [ValueError(SECRET), KeyError(SECRET)])\n"
        "error.add_note(SECRET)\nraise error from OSError(SECRET)"
    ),
    "a thread": "threading.Thread(target=lambda: {}[SECRET], name=SECRET).start()",
    "a destructor": (
        "class Last:\n"
        "    def __del__(self): raise ValueError(SECRET)\n"
        "kept = Last()\ndel kept"
    ),
    "the last resort": (
        "session.close()\n"
        "error = ValueError(SECRET)\n"
        "logging.getLogger('lib').error('%s %r', SECRET, {'token': SECRET}, exc_info=error)\n"
        "logging.getLogger('lib').warning('token=%s', 'hunter2hunter2')"
    ),
    "an event after the end": (
        "session.close()\n"
        "log_event('unexpected_exception', SECRET, remark=SECRET, exc_info=ValueError(SECRET))\n"
        "log_event(SECRET, level='WARN')"
    ),
    "a handler of one's own after the end": (
        "session.close()\n"
        "logging.basicConfig(format='%(message)s %(fields)s')\n"
        "log_event('unexpected_exception', SECRET, **{SECRET: SECRET}, exc_info=ValueError(SECRET))"
    ),
    "a full disk": (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))\n"
        "for number in range(20): log_event('http_error', SECRET, level='ERROR', remark=SECRET)\n"
        "raise ValueError(SECRET)"
    ),
    "a warning": "warnings.simplefilter('always'); warnings.warn(SECRET)",
}  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_registered_secret_is_printed_by_nobody(tmp_path: Path, ending: str) -> None:
    if ending == "a full disk" and sys.platform == "win32":
        pytest.skip("Windows has no limit on the size of a process's files")
    program = textwrap.dedent(START) + ENDINGS[ending] + "\n"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "log")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    output = done.stdout + done.stderr + (tmp_path / "log" / "bot.log").read_text()
    assert "***" in output
    assert "hunter2" not in output
    # The program's own text is in no traceback: it came with the command line.
    assert not LeakSearch([(ending, SECRET)]).leaks(output)


def test_the_sensitive_words_of_the_corpus_are_those_of_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "logging.md").read_text(encoding="utf-8")
    found = re.search(r"contain one of `([^`]*)`", page)
    assert found is not None
    documented = found[1].split()
    plain = ["".join(words.split()) for words in SENSITIVE]
    unused = [word for word in documented if not any(word in key for key in plain)]
    assert len(documented) > 20
    assert unused == []
