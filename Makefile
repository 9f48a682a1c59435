# `make` builds .venv; `make demo` and `make test` build what they need first. See CONTRIBUTING.md.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

export PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
SETTINGS := pyproject.toml constraints.txt

# What is measured or tested on a screen draws on one in memory, in software, so that it looks alike everywhere.
IN_SOFTWARE := env -u WAYLAND_DISPLAY QT_QPA_PLATFORM=xcb LIBGL_ALWAYS_SOFTWARE=1
XVFB := $(IN_SOFTWARE) xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX"

# The demo needs less than the tests do: no window without a display, and nothing more where all is installed.
ifneq ($(wildcard $(VENV)/.all.stamp),)
DEMO_ENVIRONMENT := $(VENV)/.all.stamp
else ifneq ($(DISPLAY)$(WAYLAND_DISPLAY),)
DEMO_ENVIRONMENT := $(VENV)/.window.stamp
else
DEMO_ENVIRONMENT := $(VENV)/.headless.stamp
endif

# A process for each core, which take work from each other; pytest-xvfb gives each a screen of its own.
PYTEST := $(IN_SOFTWARE) $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# Each writes benchmarks/results/NAME.md.
BENCHMARKS := overhead stages memory planning storage tracker tuning performance_window slider distance instances mesh oss_net boundary_loss correcting gpu
FUZZ_EXAMPLES ?= 5000
KILLS ?= 200

.PHONY: all demo test test-fast bench bench-quick $(BENCHMARKS:%=bench-%) fuzz crash docs lint clean

all: $(VENV)/.all.stamp

$(VENV)/.headless.stamp: $(SETTINGS) scripts/system_packages.sh
	scripts/system_packages.sh python
	scripts/environment.sh "$(PYTHON)" $(VENV)
	$(PIP) install -c constraints.txt -e ".[samples]"
	touch $@

$(VENV)/.window.stamp: $(SETTINGS) scripts/system_packages.sh
	scripts/system_packages.sh python window
	scripts/environment.sh "$(PYTHON)" $(VENV)
	$(PIP) install -c constraints.txt -e ".[samples,napari]" --group window
	touch $@

$(VENV)/.all.stamp: $(SETTINGS) scripts/system_packages.sh
	scripts/system_packages.sh python window screen
	scripts/environment.sh "$(PYTHON)" $(VENV)
	$(PIP) install -c constraints.txt -e ".[all]" --group dev
	touch $@

demo: $(DEMO_ENVIRONMENT)
	$(BIN)/napari-seamless demo

test: lint
	$(PYTEST)

test-fast: $(VENV)/.all.stamp
	$(PYTEST) -m "not gui and not slow"

lint: $(VENV)/.all.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.all.stamp
	for name in $(BENCHMARKS); do $(MAKE) bench-$$name; done

bench-quick: $(VENV)/.all.stamp
	for name in $(BENCHMARKS); do $(MAKE) bench-$$name QUICK=--quick; done

$(BENCHMARKS:%=bench-%): bench-%: $(VENV)/.all.stamp
	$(ON_SCREEN) $(BIN)/python benchmarks/$*.py $(QUICK)

bench-slider: ON_SCREEN := $(XVFB)

fuzz: $(VENV)/.all.stamp
	HYPOTHESIS_PROFILE=fuzz FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) \
		$(BIN)/python -m pytest tests -m "hypothesis and not gui" --timeout 0

crash: $(VENV)/.all.stamp
	$(BIN)/python -m tests.fuzz.crash --kills $(KILLS)

docs: $(VENV)/.all.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf build dist site demo-output .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
