# Two commands from a checkout: `make demo` and `make test`. Each sets up what it needs, once.
# PYTHON=python3.13 uses that Python, in a virtual environment of its own.

PYTHON ?= python3
ifeq ($(PYTHON),python3)
VENV := .venv
else
VENV := .venv-$(notdir $(PYTHON))
endif
BIN := $(VENV)/bin
PYTEST_ARGS ?=
SOAK_ROUNDS ?= 10
# Whole modules of tests, shared among as many processes as there are cores.
SHARED := --numprocesses=auto --dist=loadscope

# uv when it really runs (a version manager's placeholder on the PATH does not), else pip.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
INSTALL_INPUTS := pyproject.toml constraints.txt nbmlops/core/version.py $(shell find jupyter-config nbmlops/jupyter/labextension -type f)

# Importing pandas and scikit-learn from sources takes three times as long, in every kernel anew.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-system lint bench soak docs lock readme clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: $(VENV)/.installed-demo ## run the main job on real data, then serve it and close the loop, in ./nbmlops-demo
	$(BIN)/nbmlops demo --loop

test: $(VENV)/.installed-test ## run the tests that need nothing but pip packages
	$(BIN)/python -m pytest --ignore=tests/browser --ignore=tests/system --ignore=tests/faults $(SHARED) $(PYTEST_ARGS)
	$(BIN)/python -m pytest tests/faults $(SHARED) --no-loadscope-reorder $(PYTEST_ARGS)

test-system: $(VENV)/.installed-test ## run the tests that need system packages, and install those
	$(MAKE) --jobs=2 .venv-mlflow/.installed .venv-airflow/.installed .venv-scheduler/.installed .venv-lab42/.installed .venv-feast/.installed
	sh tests/system/install-packages.sh
	$(BIN)/python -m pytest tests/system tests/browser $(SHARED) --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(VENV)/.installed-test ## formatting, types and the layers of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-test .venv-peers/.installed .venv-feast/.installed ## print every figure of the README, peers side by side
	$(BIN)/python benchmarks

soak: $(VENV)/.installed-test ## the fault tests many times over, then every property on many more examples
	for round in $$(seq $(SOAK_ROUNDS)); do \
		echo "soak: round $$round of $(SOAK_ROUNDS)"; \
		$(BIN)/python -m pytest tests/faults $(SHARED) --no-loadscope-reorder $(PYTEST_ARGS) || exit 1; \
	done
	NBMLOPS_SOAK_AUTOLOG=1 NBMLOPS_SOAK_SERVING=60 NBMLOPS_SOAK_ENGINE_KILLS=100 NBMLOPS_SOAK_DRIFT=5000 NBMLOPS_SOAK_JOINT=5000 NBMLOPS_SOAK_LOG_KILLS=300 NBMLOPS_SOAK_WRITERS=100 NBMLOPS_SOAK_SAVES=500 NBMLOPS_SOAK_TRAVELS=50 NBMLOPS_SOAK_ERASE_KILLS=100 NBMLOPS_SOAK_FLIPS=1000 NBMLOPS_SOAK_FIRES=1000 NBMLOPS_SOAK_SLICES=1000 NBMLOPS_SOAK_MALFORMED=10000 NBMLOPS_SOAK_MUTATIONS=4000 NBMLOPS_SOAK_SCHEMATHESIS=300 NBMLOPS_SOAK_PARAMETERS=10000 $(BIN)/python -m pytest tests --ignore=tests/browser --ignore=tests/system --hypothesis-profile=soak -o timeout=3600 $(PYTEST_ARGS)

lock: ## choose the newest versions that pyproject.toml admits, for every Python it supports (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade --quiet \
		--no-annotate --custom-compile-command "make lock" --output-file constraints.txt

docs: $(VENV)/.installed-test ## build the documentation into build/docs, with every tutorial executed; needs no network
	$(BIN)/python docs/site/build.py

readme: $(VENV)/.installed-test ## write the grammar table into README.md
	$(BIN)/python tests/test_readme.py

