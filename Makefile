# Each target sets up .venv by itself on first use, from the pinned and hashed lock files.
#   make run     one trading cycle on the embedded simulator
#   make test    every test, with coverage
#   make check   formatting, lint, types, import rules, freshness of generated files
#   make docs    writes the generated files anew
#   make clean   removes .venv and caches; leaves logs/ and state/ alone

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
MADE   := $(VENV)/.made
RUN    := $(VENV)/.ready-to-run
DEV    := $(VENV)/.ready-to-develop

.PHONY: run test check docs clean
.DELETE_ON_ERROR:

run: $(RUN)
	@SAXO_ENV=$${SAXO_ENV:-LOCAL} $(BIN)/python main.py --single-cycle

test: $(DEV)
	@$(BIN)/python scripts/run_tests.py

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tradebot.vocabulary.docs --check
	$(BIN)/python -m tradebot.settings.render --check

docs: $(DEV)
	$(BIN)/python -m tradebot.vocabulary.docs --write
	$(BIN)/python -m tradebot.settings.render --write

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*

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
