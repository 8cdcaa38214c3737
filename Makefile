# The habits of this repository. `make book` and `make test` set up all they need.

VENV   := .venv
PYTHON := $(VENV)/bin/python
READY  := $(VENV)/.ready

# A pinned BLAS core type halves NumPy's speed; the course measures.
unexport OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
# As many test processes as the machine has cores (at most 4), one thread each.
TESTS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(PYTHON) -m pytest -n auto --maxprocesses=4

.DEFAULT_GOAL := help
.PHONY: help setup book site lab labs test browser bench check clean

help:
	@echo "make book      set up, build the site, serve it and print its address"
	@echo "make test      set up and run the tests (all but the browser's)"
	@echo "make site      build the site into _build/html; a warning is an error"
	@echo "make lab       open JupyterLab in chapters/"
	@echo "make labs      build the exercise notebooks from their sources"
	@echo "make browser   open every page of the built site in Chromium and check it"
	@echo "make bench     measure NumPy against PyTorch"
	@echo "make check     formatting, lint, types and the fast tests: before each commit"
	@echo "make clean     remove what was built (the .venv stays)"

setup: $(READY)

# The first Python from 3.11 on, with what a virtual environment needs; one that stands is kept as it is.
$(READY): pyproject.toml constraints.txt
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  found=; \
	  for python in $(BASE_PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11 or newer was found: install one (python.org, or your system's package manager), or name it: make BASE_PYTHON=/path/to/python3" >&2; exit 1; \
	  fi; \
	  if ! "$$found" -c 'import venv, ensurepip' 2>/dev/null; then \
	    echo "$$found cannot make a virtual environment (venv or ensurepip is missing): on Debian and Ubuntu type 'sudo apt install python3-venv'" >&2; exit 1; \
	  fi; \
	  echo "Setting up $(VENV) with $$found: this takes some minutes, once."; \
	  "$$found" -m venv --clear $(VENV) || exit 1; \
	fi
	@$(PYTHON) -m pip install --disable-pip-version-check $(if $(wildcard $(READY)),--quiet) -e '.[all]' -c constraints.txt
	@touch $(READY)

book: site
	@$(PYTHON) -m twice.book.serve _build/html

site: $(READY)
	@$(PYTHON) -m twice.book.build

lab: $(READY)
	@cd chapters && ../$(PYTHON) -m jupyterlab

labs: $(READY)
	@$(PYTHON) -m twice.cli lab build

test: $(READY)
	@$(TESTS) -rs -m "not browser"

browser: site
	@$(PYTHON) -m pytest -m browser -rs tests/browser

bench: $(READY)
	@$(PYTHON) -m twice.cli bench

check: $(READY)
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@$(TESTS) -q -m "not browser and not slow"

clean:
	rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find utils tests -name __pycache__ -type d -prune -exec rm -rf {} +
