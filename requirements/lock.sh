#!/bin/sh
# Writes the lock files anew from pyproject.toml: pinned, hashed, for every platform and Python
# we support, naming no index address. Needs `uv` (pip install uv). Run from anywhere.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-header --no-emit-index-url --no-emit-find-links "$@" pyproject.toml -o "$out"
}
lock requirements/run.txt --extra build
lock requirements/dev.txt --extra build --extra dev
lock requirements/bench.txt --extra build --extra bench
