"""Where the programs here find things. Importing this puts tests/ on sys.path,
for `testlib`.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venv"
#: Of the environment whose Python runs the program.
HG = pathlib.Path(sys.executable).with_name("hg")
MOTO_SERVER = VENVS / "services" / "bin" / "moto_server"
POSTGRESQL = VENVS / "postgresql"
REPOSITORIES = VENVS / "benchmark-repos"

sys.path.insert(0, os.fspath(ROOT / "tests"))
