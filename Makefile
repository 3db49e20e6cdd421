# Each target sets up .venv by itself on first use, from the pinned and hashed lock files.
#   make setup   what a run needs, and nothing else: the schedules' runbooks begin with it
#   make run     one trading cycle on the embedded simulator
#   make demo    a log of three days to try `tradebot logs` on, in demo/
#   make test    every test, with coverage
#   make test-torture  processes killed at every kind of system call and in every phase, long random stories
#   make test-schedulers  the rendered schedules under a real systemd and a real cron
#   make test-readers  the log in other people's readers: lnav, awk, DuckDB, a browser
#   make test-windows  what can be tested of Windows here: its Python, in Wine
#   make check   formatting, lint, types, import rules, freshness of generated files
#   make docs    writes the generated files anew
#   make prove   breaks each promise on purpose and sees a test fail: writes docs/reliability.md
#   make torture N=10000 [SEED=1]  kills the bot at its system calls, recovers, counts orders
#   make bench   the log beside its peers, in an environment of its own: writes docs/benchmarks.md
#   make clean   removes .venv and caches; leaves logs/ and state/ alone

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
MADE   := $(VENV)/.made
RUN    := $(VENV)/.ready-to-run
DEV    := $(VENV)/.ready-to-develop
# What `make bench` runs; BENCH="--rounds 3" is a quick look that writes nothing.
BENCH      ?= --write
BENCH_VENV := .venv-bench
BENCH_MADE := $(BENCH_VENV)/.made
BENCHES    := $(BENCH_VENV)/.ready-to-measure
BENCH_PIP  := $(BENCH_VENV)/bin/python -m pip --disable-pip-version-check --quiet

# How many points, and the seed of the random ones; TORTURE=--write puts the table into
# docs/reliability.md.
N       ?= 10000
SEED    ?= 1
TORTURE ?=

.PHONY: setup run demo test test-torture test-schedulers test-readers test-windows check docs bench clean prove torture
.DELETE_ON_ERROR:

setup: $(RUN)

run: $(RUN)
	@SAXO_ENV=$${SAXO_ENV:-LOCAL} $(BIN)/python main.py --single-cycle

demo: $(RUN)
	@$(BIN)/python scripts/demo_log.py

test: $(DEV)
	@$(BIN)/python scripts/run_tests.py

test-schedulers: $(DEV)
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/schedulers

test-torture: $(DEV)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal tests/torture

test-readers: $(DEV)
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/readers

test-windows: $(DEV)
	@$(BIN)/python scripts/windows/run_tests.py

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tradebot.vocabulary.docs --check
	$(BIN)/python -m tradebot.settings.render --check
	$(BIN)/python -m tradebot.simulator.fault_table --check docs/simulator.md
	$(BIN)/python -m tradebot.deploy.runbooks --check docs/runbooks
	$(BIN)/python -m tradebot.logtools.lnav.format --check contrib/lnav/tradebot_log.json
	$(BIN)/python scripts/order_answers.py --check
	$(BIN)/python scripts/log_examples.py --check

docs: $(DEV)
	$(BIN)/python -m tradebot.vocabulary.docs --write
	$(BIN)/python -m tradebot.settings.render --write
	$(BIN)/python -m tradebot.simulator.fault_table --write docs/simulator.md
	$(BIN)/python -m tradebot.deploy.runbooks --write docs/runbooks
	$(BIN)/python -m tradebot.logtools.lnav.format --write contrib/lnav/tradebot_log.json
	$(BIN)/python scripts/order_answers.py --write
	$(BIN)/python scripts/log_examples.py --write

bench: $(BENCHES)
	@$(BENCH_VENV)/bin/python -m benchmarks $(BENCH)

prove: $(DEV)
	@$(BIN)/python scripts/break_promises.py

torture: $(DEV)
	@$(BIN)/python scripts/torture.py -n $(N) --seed $(SEED) $(TORTURE)

clean:
	rm -rf $(VENV) $(BENCH_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*

# The stamp comes last: a folder without it is half made, and is made anew.
$(MADE):
	@$(PYTHON) scripts/make_venv.py $(VENV)
	@touch $@

$(RUN): requirements/run.txt pyproject.toml | $(MADE)
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml | $(MADE)
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(RUN) $@

$(BENCH_MADE):
	@$(PYTHON) scripts/make_venv.py $(BENCH_VENV)
	@touch $@

$(BENCHES): requirements/bench.txt pyproject.toml | $(BENCH_MADE)
	@$(BENCH_PIP) install --require-hashes -r requirements/bench.txt
	@$(BENCH_PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
