# One command each; every one of them makes what it needs.
#
#   make demo     train on the built-in reviews, show the results, classify three sentences
#   make test     the test suite, offline
#   make test-docs   follows the tutorials, command by command, and runs the guide
#   make test-portable   graphs of every family on an emulated processor without AVX-512 and VNNI (Linux, qemu-user)
#   make coverage the test suite, and which lines of Tenor it runs; fails below the floor in pyproject.toml
#   make check    format, lint, types, import contracts, words, the tree in ARCHITECTURE.md, tables of settings,
#                 the glossary of the package, Chinese twins of the pages
#   make fix      fix format and lint where that is automatic
#   make fuzz     10,000 changed folders of models and encoders, 1,000 hostile data files, 100,000 damaged files of
#                 PyTorch: each is refused, or works
#   make bench    accuracy and speed beside other tools (needs TENOR_BENCH_DATA; see docs/contributing/benchmarks.md)
#   make bench-scale   prediction and training on a Ray cluster of one and two workers, beside one machine
#   make automl   install AutoGluon and FLAML, which `make bench` then includes
#   make docs     the site in site/, in English and Chinese, without a network; runs the notebooks of the guide.
#                 Other versions in site/ stay, and readers can choose between them
#   make man      manual pages of the commands in build/man, in English and Chinese
#   make lock     write requirements.lock again from pyproject.toml

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.installed-demo
INSTALLED := $(VENV)/.installed
COMPILE = $(BIN)/uv pip compile -q pyproject.toml --universal --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock'

.PHONY: demo docs man test test-docs test-portable coverage check fix fuzz bench bench-scale automl lock clean

demo: $(DEMO)
	$(BIN)/python examples/demo.py

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not docs"

test-docs: $(INSTALLED)
	$(BIN)/python -m pytest -m docs

test-portable: $(INSTALLED)
	$(BIN)/python tests/portable.py

coverage: $(INSTALLED)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n auto --dist loadfile
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/tree.py --check
	$(BIN)/python tools/families.py --check
	$(BIN)/python tools/terms.py --check
	$(BIN)/python tools/messages.py
	$(BIN)/python tools/words.py
	$(BIN)/python tools/twins.py

fix: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(INSTALLED)
	$(BIN)/python tests/fuzz/run.py $(FUZZ)
	PYTHONPATH=tests $(BIN)/python tests/data/hostile.py 1000 0
	PYTHONPATH=tests $(BIN)/python tests/fuzz/torch_files.py 100000 0

docs: $(INSTALLED)
	$(BIN)/python tools/site.py

man: $(INSTALLED)
	$(BIN)/python tools/man.py

bench: $(INSTALLED) .venv-bench/.installed
	$(BIN)/python bench/run.py $(BENCH)
	$(BIN)/python bench/summary.py

bench-scale: $(INSTALLED)
	$(BIN)/python bench/run.py --only scale $(BENCH)

automl: .venv-autogluon/.installed

lock: $(INSTALLED)
	$(COMPILE) --all-extras --group dev -o requirements.lock
	$(COMPILE) --extra deep --extra data --extra report --group processor -c requirements.lock -o requirements-demo.lock

clean:
	rm -rf $(VENV) .venv-bench .venv-autogluon

# What is installed for everything serves the demo too.
$(DEMO): requirements-demo.lock pyproject.toml tools/install.py
	@test -e $(INSTALLED) -a $(INSTALLED) -nt requirements.lock || $(PYTHON) tools/install.py demo
	@touch $@

$(INSTALLED): requirements.lock pyproject.toml tools/install.py
	@$(PYTHON) tools/install.py all
	@touch $@ $(DEMO)

.venv-bench/.installed: bench/peers.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install -q --disable-pip-version-check -r bench/peers.txt
	touch $@

.venv-autogluon/.installed: bench/automl.txt
	$(PYTHON) -m venv .venv-autogluon
	.venv-autogluon/bin/python -m pip install -q --disable-pip-version-check -r bench/automl.txt
	touch $@
