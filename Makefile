# Every target sets up what it needs below .venv/ and reuses it afterwards.
#
#   make demo [REPO=path]    a server with an S3 cache, and a client cloning from it
#   make demo HG=7.2         the same with today's Mercurial, and a folder as its cache
#   make serve REPO=path [HG=7.2]    such a server, left running
#   make test [TESTS="test-x.t tests/unit/test_y.py"] [ARGS="--hg 7.2 -k name"]
#   make test-unit [ARGS=...]
#   make fuzz [ARGS="--examples 1000 --seed 42"]    differential tests, random examples
#   make bench [PROGRAM=v2_clone|v2_herd|v2_growth|v2_admission] [ARGS=...]
#   make bench PROGRAM=v1_pull|v1_fleet|try_push|pushlog [HG=6.0.3] [ARGS=...]
#   make clean

PYTHON ?= python3
# Mercurial itself puts HG, the path of hg, into the environment of what it runs.
ifeq ($(origin HG),environment)
HG =
endif
unexport HG
PROGRAM ?= v2_clone
SETUP = @$(PYTHON) tools/setup_env.py
RUN_TESTS = @$(PYTHON) tools/run_tests.py
# Wire protocol version 2 is in 6.0.3 only: version 1 is shown with today's.
DEMO_HG = hg-$(or $(HG),6.0.3)
DEMO = @.venv/$(DEMO_HG)/bin/python benchmarks/$(if $(HG:6.0%=),demo_v1,demo).py
BENCH_HG = hg-$(or $(HG),$(if $(filter v1_% try_% pushlog,$(PROGRAM)),7.2,6.0.3))

.PHONY: demo serve test test-unit fuzz bench clean

demo:
	$(SETUP) $(DEMO_HG) services
	$(DEMO) $(if $(REPO),--repo "$(REPO)") $(ARGS)

serve:
	@test -n "$(REPO)" || { echo "name a repository: make serve REPO=path" >&2; exit 2; }
	$(SETUP) $(DEMO_HG) services
	$(DEMO) --serve --repo "$(REPO)" $(ARGS)

test:
	$(SETUP) hg-6.0.3 hg-7.2 services ministack postgresql sdist-6.0.3 sdist-7.2
	$(RUN_TESTS) $(ARGS) $(TESTS)

test-unit:
	$(SETUP) hg-6.0.3 hg-7.2 services ministack postgresql
	$(RUN_TESTS) --unit-only $(ARGS) $(TESTS)

fuzz:
	$(SETUP) hg-6.0.3 hg-7.2 services
	@$(PYTHON) tools/fuzz.py $(ARGS)

bench:
	$(SETUP) $(BENCH_HG) services $(if $(filter try_% pushlog,$(PROGRAM)),postgresql)
	@.venv/$(BENCH_HG)/bin/python benchmarks/$(PROGRAM).py $(ARGS)

clean:
	rm -rf .venv
