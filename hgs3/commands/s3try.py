"""``hg s3try ACTION``: which actions there are, and what each may be given."""

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

run = ACTIONS.run
