# `make` without a target lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv || echo .tools/uv/bin/uv)
READY := $(VENV)/.ready

# One Dagster instance for all processes, and this project's tools first on the path.
# A missing Python is reported, not downloaded.
export UV_PYTHON_DOWNLOADS := never
export DAGSTER_HOME := $(CURDIR)/.dagster
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup build report test test-fast chromium dev sql screenshot sbom check lint lint-sql check-licences check-build format bench bench-world clean

help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Install the locked packages, and uv if it is missing.

$(READY): pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --quiet
	@touch $@

# Debian's Python comes without venv; there pip alone is used.
.tools/uv/bin/uv:
	@echo "Installing uv $(UV_VERSION) into .tools/uv"
	@if $(PYTHON) -m venv .tools/uv >/dev/null 2>&1; then \
		.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	else \
		rm -rf .tools/uv && \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools/uv uv==$(UV_VERSION); \
	fi

build: $(READY) ## Build the warehouse from the snapshots and publish it if all tests pass.
	@bilateral build

report: build ## Build the warehouse if needed, then the site.
	@bilateral report

test: $(READY) chromium ## Run all tests.
	pytest --numprocesses 2 --dist loadfile

test-fast: $(READY) ## Run the tests that are not marked slow, in under a minute.
	pytest --numprocesses 2 --dist loadfile -m "not slow" --durations 10

# The pages are tested in Debian's Chromium. Where it cannot be installed, these tests are skipped
# with a message; with CI=true they fail.
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null && exit 0; \
	root=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
	if command -v apt-get >/dev/null && $$root true 2>/dev/null; then \
		echo "Installing chromium"; \
		{ $$root apt-get update -qq && \
		$$root apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
			|| echo "chromium cannot be installed: the pages are not tested in a browser"; \
	else \
		echo "No chromium, and no rights to install it: the pages are not tested in a browser"; \
	fi

screenshot: $(READY) chromium report ## Take the screenshot of the site for the README.
	python -m tests.browser.screenshot docs/front-page.png

dev: $(READY) ## Open the Dagster UI on http://127.0.0.1:3000.
	@mkdir -p $(DAGSTER_HOME)
	python -m dagster_project.ui --port 3000

sql: $(READY) ## Open an SQL prompt on the published warehouse.
	@bilateral sql

sbom: $(READY) ## Write the list of all packages of uv.lock as CycloneDX: bilateral.cdx.json.
	$(UV) export --frozen --quiet --all-groups --format cyclonedx1.5 --preview-features sbom-export --output-file bilateral.cdx.json

check: lint lint-sql check-licences check-build ## Check format, lint, types, licences, project rules, and a build for warnings.

lint: $(READY)
	ruff format --check .
	ruff check .
	ty check

lint-sql: $(READY)
	sqlfmt --check --quiet --no-progressbar dbt
	python -m dagster_project.publish.dbt_project
	dbt-bouncer run

check-licences: $(READY)
	python -m dagster_project.publish.licences

check-build: $(READY)
	python -m dagster_project.publish.check_build

format: $(READY) ## Format Python and SQL.
	ruff format .
	ruff check --fix .
	sqlfmt --quiet --no-progressbar dbt

bench: $(READY) ## Measure time and memory of each stage against a baseline.
	python -m bench

bench-world: $(READY) ## The same for a synthetic year of world trade; takes minutes and some GB.
	python -m tests.world_generator --out data/bench
	python -m bench.world_trade data/bench/2016.tsv.gz --home data/bench/home

clean: ## Remove build results; keep snapshots and packages.
	rm -rf data/raw data/build data/bench data/exports data/exports.* data/published data/published.* data/report data/report.* data/warehouse.duckdb data/warehouse.duckdb.wal
	rm -rf dbt/target dbt/logs .pytest_cache .ruff_cache .hypothesis
