# Each target sets up what it needs in .venv; a second run downloads nothing.
# The newest that runs: a name on the PATH may be a stub of a version manager.
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; done)
BIN := .venv/bin
KEY := $(shell cksum pyproject.toml 2>/dev/null | cut -d' ' -f1)
FEEDS := .venv/feeds-$(KEY)
TESTS := .venv/test-$(KEY)

.PHONY: feeds test test-long check format lint types bench clean help

help:            ## say what there is
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## */: /'

feeds: $(FEEDS)  ## set up everything and publish the example newsroom into feeds/
	$(BIN)/feedpub publish examples/newsroom --output feeds
	@echo "Open feeds/index.html in a browser, or run: $(BIN)/feedpub serve --config examples/newsroom/feedpub.toml"

test: $(TESTS)   ## set up everything for the tests and pass them
	$(BIN)/python -m pytest -m "not long"

test-long: $(TESTS) ## the tests that take minutes
	$(BIN)/python -m pytest -m long

check: format lint types test ## format, lint, types, tests and docs

format: $(TESTS) ## check the format
	$(BIN)/ruff format --check .

lint: $(TESTS)   ## check the style
	$(BIN)/ruff check .

types: $(TESTS)  ## check the types
	$(BIN)/mypy

bench: $(TESTS)  ## measure against the obvious program
	$(BIN)/python benchmarks/publish.py
	$(BIN)/python benchmarks/serve.py

clean:           ## remove what was set up and published
	rm -rf .venv .cache examples/newsroom/.feedpub
	git clean -qfdX feeds

.venv/made:
	@test -n "$(PYTHON)" || { echo "Install Python 3.11 or newer first, or name it: make PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python lacks its venv module: on Debian, install python3-venv."; exit 1; }
	@touch $@

$(FEEDS): .venv/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@rm -f .venv/feeds-*; touch $@

$(TESTS): .venv/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@rm -f .venv/test-* .venv/feeds-*; touch $@ $(FEEDS)
