"""Break each promise on purpose and see that a test notices. Used by `make prove`.

A promise is a file in tests/breaks/: its number, its name, its wording, and any number of breaks.
A break names a file, the text to replace (it must be there exactly once), what to put in its
place, the tests that must then fail, and what the break would mean to a user.

    [[break]]
    file = "src/tradebot/observability/line.py"
    old = 'the text that keeps the promise'
    new = 'the text that breaks it'
    tests = ["tests/observability/test_line_roundtrip.py::test_parse_is_the_inverse_of_render"]
    harm = "What a user would live to see."

Each break is made in a copy of the tree, never in the tree itself. First every named test must
pass in an unbroken copy; then each must fail in the copy with its break. When all is as it should
be, the tables in docs/reliability.md are written anew.

    python scripts/break_promises.py                   prove everything, write the tables
    python scripts/break_promises.py --only redaction  only breaks with this word in file or harm
    python scripts/break_promises.py --check           run nothing: are all texts and tests there?
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

AT_A_TIME = 2
SECONDS_PER_BREAK = 120
SECONDS_UNBROKEN = 600
PAGE = Path("docs") / "reliability.md"
NOT_COPIED = frozenset(("logs", "state", "build", "dist", "htmlcov", "__pycache__"))


OUTCOMES = ("failed", "error", "passed", "skipped")
"""Of several cases of a test the first of these counts. An error is one before or after the test,
in a fixture: it is not the test that noticed."""
_KINDS = {"failure": "failed", "error": "error", "skipped": "skipped"}


class Wrong(Exception):
    """What is written in tests/breaks/ cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Break:
    """One way to break a promise, and who must notice."""

    where: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    harm: str


@dataclass(frozen=True)
class Promise:
    """One promise and the ways to break it."""

    number: int
    name: str
    wording: str
    breaks: tuple[Break, ...]


def load(root: Path) -> list[Promise]:
    """All promises under `root`, by number. Raises Wrong."""
    found = [_promise(path) for path in sorted((root / "tests" / "breaks").glob("*.toml"))]
    if not found:
        raise Wrong(f"{root / 'tests' / 'breaks'}: there are no promises")
    return sorted(found, key=lambda promise: promise.number)


def _promise(path: Path) -> Promise:
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        breaks = tuple(
            Break(
                f"{path.name}, break {number}",
                one["file"],
                one["old"],
                one["new"],
                tuple(one["tests"]),
                one["harm"],
            )
            for number, one in enumerate(read["break"], 1)
        )
        return Promise(read["promise"], read["name"], read["wording"], breaks)
    except KeyError as error:
        raise Wrong(f"{path.name}: {error} is missing") from None
    except tomllib.TOMLDecodeError as error:
        raise Wrong(f"{path.name}: {error}") from None


def problems(root: Path, promises: Iterable[Promise]) -> list[str]:
    """What keeps the list from being used: texts and tests that are not there any more."""
    return [
        f"{one.where}: {problem}"
        for promise in promises
        for one in promise.breaks
        for problem in (*_text_problems(root, one), *_test_problems(root, one))
    ]


def _text_problems(root: Path, one: Break) -> Iterable[str]:
    path = root / one.file
    if not path.is_file():
        yield f"there is no {one.file}"
        return
    text = path.read_text(encoding="utf-8")
    times = text.count(one.old)
    if times != 1:
        yield f"the old text is {times} times in {one.file}, not once: {one.old.splitlines()[0]}"
    elif one.new == one.old:
        yield "nothing is broken: old and new are the same"
    elif path.suffix == ".py":
        try:
            compile(text.replace(one.old, one.new), one.file, "exec")
        except SyntaxError as error:
            yield f"the broken file is no Python: {error}"


def _test_problems(root: Path, one: Break) -> Iterable[str]:
    if not one.tests:
        yield "no test is named"
    for test in one.tests:
        file, _, name = test.partition("::")
        path = root / file
        if not path.is_file() or name not in _functions(path):
            yield f"there is no test {test}"


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def prove(root: Path, promises: Sequence[Promise]) -> list[str]:
    """Break everything, two at a time. Answers what was not as it should be."""
    breaks = [one for promise in promises for one in promise.breaks]
    named = sorted({test for one in breaks for test in one.tests})
    print(f"{len(named)} tests, unbroken …", file=sys.stderr)
    wrong = _unbroken(root, named)
    if wrong:
        return wrong
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return [answer for answer in pool.map(lambda one: _broken(root, one), breaks) if answer]


def _unbroken(root: Path, tests: Sequence[str]) -> list[str]:
    with _copy(root) as tree:
        outcomes = _run(tree, tests, SECONDS_UNBROKEN)
    if outcomes is None:
        return [f"the tests need more than {SECONDS_UNBROKEN} s without any break"]
    return [
        f"{test} does not pass without any break: {outcomes.get(test, 'it did not run')}"
        for test in tests
        if outcomes.get(test) not in ("passed", "skipped")
    ]


