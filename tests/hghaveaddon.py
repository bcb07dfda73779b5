"""The file that Mercurial's hghave looks for beside the tests; the predicates
themselves are in hghave_extra.py at the top of the tree."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import hghave_extra

assert hghave_extra  # imported for the predicates that it registers
