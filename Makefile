# Everything that people and CI run. `make demo` and `make test` need only Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# pytest's exit code 5: `ARGS='-k name'` may choose tests of one tier alone.
NONE_SELECTED := [ $$? -eq 5 ]

.DEFAULT_GOAL := help
.PHONY: help demo test unit lint format types imports schemas docs generate check bench clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "Holonomy needs Python 3.11 or newer; %s is %d.%d. Name another: make PYTHON=python3.12" % (sys.executable, v[0], v[1]))'
	@$(PYTHON) -m venv $(VENV) || { echo "python's venv module is incomplete: on Debian, apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.embedded: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Holonomy into $(VENV) (about 2 GB; a few minutes the first time)"
	@$(PIP) -e '.[embedded]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Holonomy and its development tools into $(VENV) (about 2 GB; a few minutes the first time)"
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.embedded

demo: $(VENV)/.embedded ## Train on real digits, compute brackets, show what was found (KEEP=1 leaves the stack running)
	@$(BIN)/holonomy demo $(if $(KEEP),--keep)

test: $(VENV)/.dev ## Run the whole test suite (ARGS='-k name' selects)
	@$(BIN)/python -m pytest tests/unit -n 2 $(ARGS) || $(NONE_SELECTED)
	@$(BIN)/python -m pytest --ignore tests/unit $(ARGS) || $(NONE_SELECTED)

unit: $(VENV)/.dev ## Run the unit tests alone (under 3 minutes)
	@$(BIN)/python -m pytest tests/unit -n 2 $(ARGS)

lint: $(VENV)/.dev ## Check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.dev ## Mend style and formatting
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev ## Check types, strictly
	@$(BIN)/mypy

imports: $(VENV)/.dev ## Check that imports go one way
	@$(BIN)/lint-imports

schemas: $(VENV)/.dev ## Check that the committed JSON Schemas match the models
	@$(BIN)/python -m schemas.generate --check

docs: $(VENV)/.dev ## Check that the generated reference matches the code
	@$(BIN)/python -m service.api.openapi --check
	@$(BIN)/python -m schemas.dictionary --check
	@$(BIN)/python -m service.db.dictionary --check
	@$(BIN)/python -m holonomy.cli.reference --check

generate: $(VENV)/.dev ## Write the JSON Schemas and the generated reference
	@$(BIN)/python -m schemas.generate
	@$(BIN)/python -m schemas.dictionary
	@$(BIN)/python -m service.db.dictionary
	@$(BIN)/python -m service.api.openapi
	@$(BIN)/python -m holonomy.cli.reference

check: lint types imports schemas docs ## All checks but the tests

bench: $(VENV)/.dev ## Run the benches (ARGS=--quick for a minute or two each)
	@for name in blocks claim stack results brackets replicas; do $(BIN)/python -m bench.$$name $(ARGS) || exit 1; done

clean: ## Remove the environment and caches; the state folder stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
