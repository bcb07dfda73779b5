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

REQUIRES = [
    # The first with request_checksum_calculation, which stores that are not
    # Amazon's need switched off.
    "boto3>=1.36",
    # The first with the interfaces that hgs3/database/ is written for.
    "SQLAlchemy>=2,<3",
    # Wire protocol version 2 was removed in Mercurial 6.1. Not a list of the
    # extra, which becomes `extra == "v2"`: pip (seen: 23.0.1 and 25.0.1
    # with Python 3.8) takes this v2 for a version number and crashes for
    # whoever installs us, with the extra or without. This way round it is
    # compared as a name: tried with pip 24.1 to 26.3, and 23.2.1 with Python
    # 3.11. Older ones still crash with Python 3.10 and before.
    'mercurial>=5.9,<6.1; "v2" == extra',
]

setup(
    install_requires=REQUIRES,
    extras_require={
        "v2": [],
        # What SQLAlchemy talks to a database server with; SQLite needs nothing.
        "postgresql": ["psycopg[binary]>=3.1"],
        "mysql": ["PyMySQL>=1"],
    },
    packages=find_packages(include=["hgs3", "hgs3.*"]),
    package_dir={"hgext3rd": "hgext"},
    py_modules=["hgext3rd.%s" % name for name in EXTENSIONS],
)
