"""``hg s3try ACTION``: which actions there are, and what each may be given."""

from mercurial import error
from mercurial.i18n import _

from ..trybundles import trystore
from . import tryclean, trylist, tryverify
from .actions import Actions

ACTIONS = Actions(
    b"s3try",
    {
        b"list": (trylist.run_list, ("limit",)),
        b"show": (trylist.run_show, ()),
        b"verify": (tryverify.run, ()),
        b"gc": (tryclean.run_gc, ("older_than", "yes")),
        b"expire": (tryclean.run_expire, ("older_than", "yes")),
        b"migrate": (tryclean.run_migrate, ()),
    },
    with_arguments=frozenset((b"show",)),
)


def run(ui, repo, actions, opts):
    """The exit code of ``hg s3try ACTIONS...``; raises error.Abort."""
    if not trystore.is_on(repo):
        # An empty database would be made, and what it says be believed.
        raise error.Abort(
            _(b"try is not enabled for this repository"),
            hint=_(b"set s3try.enabled, or use -R to name the one that is served"),
        )
    return ACTIONS.run(ui, repo, actions, opts)
