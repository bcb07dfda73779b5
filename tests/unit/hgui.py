"""Mercurial's ui with our settings, on every Mercurial."""

import importlib.util
import pathlib

from mercurial import configitems
from mercurial import ui as uimod

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECTION = b"s3wireprotocache"

try:
    # hg >= 7.0: the modules are not usable before this.
    from mercurial import initialization
except ImportError:
    initialization = None
else:
    initialization.init()


def load_extension(name):
    """The module of an extension out of the tree: hgext/ is no package."""
    path = ROOT / "hgext" / (name + ".py")
    spec = importlib.util.spec_from_file_location("hgs3_%s_under_test" % name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXTENSION = load_extension("s3wireprotocache")
TRY_SECTION = b"s3try"
TRY_EXTENSION = load_extension("s3try")
PUSHLOG_SECTION = b"pushlog"
PUSHLOG_EXTENSION = load_extension("pushlog")


def make_ui(**settings):
    """A ui with nothing but ``settings``; names with _ for -, text."""
    ui = uimod.ui()
    configitems.loadconfigtable(ui, SECTION, EXTENSION.configtable)
    configitems.loadconfigtable(ui, TRY_SECTION, TRY_EXTENSION.configtable)
    configitems.loadconfigtable(ui, PUSHLOG_SECTION, PUSHLOG_EXTENSION.configtable)
    for name, value in settings.items():
        set_item(ui, name.replace("_", "-"), value)
    return ui


def set_item(ui, name, value):
    ui.setconfig(SECTION, name.encode(), value.encode("utf-8", "surrogateescape"))


def make_try_ui(**settings):
    """As make_ui, for the section of try."""
    ui = make_ui()
    for name, value in settings.items():
        ui.setconfig(
            TRY_SECTION, name.replace("_", "-").encode(), value.encode("utf-8")
        )
    return ui
