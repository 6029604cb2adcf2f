# One command each; every one of them makes what it needs.
#
#   make demo     train on the built-in reviews, show the results, classify three sentences
#   make test     the test suite, offline
#   make check    formatting, lint, types, import contracts
#   make fix      mend what can be mended by itself
#   make bench    accuracy and speed beside other tools (needs TENOR_BENCH_DATA; see bench/RESULTS.md)
#   make bench-scale   prediction and the n-gram fit on a Ray cluster of one and two workers, beside one machine
#   make automl   the environment of AutoGluon and FLAML, beside which `make bench` then measures
#   make lock     write requirements.lock anew from pyproject.toml

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check fix bench bench-scale automl lock clean

demo: $(INSTALLED)
	$(BIN)/python examples/demo.py

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED) .venv-bench/.installed
	$(BIN)/python bench/run.py $(BENCH)

bench-scale: $(INSTALLED)
	$(BIN)/python bench/run.py --only scale $(BENCH)

automl: .venv-autogluon/.installed

lock: $(INSTALLED)
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock' -o requirements.lock

clean:
	rm -rf $(VENV) .venv-bench .venv-autogluon

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Tenor needs Python 3.11 or newer; name one with PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

.venv-bench/.installed: bench/peers.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install -q --disable-pip-version-check -r bench/peers.txt
	touch $@

.venv-autogluon/.installed: bench/automl.txt
	$(PYTHON) -m venv .venv-autogluon
	.venv-autogluon/bin/python -m pip install -q --disable-pip-version-check -r bench/automl.txt
	touch $@
