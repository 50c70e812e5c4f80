# make help tells what there is

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# run: what it is told by make run PORT=8841 CLOUD=my.yaml ARGS='--host 0.0.0.0'
PORT ?=
CLOUD ?=
ARGS ?=
SERVICES ?=
GUESTS ?=
BEGAN := $(shell date +%s)
STEPS := $(if $(GUESTS),10,7)
SAY = @printf '[%6.2f s] %s\n' $$(($$(date +%s) - $(BEGAN)))

.DEFAULT_GOAL := help
.PHONY: help stop reset run test test-fast check bench bench-cpu bench-million bench-hosts bench-launch bench-wait bench-keys \
    test-guests test-services soak soak-failover soak-hosts soak-repeat suites clean

help:
	@echo 'make run         the whole site with a demo cloud, on 127.0.0.1:8774'
	@echo '                 PORT=8841 another port, CLOUD=FILE another cloud (docs/cloudfile.md),'
	@echo "                 ARGS='--host 0.0.0.0' other options of manage.py quickstart"
	@echo '                 GUESTS=1 this machine runs real guests (root, Debian; docs/guests.md)'
	@echo 'make stop        end it, from another terminal'
	@echo 'make reset       delete its data, after asking; make clean leaves them'
	@echo 'make clean       delete the virtual environment and what was built'
	@echo 'make test        everything that must hold; make test-fast: what costs little, under 90 s'
	@echo 'make test-guests boots real guests, as root; needs QEMU and libvirt (docs/guests.md)'
	@echo 'make test-services  beside real Keystone, Neutron, Cinder and Glance, which it installs into var/'
	@echo '                 or SERVICES=FOLDER (docs/services.md)'
	@echo 'make check       lint, types, migrations, deployment checks'
	@echo 'make bench       figures of the running site; also bench-cpu, bench-million, bench-hosts, bench-launch,'
	@echo '                 bench-wait, bench-keys'
	@echo 'make soak        many clients in times of trouble; make soak-failover: the database dies;'
	@echo '                 make soak-repeat: clients lose answers and send again; make soak-hosts: 200 hosts with agents'
	@echo 'make suites      lists test suites of others; SUITES="terraform nova" runs these (docs/clients.md)'
	@echo 'DATABASE_URL=postgresql://user:password@host:5432/name chooses another PostgreSQL.'

run: $(VENV)/.run
	@$(BIN)/python manage.py quickstart --since $(BEGAN) \
	    $(if $(PORT),--port $(PORT)) $(if $(CLOUD),--cloud $(CLOUD)) $(if $(GUESTS),--guests) $(ARGS)

stop:
	@if [ -x $(BIN)/python ]; then $(BIN)/python manage.py stop; else echo 'nothing was ever started here'; fi

reset: $(VENV)/.run
	@$(BIN)/python manage.py reset

# what is compiled is kept, whatever the surroundings say: the tests start some hundred programs
test test-fast: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadgroup --durations 10

test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadgroup -m 'not thorough and not guests and not real_services'

test-guests: $(VENV)/.test
	$(BIN)/python -m pytest -p no:cacheprovider -n 2 --dist loadgroup -m guests --durations 10 \
	    tests/guests tests/agents

test-services: $(VENV)/.test
	REAL_SERVICES_FOLDER=$(SERVICES) $(BIN)/python -m pytest -p no:cacheprovider -W default -m real_services --durations 5 \
	    tests/real_services

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

bench-launch: $(VENV)/.run
	$(BIN)/python -m tests.benchmarks.launch

bench-wait: $(VENV)/.run
	$(BIN)/python -m tests.benchmarks.waiting

bench-keys: $(VENV)/.run
	$(BIN)/python -m tests.benchmarks.keys

soak: $(VENV)/.run
	$(BIN)/python -m tests.soak

soak-failover: $(VENV)/.run
	$(BIN)/python -m tests.soak.failover

soak-hosts: $(VENV)/.run
	$(BIN)/python -m tests.soak.hosts

soak-repeat: $(VENV)/.run
	$(BIN)/python -m tests.soak.repeat

suites: $(VENV)/.test
	@$(BIN)/python -m tests.suites $(SUITES)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "compute-site needs Python 3.11 or later (PYTHON=… names another one)"; exit 1; }
	$(SAY) '1/$(STEPS) a virtual environment in $(VENV), once'
	@$(PYTHON) -m venv $(VENV) \
	    || { rm -rf $(VENV); echo "On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	$(SAY) '2/$(STEPS) packages from the index of pip, once'
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
	@[ ! -d var ] || echo 'The data in var stay; make reset deletes them.'
