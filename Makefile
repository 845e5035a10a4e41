# setup: the environment, everything locked · demo: the whole road in one command
# notebooks: Jupyter on notebooks/ · test · lint · fmt · bench · clean
# bench-large: what takes longer, on a machine that has nothing else to do
# torture: kill, cut the power, break things, for an hour or two; writes docs/reliability.md
# audit: known vulnerabilities of the locked packages
# docs: the pages that are generated · lock: pin the newest versions that pyproject.toml allows

PYTHON ?= python3.11
BIN := .venv/bin
# Tests wait for disks and for processes of their own a third of the time.
WORKERS = $(shell $(BIN)/python -c 'import os; print(os.cpu_count() * 3 // 2)')

.PHONY: setup demo notebooks test torture lint audit fmt bench bench-large docs lock clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv || python3 -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 0 warehouse/sql
	$(MAKE) audit

audit: setup
	$(BIN)/python tests/known_vulnerabilities.py requirements.lock notebooks/requirements.lock

fmt: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --quiet warehouse/sql

demo: setup
	$(BIN)/python -m sandbox.demo --folder demo

notebooks: .venv/notebooks
	$(BIN)/jupyter lab notebooks

.venv/notebooks: .venv/ready notebooks/requirements.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement notebooks/requirements.lock
	touch $@

# Whoever keeps Python from storing what it compiled makes every process of the tests
# compile it again.
test: export PYTHONDONTWRITEBYTECODE =
test: setup
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

torture: setup
	rm -f build/torture.jsonl
	$(BIN)/python -m tests.durability --page docs/reliability.md

bench: setup
	$(BIN)/python -m benchmarks.prove_road --size medium --folder $$(mktemp -d)/proof
	$(BIN)/python -m benchmarks.prove_pnl --folder $$(mktemp -d)/proof
	$(BIN)/python -m benchmarks.prove_gold --folder $$(mktemp -d)/proof
	$(BIN)/python -m benchmarks.fetch_help
	$(BIN)/python -m benchmarks.fetch_cost --fills 300000
	$(BIN)/python -m benchmarks.walk_pace --seconds 30
	$(BIN)/python -m benchmarks.ingest --fills 500000 --times 3
	$(BIN)/python -m benchmarks.ingest_news --few 200000 --many 1000000 --new 5000 --markets 40 --times 3
	$(BIN)/python -m benchmarks.price_flood --markets 5000
	$(BIN)/python -m benchmarks.prove_live
	$(BIN)/python -m benchmarks.prove_coverage
	$(BIN)/python -m benchmarks.prove_replay
	$(BIN)/python -m benchmarks.capture_load --seconds 60
	$(BIN)/python -m benchmarks.replay --rows 2000000

bench-large: setup
	$(BIN)/python -m benchmarks.fetch_cost
	$(BIN)/python -m benchmarks.fetch_memory
	$(BIN)/python -m benchmarks.small_markets
	$(BIN)/python -m benchmarks.walk_pace
	$(BIN)/python -m benchmarks.catalogue_pass
	$(BIN)/python -m benchmarks.cron_run
	$(BIN)/python -m benchmarks.ingest --fills 100000000
	$(BIN)/python -m benchmarks.ingest_news --few 10000000 --many 100000000 --new 100000 --markets 1500
	-$(BIN)/python -m benchmarks.gold_speed
	$(BIN)/python -m benchmarks.price_flood --markets 50000
	$(BIN)/python -m benchmarks.capture_load
	$(BIN)/python -m benchmarks.capture_load --kills 10
	$(BIN)/python -m benchmarks.capture_load --find
	$(BIN)/python -m benchmarks.replay

docs: setup
	$(BIN)/python -m ingestion.dictionary
	$(BIN)/python -m settings.reference > docs/configuration.md

COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes \
    --python-version 3.11 --no-emit-index-url --no-header

lock: setup
	$(COMPILE) --extra dev --upgrade --output-file requirements.lock
	$(COMPILE) --extra notebooks --no-annotate --constraint requirements.lock --upgrade \
	    --output-file notebooks/requirements.lock
	$(subst pyproject.toml,benchmarks/requirements.in,$(COMPILE)) --no-annotate --upgrade \
	    --output-file benchmarks/requirements.lock

clean:
	rm -rf .venv build
