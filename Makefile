# make demo: install, then segment the example images with the models that ship.
# make test: install, then run the whole test suite.
# make check: rules, format, types and spelling, of the code and of the pages.
# make coverage: the suite again, with every line counted; coverage/index.html shows those that no test runs.
# make docs: the documentation as a site with search, in site; needs no network once it is installed.
# make dist: sdist and wheel in dist, checked as they would be published.
# make bench: our speed and memory beside those of other systems, each in an environment of its own
# in .bench (about 12 GB, once); takes half an hour of an otherwise idle machine. With BEFORE=PATH also
# beside another checkout of ours: the command as typed, and file to label file. Goals are printed with pass
# or falls short; .bench/speed.png has seconds per megapixel against size.
# make fuzz: read 10,000 damaged files; what is neither read nor refused is kept in fuzz-findings.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

BUILDERS := hatchling hatch-vcs setuptools-scm editables

.PHONY: demo test check coverage docs dist bench fuzz clean

demo: .venv/installed
	$(BIN)/coverslip demo -o demo-output

# A process for each core, up to four; a file's tests stay together, since they share what they made.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile

test: .venv/installed-dev
	$(BIN)/python -m pytest $(PARALLEL)

check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell

coverage: .venv/installed-dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet --directory coverage
	$(BIN)/coverage report

docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "to read and to search it: $(BIN)/python -m http.server -d site"

dist: .venv/installed-dist
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) $(BUILDERS)
	$(PIP) --no-build-isolation -e .  # so that what builds it is pinned too
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $@

.venv/installed-docs: .venv/bin/python requirements-docs.txt constraints.txt
	$(PIP) -r requirements-docs.txt
	touch $@

.venv/installed-dist: .venv/bin/python requirements-dist.txt constraints.txt
	$(PIP) $(BUILDERS) -r requirements-dist.txt
	touch $@

SEED ?= 0

fuzz: .venv/installed-dev
	PYTHONPATH=tests $(BIN)/python -m fuzz -n 10000 --seed $(SEED) -o fuzz-findings

PEERS := stardist instanseg cellpose3 torchvision

bench: .venv/installed-dev $(PEERS:%=.bench/%/installed)
	$(PIP) openvino
	$(BIN)/python benchmarks/speed.py --plot .bench/speed.png
	$(BIN)/python benchmarks/roofline.py
	$(BIN)/python benchmarks/start.py
	[ -z "$(BEFORE)" ] || $(BIN)/python benchmarks/before.py --before $(BEFORE)

.bench/%/installed: benchmarks/systems/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

clean:
	rm -rf .venv .bench .coverage* build coverage dist site demo-output fuzz-findings
