# Stelze: `make help` lists what there is.
# The first Python that runs and is new enough (a name in PATH may be a shim that does not run); else any, which
# then says itself what it lacks. Another one: make PYTHON=/path/to/python3.12 …
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && exit; done; \
	command -v python3)
VENV := .venv/bin
T ?=
UPGRADE ?= --upgrade
TEMPLATES = $$(find templates helpdesk/templates -name '*.html')

.DEFAULT_GOAL := help
.PHONY: help install run test bench-mail bench-erase bench-archive lint check audit ci fmt messages wheel lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## the environment in .venv, from the lock; nothing to do if it is current
	@if [ -z "$(PYTHON)" ]; then echo "No Python found: install Python 3.11 or newer (package python3 and python3-venv)."; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old or does not run: \
install Python 3.11 or newer (package python3 and python3-venv), or name one: make PYTHON=/path/to/python3.12 …"; exit 1; }
	@$(PYTHON) bin/install.py

run: install ## the whole site with demo content on http://127.0.0.1:8000 (PORT=… for another)
	@$(VENV)/python bin/run.py

test: install ## the whole suite on SQLite and PostgreSQL (T=path runs a part on SQLite)
	@$(VENV)/python bin/test.py $(T)

bench-mail: install ## how fast mail is filed, on PostgreSQL (MAILS=1000)
	@$(VENV)/python bin/bench_mail.py $(or $(MAILS),1000)

bench-erase: install ## how fast tickets are erased, on PostgreSQL (TICKETS=100000)
	@$(VENV)/python bin/bench_erase.py $(or $(TICKETS),100000)

bench-archive: install ## what the archive saves, on PostgreSQL (TICKETS=200000)
	@$(VENV)/python bin/bench_archive.py $(or $(TICKETS),200000)

lint: install ## style, import contracts, types, templates
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/djade --check --target-version 5.2 $(TEMPLATES)
	$(VENV)/djlint --lint --quiet $(TEMPLATES)
	$(VENV)/lint-imports
	$(VENV)/mypy helpdesk

check: install ## migrations and the production settings
	$(VENV)/python manage.py makemigrations --check --dry-run
	$(VENV)/python bin/check_production.py

audit: install ## known vulnerabilities of the locked versions (asks the network)
	@$(VENV)/python bin/audit.py

ci: ## everything CI does
	@$(MAKE) --no-print-directory -j2 lint check
	@$(MAKE) --no-print-directory test

fmt: install ## put code and templates into shape
	$(VENV)/ruff check --fix-only .
	$(VENV)/ruff format .
	$(VENV)/djade --target-version 5.2 $(TEMPLATES)

messages: install ## gather the translatable strings; prints what is not translated yet
	$(VENV)/python bin/messages.py

wheel: install ## the extension alone, ready to install elsewhere, in dist/
	rm -rf build
	$(VENV)/python -m build --wheel --no-isolation

LOCKED = .tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--only-binary :all: --no-binary django-mailbox --no-binary dkimpy --no-binary python-ldap pyproject.toml

lock: ## renew the locked versions (UPGRADE= keeps those that stand)
	@test -x .tools/bin/uv || ($(PYTHON) -m venv .tools && .tools/bin/pip install -q uv)
	$(LOCKED) $(UPGRADE) --extra test --extra saml -o requirements/test.txt
	$(LOCKED) -c requirements/test.txt -o requirements/base.txt
	@for extra in ldap saml; do $(LOCKED) -c requirements/test.txt --extra $$extra -o requirements/whole.txt \
		&& $(PYTHON) bin/extras.py requirements/whole.txt requirements/base.txt > requirements/$$extra.txt; \
		rm -f requirements/whole.txt; done

clean: ## remove the environment and caches; the data below var/ stays
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
