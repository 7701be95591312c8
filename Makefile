# Every target does its own set-up. Needed: Python 3.11 or newer, make; a C compiler for the C backend.

PYTHON ?= python3
BACKEND ?= auto
QUICK ?= $(addprefix tests/,lecture forms/test_forms.py codegen/test_numpy_networks.py codegen/test_c_networks.py refusals)
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check --no-input --no-compile

# The environment is the project's own: what is compiled in it is kept.
unexport PYTHONDONTWRITEBYTECODE

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help train test quick lint types build study clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

train: $(VENV)/core  ## derive, emit and train two networks on MNIST
	$(RUN) -m derive build two_layer three_layer
	$(RUN) -m derive train two_layer --data mnist --backend $(BACKEND) --epochs 10 --lr 0.2 --batch 100 \
	  --optimizer momentum --mu 0.7 --schedule cosine
	$(RUN) -m derive train three_layer --data mnist --backend $(BACKEND) --epochs 10 --lr 0.1 --batch 100 \
	  --optimizer momentum --mu 0.9 --weight-decay 0.0001 --schedule cosine

test: $(VENV)/test  ## run the tests
	$(RUN) -m pytest -n auto --dist worksteal

quick: $(VENV)/test  ## run a few tests of every stage: derivation, forms, NumPy, C, refusals
	$(RUN) -m pytest -n auto --dist worksteal $(QUICK)

lint: $(VENV)/lint  ## check style
	$(RUN) -m ruff check

types: $(VENV)/test $(VENV)/lint  ## check types
	$(RUN) -m mypy

build: $(VENV)/core  ## rebuild generated/
	$(RUN) -m derive build

study: $(VENV)/core  ## train on data that no line separates; draw the regions
	$(RUN) -m derive study

clean:  ## remove the virtual environment and what the tools leave behind
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find derive codegen generated tests bench -name __pycache__ -prune -exec rm -rf {} +

# Each stamp stands for an installed extra; a change of pyproject.toml makes it stale.

$(VENV)/core: pyproject.toml | $(VENV)/made
	$(PIP) --editable .
	@touch $@

$(VENV)/test $(VENV)/lint: $(VENV)/%: pyproject.toml | $(VENV)/made
	$(PIP) --editable '.[$*]'
	@touch $@ $(VENV)/core

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: '$(PYTHON)' is not Python 3.11 or newer; name one that is: make PYTHON=/path/to/python3" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "error: '$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
	@touch $@
