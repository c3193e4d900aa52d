# Two commands: `make run` and `make test`. Both start from nothing but Python 3.11+.
BENCHMARK ?= benchmarks/smoke.yaml
CORES ?= all
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ASKED = --cores $(CORES) --config benchmark=$(BENCHMARK)
SNAKEMAKE = $(BIN)/snakemake $(ASKED)
BOARD = $(shell sed -n 's/^name: *//p' $(BENCHMARK))
export PATH := $(abspath $(BIN)):$(PATH)

# make rerun: the board to compare with, and the new folder of results, which must not exist yet.
OLD ?= results
ifndef NEW
NEW := results-rerun/$(shell date +%Y%m%d-%H%M%S)
endif

.PHONY: run rerun test speed evidence audit lock docs clean
.DELETE_ON_ERROR:

run: $(VENV)/.installed
	$(SNAKEMAKE)
	@$(BIN)/diptych show $(BENCHMARK)

# From scratch, downloads included, and beside the old board. Nothing of it touches the old results or their MLflow store.
rerun: export DIPTYCH_CACHE := $(abspath $(NEW))/cache
rerun: $(VENV)/.installed
	@test ! -e $(NEW) || { echo "make rerun: $(NEW) exists and is left as it is; name another folder by NEW=" >&2; exit 1; }
	$(SNAKEMAKE) results=$(NEW) tracking_uri=sqlite:///$(NEW)/mlflow.db
	@$(BIN)/diptych show $(BENCHMARK) --root $(NEW)
	$(BIN)/diptych compare $(OLD)/boards/$(BOARD) $(NEW)/boards/$(BOARD)

audit: $(VENV)/.installed
	$(BIN)/snakemake audited $(ASKED)

test: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/diptych docs --check
	$(BIN)/pytest -n auto --dist loadfile

# Against official code: make speed TS2VEC=<clone of zhihanyue/ts2vec> SCARF=<clone of clabrugere/pytorch-scarf>
speed: $(VENV)/.tested
	$(BIN)/python tests/speed/views.py
	$(BIN)/python tests/speed/encoders.py
	$(BIN)/python tests/speed/robustness.py
	$(if $(TS2VEC),$(BIN)/python tests/speed/ts2vec.py $(TS2VEC),@echo "ts2vec.py skipped: TS2VEC=<folder of the official code> is not given")
	$(if $(SCARF),$(BIN)/python tests/speed/scarf.py $(SCARF),@echo "scarf.py skipped: SCARF=<folder of the public code> is not given")

# What a board's statistics promise, on simulated truth: rates of error, power and coverage. The more, the longer.
evidence: export SIMULATIONS ?= 4000
evidence: export DRAWS ?= 2000
evidence: $(VENV)/.tested
	$(BIN)/pytest -rP tests/boards/test_comparisons.py

$(VENV)/.installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[test]'
	touch $@

docs: $(VENV)/.installed
	$(BIN)/diptych docs

# Run after a change of dependencies, then commit the result.
lock:
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/pip install --quiet -e '.[test]'
	.lock/bin/pip freeze --exclude-editable --exclude diptych > requirements.lock
	rm -rf .lock

clean:
	find results -mindepth 1 -maxdepth 1 ! -name reference ! -name README.md -exec rm -rf {} +
	rm -rf $(VENV)