clean: ## remove everything that make made
	rm -rf .venv* build dist nbmlops-demo .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up: each stamp is newer than what it was made from, so the second call does nothing ---

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "nbmlops needs Python 3.11 or later; $(PYTHON) is not. Name another: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
ifdef UV
	uv venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
else
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		echo "$(PYTHON) -m venv $(VENV)"; $(PYTHON) -m venv $(VENV); \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
		echo "$(PYTHON) -m venv --without-pip $(VENV)"; $(PYTHON) -m venv --without-pip $(VENV); \
	else \
		echo "$(PYTHON) has neither ensurepip nor pip. Install uv, or your system's python3-venv package." >&2; exit 1; \
	fi
endif

# Installs into the environment of a Python, $(1), with uv or a pip that need not be that environment's own.
PIP = $(if $(UV),uv pip install --quiet --python $(1),$(shell \
	$(BIN)/python -m pip --version >/dev/null 2>&1 && echo "$(BIN)/python" || echo "$(PYTHON)") \
	-m pip --python $(1) install --quiet)

$(VENV)/.installed-demo: $(INSTALL_INPUTS) | $(BIN)/python
	$(call PIP,$(BIN)/python) --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/.installed-test: $(INSTALL_INPUTS) | $(BIN)/python
	$(call PIP,$(BIN)/python) --constraint constraints.txt --editable '.[demo,test]'
	@touch $@ $(VENV)/.installed-demo

# MLflow beside nbmlops, which moves runs there and back; it allows other versions than constraints.txt pins.
.venv-mlflow/.installed: tests/system/mlflow.txt $(INSTALL_INPUTS) | $(BIN)/python
	$(if $(UV),uv venv --quiet --allow-existing --python $(BIN)/python,$(PYTHON) -m venv --without-pip) .venv-mlflow
	$(call PIP,.venv-mlflow/bin/python) --requirement tests/system/mlflow.txt --editable .
	@touch $@

# Feast beside nbmlops, which joins the same features.
.venv-feast/.installed: tests/system/feast.txt | $(BIN)/python
	$(if $(UV),uv venv --quiet --allow-existing --python $(BIN)/python,$(PYTHON) -m venv --without-pip) .venv-feast
	$(call PIP,.venv-feast/bin/python) --requirement tests/system/feast.txt
	@touch $@

# The oldest JupyterLab and the Notebook that nbmlops is held to.
.venv-lab42/.installed: tests/browser/lab42.txt $(INSTALL_INPUTS) | $(BIN)/python
	$(if $(UV),uv venv --quiet --allow-existing --python $(BIN)/python,$(PYTHON) -m venv --without-pip) .venv-lab42
	$(call PIP,.venv-lab42/bin/python) --requirement tests/browser/lab42.txt --editable .
	@touch $@

# Airflow pins what we leave open; it calls nbmlops as a program of another environment.
.venv-airflow/.installed: tests/system/airflow.txt | $(BIN)/python
	$(if $(UV),uv venv --quiet --allow-existing --python $(BIN)/python,$(PYTHON) -m venv --without-pip) .venv-airflow
	$(call PIP,.venv-airflow/bin/python) --requirement tests/system/airflow.txt
	@touch $@

# jupyter-scheduler beside nbmlops, which executes its jobs.
.venv-scheduler/.installed: tests/system/scheduler.txt $(INSTALL_INPUTS) | $(BIN)/python
	$(if $(UV),uv venv --quiet --allow-existing --python $(BIN)/python,$(PYTHON) -m venv --without-pip) .venv-scheduler
	$(call PIP,.venv-scheduler/bin/python) --requirement tests/system/scheduler.txt --editable .
	@touch $@

# The peers that benchmarks compare with need other versions of what we need, so they live apart.
.venv-peers/.installed: benchmarks/peers.txt | $(BIN)/python
	$(if $(UV),uv venv --quiet --allow-existing --python $(BIN)/python,$(PYTHON) -m venv --without-pip) .venv-peers
	$(call PIP,.venv-peers/bin/python) --requirement benchmarks/peers.txt
	@touch $@
