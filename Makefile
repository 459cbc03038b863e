# `make help` lists what there is to do.

# The first Python on the path that is new enough; name another with `make PYTHON=...`.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# Address of PyTorch's package index for CPU builds; empty: wherever pip looks anyway.
TORCH_INDEX ?=
# Which versions to install; empty: the newest that `pyproject.toml` allows.
PINS ?= -c constraints.txt
# FORCE=1 makes the demo start over.
FORCE ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BEGUN := $(VENV)/.begun
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check $(PINS)

# Small networks: several threads per process only get in each other's way.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: demo data test test-long lint types wheel-check lowest mutants no-jit kernels coverage site films examples clean help setup

demo: $(READY) ## train an agent on the default scenario, compare it with what stays and what moves, write runs/demo/
	@$(BIN)/python -m experiments.demo $(if $(filter-out 0,$(FORCE)),--force)

data: ## install Fashion-MNIST for the lab (a package of Debian and Ubuntu; needs root)
	@$(if $(filter-out 0,$(shell id -u)),sudo )apt-get install -y dataset-fashion-mnist

test: $(READY) ## run the whole test suite, one process per core
	@$(BIN)/python -m pytest -n auto --dist loadfile

test-long: $(READY) ## what takes minutes: fuzzing, kills, simulated coverage of intervals
	@$(BIN)/python -m pytest -n auto --dist loadgroup -m long

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict, on idn_gym, agents and experiments
	@$(BIN)/mypy

wheel-check: $(READY) ## build the wheel, try it in an environment with only its core dependencies
	@$(BIN)/python tests/wheel_check.py

lowest: $(READY) ## the same with the lowest versions that pyproject.toml allows; CI does it on Python 3.11
	@$(BIN)/python tests/wheel_check.py lowest

mutants: $(READY) ## break the code in known ways and see that named tests notice
	@$(BIN)/python tests/mutants.py

no-jit: $(READY) ## run the tests of the kernels as plain Python
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not learning and not long" tests/core

kernels: $(READY) ## compile the kernels that most tests run
	@$(BIN)/python -m tests.compile_kernels

# Broken links are errors; the variable hushes an advertisement.
site: $(READY) ## build the site of docs/ into site/, without the network
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# Each page of a preset has the command of its film.
films: $(READY) ## film the presets again, as their pages say: docs/pictures/
	@grep -h '^    idn watch .*docs/pictures/' docs/presets/*.md | PATH="$(CURDIR)/$(BIN):$$PATH" sh -e

examples: $(READY) ## run docs/examples/ and keep what they print and draw
	@$(BIN)/python docs/example_pages.py

coverage: $(READY) ## the test suite with its coverage, kernels as plain Python besides; a page in runs/coverage/
	@$(BIN)/coverage erase
	@$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -m "not slow and not learning and not long" tests/core \
		--cov --cov-append --cov-report=
	@$(BIN)/coverage html --quiet
	@$(BIN)/coverage report | tail -1

setup: $(READY) ## create .venv and install the pinned dependencies

# `.begun` is there before anything else and becomes `.ready` at the very end, so a set-up that was
# interrupted is seen and starts from an empty environment, while one that is only out of date is
# brought up to date. torch comes first and alone, because only it may need another index.
$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, and $(PYTHON) is not; name another with: make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "Python's venv module is missing; on Debian and Ubuntu the package python3-venv has it."; exit 1; }
	@if test -e $(READY); then mv $(READY) $(BEGUN); else \
		if test -e $(BEGUN); then echo "An earlier set-up did not finish; starting it again."; rm -rf $(VENV); fi; \
		mkdir -p $(VENV) && touch $(BEGUN) && $(PYTHON) -m venv $(VENV); fi
	@echo "Installing the pinned dependencies into $(VENV); torch comes first and is the largest."
	@$(INSTALL) --no-deps $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	@$(INSTALL) -e '.[all,cluster,dev,docs]'
	@touch $(BEGUN) && mv $(BEGUN) $(READY)

clean: ## remove .venv, caches and build leftovers; runs/ stays
	@rm -rf $(VENV) build dist site *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## show this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo "Variables: PYTHON=..., TORCH_INDEX=... (PyTorch's CPU package index), PINS= (newest dependencies), FORCE=1 (demo)."
