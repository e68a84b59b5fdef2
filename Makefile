# demo and test set everything up on a fresh machine; a second call starts at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
OUT ?= runs/demo

.PHONY: demo test bench docs lint clean

demo: $(VENV)/.run
	$(BIN)/msq demo --out $(OUT)

# Two processes, each with whole files: what a file prepares is prepared once.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks --json runs/bench/table.json --plot runs/bench/plot.svg

# The pages, in build/site. No --quiet: strictness would not see warnings.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "build/site/index.html"

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# What the demo needs, and on top of it what the tests and benchmarks need.
$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV) (a minute, once) ..."
	$(INSTALL) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@echo "Installing the tests' tools into $(VENV) (two minutes, once) ..."
	$(INSTALL) -e '.[test,torch,jax]'
	@touch $@

$(VENV)/.docs: $(VENV)/.run
	@echo "Installing the site's tools into $(VENV) (a minute, once) ..."
	$(INSTALL) -e '.[docs]'
	@touch $@
