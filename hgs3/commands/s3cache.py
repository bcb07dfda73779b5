"""``hg s3cache ACTION``: which actions there are, and what each may be given."""

from . import check, inventory, publish, purge, warm
from .actions import Actions

ACTIONS = Actions(
    b"s3cache",
    {
        b"check": (check.run, ()),
        b"list": (inventory.run_list, ("command",)),
        b"stat": (inventory.run_stat, ()),
        b"purge": (purge.run, ("all", "older_than", "yes")),
        b"warm": (warm.run, ("stream",)),
        b"publish": (publish.run, ()),
    },
    with_arguments=frozenset((b"publish",)),
    internal=frozenset((b"publish",)),
    # What it needs is in the user's or the system's configuration.
    without_repository=frozenset((b"check",)),
)

run = ACTIONS.run