def _broken(root: Path, one: Break) -> str:
    """Empty when each named test that can run here failed, and one at least; else what happened."""
    began = time.monotonic()
    with _copy(root) as tree:
        path = tree / one.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(one.old, one.new), encoding="utf-8")
        outcomes = _run(tree, one.tests, SECONDS_PER_BREAK)
    if outcomes is None:
        answer = f"{one.where}: the tests did not end within {SECONDS_PER_BREAK} s"
    else:
        answer = _unnoticed(one, outcomes)
    seconds = time.monotonic() - began
    print(f"  {'NOT ' if answer else ''}noticed {seconds:5.1f} s  {one.harm}", file=sys.stderr)
    return answer


def _unnoticed(one: Break, outcomes: dict[str, str]) -> str:
    unmoved = [test for test in one.tests if outcomes.get(test) not in ("failed", "skipped")]
    if unmoved:
        return f"{one.where}: not noticed by {', '.join(unmoved)}"
    if "failed" not in outcomes.values():
        return f"{one.where}: nobody could notice, all its tests are skipped here"
    return ""


@contextlib.contextmanager
def _copy(root: Path) -> Iterator[Path]:
    def left_out(folder: str, names: list[str]) -> set[str]:
        if Path(folder) != root:
            return {name for name in names if name == "__pycache__"}
        hidden = {name for name in names if name.startswith(".") and (root / name).is_dir()}
        return hidden | NOT_COPIED.intersection(names)

    with tempfile.TemporaryDirectory(prefix="broken-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder).resolve() / "tree"
        shutil.copytree(root, tree, ignore=left_out, symlinks=True)
        yield tree


def _run(tree: Path, tests: Sequence[str], seconds: float) -> dict[str, str] | None:
    """The outcome of each test in `tree`: one of OUTCOMES. None: they did not end.

    With parameters, a test has failed when one of its cases has. Raises Wrong when `tradebot`
    is not the copy's own.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if "COV" not in name and name != "PYTEST_ADDOPTS"
    }
    environment |= {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    report = tree / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-o", "junit_family=xunit1", f"--junit-xml={report}", *tests]
    _check_import(tree, environment)
    with subprocess.Popen(
        command,
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return None
    return _outcomes(report)


def _check_import(tree: Path, environment: dict[str, str]) -> None:
    """An editable install elsewhere must not be what is tested."""
    done = subprocess.run(
        [sys.executable, "-c", "import tradebot; print(tradebot.__file__)"],
        cwd=tree.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 and not Path(done.stdout.strip()).is_relative_to(tree):
        raise Wrong(f"tradebot is imported from {done.stdout.strip()}, not from the copy")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The tests and every process they started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _outcomes(report: Path) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    if not report.exists():
        return outcomes
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest has just written it
        test = f"{case.get('file')}::{(case.get('name') or '').partition('[')[0]}"
        kinds = [_KINDS[child.tag] for child in case if child.tag in _KINDS] or ["passed"]
        outcomes[test] = min([*kinds, outcomes.get(test, OUTCOMES[-1])], key=OUTCOMES.index)
    return outcomes


def with_tables(page: str, promises: Sequence[Promise]) -> str:
    """The page with its list of promises and each promise's table made anew.

    Raises Wrong when there is no place for one.
    """
    wordings = "".join(f"| {one.number} | **{one.name}.** {one.wording} |\n" for one in promises)
    page = _put(page, "promises", f"| | promise |\n|---|---|\n{wordings}")
    for promise in promises:
        page = _put(page, f"breaks of {promise.number}", _table(promise))
    return page


def _put(page: str, place: str, text: str) -> str:
    begin, end = f"<!-- {place}: begin -->", f"<!-- {place}: end -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise Wrong(f"{PAGE} has no place for the {place}: put {begin} and {end} into it")
    return f"{before}{begin}\n\n{text}\n{end}{after}"


def _table(promise: Promise) -> str:
    rows = (
        f"| {one.harm} | `{one.file.removeprefix('src/tradebot/')}` "
        f"| {'; '.join(map(_link, one.tests))} |\n"
        for one in promise.breaks
    )
    head = "| what a user would live to see | broken in | noticed by |\n|---|---|---|\n"
    return head + "".join(rows)


def _link(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: all as it should be; 1: something is not, and it was said what."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="run nothing, look at the list only")
    parser.add_argument("--only", default="", help="breaks with this word in their file or harm")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    chosen = parser.parse_args(arguments)
    try:
        wrong = _do(chosen.root.resolve(), chosen.only, check=chosen.check)
    except Wrong as error:
        wrong = [str(error)]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _do(root: Path, only: str, *, check: bool) -> list[str]:
    promises = load(root)
    page = root / PAGE
    text = page.read_text(encoding="utf-8")
    fresh = with_tables(text, promises)
    wrong = problems(root, promises)
    if check and fresh != text:
        wrong.append(f"{PAGE} is not up to date: run `make prove`")
    if check or wrong:
        return wrong
    wrong = prove(root, [_narrowed(promise, only) for promise in promises])
    if not (wrong or only):
        page.write_text(fresh, encoding="utf-8")
        print(f"Every break was noticed; {PAGE} is up to date.", file=sys.stderr)
    return wrong


def _narrowed(promise: Promise, word: str) -> Promise:
    kept = tuple(one for one in promise.breaks if word in one.file or word in one.harm)
    return Promise(promise.number, promise.name, promise.wording, kept)


if __name__ == "__main__":
    sys.exit(main())
