"""The command line: see `benchmarks.log_corpus`."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path

import benchmarks.log_corpus
from benchmarks.log_corpus.making import make, require_sense
from benchmarks.log_corpus.model import CorpusOptions


def main(given: list[str]) -> int:
    defaults = CorpusOptions()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.log_corpus",
        description=benchmarks.log_corpus.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="OUT_DIR")
    for field in dataclasses.fields(defaults):
        name, value = "--" + field.name.replace("_", "-"), getattr(defaults, field.name)
        if isinstance(value, bool):
            parser.add_argument(name, action="store_true")
        else:
            parser.add_argument(name, type=type(value), default=value, help=f"default: {value}")
    parser.add_argument("--procs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(given)
    names = [field.name for field in dataclasses.fields(defaults)]
    try:
        require_sense(options := CorpusOptions(**{name: getattr(asked, name) for name in names}))
    except ValueError as error:
        parser.error(str(error))
    truth = make(asked.folder, options, procs=asked.procs)
    print(
        f"{truth.summary.bytes} bytes, {truth.summary.lines} lines, {len(truth.refs)} orders,"
        f" {len(truth.runs)} runs in {asked.folder}",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
