"""Install hg-s3: folder hgext/ becomes modules of Mercurial's namespace for
third-party extensions (hgext3rd), so that an hgrc needs no path.

``hgext3rd/__init__.py`` belongs to Mercurial: modules are listed one by one,
because a package would bring an ``__init__.py`` that overwrites it.
"""

import pathlib

from setuptools import find_packages, setup

EXTENSIONS = sorted(
    path.stem for path in (pathlib.Path(__file__).parent / "hgext").glob("*.py")
)

setup(
    packages=find_packages(include=["hgs3", "hgs3.*"]),
    package_dir={"hgext3rd": "hgext"},
    py_modules=["hgext3rd.%s" % name for name in EXTENSIONS],
)
