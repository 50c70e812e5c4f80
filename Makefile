# compute-site: make run | make test | make test-fast | make check | make bench | make bench-cpu | make bench-million | make bench-hosts | make soak

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: run test test-fast check bench bench-cpu bench-million bench-hosts soak clean

run: $(VENV)/.run
	$(BIN)/python manage.py quickstart

test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadgroup --durations 10

test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadgroup -m 'not thorough'

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run
	COMPUTE_SITE_HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: $(VENV)/.run
	$(BIN)/python -m tests.benchmarks

bench-cpu: $(VENV)/.run
	$(BIN)/python -m tests.benchmarks.cpu

bench-million: $(VENV)/.run
	$(BIN)/python -m tests.benchmarks.million

bench-hosts: $(VENV)/.run
	$(BIN)/python -m tests.benchmarks.hosts $(if $(HOSTS),--hosts $(HOSTS))

soak: $(VENV)/.run
	$(BIN)/python -m tests.soak

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "compute-site needs Python 3.11 or later (PYTHON=… names another one)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	    || { rm -rf $(VENV); echo "On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) var build *.egg-info
