"""Run the differential tests with many random examples.

    python3 tools/fuzz.py [--examples N] [--seed N] [--unshrunk] [--hg VERSION]
                          [-k EXPRESSION]

Prints the seed first, and how to repeat the run when it fails. An example that
fails is shrunk, which may take some minutes, and a quarter of an hour where
servers are slow.
"""

import argparse
import random
import signal
import sys

from common import ROOT, VENV_DIR, say
from run_tests import (
    ENVS,
    PYTEST_NOTHING_RAN,
    base_environment,
    call,
    differential_tests,
)


def parse_arguments(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    hgs = [env[len("hg-") :] for env in ENVS]
    parser.add_argument(
        "--examples",
        type=int,
        default=100,
        help="repositories for each test, each with about ten requests (default: 100)",
    )
    parser.add_argument("--seed", type=int, help="repeat the run that had this one")
    parser.add_argument(
        "--unshrunk", action="store_true", help="show what fails as it was drawn"
    )
    parser.add_argument("--hg", choices=hgs, help="only servers of this Mercurial")
    parser.add_argument("-k", metavar="EXPRESSION", help="passed on to pytest")
    options = parser.parse_args(argv)
    if options.examples < 1:
        parser.error("--examples must be at least 1")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2**32)
    options.envs = [env for env in ENVS if options.hg in (None, env[len("hg-") :])]
    return options


def how_to_repeat(options):
    """The command line that does the same again."""
    arguments = "--seed %d --examples %d" % (options.seed, options.examples)
    if options.hg:
        arguments += " --hg %s" % options.hg
    if options.k:
        arguments += " -k '%s'" % options.k
    return 'make fuzz ARGS="%s"' % arguments


def main(argv=None):
    options = parse_arguments(argv)
    # SIGTERM takes the same way out as Ctrl-C: by an exception.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    statuses = []
    for env in options.envs:
        say("== %s: %s" % (env, how_to_repeat(options)))
        # -s shows what a test prints when it passes: its counts.
        command = [VENV_DIR / env / "bin" / "python", "-m", "pytest", "-q", "-s"]
        command += ["-o", "cache_dir=%s" % (VENV_DIR / "pytest-cache")]
        command += ["-k", options.k] if options.k else []
        environ = base_environment(env)
        # Read by tests/differential/examples.py.
        environ["HGS3_FUZZ_EXAMPLES"] = str(options.examples)
        environ["HGS3_FUZZ_SEED"] = str(options.seed)
        environ["HGS3_FUZZ_UNSHRUNK"] = "1" if options.unshrunk else ""
        status = call(command + differential_tests(env), ROOT, environ)
        if status == PYTEST_NOTHING_RAN:
            continue  # by -k: not with this Mercurial
        if status:
            say("failed; to repeat: %s" % how_to_repeat(options))
        statuses.append(status)
    return max(statuses, default=PYTEST_NOTHING_RAN)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
