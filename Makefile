# Everything from one place; bare `make` prints this help.
# HOST, PORT and DATA_DIR say where: make run PORT=9000 DATA_DIR=/srv/chat

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
SET_UP := python3 scripts/set_up.py
WORKERS ?= 2

.PHONY: help run test test-fast test-browser check check-gpu lint format bench seed screenshots reset runtime dev system

help:  ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: runtime  ## set everything up and start the site on http://localhost:8000
	@exec $(BIN)/python manage.py prepare --demo --serve

test: dev system  ## the whole suite, in a real browser too; installs what it needs
	@status=0; \
	$(MAKE) test-fast || status=1; \
	$(MAKE) test-browser || status=1; \
	exit $$status

test-fast: dev  ## the suite without the browser
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup --ignore=tests/browser $(ARGS)

test-browser: dev  ## the browser tests, which need a process of their own
	@$(BIN)/python -m pytest -q tests/browser $(ARGS)

check-gpu: dev  ## the tests that need an NVIDIA GPU; fails where there is none
	@$(BIN)/python -c "import onnxruntime_genai as og, sys; og.is_cuda_available() or sys.exit('no NVIDIA GPU can be used here: see docs/engines.md, On a GPU host')"
	@$(BIN)/python -m pytest -q -rs tests/inference/test_onnx_cuda.py $(ARGS)

check: dev lint  ## style, types, layers, deploy checks, missing migrations
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; export DATA_DIR="$$scratch"; \
	$(BIN)/python manage.py makemigrations --check --dry-run; \
	set -a; . .ci/production.env; set +a; \
	$(BIN)/python manage.py check --deploy --fail-level WARNING

lint: dev  ## style only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: dev  ## put imports and layout in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: dev  ## the benchmarks; prints what docs/measurements.md holds
	@exec $(BIN)/python -m bench $(ARGS)

seed: runtime  ## demo content, idempotent
	@$(BIN)/python manage.py prepare
	@exec $(BIN)/python manage.py seed

screenshots: dev system  ## pictures of every page for the README and for review
	@exec $(BIN)/python -m scripts.screenshots $(ARGS)

reset: runtime  ## start over: delete the data directory (asks first; YES=1 does not)
	@exec $(BIN)/python manage.py reset $(if $(YES),--yes)

runtime:
	@$(SET_UP) runtime

dev:
	@$(SET_UP) dev

system:
	@$(SET_UP) system
