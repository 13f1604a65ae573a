# Everything a fresh machine needs is python3, make and git: each target makes its own .venv.
# Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: help lab test test-load test-container test-container-all test-python313 check bench fuzz labs states settings offline constraints dist clean distclean python

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: $(VENV)/.lab ## open the notebooks in JupyterLab
	@$(BIN)/mailsim lab

test: check ## all checks and all tests: what CI runs
	$(BIN)/pytest --nbval --nbval-current-env labs/src/fr
	$(BIN)/pytest -n 2

test-load: $(VENV)/.test ## the lab under load, cut off and killed: what CI runs after the tests
	$(BIN)/pytest tests/load -o python_files='load_*.py' --timeout 0

# A scanner of tests/scans, in an environment of its own: it wants an older cryptography than ours.
SSLYZE := $(VENV)/scanners/bin/sslyze
$(SSLYZE): | $(VENV)/.test
	$(PYTHON) -m venv $(VENV)/scanners
	$(VENV)/scanners/bin/python -m pip install -q --disable-pip-version-check sslyze==6.3.1

# The labs' home: with its authority kept, images are built once for all suites, and kept too.
CONTAINER := $(BIN)/pytest $(wildcard tests/lab/container tests/contract tests/fidelity tests/scans) \
	-m 'container or inventory' -n 2 --dist loadfile --timeout 0
test-container test-container-all test-python313: export MAILSIM_TEST_HOME ?= $(CURDIR)/build/labs
test-container test-container-all: export MAILSIM_CONTRACT_RESULTS ?= $(CURDIR)/build/contract.json

test-container: $(VENV)/.test $(SSLYZE) ## the real system in containers, built where it is missing (root, podman or docker)
	$(BIN)/python tools/images.py mail tls sieve
	$(CONTAINER)

test-container-all: $(VENV)/.test $(SSLYZE) ## the same at every stage
	$(BIN)/python tools/images.py all
	MAILSIM_CONTRACT_STAGES=all $(CONTAINER)

test-python313: $(VENV)/.test ## the core's tests under Python 3.13, in the container of Debian 13
	$(BIN)/python tools/python313.py

check: $(VENV)/.test ## style, types (for Windows too) and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/lint-imports

bench: $(VENV)/.test ## the benchmarks of tests/perf
	$(BIN)/pytest tests/perf -o python_files='bench_*.py' -m perf --timeout 0 -s

fuzz: $(VENV)/.test ## every Hypothesis test, at length (MAILSIM_FUZZ_EXAMPLES=5000 each)
	$(BIN)/pytest -n 2 -m hypothesis --hypothesis-profile fuzz --timeout 0

labs: $(VENV)/.test ## run the notebooks of labs/src, write the students' copies and docs/labs.md
	$(BIN)/python tools/store_labs.py
	$(BIN)/python tools/student_labs.py
	$(BIN)/python tools/lab_table.py

states: $(VENV)/.test ## docs/states: the state diagrams, from the transition tables
	$(BIN)/python tools/state_diagrams.py

settings: $(VENV)/.test ## mailsim/lab/settings.json: what provision/ sets, release by release and stage by stage (ansible)
	$(BIN)/python -m tools.settings

offline: $(VENV)/.lab ## build/offline: wheels for Linux, Windows and macOS, to install without a network
	$(BIN)/python tools/offline.py

constraints: ## constraints.txt anew, from a fresh install of what is newest
	@$(PYTHON) tools/freeze.py

dist: $(VENV)/.test ## dist/: the source archive and the wheel
	$(BIN)/python -m build --no-isolation

clean: ## remove what the targets made, but not .venv
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## remove .venv too
	rm -rf $(VENV)

# The stamps: made anew when what is to be installed changes.
$(VENV)/.lab $(VENV)/.test: $(VENV)/.%: pyproject.toml constraints.txt tools/bootstrap.py | python
	@$(PYTHON) tools/bootstrap.py $*

# In make and not in the script: an old Python would not even parse the script.
python:
	@command -v $(PYTHON) >/dev/null || { echo "mailsim needs Python 3.11 or later, and there is no $(PYTHON) here; if it has another name: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("mailsim needs Python 3.11 or later; $(PYTHON) is %d.%d. If a newer one has another name: make PYTHON=python3.12 ..." % sys.version_info[:2])'
