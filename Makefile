# make demo   label 64 features of the bundled subject and write pages about them
# make test   run the test suite
# make test-large   run what the suite leaves out: full sizes and killed processes, minutes each
# make test-external   install other people's MCP clients below build/ and run them against `tsea serve`
# make test-postgres   run the tests of shared records against a PostgreSQL server of their own (Debian: postgresql)
# make test-ray   run the tests of runs on a Ray cluster of this machine; installs Ray
# make bundle pack dist/tsea.mcpb, which Claude Desktop opens
# make clean  remove the environment and every cache
# The environment is made at the first use, and mended when pyproject.toml or constraints.txt change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-large test-external test-postgres test-ray bundle clean

demo: $(VENV)/installed
	$(BIN)/tsea label top:64:skewness --run demo --page

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest --numprocesses 2

test-large: $(VENV)/installed-dev
	$(BIN)/python -m pytest --numprocesses 2 -m large

test-external: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/external --verbose --capture=no

test-postgres: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/postgres --verbose

test-ray: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[ray]'
	$(BIN)/python -m pytest tests/cluster --verbose

bundle: $(VENV)/installed-dev
	rm -f dist/*.whl
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/python -m tsea.server.distribution.bundle --wheel dist/*.whl --constraints constraints.txt --out dist/tsea.mcpb

$(VENV)/installed: pyproject.toml constraints.txt
	$(call install,.)
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt
	$(call install,.[dev])
	touch $(VENV)/installed $@

define install
@echo "Installing into $(VENV): a few minutes the first time."
$(PYTHON) -m venv $(VENV)
$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '$(1)'
endef

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find server tools labeler evals tests -name __pycache__ -type d -prune -exec rm -rf {} +
