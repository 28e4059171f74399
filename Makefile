# make demo      a private synthetic copy of a real table, measured and drawn (no network but pip's)
# make test      lint, format, types, tests: what continuous integration runs first
# make test-newest the same tests on the newest Python of this machine, if that is newer than python3
# make test-slow   properties on many more examples (some minutes)
# make fuzz      malformed inputs by the thousand, their counts stored in doc/privacy (some minutes)
# make audit     attacks on every release, its results stored in doc/privacy (some minutes)
# make membership  attacks on rows sampled from fits of Adult, stored likewise (half an hour)
# make test-d3p  the same tests beside d3p, in an environment of Python 3.11 with older versions
# make doc       the documentation, warnings as errors
# make bench     the figures of the documentation; its tables are read from $SKDPSYNTH_DATA
# make clean     remove environments and everything built

PYTHON ?= python3
VENV ?= .venv
VENV_DEMO ?= .venv-demo
VENV_D3P ?= .venv-d3p
VENV_NEWEST ?= .venv-newest
SKDPSYNTH_DATA ?= ../shared/data
export SKDPSYNTH_DATA

BIN = $(VENV)/bin
METADATA = setup.cfg pyproject.toml

.PHONY: demo test test-newest test-slow fuzz audit membership test-d3p doc bench clean

demo: $(VENV_DEMO)/.installed-demo
	$(VENV_DEMO)/bin/python -m skdpsynth demo

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile

test-newest:
	@newest="$$(.ci/newer_python $(PYTHON))"; \
	if test -z "$$newest"; then \
	  echo "make test-newest: skipped, this machine has no Python newer than $$($(PYTHON) -V)"; \
	else \
	  version="$$("$$newest" -V)"; \
	  echo "make test-newest: the tests on $$version, $$newest"; \
	  test "$$($(VENV_NEWEST)/bin/python -V 2>/dev/null)" = "$$version" || rm -rf $(VENV_NEWEST); \
	  $(MAKE) --no-print-directory test-newest-found NEWEST="$$newest"; \
	fi

test-newest-found: $(VENV_NEWEST)/.installed-newest
	$(VENV_NEWEST)/bin/pytest -n 2 --dist loadfile

test-slow: $(VENV)/.installed-test
	$(BIN)/pytest -n 2 -m "hypothesis and not slow" --hypothesis-profile slow

fuzz: $(VENV)/.installed-test
	PYTHONPATH=tests $(BIN)/python -m test_fuzz

audit: $(VENV)/.installed-test
	PYTHONPATH=tests $(BIN)/python -m test_privacy.audit

membership: $(VENV)/.installed-test
	PYTHONPATH=tests $(BIN)/python -m test_privacy.membership

test-d3p: $(VENV_D3P)/.installed-d3p
	$(VENV_D3P)/bin/pytest -n 2 --dist loadfile

doc: $(VENV)/.installed-doc
	$(BIN)/sphinx-build -W --keep-going -b html doc doc/_build/html

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/utility.py adult

# The package is installed in place: only a change of its metadata asks for another install.
$(VENV_DEMO)/.installed-demo: $(METADATA)
	$(check_python)
	$(PYTHON) -m venv $(VENV_DEMO)
	$(VENV_DEMO)/bin/python -m pip install --quiet -e ".[demo]"
	@touch $@

$(VENV)/.installed-test: $(METADATA)
	$(check_python)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e ".[test,arrow,benchmark,mbi]"
	@touch $@

# mbi is a reference that few tests compare with: it may be behind the newest versions.
$(VENV_NEWEST)/.installed-newest: $(METADATA)
	$(NEWEST) -m venv $(VENV_NEWEST)
	$(VENV_NEWEST)/bin/python -m pip install --quiet -e ".[test,arrow,benchmark,mbi]" || \
	  $(VENV_NEWEST)/bin/python -m pip install --quiet -e ".[test,arrow,benchmark]"
	@touch $@

$(VENV_D3P)/.installed-d3p: $(METADATA)
	$(make_d3p_venv)
	$(VENV_D3P)/bin/python -m pip install --quiet -e ".[d3p,test]"
	@touch $@

$(VENV)/.installed-doc: $(METADATA)
	$(check_python)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e ".[doc]"
	@touch $@

define check_python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "skdpsynth needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>/dev/null || echo absent)." >&2; \
  echo "Name another one: make <target> PYTHON=python3.12" >&2; \
  exit 1; }
endef

# d3p needs this very version of Python: $(PYTHON) if it is that, else another that can be found.
define make_d3p_venv
@if test -x $(VENV_D3P)/bin/python; then :; \
elif $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
  $(PYTHON) -m venv $(VENV_D3P); \
elif python3.11 -c '' 2>/dev/null; then \
  python3.11 -m venv $(VENV_D3P); \
elif command -v uv >/dev/null; then \
  uv venv --quiet --seed --python 3.11 $(VENV_D3P); \
else \
  echo "d3p needs Python 3.11; $(PYTHON) is $$($(PYTHON) -V 2>/dev/null || echo absent)." >&2; \
  echo "Install uv, which gets one, or name one: make test-d3p PYTHON=python3.11" >&2; \
  exit 1; \
fi
endef

clean:
	rm -rf $(VENV) $(VENV_DEMO) $(VENV_D3P) $(VENV_NEWEST) build dist demo_output doc/_build doc/generated doc/auto_examples
	rm -rf .pytest_cache .mypy_cache .ruff_cache *.egg-info
	find skdpsynth tests -name __pycache__ -type d -prune -exec rm -rf {} +
