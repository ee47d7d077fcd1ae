# make demo   a demo organisation with a chat page        make test   the whole suite
# make check  lint, types, layers, content                make lock   renew the lock files
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install demo test check browser lock clean

help:
	@head -2 Makefile

install: .venv/installed

.venv/installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed, this is " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: install
	$(BIN)/jiehua demo

test: install browser
	$(BIN)/python -m pytest

# Chromium and Chinese fonts for the tests of the chat page; without the rights to install them those tests are
# skipped, except in CI, where a missing browser is an error.
browser:
	@sh tests/browser/install.sh

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/jiehua lessons check

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev --constraint requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv .cache var
