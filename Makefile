# Every target sets up what it needs below .venv/ and reuses it afterwards.
#
#   make demo [REPO=path]    a server with an S3 cache, and a client cloning from it
#   make serve REPO=path     the same server, left running
#   make test [TESTS="test-x.t tests/unit/test_y.py"] [ARGS="--hg 7.2 -k name"]
#   make test-unit [ARGS=...]
#   make fuzz [ARGS="--examples 1000 --seed 42"]    differential tests, random examples
#   make bench [PROGRAM=v2_clone|v2_herd|v2_growth|v2_admission] [ARGS=...]
#   make clean

PYTHON ?= python3
PROGRAM ?= v2_clone
SETUP = @$(PYTHON) tools/setup_env.py
RUN_TESTS = @$(PYTHON) tools/run_tests.py
HG60_PYTHON = .venv/hg-6.0.3/bin/python

.PHONY: demo serve test test-unit fuzz bench clean

demo:
	$(SETUP) hg-6.0.3 services
	@$(HG60_PYTHON) benchmarks/demo.py $(if $(REPO),--repo "$(REPO)") $(ARGS)

serve:
	@test -n "$(REPO)" || { echo "name a repository: make serve REPO=path" >&2; exit 2; }
	$(SETUP) hg-6.0.3 services
	@$(HG60_PYTHON) benchmarks/demo.py --serve --repo "$(REPO)" $(ARGS)

test:
	$(SETUP) hg-6.0.3 hg-7.2 services ministack sdist-6.0.3 sdist-7.2
	$(RUN_TESTS) $(ARGS) $(TESTS)

test-unit:
	$(SETUP) hg-6.0.3 hg-7.2 services ministack
	$(RUN_TESTS) --unit-only $(ARGS) $(TESTS)

fuzz:
	$(SETUP) hg-6.0.3 hg-7.2 services
	@$(PYTHON) tools/fuzz.py $(ARGS)

bench:
	$(SETUP) hg-6.0.3 services
	@$(HG60_PYTHON) benchmarks/$(PROGRAM).py $(ARGS)

clean:
	rm -rf .venv
