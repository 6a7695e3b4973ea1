# Everything a person does with this tree. `make` alone lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS ?=
MAILS ?= 3000
export FLASK_APP := run
# Each of the many processes of a run would compile all of it anew, where this is set.
export PYTHONDONTWRITEBYTECODE :=

# With EXTRAS=mysql,ldap and the like; each set has a stamp of its own.
comma := ,
KNOWN := mysql ldap oidc postgres redis s3
UNKNOWN := $(filter-out $(KNOWN),$(subst $(comma), ,$(EXTRAS)))
$(if $(UNKNOWN),$(error EXTRAS takes $(KNOWN), with commas between them, and no $(UNKNOWN)))
STAMP := $(VENV)/.installed$(if $(EXTRAS),-$(subst $(comma),-,$(EXTRAS)))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run demo init test test-long test-rspamd4 screenshots bench bench-maps bench-notices bench-pages lint fix types i18n migrate requirements clean

help: ## What there is
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP) ## Install what running needs (EXTRAS=mysql,ldap,oidc,postgres,redis,s3 for more)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Mailkeep needs Python 3.11 or later (PYTHON=... chooses one)."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(STAMP): $(VENV)/bin/python pyproject.toml requirements.txt
	@scripts/check-build-headers "$(EXTRAS)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt -e '.$(if $(EXTRAS),[$(EXTRAS)])'
	@touch $@

var/secret_key:
	@umask 077 && mkdir -p var && $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))' > $@

init: $(STAMP) var/secret_key ## Migrate the database, make the permissions, the node and the first admin
	@$(BIN)/flask db upgrade
	@$(BIN)/flask mailkeep init

# The address may stand in .env, too; config.py knows.
define serve
@bind=$$($(BIN)/python -c 'import config; print(config.BIND)') && echo "Mailkeep is at http://$$bind (Ctrl-C stops it)." && exec $(BIN)/gunicorn -c gunicorn.conf.py
endef

run: init ## Start Mailkeep on http://127.0.0.1:8080
	$(serve)

demo: init ## The same, with a few thousand believable mails in it (MAILS=3000)
	@$(BIN)/flask demo fill --mails $(MAILS)
	$(serve)

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml requirements.txt requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt -c requirements-dev.txt -e '.[mysql,ldap,postgres,redis,s3,oidc,dev]'
	@touch $@

# The tests' databases are made and thrown away by the thousand: in memory, where there are 8 GB of it for files, and else where TMPDIR says.
ROOM = $(shell [ "$$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 8000000 ] 2>/dev/null && echo /dev/shm || echo $${TMPDIR:-/tmp})

test: ## Everything the suite needs (servers too, from Debian), then the suite
	scripts/install-test-servers
	@$(MAKE) --no-print-directory $(VENV)/.installed-dev
	TMPDIR=$(ROOM) $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m 'not rspamd4 and not long' $(ARGS)

test-long: $(VENV)/.installed-dev ## What takes minutes: long simulations, and faults of servers once more
	$(BIN)/python -m pytest -m long tests $(ARGS)

test-rspamd4: $(VENV)/.installed-dev ## The end-to-end test with Rspamd 4 in a root of its own (as root)
	scripts/make-rspamd4-root var/rspamd4
	RSPAMD4_ROOT=$(CURDIR)/var/rspamd4 $(BIN)/python -m pytest -m rspamd4 tests/e2e $(ARGS)

screenshots: $(VENV)/.installed-dev ## A picture of every screen, wide and narrow, light and dark, under var/screenshots
	rm -rf var/screenshots && mkdir -p var/screenshots
	SCREENSHOTS=$(CURDIR)/var/screenshots $(BIN)/python -m pytest -q tests/browser/test_screens.py -k 'sound'

bench: $(VENV)/.installed-dev ## Speed of ingest beside this machine's own ceilings, then of the maps
	$(BIN)/python -m bench.ingest $(ARGS)
	$(BIN)/python -m bench.maps

bench-maps: $(VENV)/.installed-dev ## Fetches of maps beside a bare GET; a million entries imported, published, fetched
	$(BIN)/python -m bench.maps $(ARGS)

bench-notices: $(VENV)/.installed-dev ## Mails looked at and letters made and sent a second, on MariaDB (ARGS="--mails 1000000 --people 100000")
	$(BIN)/python -m bench.notices $(ARGS)

bench-pages: $(VENV)/.installed-dev ## Server time of every screen and search on a million mails (MariaDB; 10 GB under var/bench)
	$(BIN)/python -m bench.pages $(ARGS)

lint: $(VENV)/.installed-lint ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.installed-lint: $(VENV)/bin/python pyproject.toml requirements.txt requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt -c requirements-dev.txt -e '.[redis]' ruff mypy
	@touch $@

fix: ## Let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: ## mypy alone
	$(BIN)/mypy

i18n: ## Collect the texts, carry the translations over, compile them (all of it is committed)
	$(BIN)/pybabel -q extract --no-location -F babel.cfg -k _l -o translations/messages.pot .
	$(BIN)/pybabel -q update --no-fuzzy-matching -d translations -i translations/messages.pot
	$(BIN)/pybabel -q compile -d translations

migrate: ## Write a migration for what changed in the models (M="what changed")
	$(BIN)/flask db revision --autogenerate --rev-id "$$(printf '%04d' $$(( 10#$$(cat migrations/head) + 1 )))" -m "$(M)"

requirements: $(VENV)/.installed-dev ## Lock the versions anew
	$(BIN)/pip-compile -q --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra mysql --extra ldap --extra postgres --extra s3 --extra redis --extra oidc -o requirements.txt pyproject.toml
	$(BIN)/pip-compile -q --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml

clean: ## Remove the virtual environment and caches; var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build
