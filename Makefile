# Needs Python 3.11 or newer, make and git; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell git ls-files -co --exclude-standard 2>/dev/null)

.PHONY: demo test test-lowest bench proto lint types tests clean

demo: $(VENV)/.installed  ## Show a job's whole life
	@$(BIN)/joblet-fake demo

test: $(VENV)/.tested  ## Lint, types, tests; nothing to do when nothing changed
	@echo "make test: passed, and nothing has changed since (make -B test runs it again)"

$(VENV)/.tested: $(VENV)/.test-installed $(SOURCES)
	@$(MAKE) --no-print-directory lint types tests
	@touch $@

lint: $(VENV)/.test-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test-installed
	$(BIN)/mypy

tests: $(VENV)/.test-installed
	$(BIN)/pytest -n 2 $(PYTEST_ARGS)

test-lowest: $(VENV)-lowest/.tested  ## The tests once more, with the lowest versions stated
	@echo "make test-lowest: passed, and nothing has changed since"

$(VENV)-lowest/.tested: pyproject.toml $(SOURCES)
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet -e '.[test]' -r tests/lowest.txt
	$(VENV)-lowest/bin/pytest -n 2 -m "not toolchain" $(PYTEST_ARGS)
	@touch $@

bench: $(VENV)/.test-installed  ## Ratios against a bare grpcio server, printed
	$(BIN)/python -m benchmarks

proto: $(VENV)/.test-installed  ## Compile proto/ into the file that the wire reads
	$(BIN)/python proto/compile.py

clean:
	rm -rf $(VENV) $(VENV)-lowest dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.test-installed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@
