"""A log of this bot with its ground truth: months of runs, made in seconds, the same every time.

    python -m benchmarks.log_corpus OUT_DIR [--days 30] [--mb-per-day 34] [--orders-per-day 200]

First everything that happens is planned (`log_corpus.plan`), then the lines are written, a day per
process (`log_corpus.runs`). The truth (`truth.json`) comes from the plan and from the counts kept
while writing; nothing of it is read back from a log. `make()` is the same from Python.
"""

from benchmarks.log_corpus.making import load_truth, make
from benchmarks.log_corpus.model import CorpusOptions
from benchmarks.log_corpus.truth import Reference, Truth

__all__ = ["CorpusOptions", "Reference", "Truth", "load_truth", "make"]
