# The course's commands. They need make and python3 (3.11 or later); uv is used where it is there.
# Everything is installed into .venv in this folder and nowhere else.

VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
CHAPTER ?=
LAB_OPTIONS ?=

# Two workers share the cores, so each keeps its linear algebra to one thread.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

PYTEST := $(BIN)/python -m pytest -q --tb=short --dist loadfile
WORKERS ?= 2

.PHONY: help lab test lint unit notebooks browser chapters sync figures student assignment agreement site bench owner constraints clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

lab: $(READY)  ## open the course in JupyterLab (makes the environment first if it is missing)
	$(BIN)/mlmkit lab "$(CURDIR)" $(LAB_OPTIONS)

test: lint unit notebooks browser  ## everything: style and types, unit and reference tests, every chapter's outputs, the browser

lint: $(READY)  ## style, format and types of all the code
	$(BIN)/python -m ruff check -q
	$(BIN)/python -m ruff format --check -q
	$(BIN)/python -m mypy

unit: $(READY)  ## unit, reference and project tests
	$(PYTEST) -n $(WORKERS) tests --ignore=tests/browser

notebooks: $(READY)  ## run every chapter and compare all it shows with what is stored
	$(PYTEST) -n $(WORKERS) --nbval --nbval-current-env --nbval-cell-timeout 300 \
		--nbval-sanitize-with tests/nbval_sanitize.cfg chapters/[0-9]*.ipynb

# A hand, a page and a kernel run at their own pace here: what fails twice is a fault, what fails once is named (-rR).
browser: $(READY)  ## drive JupyterLab in a headless Chromium (skipped where there is none)
	$(PYTEST) -rsR --reruns 1 tests/browser

chapters: $(READY)  ## run the chapters again and store their outputs, then redraw the figures (CHAPTER=03 for one)
	$(BIN)/python tools/notebooks.py build $(CHAPTER)
	$(MAKE) figures

sync: $(READY)  ## carry edits between chapters/text and the notebooks, run nothing
	$(BIN)/python tools/notebooks.py sync $(CHAPTER)

figures: $(READY)  ## redraw every figure of the course
	$(BIN)/python -m figures

student: $(READY)  ## write the notebooks for a class, without solutions, notes and outputs, to build/student
	$(BIN)/mlmkit student build/student

assignment: $(READY)  ## write CHAPTER=03 as an assignment that nbgrader grades, to build/nbgrader
	$(BIN)/mlmkit assignment $(CHAPTER) --folder build/nbgrader

agreement: $(READY)  ## measure how far every comparison with a reference is off, for the web book
	$(PYTEST) -p tools.agreement --agreement docs/agreement.csv tests --ignore=tests/browser

site: $(READY)  ## make the course's web book in build/site
	$(BIN)/mlmkit site build/site

bench: $(READY)  ## time the fits, what is asked of them, and the widgets
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.jobs
	$(BIN)/python -m benchmarks.widgets

owner: $(READY)  ## say where the project lives, in every address (OWNER=name)
	$(BIN)/python tools/owner.py $(OWNER)

constraints:  ## pin what is tested now, for every supported Python (needs uv)
	(echo '# What the course was tested with, on Python 3.11, 3.12 and 3.13, and resolved for 3.14. Made by `make constraints`.'; \
	uv pip compile pyproject.toml --extra course --extra lecture --extra site --extra test --universal --python-version 3.11 --upgrade --quiet \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links) > constraints.new
	mv constraints.new constraints.txt

clean:  ## remove the environment and everything built
	rm -rf $(VENV) build

$(READY): pyproject.toml constraints.txt tools/environment.sh
	@sh tools/environment.sh $(VENV)
	@touch $(READY)
