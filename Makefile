# kport: every command a developer or CI needs. `make help` lists them.

PYTHON ?= python3
export PYTHON

STAMP := .venv/.stamp-setup
LEAN := .venv-jax/.stamp-setup .venv-torch/.stamp-setup

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint format torture fuzz clean docs bench

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with kport and the three CPU backends (PYTHON=python3.12 picks another Python)

$(STAMP): pyproject.toml requirements/cpu.txt scripts/setup.sh
	@bash scripts/setup.sh $@

.venv-%/.stamp-setup: pyproject.toml requirements/cpu.txt scripts/setup.sh
	@bash scripts/setup.sh $@ $*

demo: $(STAMP)  ## convert a model of 2020, and verify it on TensorFlow, JAX and PyTorch
	@bash scripts/demo.sh

test: $(STAMP) $(LEAN)  ## everything CI runs: lint, types, import contracts, all tests on each backend
	@bash scripts/test.sh tensorflow jax crossing torch plain lean-jax lean-torch lint

check: $(STAMP)  ## the fast part of it: lint, types, import contracts, tests without a backend
	@bash scripts/test.sh plain lint

lint: $(STAMP)  ## lint, types and import contracts only
	@bash scripts/test.sh lint

docs: $(STAMP)  ## write docs/legacy.md out of the rules
	@.venv/bin/python scripts/legacy_docs.py

format: $(STAMP)  ## let ruff mend what it can
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

torture: $(STAMP)  ## kill 200 saves, fill 50 disks, save and load 1,000 times; prints a table (BACKEND=torch adds live models)
	@.venv/bin/python tests/torture/torture.py $(if $(BACKEND),--backend $(BACKEND))

fuzz: $(STAMP)  ## feed changed files to every reader; prints a table (SECONDS=60 each, or RUNS=2000000 together)
	@.venv/bin/python tests/fuzz/fuzz.py $(if $(RUNS),--total $(RUNS)) $(if $(SECONDS),--seconds $(SECONDS))

bench: $(STAMP)  ## time and memory against the disk, safetensors and Keras; writes benchmarks/RESULTS.md (SIZES=10MB,1GB BACKEND=torch FRESH=1)
	@.venv/bin/python benchmarks/speed $(if $(SIZES),--sizes $(SIZES)) $(if $(BACKEND),--backends $(BACKEND)) $(if $(FOLDER),--folder $(FOLDER)) $(if $(FRESH),--fresh)

clean:  ## remove .venv, build products and caches
	rm -rf .venv .venv-* build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
