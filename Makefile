# make demo: install, then segment the example images with the models that ship.
# make test: install, then run the whole test suite.
# make bench: our speed and memory beside those of other systems, each in an environment of its own
# in .bench (about 12 GB, once); takes half an hour of an otherwise idle machine.
# make fuzz: read 10,000 damaged files; what is neither read nor refused is kept in fuzz-findings.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check bench fuzz clean

demo: .venv/installed
	$(BIN)/coverslip demo -o demo-output

test: .venv/installed-dev
	$(BIN)/python -m pytest

check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) torch==2.13.0 hatchling editables
	$(PIP) --no-build-isolation -e .  # so that what builds it is pinned too
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $@

SEED ?= 0

fuzz: .venv/installed-dev
	PYTHONPATH=tests $(BIN)/python -m fuzz -n 10000 --seed $(SEED) -o fuzz-findings

PEERS := stardist instanseg cellpose3 torchvision

bench: .venv/installed-dev $(PEERS:%=.bench/%/installed)
	$(PIP) openvino
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/roofline.py
	$(BIN)/python benchmarks/start.py

.bench/%/installed: benchmarks/systems/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

clean:
	rm -rf .venv .bench build dist demo-output fuzz-findings
