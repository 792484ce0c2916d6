# Everything happens in .venv, made from the pinned and hashed lists in requirements/.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
RUN_STAMP := .venv/.run-ready
DEV_STAMP := .venv/.dev-ready
UV = $(BIN)/uv pip
# `tt` is run often and briefly: without bytecode it takes three times as long (some environments write none by themselves)
COMPILE = $(BIN)/python -m compileall -q src .venv/lib

.PHONY: demo test lint format bench docs lock clean

demo: $(RUN_STAMP)  ## three issues to three merges, on a fresh machine
	@$(BIN)/tt demo

test: $(DEV_STAMP)  ## every test there is
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

lint: $(DEV_STAMP)  ## layers, style, types, dependencies, generated files
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/ruff format --no-cache --check .
	@$(BIN)/mypy
	@$(BIN)/deptry src
	@$(BIN)/python -m tools.docs --check

format: $(DEV_STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(DEV_STAMP)  ## figures and ratios in one run
	@$(BIN)/python -m bench $(ARGS)

docs: $(DEV_STAMP)  ## what is generated from the code: the state diagram, the commands, the settings
	@$(BIN)/python -m tools.docs

lock: $(DEV_STAMP)  ## pin the newest releases anew
	@$(BIN)/uv lock --quiet --upgrade
	@$(BIN)/uv export --quiet --no-emit-project --no-default-groups --group setup --no-header --no-annotate -o requirements/run.txt
	@$(BIN)/uv export --quiet --no-emit-project --group setup --group dev --no-header --no-annotate -o requirements/dev.txt

clean:
	rm -rf .venv build dist

# pip installs the one pinned list whole; uv, which comes with it, then sees to it that nothing else is there.
$(RUN_STAMP): requirements/run.txt pyproject.toml
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(UV) install --quiet --no-deps --no-build-isolation --offline -e .
	@$(COMPILE)
	@touch $@

$(DEV_STAMP): requirements/dev.txt tests/peers/package-lock.json tests/peers/install.py $(RUN_STAMP)
	@$(UV) sync --quiet --require-hashes requirements/dev.txt
	@$(UV) install --quiet --no-deps --no-build-isolation --offline -e .
	@$(BIN)/python -m tests.peers.install
	@$(COMPILE)
	@touch $@
