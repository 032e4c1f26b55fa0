# The two commands: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_FLAGS ?=
DATA ?= ../shared/data
TEST_FLAGS ?=
FAULTS_FLAGS ?=
BENCH_FLAGS ?=
MUTANTS ?=
PURELIB := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'

.PHONY: help install demo test lint calendar engines faults mutants bench names docs train clean

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

install: $(BIN)/.installed  ## a virtual environment in .venv with the command .venv/bin/polywire

$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "polywire needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make install PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing polywire and its pinned dependencies into $(VENV) (two minutes the first time) ..."
	@# Older ones warn that lxml has no extra html_clean: they do not know that html-clean is the same name.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=23.3'
	@# The warning is about folders that have a package's name, which is what these folders are for.
	@PYTHONWARNINGS='ignore:Editable installation' \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: install  ## start everything, feed it, watch stories form and the alert arrive
	@$(BIN)/polywire demo $(DEMO_FLAGS)

lint: install  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: install lint  ## everything a machine can test: first on the embedded engine, then the whole way on the real ones
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TEST_FLAGS)
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/e2e tests/contract tests/rebalance tests/runtime/bus/test_loop_on_kafka.py tests/upgrade tests/faults --engines jvm $(TEST_FLAGS)

calendar: install  ## the tests that start no JVM, as if it were DAYS (120) days later
	DAYS=$(or $(DAYS),120) $(BIN)/python -m pytest -p tests.calendar_shift -m "not jvm and not real_engines and not browser" $(TEST_FLAGS)

engines: install  ## fetch and build the real Kafka and Elasticsearch (JDK 17 and Maven)
	$(BIN)/polywire engines build

faults: install  ## the long fault trial: 2,000 articles while everything is broken in turn (FAULTS_FLAGS="--seed 7")
	$(BIN)/python -m tests.faults $(FAULTS_FLAGS)

bench: install  ## the speed of the whole way in one table (BENCH_FLAGS="--only way"): a quarter of an hour
	$(BIN)/python quality/bench/whole_way.py --data $(DATA)/ntrex-dev/articles.jsonl $(BENCH_FLAGS)

mutants: install  ## change the code in one place after another: a test must notice (MUTANTS="streams.apps.way*"; all: hours)
	@# In an environment of its own on top of ours: mutmut wants a newer click than check-jsonschema takes.
	@test -x .mutants/bin/mutmut || { $(BIN)/python -m venv .mutants && \
	  .mutants/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1 && \
	  .mutants/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pytest pytest-asyncio pytest-timeout; }
	@$(BIN)/python $(PURELIB) > "$$(.mutants/bin/python $(PURELIB))/polywire.pth"
	nice .mutants/bin/mutmut run --max-children 2 $(MUTANTS)
	.mutants/bin/mutmut results

names: install  ## spaCy's models of English and French names, for the setting name_models (350 MB)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,names]'

docs: install  ## write the generated pages of docs/ again
	$(BIN)/polywire topics docs

train: install  ## fit the shipped weights again: stories from DATA (default ../shared/data), deals from the corpus
	$(BIN)/polywire train stories --data $(DATA)
	$(BIN)/polywire train deals

clean:  ## remove the virtual environment and this folder's state
	rm -rf $(VENV) .mutants mutants .polywire
