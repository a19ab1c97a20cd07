# Everything that people and machines do with this repository. It needs only make and
# Python 3.11 or newer; what is installed goes into .venv, and again only when the
# requirements change. `run` uses the database that DATABASE_URL names; without it, SQLite.

HOST ?= 127.0.0.1
PORT ?= 8000
# The Python that .venv is made with: the first on PATH that is new enough.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; \
	done)
BIN := .venv/bin
MANAGE := DEBUG=true $(BIN)/python manage.py
# One more than there are processors: the tests in a browser often wait for it.
TEST_PROCESSES := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadgroup
# Each of the many processes of a test run would otherwise compile everything for itself.
unexport PYTHONDONTWRITEBYTECODE
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run install test check fix bench guide

# Start the site with the real catalogue, sample clinics and demonstration accounts.
# What is already there is left as it is.
run: .venv/runtime-installed
	@$(MANAGE) load_demonstration
	@echo "Mesoguide is at http://$(HOST):$(PORT)/ (stop it with Ctrl-C)"
	@SITE_URL=$${SITE_URL:-http://$(HOST):$(PORT)} $(MANAGE) runserver $(HOST):$(PORT)

# Install what the site, its tests and its checks need.
install: .venv/development-installed

# Every test on SQLite; on PostgreSQL those that ask the database, but no long walk, and one of the
# journeys. That server is thrown away with all databases, so that none is dropped before.
test: .venv/development-installed
	env -u DATABASE_URL $(PYTEST)
	$(BIN)/python tests/with_postgres.py $(PYTEST) --reuse-db --only-database -m "not (journey or once) or core"

# Style, templates, migrations, catalogue and production settings. Changes nothing.
check: .venv/development-installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/djlint --quiet --lint templates
	DATABASE_URL=sqlite://:memory: $(MANAGE) makemigrations --check --dry-run
	DATABASE_URL=sqlite://:memory: $(MANAGE) load_catalogue --check
	DATABASE_URL=sqlite://:memory: DEBUG=false ALLOWED_HOSTS=example.org \
		SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		ENQUIRY_KEYS=$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())') \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

# Repair what `check` complains of, where a machine can.
fix: .venv/development-installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Take the pictures of docs/staff-guide.md anew, of a site with sample data.
guide: .venv/development-installed
	$(BIN)/python docs/staff_guide_pictures.py

# Measure the directory over generated clinics, beside other ways to build it; docs/performance.md
# says how. Half an hour; fewer sizes are quicker: make bench SIZES=10000,100000
bench: .venv/bench-installed
	$(BIN)/python -m bench $(SIZES)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing. Install it, or name it:" \
		"make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments." \
		"Install its venv module (Debian: apt-get install python3-venv)."; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/runtime-installed: requirements.txt | .venv/bin/python
	@echo "Installing requirements.txt (once)"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

.venv/bench-installed: requirements.txt requirements-dev.txt requirements-bench.txt | .venv/bin/python
	@echo "Installing requirements-bench.txt (once)"
	@$(PIP_INSTALL) -r requirements-bench.txt
	@touch $@ .venv/development-installed .venv/runtime-installed

.venv/development-installed: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing requirements-dev.txt (once)"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@ .venv/runtime-installed
