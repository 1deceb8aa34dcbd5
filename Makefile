# Needs Python 3.11 or newer, make and git; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
LOWEST := .venv-lowest
BIN := $(VENV)/bin
PIP := -m pip install --quiet --disable-pip-version-check
# What a change of makes the tests run again; a file that git knows and that is gone is left out.
SOURCES := $(wildcard $(shell git ls-files -co --exclude-standard 2>/dev/null))

.PHONY: demo test test-lowest bench docs proto lint types tests clean

demo: $(VENV)/.installed  ## Show a job's whole life
	@$(BIN)/joblet-fake demo

test: $(VENV)/.tested  ## Lint, types, tests; nothing to do when nothing changed
	@echo "make test: passed, and nothing has changed since (make lint types tests runs it again)"

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

test-lowest: $(LOWEST)/.tested  ## The tests once more, with the lowest versions stated
	@echo "make test-lowest: passed, and nothing has changed since"

# Without what needs another toolchain: that has been run by `make test`.
$(LOWEST)/.tested: $(LOWEST)/.installed $(SOURCES)
	$(LOWEST)/bin/pytest -n 2 -m "not toolchain" -p no:cacheprovider $(PYTEST_ARGS)
	@touch $@

bench: $(VENV)/.test-installed  ## Ratios against a bare grpcio server, printed
	$(BIN)/python -m benchmarks

proto: $(VENV)/.test-installed  ## Compile proto/ into the file that the wire reads
	$(BIN)/python proto/compile.py

docs: $(VENV)/.test-installed  ## Write anew what is generated in docs/
	$(BIN)/python -m joblet_conformance.recorded
	$(BIN)/python -m joblet_conformance.evidence > docs/evidence.md.new
	mv docs/evidence.md.new docs/evidence.md
	$(BIN)/joblet-fake quirks --markdown > docs/quirks.md.new
	mv docs/quirks.md.new docs/quirks.md

clean:
	rm -rf $(VENV) $(LOWEST) dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python $(PIP) -e .
	@touch $@

$(VENV)/.test-installed: $(VENV)/.installed
	$(BIN)/python $(PIP) -e '.[test]'
	@touch $@

$(LOWEST)/.installed: pyproject.toml tests/lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python $(PIP) -e '.[test]' -r tests/lowest.txt
	@touch $@
