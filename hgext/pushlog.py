# Copyright 2026 the hg-s3 authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
"""log who pushed what, and when, in a database (EXPERIMENTAL)

TODO
"""

from mercurial import configitems, registrar

import hgs3
from hgs3 import crossing, pushlogsettings, settings
from hgs3.pushes import setup

testedwith = b"6.0.3 7.2.4"
minimumhgversion = b"5.9"

configtable = {}
configitem = registrar.configitem(configtable)
for _name, _default in pushlogsettings.DEFAULTS:
    configitem(pushlogsettings.SECTION, _name, default=_default)

#: The section that says what the repository is called, for when its own extension
#: is off.
_storetable = {}
_storeitem = registrar.configitem(_storetable)
for _name, _default in settings.DEFAULTS:
    _storeitem(settings.SECTION, _name, default=_default)


def getversion():
    """What ``hg version -v`` says; bytes."""
    return crossing.to_bytes(hgs3.__version__)


def uisetup(ui):
    # After the items of all extensions have been registered.
    if settings.SECTION not in ui._knownconfig:
        configitems.loadconfigtable(ui, b"pushlog", _storetable)


def extsetup(ui):
    setup.setup()


def reposetup(ui, repo):
    setup.reposetup(repo)
